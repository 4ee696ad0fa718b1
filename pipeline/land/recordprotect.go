package land

import (
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill/internal/canon"
)

// protectColumn drops, hashes or masks a column of records by the rules for
// the payload's field of that name. A dropped column is nil; a column with
// rules for what is inside it becomes JSON text. It takes over the reference
// to column, also where it fails.
func protectColumn(p *canon.Protect, f arrow.Field, column arrow.Array) (arrow.Field, arrow.Array, error) {
	treatment, inner := p.Field(f.Name)
	if treatment == canon.Kept && inner == nil {
		return f, column, nil
	}
	defer column.Release()
	if treatment == canon.Dropped {
		return f, nil, nil
	}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	var buf []byte
	for i := range column.Len() {
		if column.IsNull(i) {
			b.AppendNull()
			continue
		}
		value, err := json.Marshal(map[string]any{f.Name: column.GetOneForMarshal(i)})
		if err == nil {
			buf, err = p.Append(buf[:0], value)
		}
		if err == nil {
			err = appendMember(b, buf, f.Name)
		}
		if err != nil {
			return f, nil, fmt.Errorf("protect column %q: %w", f.Name, err)
		}
	}
	f.Type = arrow.BinaryTypes.String
	return f, b.NewArray(), nil
}

// appendMember appends the value of an object's one member: the content of a
// string, else its text.
func appendMember(b *array.StringBuilder, object []byte, name string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return err
	}
	raw := members[name]
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	b.Append(text)
	return nil
}
