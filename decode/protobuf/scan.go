package protobuf

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tidemill/tidemill/internal/canon"
)

// record is one field as it stands on the wire.
type record struct {
	bits  uint64 // a number's bits; or where a length-delimited value or a group begins
	end   int32  // where that value ends
	start int32  // where the tag begins
	stop  int32  // where the record ends
	next  int32  // the next record of the field, as its index + 1; 0 for none
	kind  protowire.Type
}

// slot holds the records of one field, as indexes + 1; 0 for none.
type slot struct{ first, last int32 }

// scan is a message whose records have been sorted by field. Its slots stand
// on the writer's stack: one for each field of the plan, in the plan's order,
// and one for what is unknown.
type scan struct {
	body    []byte
	plan    *plan
	slots   int // index of the first slot
	records int // length of the stack of records before
}

// scan reads the records of body. The caller pops it.
func (w *writer) scan(body []byte, p *plan) (scan, error) {
	s := scan{body: body, plan: p, slots: len(w.slots), records: len(w.records)}
	for range len(p.fields) + 1 {
		w.slots = append(w.slots, slot{})
	}
	if len(body) > math.MaxInt32 {
		return s, canon.ErrTooLarge
	}
	for at := 0; at < len(body); {
		if len(w.records) >= canon.MaxValues {
			return s, canon.ErrTooMany
		}
		number, kind, n := protowire.ConsumeTag(body[at:])
		if n < 0 {
			return s, protowire.ParseError(n)
		}
		r := record{start: int32(at), kind: kind}
		at += n
		if n = r.consume(body[at:], number, at); n < 0 {
			return s, protowire.ParseError(n)
		}
		at += n
		r.stop = int32(at)
		w.file(s, number, r)
	}
	return s, nil
}

// consume reads the value, which stands at the offset at, and returns its
// length or a code of package protowire.
func (r *record) consume(b []byte, number protowire.Number, at int) (n int) {
	switch r.kind {
	case protowire.VarintType:
		r.bits, n = protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		r.bits, n = protowire.ConsumeFixed64(b)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(b)
		r.bits = uint64(v)
	case protowire.BytesType:
		var v []byte
		if v, n = protowire.ConsumeBytes(b); n >= 0 {
			r.bits, r.end = uint64(at+n-len(v)), int32(at+n)
		}
	case protowire.StartGroupType:
		var v []byte
		if v, n = protowire.ConsumeGroup(number, b); n >= 0 {
			r.bits, r.end = uint64(at), int32(at+len(v))
		}
	default:
		return protowire.ConsumeFieldValue(number, r.kind, b) // always an error
	}
	return n
}

// file puts r into the slot of its field; a member of a oneof empties the
// slots of the others. A record whose kind does not fit its field is unknown,
// as all protobuf parsers have it.
func (w *writer) file(s scan, number protowire.Number, r record) {
	i := s.plan.indexOf(number)
	if i >= 0 && !s.plan.fields[i].fits(r.kind) {
		i = -1
	}
	w.records = append(w.records, r)
	at := int32(len(w.records))
	if i < 0 {
		w.slots[s.slots+len(s.plan.fields)].push(w, at)
		return
	}
	f := s.plan.fields[i]
	if f.oneof >= 0 {
		for _, other := range s.plan.oneofs[f.oneof] {
			if other != i {
				w.slots[s.slots+other] = slot{}
			}
		}
	}
	w.slots[s.slots+i].push(w, at)
}

func (s *slot) push(w *writer, at int32) {
	if s.first == 0 {
		s.first = at
	} else {
		w.records[s.last-1].next = at
	}
	s.last = at
}

// slot returns the records of the field with the given index in the plan.
func (w *writer) slot(s scan, i int) slot { return w.slots[s.slots+i] }

// of returns the records of the field with the given number, for messages of
// which it is known that they have it.
func (w *writer) of(s scan, number protowire.Number) slot { return w.slot(s, s.plan.indexOf(number)) }

// unknown returns the records that no field takes.
func (w *writer) unknown(s scan) slot { return w.slot(s, len(s.plan.fields)) }

// pop removes s from the stack.
func (w *writer) pop(s scan) {
	w.slots = w.slots[:s.slots]
	w.records = w.records[:s.records]
}

// bytes returns the value of a length-delimited record or a group.
func (s scan) bytes(r record) []byte { return s.body[r.bits:r.end] }

// merged returns the message of a slot: where a sender split it, its parts
// one after the other, which by protobuf's rules is their merger.
func (w *writer) merged(s scan, own slot) []byte {
	if own.first == own.last {
		return s.bytes(w.records[own.first-1])
	}
	var all []byte
	for i := own.first; i > 0; i = w.records[i-1].next {
		all = append(all, s.bytes(w.records[i-1])...)
	}
	return all
}
