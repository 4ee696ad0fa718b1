package land

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
)

// envelopeFields are the columns of an envelope after those of the system.
func envelopeFields() []arrow.Field {
	return []arrow.Field{
		{Name: "source", Type: arrow.BinaryTypes.String},
		{Name: "type", Type: arrow.BinaryTypes.String},
		{Name: "message_id", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "payload", Type: tidemill.JSON()},
		{Name: "meta", Type: tidemill.JSON(), Nullable: true},
	}
}

// envelope lands every event in one table: where it came from, its type, and
// its payload as canonical JSON.
type envelope struct {
	*Lander
	table tidemill.Table
	keyed bool // message_id is part of the key of an upsert
	*system
	source, typ, id, payload, meta *array.StringBuilder
	buf                            []byte

	expect struct{ rows, payload, meta int } // of a batch, after the one before it
}

func newEnvelope(l *Lander, t tidemill.Table) (*envelope, error) {
	fields := append(tidemill.SystemFields(), envelopeFields()...)
	for _, column := range append(slices.Clone(t.Key), t.Version) {
		if column != "" && !slices.ContainsFunc(fields, func(f arrow.Field) bool { return f.Name == column }) {
			return nil, l.invalid("column "+column+" of an upsert is not one of an envelope",
				"use source, type or message_id, or set shape: columns")
		}
	}
	text := func() *array.StringBuilder { return array.NewStringBuilder(memory.DefaultAllocator) }
	return &envelope{
		Lander: l, table: t, keyed: slices.Contains(t.Key, "message_id"), system: newSystem(),
		source: text(), typ: text(), id: text(), payload: text(), meta: text(),
	}, nil
}

func (v *envelope) open(ctx context.Context) error {
	_, err := v.evolve(ctx, v.table, arrow.NewSchema(append(tidemill.SystemFields(), envelopeFields()...), nil))
	return err
}

func (v *envelope) duplicate(*event) { v.duplicates++ }

func (v *envelope) add(_ context.Context, e *event) error {
	if v.keyed && e.msg.ID == "" {
		return &refusal{tidemill.SchemaIncompatible, "unique_key has message_id, and the message has none"}
	}
	if v.len() == 0 {
		v.reserve()
	}
	v.system.add(e)
	v.source.Append(valid(e.msg.Source))
	v.typ.Append(valid(e.Type))
	if e.msg.ID == "" {
		v.id.AppendNull()
	} else {
		v.id.Append(valid(e.msg.ID))
	}
	v.payload.BinaryBuilder.Append(e.Payload)
	if len(e.msg.Meta) == 0 {
		v.meta.AppendNull()
	} else {
		v.buf = appendMeta(v.buf[:0], e.msg.Meta)
		v.meta.BinaryBuilder.Append(v.buf)
	}
	return nil
}

// reserve makes room for a batch like the last one, so that its columns do
// not grow by copies of themselves.
func (v *envelope) reserve() {
	v.system.reserve(v.expect.rows)
	for _, b := range []*array.StringBuilder{v.source, v.typ, v.id, v.payload, v.meta} {
		b.Reserve(v.expect.rows)
	}
	v.payload.ReserveData(v.expect.payload + v.expect.payload/16)
	v.meta.ReserveData(v.expect.meta + v.expect.meta/16)
}

func (v *envelope) close(_ context.Context, b *batch) error {
	b.made = v.moments.made()
	if v.len() == 0 && v.duplicates == 0 {
		return nil
	}
	v.expect.rows, v.expect.payload, v.expect.meta = v.len(), v.payload.DataLen(), v.meta.DataLen()
	columns := []arrow.Array{
		v.source.NewArray(), v.typ.NewArray(), v.id.NewArray(), texts(v.payload), texts(v.meta),
	}
	b.rows = append(b.rows, v.rows(v.table, v.name, b, envelopeFields(), columns))
	return nil
}

// texts returns what b holds as JSON.
func texts(b *array.StringBuilder) arrow.Array {
	storage := b.NewArray()
	defer storage.Release()
	return array.NewExtensionArrayWithStorage(tidemill.JSON().(arrow.ExtensionType), storage)
}

// appendMeta appends the metadata of a message as canonical JSON.
func appendMeta(dst []byte, meta map[string]string) []byte {
	names := make([]string, 0, 16)
	for k := range meta {
		names = append(names, k)
	}
	slices.SortFunc(names, func(a, b string) int { return canon.CompareNames([]byte(a), []byte(b)) })
	dst = append(dst, '{')
	for i, k := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = canon.AppendString(dst, valid(k))
		dst = append(dst, ':')
		dst = canon.AppendString(dst, valid(meta[k]))
	}
	return append(dst, '}')
}

// valid returns s as valid UTF-8, without a copy where it is.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
