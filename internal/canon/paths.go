package canon

import (
	"fmt"
	"strings"
)

// action is what happens to a member that a path names.
type action uint8

const (
	keep action = iota
	drop
	hashed
	masked
)

// rules is a tree of member names.
type rules struct {
	act   action
	names map[string]*rules
}

// add records act for a dotted path. A dot within a name is written `\.`.
func (r *rules) add(path string, act action) error {
	at := r
	for _, name := range splitPath(path) {
		if name == "" {
			return fmt.Errorf("path %q has an empty name", path)
		}
		next := at.names[name]
		if next == nil {
			next = new(rules)
			if at.names == nil {
				at.names = make(map[string]*rules)
			}
			at.names[name] = next
		}
		at = next
	}
	if at.act != keep {
		return fmt.Errorf("path %q is named twice", path)
	}
	at.act = act
	return nil
}

func splitPath(path string) []string {
	var names []string
	var name strings.Builder
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path) && (path[i+1] == '.' || path[i+1] == '\\'):
			i++
			name.WriteByte(path[i])
		case path[i] == '.':
			names = append(names, name.String())
			name.Reset()
		default:
			name.WriteByte(path[i])
		}
	}
	return append(names, name.String())
}

// camel also files every name under its lowerCamelCase form, so that a field
// can be named as the .proto file spells it.
func (r *rules) camel() error {
	for name, child := range r.names {
		if err := child.camel(); err != nil {
			return err
		}
		c := JSONName(name)
		if c == name {
			continue
		}
		if other := r.names[c]; other != nil && other != child {
			return fmt.Errorf("paths name both %q and %q, which is the same field", name, c)
		}
		r.names[c] = child
	}
	return nil
}

// JSONName returns the member name that protobuf gives to a field: without
// underscores, and with the letter after each of them in upper case.
func JSONName(field string) string {
	if strings.IndexByte(field, '_') < 0 {
		return field
	}
	b := make([]byte, 0, len(field))
	upper := false
	for i := range len(field) {
		c := field[i]
		switch {
		case c == '_':
			upper = true
			continue
		case upper && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		upper = false
		b = append(b, c)
	}
	return string(b)
}

// Paths is a set of payload fields; nil is the empty set. It is safe for
// concurrent use.
type Paths struct{ root rules }

// NewPaths compiles dotted paths. A path reaches through arrays into every
// element, and a name matches the member of that name or of its
// lowerCamelCase form.
func NewPaths(paths []string) (*Paths, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	p := new(Paths)
	for _, path := range paths {
		if err := p.root.add(path, drop); err != nil {
			return nil, err
		}
	}
	return p, p.root.camel()
}

// Without appends the JSON text payload in canonical form, without the fields
// in paths, to dst. Without paths it copies payload, which must then be
// canonical already.
func Without(dst, payload []byte, paths *Paths) ([]byte, error) {
	if paths == nil {
		return append(dst, payload...), nil
	}
	return (&Protect{root: paths.root}).Append(dst, payload)
}
