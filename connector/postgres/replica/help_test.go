package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
	"github.com/tidemill/tidemill/connector/postgres/replica"
)

// cell is the state of a row in a mirror.
type cell struct {
	version []byte
	values  map[string]string
}

// ledger is a warehouse in memory: the marks, and the mirror of each stream.
type ledger struct {
	t       testing.TB
	marks   map[string]tidemill.Position
	rows    map[string]map[string]*cell // by stream and key
	cleared map[string][]byte           // version of the last truncate
	keys    map[string][]string
	ops     map[tidemill.Op]int
	dead    []tidemill.DeadLetter
	msgs    []tidemill.Message
	seen    map[string]bool // versions by stream, to see what comes twice
	most    int             // rows of the largest batch
}

func newLedger(t testing.TB) *ledger {
	return &ledger{
		t: t, marks: map[string]tidemill.Position{}, rows: map[string]map[string]*cell{}, cleared: map[string][]byte{}, keys: map[string][]string{},
		ops: map[tidemill.Op]int{}, seen: map[string]bool{},
	}
}

// stored returns the marks as the ledger of a warehouse does.
func (l *ledger) stored() []tidemill.Mark {
	var all []tidemill.Mark
	for scope, to := range l.marks {
		all = append(all, tidemill.Mark{Scope: scope, To: to})
	}
	return all
}

// commit takes a batch.
func (l *ledger) commit(b tidemill.Batch) {
	l.t.Helper()
	for _, m := range b.Marks {
		if !bytes.Equal(l.marks[m.Scope], m.From) {
			l.t.Fatalf("mark of %s begins at %q, not at %q", m.Scope, m.From, l.marks[m.Scope])
		}
		l.marks[m.Scope] = m.To
	}
	n := 0
	for _, p := range b.Parts {
		n += int(p.Records.NumRows())
		l.apply(p)
	}
	l.most = max(l.most, n)
	l.dead = append(l.dead, b.Dead...)
	l.msgs = append(l.msgs, b.Messages...)
}

// drop releases a batch that is not committed.
func drop(b tidemill.Batch) {
	for _, p := range b.Parts {
		p.Records.Release()
	}
}

// apply folds a part as a mirror does.
func (l *ledger) apply(p tidemill.Part) {
	l.t.Helper()
	defer p.Records.Release()
	if !p.IsChange() {
		l.t.Fatalf("%s: no change records: %s", p.Stream, p.Records.Schema())
	}
	if len(p.Key) > 0 {
		l.keys[p.Stream] = p.Key
	}
	if l.rows[p.Stream] == nil {
		l.rows[p.Stream] = map[string]*cell{}
	}
	ops, versions := p.Records.Column(0).(*array.String), p.Records.Column(1).(*array.Binary)
	for i := range int(p.Records.NumRows()) {
		l.change(p, i, tidemill.Op(ops.Value(i)), versions.Value(i))
	}
}

func (l *ledger) change(p tidemill.Part, i int, op tidemill.Op, v []byte) {
	l.t.Helper()
	v = bytes.Clone(v)
	l.ops[op]++
	rows := l.rows[p.Stream]
	if op == tidemill.OpTruncate {
		for k, c := range rows {
			if bytes.Compare(c.version, v) < 0 {
				delete(rows, k)
			}
		}
		l.cleared[p.Stream] = v
		return
	}
	kept := unchanged(p.Records.Column(2).(*array.List), i)
	values := map[string]string{}
	for at, f := range p.Records.Schema().Fields() {
		if at >= 4 && !slices.Contains(kept, f.Name) {
			values[f.Name] = show(p.Records.Column(at), i)
		}
	}
	var key []string
	for _, k := range l.keys[p.Stream] {
		key = append(key, values[k])
	}
	k := strings.Join(key, "|")
	if op != tidemill.OpSnapshot {
		once := p.Stream + string(v)
		if l.seen[once] {
			l.t.Errorf("%s: version %x comes twice", p.Stream, v)
		}
		l.seen[once] = true
	}
	old := rows[k]
	if old != nil && bytes.Compare(old.version, v) > 0 || bytes.Compare(l.cleared[p.Stream], v) > 0 {
		return
	}
	c := &cell{version: v, values: values}
	if op == tidemill.OpDelete {
		c.values = nil
	} else if old != nil {
		for _, name := range kept {
			c.values[name] = old.values[name]
		}
	}
	rows[k] = c
}

func unchanged(l *array.List, i int) []string {
	if l.IsNull(i) {
		return nil
	}
	from, to := l.ValueOffsets(i)
	var names []string
	for at := from; at < to; at++ {
		names = append(names, l.ListValues().(*array.String).Value(int(at)))
	}
	return names
}

func show(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "NULL"
	}
	return a.ValueStr(i)
}

// lines returns the rows of a stream as text, in order.
func (l *ledger) lines(stream string) []string {
	var all []string
	for _, c := range l.rows[stream] {
		if c.values != nil {
			all = append(all, line(c.values))
		}
	}
	slices.Sort(all)
	return all
}

func line(values map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] != "NULL" { // a column that came later is null in rows before
			fmt.Fprintf(&b, "%s=%s ", name, values[name])
		}
	}
	return b.String()
}

// equal compares a mirror with its table.
func (l *ledger) equal(d *database, stream string) {
	l.t.Helper()
	conn, err := dialer{d.url}.Connect(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rec, err := readTable(context.Background(), conn, stream)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rec.Release()
	var want []string
	for i := range int(rec.NumRows()) {
		values := map[string]string{}
		for at, f := range rec.Schema().Fields() {
			values[f.Name] = show(rec.Column(at), i)
		}
		want = append(want, line(values))
	}
	slices.Sort(want)
	got := l.lines(stream)
	if !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			g, w := "", ""
			if i < len(got) {
				g = got[i]
			}
			if i < len(want) {
				w = want[i]
			}
			if g != w {
				l.t.Fatalf("%s: %d rows, the table has %d; first difference:\n got %.300s\nwant %.300s", stream, len(got), len(want), g, w)
			}
		}
	}
}

// readTable reads a table whole, in binary form.
func readTable(ctx context.Context, conn *pgx.Conn, name string) (arrow.RecordBatch, error) {
	head, err := conn.PgConn().Prepare(ctx, "", "select * from "+name, nil)
	if err != nil {
		return nil, err
	}
	cols, err := column.Of(ctx, conn, head.Fields, column.Options{})
	if err != nil {
		return nil, err
	}
	var list []string
	for _, c := range cols {
		list = append(list, c.Select(pgx.Identifier{c.Name}.Sanitize()))
	}
	b, err := column.NewBuilder(cols)
	if err != nil {
		return nil, err
	}
	res := conn.PgConn().ExecParams(ctx, "select "+strings.Join(list, ", ")+" from "+name, nil, nil, nil, []int16{pgtype.BinaryFormatCode})
	for res.NextRow() {
		for i, v := range res.Values() {
			if err := b.Append(i, v); err != nil {
				return nil, err
			}
		}
	}
	if _, err := res.Close(); err != nil {
		return nil, err
	}
	return b.Record(), nil
}

// snapshotOf is a small source of whole tables.
type snapshotOf struct {
	d      dialer
	tables []tidemill.TableName
	id     string
	done   map[string]bool
	conn   *pgx.Conn
}

func (s *snapshotOf) Open(ctx context.Context, from []tidemill.Mark) (err error) {
	s.done = map[string]bool{}
	for _, m := range from {
		s.done[m.Scope] = true
	}
	if s.conn, err = s.d.Connect(ctx); err != nil {
		return err
	}
	if _, err = s.conn.Exec(ctx, "begin isolation level repeatable read"); err == nil && s.id != "" {
		_, err = s.conn.Exec(ctx, "set transaction snapshot '"+s.id+"'")
	}
	return err
}

func (s *snapshotOf) Read(ctx context.Context) (tidemill.Batch, error) {
	for _, t := range s.tables {
		if s.done[t.String()] {
			continue
		}
		s.done[t.String()] = true
		rec, err := readTable(ctx, s.conn, t.String())
		if err != nil {
			return tidemill.Batch{}, err
		}
		key := []string{"id"}
		if rec.Schema().HasField("k") {
			key = []string{"k"}
		}
		return tidemill.Batch{
			Parts: []tidemill.Part{{Stream: t.String(), Key: key, Records: rec}},
			Marks: []tidemill.Mark{{Scope: t.String(), To: tidemill.Position("done")}},
		}, nil
	}
	return tidemill.Batch{}, io.EOF
}

func (s *snapshotOf) Ack(context.Context, any) error { return nil }
func (s *snapshotOf) Close() error                   { return s.conn.Close(context.Background()) }

// config is that of a test that makes all that it needs.
func (d *database) config() replica.Config {
	return replica.Config{
		Options: replica.Options{
			Slot: "slot_" + d.one("select current_database()"), Create: true, AllTables: true, Heartbeat: time.Second,
		},
		Dialer: dialer{d.url},
		Snapshot: func(tables []tidemill.TableName, id string) tidemill.Source {
			return &snapshotOf{d: dialer{d.url}, tables: tables, id: id}
		},
	}
}

// logTo writes the log of a source to that of the test.
func logTo(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// source opens a source after what l has.
func (d *database) source(l *ledger, c replica.Config) *replica.Source {
	d.t.Helper()
	s := replica.NewSource(c, logTo(d.t))
	if err := s.Open(context.Background(), l.stored()); err != nil {
		_ = s.Close()
		d.t.Fatal(err)
	}
	return s
}

// follow reads all that the server has now, in a run of its own.
func (d *database) follow(l *ledger, c replica.Config) {
	d.t.Helper()
	s := d.source(l, c)
	defer func() {
		if err := s.Close(); err != nil {
			d.t.Error(err)
		}
	}()
	d.drain(l, s)
}

// drain commits all that the server has now.
func (d *database) drain(l *ledger, s *replica.Source) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		d.t.Fatal(err)
	}
	for {
		b, err := s.Read(ctx)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			d.t.Fatal(err)
		}
		l.commit(b)
		if err := s.Ack(ctx, b.Token); err != nil {
			d.t.Fatal(err)
		}
	}
}
