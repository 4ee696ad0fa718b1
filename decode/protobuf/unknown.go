package protobuf

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// unknown writes unknown records as base64, in the order of their field
// numbers; those of one field stay in the order in which they came.
func (w *writer) unknown(raw []byte) error {
	type record struct {
		number     protowire.Number
		start, end int
	}
	var few [8]record
	records, ordered := few[:0], true
	for at := 0; at < len(raw); {
		number, _, n := protowire.ConsumeField(raw[at:])
		if n < 0 {
			return protowire.ParseError(n)
		}
		if k := len(records); k > 0 && records[k-1].number > number {
			ordered = false
		}
		records = append(records, record{number, at, at + n})
		at += n
	}
	if ordered {
		w.buf = appendBase64(w.buf, raw)
		return nil
	}
	slices.SortStableFunc(records, func(a, b record) int { return int(a.number) - int(b.number) })
	inOrder := make([]byte, 0, len(raw))
	for _, r := range records {
		inOrder = append(inOrder, raw[r.start:r.end]...)
	}
	w.buf = appendBase64(w.buf, inOrder)
	return nil
}
