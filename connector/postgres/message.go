package postgres

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
)

// fits reports why the columns of m cannot be read from t.
func (m Message) fits(t *table) error {
	if m.Value == "" {
		return nil
	}
	for name, column := range map[string]string{"value": m.Value, "type": m.Type, "source": m.Source, "id": m.ID} {
		if column == "" {
			continue
		}
		c := t.column(column)
		if c == nil {
			return &tidemill.Error{Code: tidemill.NotFound, Op: "read " + t.name.String(), Err: fmt.Errorf("it has no column %q", column), Hint: "message." + name + " names a column of every table that is read"}
		}
		if name == "value" && bodies(c.Field().Type) == nil {
			return &tidemill.Error{Code: tidemill.Invalid, Op: "read " + t.name.String(), Err: fmt.Errorf("column %q holds no bodies of messages", column), Hint: "message.value is a column of type text, json, jsonb or bytea"}
		}
	}
	return nil
}

// bodies returns what reads a value of a column as bytes, or nil where its
// type has none.
func bodies(t arrow.DataType) func(a arrow.Array, i int) []byte {
	if ext, ok := t.(arrow.ExtensionType); ok {
		if ext.StorageType().ID() != arrow.STRING {
			return nil
		}
		inner := bodies(ext.StorageType())
		return func(a arrow.Array, i int) []byte { return inner(a.(array.ExtensionArray).Storage(), i) }
	}
	switch t.ID() {
	case arrow.STRING:
		return func(a arrow.Array, i int) []byte { return []byte(a.(*array.String).Value(i)) }
	case arrow.BINARY:
		return func(a arrow.Array, i int) []byte { return append([]byte{}, a.(*array.Binary).Value(i)...) }
	}
	return nil
}

// messages makes the rows of a record messages. A NULL body is an empty one.
func (m Message) messages(t *table, rec arrow.RecordBatch) ([]tidemill.Message, error) {
	find := func(name string) arrow.Array {
		for i, f := range rec.Schema().Fields() {
			if f.Name == name && name != "" {
				return rec.Column(i)
			}
		}
		return nil
	}
	value, typ, source, id := find(m.Value), find(m.Type), find(m.Source), find(m.ID)
	if value == nil {
		return nil, errors.New("read messages: no column of bodies") // fits has looked
	}
	read := bodies(value.DataType())
	table, json := t.name.String(), arrow.TypeEqual(value.DataType(), tidemill.JSON())
	out := make([]tidemill.Message, rec.NumRows())
	for i := range out {
		out[i] = tidemill.Message{Source: text(source, i), Type: text(typ, i), ID: text(id, i), Meta: map[string]string{"table": table}}
		if source == nil {
			out[i].Source = table
		}
		if json {
			out[i].Meta[decode.MetaFormat] = "json" // also where the pipeline's other messages are protobuf
		}
		if value.IsValid(i) {
			out[i].Value = read(value, i)
		}
	}
	return out, nil
}

// text returns a value as text, "" for NULL or no column.
func text(a arrow.Array, i int) string {
	if a == nil || a.IsNull(i) {
		return ""
	}
	return a.ValueStr(i)
}
