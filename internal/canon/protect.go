package canon

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"sync"
)

// Mask is what a masked value becomes.
const Mask = "***"

// Protect drops, hashes and masks fields of payloads before they land; nil
// protects nothing. It is safe for concurrent use.
//
// The paths are those of NewPaths. A hashed value becomes the hex
// HMAC-SHA-256, keyed by the salt, of a string's content or of any other
// value's canonical text; a masked one becomes Mask. Null stays null, and of
// an array every element is protected.
type Protect struct {
	root rules
	macs *sync.Pool
}

// NewProtect compiles the rules. Salt must not be empty where hash is not.
func NewProtect(drops, hashes, masks []string, salt string) (*Protect, error) {
	if len(drops)+len(hashes)+len(masks) == 0 {
		return nil, nil
	}
	if len(hashes) > 0 && salt == "" {
		return nil, errors.New("hash needs a salt")
	}
	p := &Protect{macs: &sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(salt)) }}}
	for act, paths := range map[action][]string{drop: drops, hashed: hashes, masked: masks} {
		for _, path := range paths {
			if err := p.root.add(path, act); err != nil {
				return nil, err
			}
		}
	}
	return p, p.root.camel()
}

// Treatment is what Protect does to a field.
type Treatment int

// The treatments. Replaced means hashed or masked: a string, or null.
const (
	Kept Treatment = iota
	Dropped
	Replaced
)

// Field returns the treatment of the member name at the top of a payload and
// the rules for what is inside it, nil if there are none.
func (p *Protect) Field(name string) (Treatment, *Protect) {
	if p == nil {
		return Kept, nil
	}
	r := p.root.names[name]
	switch {
	case r == nil:
		return Kept, nil
	case r.act == drop:
		return Dropped, nil
	case r.act != keep:
		return Replaced, nil
	}
	return Kept, &Protect{root: *r, macs: p.macs}
}

// Append appends the JSON text payload in canonical form, protected, to dst.
// On an error it returns dst as it was. A nil Protect copies payload, which
// must then be canonical already.
func (p *Protect) Append(dst, payload []byte) ([]byte, error) {
	if p == nil {
		return append(dst, payload...), nil
	}
	d := Get()
	defer d.Put()
	v, err := d.Parse(payload)
	if err != nil {
		return dst, err
	}
	out, err := p.value(dst, v, &p.root)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// value appends v, to whose members the rules r apply.
func (p *Protect) value(dst []byte, v Value, r *rules) ([]byte, error) {
	switch {
	case v.Kind() == Null:
		return append(dst, "null"...), nil
	case v.Kind() == Array:
		return p.array(dst, v, r)
	case r.act == masked:
		return AppendString(dst, Mask), nil
	case r.act == hashed:
		return p.hash(dst, v)
	case v.Kind() == Object:
		return p.object(dst, v, r)
	}
	return v.Append(dst)
}

func (p *Protect) array(dst []byte, v Value, r *rules) ([]byte, error) {
	dst = append(dst, '[')
	first := true
	for e := range v.Elements() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		var err error
		if dst, err = p.value(dst, e, r); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func (p *Protect) object(dst []byte, v Value, r *rules) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	for name, member := range v.Members() {
		rule := r.names[string(name.Bytes())]
		if rule != nil && rule.act == drop {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = name.appendString(dst)
		dst = append(dst, ':')
		var err error
		if rule == nil {
			dst, err = member.Append(dst)
		} else {
			dst, err = p.value(dst, member, rule)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func (p *Protect) hash(dst []byte, v Value) ([]byte, error) {
	text := v.Bytes()
	if v.Kind() != String {
		var err error
		if text, err = v.Append(nil); err != nil {
			return dst, err
		}
	}
	mac := p.macs.Get().(hash.Hash)
	defer p.macs.Put(mac)
	mac.Reset()
	mac.Write(text)
	dst = append(dst, '"')
	dst = hex.AppendEncode(dst, mac.Sum(nil))
	return append(dst, '"'), nil
}
