// Package redact keeps secrets out of everything that is printed.
//
// A [Secret] prints as *** whatever the verb or the encoder. Text that others
// made, such as a driver's error, goes through [Text], which takes out every
// value that was given to [Register] and the password of every URL. A value
// that was never registered cannot be recognised: whoever reads a secret
// registers it before it is used.
package redact

import (
	"fmt"
	"io"
	"log/slog"
)

// Mask is what stands in the place of a secret.
const Mask = "***"

// Secret is a string that prints as ***. Its zero value is empty. Two Secrets
// are compared by what Reveal returns; == compares where they are kept.
type Secret struct {
	// A pointer, because fmt prints unexported fields of other packages'
	// structs without asking their methods: it then prints an address.
	value *string
}

// New returns s as a Secret. It does not register s.
func New(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: &s}
}

// Reveal returns the secret itself, for the one call that needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return s.value == nil }

// String returns ***.
func (Secret) String() string { return Mask }

// GoString returns ***.
func (Secret) GoString() string { return Mask }

// Format writes *** for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// MarshalText returns ***, which also serves encoding/json and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalJSON returns "***".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// LogValue returns ***.
func (Secret) LogValue() slog.Value { return slog.StringValue(Mask) }
