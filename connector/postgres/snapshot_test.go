package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	pgserver "github.com/tidemill/tidemill/tidetest/postgres"
)

// ledger is a warehouse that keeps marks and the rows as text.
type ledger struct {
	t     testing.TB
	marks map[string]tidemill.Position
	rows  map[string][]string // by stream
	dead  []tidemill.DeadLetter
	msgs  []tidemill.Message
}

func newLedger(t testing.TB) *ledger {
	return &ledger{t: t, marks: map[string]tidemill.Position{}, rows: map[string][]string{}}
}

func (l *ledger) from() []tidemill.Mark {
	var all []tidemill.Mark
	for scope, to := range l.marks {
		all = append(all, tidemill.Mark{Scope: scope, To: to})
	}
	return all
}

// commit stores a batch as a warehouse does.
func (l *ledger) commit(b tidemill.Batch) {
	l.t.Helper()
	for _, m := range b.Marks {
		if !bytes.Equal(l.marks[m.Scope], m.From) {
			l.t.Fatalf("mark of %s goes from %q, the ledger has %q", m.Scope, m.From, l.marks[m.Scope])
		}
		l.marks[m.Scope] = m.To
	}
	for _, p := range b.Parts {
		l.rows[p.Stream] = append(l.rows[p.Stream], lines(p.Records)...)
	}
	l.dead = append(l.dead, b.Dead...)
	l.msgs = append(l.msgs, b.Messages...)
}

func lines(rec arrow.RecordBatch) []string {
	var all []string
	for i := range int(rec.NumRows()) {
		var cells []string
		for c := range int(rec.NumCols()) {
			cells = append(cells, rec.Column(c).ValueStr(i))
		}
		all = append(all, strings.Join(cells, "|"))
	}
	return all
}

func release(b tidemill.Batch) {
	for _, p := range b.Parts {
		p.Records.Release()
	}
}

// read opens a source and commits at most n batches; it reports whether the
// source has ended.
func (l *ledger) read(c Connection, o Options, n int) bool {
	l.t.Helper()
	s := NewSource(c, o, testEnv(l.t))
	defer func() {
		if err := s.Close(); err != nil {
			l.t.Error(err)
		}
	}()
	s.SetBatch(50, 1<<20)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Open(ctx, l.from()); err != nil {
		l.t.Fatal(err)
	}
	if err := s.Drain(ctx); err != nil {
		l.t.Fatal(err)
	}
	for i := 0; ; i++ {
		b, err := s.Read(ctx)
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			l.t.Fatal(err)
		}
		if i == n { // read, and not committed
			release(b)
			return false
		}
		l.commit(b)
		release(b)
	}
}

// same compares what landed of a stream with the rows that a query gives.
func (l *ledger) same(c Connection, stream, query string) {
	l.t.Helper()
	ctx := context.Background()
	conn, err := c.Connect(ctx, testEnv(l.t))
	if err != nil {
		l.t.Fatal(err)
	}
	defer closeConn(conn)
	var want []string
	rows, err := conn.Query(ctx, query)
	if err != nil {
		l.t.Fatal(err)
	}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			l.t.Fatal(err)
		}
		want = append(want, line)
	}
	got := slices.Clone(l.rows[stream])
	sort.Strings(got)
	sort.Strings(want)
	if !slices.Equal(got, want) {
		l.t.Fatalf("%s: %d rows landed, want %d; first landed %.200q, wanted %.200q", stream, len(got), len(want), first(got), first(want))
	}
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

var manyTables = []string{
	"create schema s",
	"create table s.ids (id bigint primary key, v text); insert into s.ids select i, 'v' || i from generate_series(1, 1000) i",
	"create table s.texts (a text, b int, v numeric(10,2), primary key (a, b)); insert into s.texts select 'k' || i % 37, i, i from generate_series(1, 1000) i",
	"create table s.times (t timestamptz primary key, v int); insert into s.times select timestamptz '2020-01-01' + i * interval '1 hour 1 us', i from generate_series(1, 500) i",
	"create table s.bare (v int, w text); insert into s.bare select i % 10, 'x' from generate_series(1, 1000) i",
	"create table s.parts (id int primary key, v int) partition by range (id)",
	"create table s.parts_1 partition of s.parts for values from (0) to (500); create table s.parts_2 partition of s.parts for values from (500) to (2000)",
	"insert into s.parts select i, i from generate_series(1, 1000) i",
	"create table s.parent (id int primary key); create table s.child () inherits (s.parent); insert into s.parent values (1); insert into s.child values (2)",
	"create table s.empty (id int primary key)",
	"create view s.seen as select 1 as one",
	"analyze",
}

var manyQueries = map[string]string{
	"s.ids": "select id || '|' || v from s.ids", "s.texts": "select a || '|' || b || '|' || trim_scale(v) from s.texts",
	"s.bare": "select v || '|' || w from s.bare", "s.parts": "select id || '|' || v from s.parts",
	"s.parent": "select id::text from only s.parent", "s.child": "select id::text from s.child", "s.empty": "select id::text from s.empty",
}

// TestSnapshotKilled reads with a crash after every few batches: each row
// lands once.
func TestSnapshotKilled(t *testing.T) {
	c, _ := database(t, manyTables...)
	o := Options{Tables: []string{"s.*"}, ChunkRows: 120, Workers: 3}
	l := newLedger(t)
	random := rand.New(rand.NewPCG(1, 2))
	runs := 0
	for done := false; !done; runs++ {
		done = l.read(c, o, random.IntN(12))
		if runs > 1000 {
			t.Fatal("it does not end")
		}
	}
	for stream, query := range manyQueries {
		l.same(c, stream, query)
	}
	if len(l.rows["s.times"]) != 500 || len(l.rows["s.seen"]) != 0 || len(l.rows["s.parts_1"]) != 0 {
		t.Errorf("%d rows of times, %d of a view, %d of a partition", len(l.rows["s.times"]), len(l.rows["s.seen"]), len(l.rows["s.parts_1"]))
	}
	if runs < 10 {
		t.Errorf("only %d runs", runs)
	}
	// What was read needs no database.
	c.URL = redact.New("postgres://nobody:nothing@127.0.0.1:1/gone")
	if !l.read(c, o, 100) {
		t.Error("a finished snapshot did not end")
	}
}

// TestSnapshotIsConsistent: rows that change while it is read come as they
// were when it began, in all tables.
func TestSnapshotIsConsistent(t *testing.T) {
	c, conn := database(t, manyTables...)
	ctx := context.Background()
	s := NewSource(c, Options{Tables: []string{"s.ids", "s.bare", "s.texts"}, ChunkRows: 100}, testEnv(t))
	s.SetBatch(10, 1<<20)
	defer func() { _ = s.Close() }()
	if err := s.Open(ctx, nil); err != nil {
		t.Fatal(err)
	}
	l := newLedger(t)
	for i := 0; ; i++ {
		b, err := s.Read(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		l.commit(b)
		release(b)
		if i == 3 {
			if _, err := conn.Exec(ctx, "update s.ids set v = 'changed'"); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(ctx, "delete from s.bare"); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(ctx, "insert into s.texts values ('new', 1, 1)"); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.same(c, "s.ids", "select i || '|v' || i from generate_series(1, 1000) i")
	l.same(c, "s.bare", "select i % 10 || '|x' from generate_series(1, 1000) i")
	l.same(c, "s.texts", "select a || '|' || b || '|' || trim_scale(v) from s.texts where a <> 'new'")
}

// TestSnapshotWithoutKey: a table without key goes on where it has not
// changed, and says so where it has.
func TestSnapshotWithoutKey(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		ok     bool
	}{
		"unchanged": {"select 1", true}, "other table": {"update s.ids set v = 'x'", true},
		"deleted": {"delete from s.bare where v = 3", true}, "updated": {"update s.bare set v = 4 where v = 3", false},
		"inserted": {"insert into s.bare values (1)", false}, "rewritten": {"vacuum full s.bare", false},
	} {
		t.Run(name, func(t *testing.T) {
			conn, session := database(t, manyTables...)
			o := Options{Tables: []string{"s.bare"}}
			l := newLedger(t)
			if l.read(conn, o, 5) {
				t.Fatal("it ended early")
			}
			if _, err := session.Exec(context.Background(), c.change); err != nil {
				t.Fatal(err)
			}
			if c.ok {
				l.read(conn, o, 1000)
				if name == "unchanged" {
					l.same(conn, "s.bare", manyQueries["s.bare"])
				}
				return
			}
			s := NewSource(conn, o, testEnv(t))
			defer func() { _ = s.Close() }()
			err := s.Open(context.Background(), l.from())
			if tidemill.CodeOf(err) != tidemill.Invalid || !strings.Contains(err.Error(), "has no key") || len(tidemill.Hints(err)) == 0 {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestSnapshotSurvivesTheServer crashes the server while it copies.
func TestSnapshotSurvivesTheServer(t *testing.T) {
	ctx := context.Background()
	own := pgserver.Start(t, pgserver.Options{Version: "18"})
	if err := own.Exec(ctx, own.URL(""), append(slices.Clone(manyTables), "insert into s.ids select i, repeat('x', 1000) from generate_series(1001, 30000) i", "analyze")...); err != nil {
		t.Fatal(err)
	}
	c := Connection{URL: redact.New(own.URL(""))}
	s := NewSource(c, Options{Tables: []string{"s.*"}, ChunkRows: 500}, testEnv(t))
	s.SetBatch(100, 1<<20)
	defer func() { _ = s.Close() }()
	if err := s.Open(ctx, nil); err != nil {
		t.Fatal(err)
	}
	l := newLedger(t)
	for i := 0; ; i++ {
		b, err := s.Read(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		l.commit(b)
		release(b)
		if i == 20 || i == 90 {
			if err := own.Crash(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for stream, query := range manyQueries {
		l.same(c, stream, query)
	}
}

// TestSnapshotRefusesRows: a value that has no place makes its row a dead
// letter, and the others land.
func TestSnapshotRefusesRows(t *testing.T) {
	c, _ := database(t, "create table n (id int primary key, v numeric(5,2), a int[])",
		"insert into n select i, case when i % 10 = 0 then 'NaN' else i / 100.0 end, case when i % 25 = 0 then '{{1},{2}}'::int[] else array[i] end from generate_series(1, 1000) i")
	l := newLedger(t)
	if !l.read(c, Options{Tables: []string{"n"}}, 1000) {
		t.Fatal("not ended")
	}
	if len(l.rows["public.n"])+len(l.dead) != 1000 || len(l.dead) != 120 {
		t.Fatalf("%d rows, %d dead", len(l.rows["public.n"]), len(l.dead))
	}
	d := l.dead[0]
	if string(d.Message.Value) != `{"a":"[10]","id":"10","v":"\\x000000000000c0000000"}` && !strings.Contains(string(d.Message.Value), `"id":"10"`) || !strings.Contains(d.Reason, "numeric: text") || d.Code != tidemill.SchemaIncompatible {
		t.Errorf("%s: %s", d.Message.Value, d.Reason)
	}
	again := newLedger(t)
	again.read(c, Options{Tables: []string{"n"}, Numeric: "text", Arrays: "text"}, 1000)
	if len(again.dead) != 0 {
		t.Errorf("as text: %v", again.dead[0])
	}
	again.same(c, "public.n", "select id || '|' || v || '|' || a::text from n")
}

func TestMessages(t *testing.T) {
	c, _ := database(t, "create table events (id bigserial primary key, source text, type text, payload jsonb)",
		`insert into events (source, type, payload) select 'cards', 'CardCreated', jsonb_build_object('n', i) from generate_series(1, 200) i`, "insert into events default values")
	l := newLedger(t)
	l.read(c, Options{Tables: []string{"events"}, Message: Message{Value: "payload", Type: "type", Source: "source", ID: "id"}}, 1000)
	if len(l.msgs) != 201 {
		t.Fatalf("%d messages", len(l.msgs))
	}
	m, none := l.msgs[0], l.msgs[200]
	if m.Source != "cards" || m.Type != "CardCreated" || m.ID != "1" || string(m.Value) != `{"n": 1}` || m.Meta["table"] != "public.events" {
		t.Errorf("%+v", m)
	}
	if none.Source != "" || none.Type != "" || len(none.Value) != 0 {
		t.Errorf("%+v", none)
	}
}

func TestSnapshotOfQuery(t *testing.T) {
	c, _ := database(t, manyTables...)
	o := Options{Query: "select id, v from s.ids where id % 2 = 0 -- half;", Name: "half", Key: []string{"id"}}
	l := newLedger(t)
	for done := false; !done; {
		done = l.read(c, o, 3)
	}
	l.same(c, "half", "select id || '|' || v from s.ids where id % 2 = 0")
}

func TestSnapshotErrors(t *testing.T) {
	c, _ := database(t, append(slices.Clone(manyTables), "drop role if exists guest", "create role guest login password 'guest-password'", "grant select on s.ids to guest")...)
	guest := c
	guest.URL = redact.New(strings.Replace(c.URL.Reveal(), pgserver.User+":"+pgserver.Password, "guest:guest-password", 1))
	for name, x := range map[string]struct {
		conn Connection
		opts Options
		code tidemill.Code
		says string
	}{
		"no table":       {c, Options{Tables: []string{"s.nothing"}}, tidemill.NotFound, "s.nothing"},
		"other letters":  {c, Options{Tables: []string{"S.IDS"}}, tidemill.NotFound, "there is s.ids"},
		"all excluded":   {c, Options{Tables: []string{"s.i*"}, Exclude: []string{"s.ids"}}, tidemill.NotFound, "excluded"},
		"denied":         {guest, Options{Tables: []string{"s.*"}}, tidemill.Denied, "GRANT SELECT"},
		"schema denied":  {guest, Options{Tables: []string{"s.ids"}}, tidemill.Denied, "permission denied"},
		"bad query":      {c, Options{Query: "select * frm x"}, tidemill.SQL, "syntax error"},
		"no such column": {c, Options{Query: "select 1 as a", Key: []string{"b"}}, tidemill.NotFound, `no column "b"`},
		"two columns":    {c, Options{Query: "select 1 as a, 2 as a"}, tidemill.Invalid, `two columns "a"`},
		"nothing named":  {c, Options{}, tidemill.Invalid, "nothing to read"},
		"no body":        {c, Options{Tables: []string{"s.ids"}, Message: Message{Value: "id"}}, tidemill.Invalid, "bodies"},
		"no body column": {c, Options{Tables: []string{"s.ids"}, Message: Message{Value: "body"}}, tidemill.NotFound, `"body"`},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s := NewSource(x.conn, x.opts, testEnv(t))
			defer func() { _ = s.Close() }()
			err := s.Open(ctx, nil)
			for err == nil { // some show when rows are asked for
				var b tidemill.Batch
				b, err = s.Read(ctx)
				release(b)
			}
			if text := fmt.Sprint(err, tidemill.Hints(err)); tidemill.CodeOf(err) != x.code || !strings.Contains(text, x.says) {
				t.Errorf("%s", text)
			}
		})
	}
}

// TestReadIsCancelled: a done context ends Read, and only that.
func TestReadIsCancelled(t *testing.T) {
	c, _ := database(t, manyTables...)
	s := NewSource(c, Options{Tables: []string{"s.ids"}}, testEnv(t))
	defer func() { _ = s.Close() }()
	opening, stop := context.WithCancel(context.Background())
	if err := s.Open(opening, nil); err != nil {
		t.Fatal(err)
	}
	stop()
	done, cancel := context.WithCancel(context.Background())
	cancel()
	l := newLedger(t)
	for {
		b, err := s.Read(done)
		if errors.Is(err, context.Canceled) {
			break
		}
		l.commit(b) // a batch that was ready may come all the same
	}
	for {
		b, err := s.Read(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		l.commit(b)
	}
	l.same(c, "s.ids", manyQueries["s.ids"])
}

// TestSQLASCII: a database without an encoding holds any bytes.
func TestSQLASCII(t *testing.T) {
	ctx := context.Background()
	own := pgserver.Start(t, pgserver.Options{Encoding: "SQL_ASCII"})
	if err := own.Exec(ctx, own.URL(""), `create table t (id int primary key, v text); set client_encoding = 'SQL_ASCII'; insert into t values (1, 'good'), (2, E'bad\xff'), (3, E'gr\xc3\xbcn')`); err != nil {
		t.Fatal(err)
	}
	l := newLedger(t)
	l.read(Connection{URL: redact.New(own.URL(""))}, Options{Tables: []string{"t"}}, 100)
	if got := fmt.Sprint(l.rows["public.t"]); got != "[1|good 3|grün]" {
		t.Error(got)
	}
	if len(l.dead) != 1 || string(l.dead[0].Message.Value) != `{"id":"2","v":"\\x626164ff"}` || !strings.Contains(l.dead[0].Reason, "SQL_ASCII") {
		t.Errorf("%+v", l.dead)
	}
}
