package replica

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
	"github.com/tidemill/tidemill/decode"
)

// outbox makes messages of the rows of a table. Values come as text.
type outbox struct {
	value, typ, source, id int // columns, -1 where there is none
	bytea, json            bool
	stream                 string
}

func newOutbox(m Message, t *table) (*outbox, error) {
	o := &outbox{stream: t.stream}
	for _, c := range []struct {
		name string
		at   *int
	}{{m.Value, &o.value}, {m.Type, &o.typ}, {m.Source, &o.source}, {m.ID, &o.id}} {
		*c.at = -1
		for i, have := range t.relation.Columns {
			if have.Name == c.name {
				*c.at = i
			}
		}
		if c.name != "" && *c.at < 0 {
			return nil, &tidemill.Error{
				Code: tidemill.Invalid, Op: "read messages of " + t.stream, Err: fmt.Errorf("it has no column %q", c.name),
				Hint: "correct message in the pipeline's source, or name only tables that have the column",
			}
		}
	}
	oid := t.relation.Columns[o.value].Type
	o.bytea, o.json = oid == pgtype.ByteaOID, oid == pgtype.JSONOID || oid == pgtype.JSONBOID
	return o, nil
}

// message makes a message of a row. An error says why its value is none.
func (o *outbox) message(values []pgoutput.Value, committed time.Time) (tidemill.Message, error) {
	text := func(i int) string {
		if i < 0 || i >= len(values) {
			return ""
		}
		return string(values[i].Data)
	}
	m := tidemill.Message{Source: o.stream, Type: text(o.typ), ID: text(o.id), Time: committed, Meta: map[string]string{"table": o.stream}}
	if o.source >= 0 {
		m.Source = text(o.source)
	}
	if o.json {
		m.Meta[decode.MetaFormat] = "json" // also where the pipeline's other messages are protobuf
	}
	m.Value = []byte(text(o.value))
	if !o.bytea || len(m.Value) == 0 {
		return m, nil
	}
	digits := m.Value
	if len(digits) < 2 || digits[0] != '\\' || digits[1] != 'x' {
		return m, fmt.Errorf("the value is no bytea in hexadecimal form")
	}
	value := make([]byte, hex.DecodedLen(len(digits)-2))
	if _, err := hex.Decode(value, digits[2:]); err != nil {
		return m, fmt.Errorf("the value is no bytea: %w", err)
	}
	m.Value = value
	return m, nil
}
