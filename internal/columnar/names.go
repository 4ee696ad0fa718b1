package columnar

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

// MaxName bounds a column's name in bytes; every warehouse takes that much.
const MaxName = 63

// ColumnName returns the column for a JSON member: the name itself where it
// is made of ASCII letters, digits and _, does not begin with a digit, is at
// most MaxName long and is none of Tidemill's own; else its safe beginning
// and a hash of the whole, so that two members do not meet in one column.
func ColumnName(member string) string {
	if safeName(member) && !reserved(member) {
		return member
	}
	return hashedName(member)
}

func safeName(s string) bool {
	if s == "" || len(s) > MaxName || '0' <= s[0] && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if !safeByte(s[i]) {
			return false
		}
	}
	return true
}

func safeByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func hashedName(member string) string {
	sum := sha256.Sum256([]byte(member))
	suffix := "_" + hex.EncodeToString(sum[:4])
	b := make([]byte, 0, MaxName)
	for i := 0; i < len(member) && len(b) < MaxName-len(suffix); i++ {
		switch c := member[i]; {
		case safeByte(c):
			b = append(b, c)
		case len(b) == 0 || b[len(b)-1] != '_':
			b = append(b, '_')
		}
	}
	if len(b) == 0 || '0' <= b[0] && b[0] <= '9' {
		b = append([]byte{'_'}, b[:min(len(b), MaxName-len(suffix)-1)]...)
	}
	return string(b) + suffix
}

var reservedNames = func() []string {
	names := []string{UnknownColumn}
	for _, f := range tidemill.SystemFields() {
		names = append(names, f.Name)
	}
	return names
}()

func reserved(name string) bool {
	return name[0] == '_' && slices.ContainsFunc(reservedNames, func(r string) bool { return strings.EqualFold(r, name) })
}

// Payload returns s without the columns that every landed row begins with.
func Payload(s *arrow.Schema) *arrow.Schema {
	var fields []arrow.Field
	for _, f := range s.Fields() {
		if f.Name == UnknownColumn || !slices.Contains(reservedNames, f.Name) {
			fields = append(fields, f)
		}
	}
	meta := s.Metadata()
	return arrow.NewSchema(fields, &meta)
}

// FreeName returns ColumnName, or where one of fields has that name but for
// the case, the hashed form.
func FreeName(fields []arrow.Field, member string) string {
	name := ColumnName(member)
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return hashedName(member)
		}
	}
	return name
}
