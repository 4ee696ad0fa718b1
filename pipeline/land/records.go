package land

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

// records lands the parts of sources that give typed rows: each stream in a
// table of its own columns. It belongs to the collector, but for what the
// folder has.
type records struct {
	*Lander
	write  tidemill.WriteMode
	tables map[string]*recordTable // by stream
	names  map[tidemill.TableName]string
	folds
}

func (l *Lander) newRecords() (*records, error) {
	r := &records{
		Lander: l, write: tidemill.WriteMode(l.cfg.Pipeline.Land.Write),
		tables: map[string]*recordTable{}, names: map[tidemill.TableName]string{},
	}
	r.folds = newFolds()
	if !l.cfg.Pipeline.Land.Folded() {
		return r, nil
	}
	if _, ok := l.cfg.Warehouse.(tidemill.Folder); !ok {
		return nil, l.invalid("the warehouse cannot fold changes into a "+string(r.write), "set write: append, which lands the changes themselves")
	}
	return r, nil
}

// retyped reports whether a stream of more has a column of another type than
// it has in parts: they cannot be in one batch.
func retyped(parts, more []tidemill.Part) bool {
	for _, p := range parts {
		for _, m := range more {
			if m.Stream == p.Stream && !compatible(p.Records.Schema(), m.Records.Schema()) {
				return true
			}
		}
	}
	return false
}

func compatible(a, b *arrow.Schema) bool {
	if a == b {
		return true
	}
	for _, f := range a.Fields() {
		if g, ok := b.FieldsByName(f.Name); ok && !arrow.TypeEqual(f.Type, g[0].Type) {
			return false
		}
	}
	return true
}

// close makes and widens the tables of the batch's parts, then builds the
// rows. The shape has set when the batch was made.
func (r *records) close(ctx context.Context, b *batch) error {
	if len(b.parts) == 0 {
		return nil
	}
	streams := map[string][]tidemill.Part{}
	for _, p := range b.parts {
		streams[p.Stream] = append(streams[p.Stream], p)
	}
	for _, stream := range slices.Sorted(maps.Keys(streams)) {
		rows, err := r.land(ctx, streams[stream], b)
		if err != nil {
			return err
		}
		b.rows = append(b.rows, rows)
	}
	release(b.parts)
	b.parts = nil
	return nil
}

// land returns the rows of the parts of one stream, whose table is then there.
func (r *records) land(ctx context.Context, parts []tidemill.Part, b *batch) (tidemill.TableRows, error) {
	t, err := r.table(parts[0])
	if err != nil {
		return tidemill.TableRows{}, err
	}
	rows, err := t.build(parts, r.name, b, r.rules.protect)
	if err != nil {
		return tidemill.TableRows{}, r.broken(t, err)
	}
	if err := r.ready(ctx, t, rows.Schema()); err != nil {
		rows.Release()
		return tidemill.TableRows{}, err
	}
	if t.Fold != nil {
		b.folds = append(b.folds, *t.Fold)
	}
	return tidemill.TableRows{Table: t.Table, Records: rows}, nil
}

// table returns the table of a part's stream.
func (r *records) table(p tidemill.Part) (*recordTable, error) {
	if t := r.tables[p.Stream]; t != nil {
		return t, nil
	}
	if len(r.tables) >= maxTables {
		return nil, r.invalid(fmt.Sprintf("the source has more than %d tables", maxTables), "name fewer of them in the source")
	}
	name, err := ident.ParseTable(r.nameOf(p.Stream))
	if err != nil {
		return nil, r.invalid(fmt.Sprintf("land.table of %s: %v", p.Stream, err), "name the table in words of letters, digits and _")
	}
	if other, taken := r.names[name]; taken {
		return nil, r.invalid(fmt.Sprintf("%s and %s would land in one table, %s", other, p.Stream, name),
			"write land.table with {table}, or {schema}_{table}, so that each has its own")
	}
	t, err := r.newTable(name, p)
	if err != nil {
		return nil, err
	}
	r.tables[p.Stream], r.names[name] = t, p.Stream
	return t, nil
}

// nameOf puts a stream's names into land.table.
func (r *records) nameOf(stream string) string {
	schema, table := "", stream
	if at := strings.LastIndexByte(stream, '.'); at >= 0 {
		schema, table = stream[:at], stream[at+1:]
	}
	return strings.NewReplacer("{schema}", snake(schema), "{table}", snake(table)).Replace(r.cfg.Pipeline.Land.Table)
}

// newTable says how the records of a stream are written.
func (r *records) newTable(name tidemill.TableName, p tidemill.Part) (*recordTable, error) {
	land := r.cfg.Pipeline.Land
	t := &recordTable{stream: p.Stream, changes: p.IsChange(), Table: tidemill.Table{
		TableName: name, Write: r.write, Key: land.UniqueKey, Version: land.Version, Bare: true,
	}}
	if !land.Folded() {
		return t, nil
	}
	if !t.changes {
		return nil, r.invalid(fmt.Sprintf("%s comes as rows, not as changes, and so cannot be a %s", p.Stream, r.write),
			"set write: append or upsert, or have the source give changes")
	}
	t.Table = tidemill.Table{TableName: tidemill.LogName(name), Write: tidemill.Append, Bare: true}
	key := p.Key
	if len(land.UniqueKey) > 0 {
		key = land.UniqueKey
	}
	if len(key) == 0 {
		r.log.Warn("the table has no key, so its changes are kept as they come and not folded", "stream", p.Stream, "table", t.TableName,
			"hint", "give it a primary key, or name its key in land.unique_key")
		return t, nil
	}
	t.Fold = &tidemill.Fold{Log: t.TableName, Target: name, Write: r.write, Key: key, Keep: land.Keep}
	return t, nil
}

// broken adds the place to what makes records of a stream impossible to land.
func (r *records) broken(t *recordTable, err error) error {
	return &tidemill.Error{Code: tidemill.CodeOf(err), Pos: r.cfg.Pipeline.Pos, Stream: t.stream, Err: err}
}

// newestOf returns the latest _source_time of a part, zero if it has none.
func newestOf(p tidemill.Part) (newest time.Time) {
	at := p.Records.Schema().FieldIndices(tidemill.ColumnSourceTime)
	if len(at) == 0 {
		return newest
	}
	times, ok := p.Records.Column(at[0]).(*array.Timestamp)
	if !ok || times.Len() == 0 || times.IsNull(times.Len()-1) {
		return newest
	}
	return times.Value(times.Len() - 1).ToTime(arrow.Microsecond)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
