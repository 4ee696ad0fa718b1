package conf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tidemill/tidemill/internal/redact"
)

// Vars gives the values of ${VAR} and ${file:PATH} in text.
type Vars struct {
	Lookup func(name string) (string, bool)
	Dir    string // relative paths start here
}

// maxSecretFile bounds what ${file:PATH} reads.
const maxSecretFile = 1 << 20

var varName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// remedy is an error with what to do about it.
type remedy struct {
	error
	hint string
}

const forms = "the forms are ${VAR}, ${VAR:-default} and ${file:/path}; $$ is a dollar sign"

// Expand replaces ${VAR}, ${VAR:-default} (where VAR is unset or empty) and
// ${file:PATH} (without the newlines at its end) in s once, and $$ by a
// dollar sign. Any other $ is itself. With nil vars it only checks the
// syntax. It reports whether a value came from outside s.
func (vars *Vars) Expand(s string) (text string, expanded bool, err error) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			b.WriteString(s)
			return b.String(), expanded, nil
		}
		b.WriteString(s[:i])
		s = s[i:]
		switch {
		case strings.HasPrefix(s, "$$"):
			b.WriteByte('$')
			s = s[2:]
		case strings.HasPrefix(s, "${"):
			end := strings.IndexByte(s, '}')
			if end < 0 {
				return "", false, remedy{errors.New("${ is not closed"), forms}
			}
			v, err := vars.value(s[2:end])
			if err != nil {
				return "", false, err
			}
			b.WriteString(v)
			s, expanded = s[end+1:], true
		default:
			b.WriteByte('$')
			s = s[1:]
		}
	}
}

// value returns what stands for the inside of one ${}.
func (vars *Vars) value(inside string) (string, error) {
	if path, ok := strings.CutPrefix(inside, "file:"); ok {
		return vars.file(path)
	}
	name, fallback, hasFallback := strings.Cut(inside, ":-")
	if strings.Contains(fallback, "${") {
		return "", remedy{fmt.Errorf("the default of %s holds another variable", name), forms}
	}
	if !varName.MatchString(name) {
		return "", remedy{fmt.Errorf("${%s} is no variable", inside), forms}
	}
	if vars == nil {
		return "", nil
	}
	v, ok := vars.Lookup(name)
	switch {
	case hasFallback && v == "":
		return fallback, nil
	case !ok:
		return "", remedy{fmt.Errorf("%s is not set", name), fmt.Sprintf("write %s=... into .env beside tidemill.yml, or: export %s=...", name, name)}
	}
	return v, nil
}

// file reads a mounted secret. Whatever field it is for, it is one.
func (vars *Vars) file(path string) (string, error) {
	if path == "" {
		return "", remedy{errors.New("${file:} names no file"), forms}
	}
	if vars == nil {
		return "", nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(vars.Dir, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", remedy{fmt.Errorf("read secret: %w", err), "mount the file, or mend its path or permissions"}
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", remedy{fmt.Errorf("read secret: %w", err), "mount the file, or mend its path or permissions"}
	case len(b) > maxSecretFile:
		return "", remedy{fmt.Errorf("read secret %s: over %d bytes", path, maxSecretFile), "name the file that holds the secret alone"}
	}
	v := strings.TrimRight(string(b), "\r\n")
	redact.Register(v)
	return v, nil
}
