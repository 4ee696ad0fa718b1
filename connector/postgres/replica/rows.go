package replica

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
)

// rows builds the records of one table in the present batch.
type rows struct {
	schema    *arrow.Schema
	op        *array.StringBuilder
	version   *array.BinaryBuilder
	unchanged *array.ListBuilder
	name      *array.StringBuilder // of unchanged
	time      *array.TimestampBuilder
	cols      *column.Builder
	n         int
}

func newRows(cols *column.Builder) *rows {
	fields := tidemill.ChangeFields()
	r := &rows{
		schema:  changeSchema(cols.Schema()),
		op:      array.NewStringBuilder(memory.DefaultAllocator),
		version: array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary),
		time:    array.NewTimestampBuilder(memory.DefaultAllocator, fields[3].Type.(*arrow.TimestampType)),
		cols:    cols,
	}
	r.unchanged = array.NewListBuilder(memory.DefaultAllocator, arrow.BinaryTypes.String)
	r.name = r.unchanged.ValueBuilder().(*array.StringBuilder)
	return r
}

// changeSchema puts the columns of changes before those of a table, of which
// any may be null: a delete tells the key only.
func changeSchema(table *arrow.Schema) *arrow.Schema {
	fields := tidemill.ChangeFields()
	for _, f := range table.Fields() {
		f.Nullable = true
		fields = append(fields, f)
	}
	meta := table.Metadata()
	return arrow.NewSchema(fields, &meta)
}

// row is one change of a row.
type row struct {
	op      tidemill.Op
	version [versionSize]byte
	time    time.Time
	values  []pgoutput.Value // those that are missing are null
}

// add appends a row. An error says that a value was refused; the row is then
// left out.
func (r *rows) add(t *table, c row) error {
	for i := range t.relation.Columns {
		var v pgoutput.Value
		if i < len(c.values) {
			v = c.values[i]
		}
		var err error
		if v.Kind == pgoutput.Text {
			err = r.cols.AppendText(i, v.Data)
		} else {
			err = r.cols.Append(i, v.Data)
		}
		if err != nil {
			r.cols.Reject()
			return err
		}
	}
	r.op.Append(string(c.op))
	r.version.Append(c.version[:])
	r.time.Append(arrow.Timestamp(c.time.UnixMicro()))
	r.keep(t, c.values)
	r.n++
	return nil
}

// keep notes the columns whose values were not sent.
func (r *rows) keep(t *table, values []pgoutput.Value) {
	some := false
	for i, v := range values {
		if v.Kind != pgoutput.Unchanged {
			continue
		}
		if !some {
			some = true
			r.unchanged.Append(true)
		}
		r.name.Append(t.relation.Columns[i].Name)
	}
	if !some {
		r.unchanged.AppendNull()
	}
}

// record returns the rows that were added, and begins again.
func (r *rows) record() arrow.RecordBatch {
	table := r.cols.Record()
	defer table.Release()
	lead := []arrow.Array{r.op.NewArray(), r.version.NewArray(), r.unchanged.NewArray(), r.time.NewArray()}
	all := array.NewRecordBatch(r.schema, append(lead, table.Columns()...), int64(r.n))
	for _, a := range lead {
		a.Release()
	}
	r.n = 0
	return all
}
