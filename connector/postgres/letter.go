package postgres

import (
	"encoding/hex"
	"encoding/json"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
	"github.com/tidemill/tidemill/internal/canon"
)

// letter makes a dead letter of a row. Its value is the row as a JSON object
// of texts: a value that its column could not hold stands there as the bytes
// that the server sent, in hexadecimal digits after \x.
func letter(t *table, fields [][]byte, failed error) tidemill.DeadLetter {
	row := map[string]any{}
	for i, c := range t.columns {
		row[c.Name] = printed(c, fields[i])
	}
	value, err := json.Marshal(row)
	if err != nil {
		value = []byte(err.Error()) // cannot be: texts and nulls only
	}
	source := t.name.String()
	return tidemill.DeadLetter{
		Message:  tidemill.Message{Source: source, Value: value, Meta: map[string]string{"table": source}},
		Delivery: canon.Delivery(source, "", "", value),
		Code:     tidemill.SchemaIncompatible, Reason: failed.Error(),
	}
}

// printed returns one value as text, nil for NULL.
func printed(c column.Column, v []byte) any {
	if v == nil {
		return nil
	}
	b, err := column.NewBuilder([]column.Column{c})
	if err != nil {
		return `\x` + hex.EncodeToString(v)
	}
	defer b.Release()
	if b.Append(0, v) != nil {
		return `\x` + hex.EncodeToString(v)
	}
	rec := b.Record()
	defer rec.Release()
	return rec.Column(0).ValueStr(0)
}
