package land

import (
	"bytes"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
)

// rules are what a pipeline does to each event before it is stored. They are
// safe for concurrent use.
type rules struct {
	exclude  *canon.Paths   // fields that do not count in the key
	protect  *canon.Protect // nil protects nothing
	withhold bool           // bytes of messages that cannot be decoded, and so not be protected
}

func (l *Lander) newRules() (r rules, err error) {
	p := l.cfg.Pipeline
	r.withhold = p.Dead.Undecodable == "withhold"
	if r.exclude, err = canon.NewPaths(p.Land.Key.Exclude); err != nil {
		return r, l.invalid("land.key.exclude: "+err.Error(), "write fields as dotted paths, as in customer.updated_at")
	}
	r.protect, err = canon.NewProtect(p.Land.Drop, p.Land.Hash, p.Land.Mask, p.Land.Salt.Reveal())
	if err != nil {
		return r, l.invalid("land: "+err.Error(), "name each field once, as a dotted path, and give hash a salt")
	}
	return r, nil
}

// apply computes the identities of e from what the producer sent, and only
// then protects its payload.
func (r *rules) apply(e *event) error {
	e.hash = canon.PayloadHash(e.Identity, e.Payload)
	counts := e.Payload
	if r.exclude != nil && e.msg.ID == "" {
		var err error
		if e.spare, err = canon.Without(e.spare[:0], e.Payload, r.exclude); err != nil {
			return err
		}
		counts = e.spare
	}
	e.key = canon.Key(e.Identity, e.msg.ID, counts)
	if r.protect == nil {
		return nil
	}
	var err error
	if e.spare, err = r.protect.Append(e.spare[:0], e.Payload); err != nil {
		return err
	}
	e.Payload = e.spare
	return nil
}

// letter returns the dead letter of e. What of it was decoded is protected
// like a row; what could not be decoded is kept or withheld as configured.
func (r *rules) letter(e *event) tidemill.DeadLetter {
	d := tidemill.DeadLetter{Message: storable(*e.msg), Delivery: e.delivery, Code: e.code, Reason: e.reason}
	if e.decoded {
		d.Key, d.PayloadHash = e.key, e.hash
	}
	switch {
	case r.protect == nil:
	case e.decoded:
		d.Protected = true
		d.Message.Type = valid(e.Type)
		d.Message.Value = bytes.Clone(e.Payload)
	case r.withhold && len(d.Message.Value) > 0:
		d.Message.Value = nil
		d.Reason = oneLine(d.Reason + withheld)
	}
	return d
}

// withheld ends the reason of a letter whose bytes were not stored.
const withheld = "; its bytes are withheld"
