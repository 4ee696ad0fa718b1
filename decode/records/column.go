package records

import (
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill/internal/columnar"
)

// names makes names of columns that every warehouse takes, and that do not
// meet where upper and lower case are the same.
type names map[string]bool

func newNames() names { return names{} }

// column returns the name of the column at index i, which the file calls
// name. Names that begin with _ are Tidemill's own.
func (n names) column(name string, i int) string {
	name = strings.TrimLeft(strings.TrimSpace(name), "_")
	if name == "" {
		name = "column_" + strconv.Itoa(i+1)
	}
	name = columnar.ColumnName(name)
	if name[0] == '_' {
		name = "c" + name[:min(len(name), columnar.MaxName-1)]
	}
	out := name
	for try := 2; n[strings.ToLower(out)]; try++ {
		suffix := "_" + strconv.Itoa(try)
		out = name[:min(len(name), columnar.MaxName-len(suffix))] + suffix
	}
	n[strings.ToLower(out)] = true
	return out
}

// missing returns those of columns that schema has no column for, under names
// that a table takes.
func missing(columns []Column, schema *arrow.Schema) []Column {
	taken := newNames()
	for _, f := range schema.Fields() {
		taken[strings.ToLower(f.Name)] = true
	}
	var out []Column
	for i, c := range columns {
		if name := newNames().column(c.Name, i); !taken[strings.ToLower(name)] {
			taken[strings.ToLower(name)] = true
			c.Name = name
			out = append(out, c)
		}
	}
	return out
}

// withColumns returns rec with columns of one value added, and releases rec.
func withColumns(rec arrow.RecordBatch, columns []Column) arrow.RecordBatch {
	if len(columns) == 0 {
		return rec
	}
	defer rec.Release()
	fields := append([]arrow.Field(nil), rec.Schema().Fields()...)
	arrays := append([]arrow.Array(nil), rec.Columns()...)
	for _, c := range columns {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		b.Reserve(int(rec.NumRows()))
		for range rec.NumRows() {
			if c.Null {
				b.AppendNull()
			} else {
				b.Append(c.Value)
			}
		}
		a := b.NewArray()
		b.Release()
		defer a.Release()
		arrays = append(arrays, a)
		fields = append(fields, arrow.Field{Name: c.Name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	meta := rec.Schema().Metadata()
	return array.NewRecordBatch(arrow.NewSchema(fields, &meta), arrays, rec.NumRows())
}
