package replica_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/replica"
)

func TestChanges(t *testing.T) {
	d := create(t, `create table t (id int primary key, a text, n numeric(10,2))`, `insert into t values (1, 'one', 1.5), (2, 'two', null)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	l.equal(d, "public.t")
	if l.ops[tidemill.OpSnapshot] != 2 {
		t.Errorf("operations %v", l.ops)
	}
	d.exec(`insert into t values (3, 'three', 3)`, `begin; update t set a = 'uno' where id = 1; delete from t where id = 2; end`, `update t set id = 4 where id = 3`)
	d.follow(l, c)
	l.equal(d, "public.t")
	if l.ops[tidemill.OpInsert] != 2 || l.ops[tidemill.OpUpdate] != 1 || l.ops[tidemill.OpDelete] != 2 {
		t.Errorf("operations %v", l.ops)
	}
	d.exec(`truncate t`, `insert into t values (1, 'again', 0)`)
	d.follow(l, c)
	l.equal(d, "public.t")
}

// A value that the server does not send, because it is large and the update
// did not touch it, stays what it was; also where the row's key changes.
func TestToast(t *testing.T) {
	d := create(t, `create table w (id int primary key, n int, big text); alter table w alter big set storage external`,
		`insert into w values (1, 0, repeat('a', 5000)), (2, 0, repeat('b', 5000))`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	d.exec(`update w set n = 1`, `update w set n = 2, big = null where id = 2`, `update w set id = 3 where id = 1`, `insert into w values (9, 9, repeat('c', 5000))`)
	d.follow(l, c)
	l.equal(d, "public.w")
	d.exec(`alter table w replica identity full`, `update w set n = 7`, `update w set id = 10 where id = 9`, `delete from w where id = 3`)
	d.follow(l, c)
	l.equal(d, "public.w")
	if got := l.lines("public.w"); len(got) != 2 || !strings.Contains(got[0], "ccc") {
		t.Errorf("%.200v", got)
	}
}

// Each way in which a table can identify its rows.
func TestIdentity(t *testing.T) {
	d := create(t,
		`create table k (id int primary key, b text)`,
		`create table i (a int not null, b text); create unique index i_a on i (a); alter table i replica identity using index i_a`,
		`create table f (id int primary key, b text); alter table f replica identity full`,
		`create table n (a int, b text); alter table n replica identity full`,
		`create table o (id int primary key, b text); alter table o replica identity nothing`)
	l, c := newLedger(t), d.config()
	c.Options.Snapshot = "never"
	s := d.source(l, c)
	d.exec(`insert into k values (1, 'x'); insert into i values (1, 'x'); insert into f values (1, 'x'); insert into n values (1, 'x'); insert into o values (1, 'x')`,
		`update k set id = 2; update i set a = 2; update f set id = 2; update n set b = 'y'`, `insert into k values (3, 'z')`)
	d.drain(l, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for stream, key := range map[string][]string{"public.k": {"id"}, "public.i": {"a"}, "public.f": {"id"}, "public.n": nil, "public.o": nil} {
		if !slices.Equal(l.keys[stream], key) {
			t.Errorf("key of %s is %v", stream, l.keys[stream])
		}
	}
	for _, stream := range []string{"public.k", "public.i", "public.f", "public.n", "public.o"} {
		l.equal(d, stream)
	}
}

// A table that changes in mid-stream: columns come, go, change type and
// name, and one is generated. No record has two schemas.
func TestSchemaChange(t *testing.T) {
	d := create(t, `create table t (id int primary key, a int, g int generated always as (a * 2) stored)`, `create type mood as enum ('sad', 'ok')`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	d.exec(`insert into t values (1, 1)`, `begin; insert into t values (2, 2); alter table t add column b text; insert into t values (3, 3, default, 'b'); end`,
		`alter table t drop column a cascade`, `insert into t (id, b) values (4, 'four')`,
		`alter table t add column m mood; alter table t add column r int4range`, `insert into t values (5, 'five', 'ok', '[1,5)')`,
		`alter table t rename column b to c`, `update t set c = 'last'`,
		`alter table t alter c type int using 7`, `insert into t values (6, 6)`)
	d.follow(l, c)
	if n := len(l.lines("public.t")); n != 6 {
		t.Errorf("%d rows", n)
	}
	if got := l.rows["public.t"]["6"].values; got["c"] != "6" {
		t.Errorf("%v", got)
	}
	if got := l.rows["public.t"]["5"].values; got["m"] != "ok" || got["r"] != "[1,5)" {
		t.Errorf("%v", got)
	}
	d.exec(`alter table t rename to u`, `insert into u values (7, 7)`)
	d.follow(l, c)
	if got := l.lines("public.u"); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// Large transactions are streamed, and subtransactions of theirs taken back.
func TestStreamed(t *testing.T) {
	d := create(t, `create table t (id int primary key, a text)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	d.exec(`begin; insert into t select g, repeat('m', 100) from generate_series(1, 3000) g;
		savepoint a; insert into t select g, repeat('x', 100) from generate_series(4000, 8000) g; rollback to a;
		savepoint b; update t set a = 'kept' where id < 1500; savepoint c; delete from t where id < 100; rollback to c; end`,
		`begin; insert into t select g, repeat('y', 100) from generate_series(10000, 14000) g; rollback`)
	d.follow(l, c)
	l.equal(d, "public.t")
	if l.ops[tidemill.OpInsert] != 3000 || l.ops[tidemill.OpDelete] != 0 {
		t.Errorf("operations %v", l.ops)
	}
}

// A prepared transaction is handed over when it is committed, also by a
// process that did not see it prepared.
func TestTwoPhase(t *testing.T) {
	d := create(t, `create table t (id int primary key, a text)`)
	l, c := newLedger(t), d.config()
	c.TwoPhase = true
	d.exec(`select pg_create_logical_replication_slot('` + c.Slot + `', 'pgoutput')`)
	wants(t, d.fails(l, c), tidemill.Invalid, "create: true")
	d.dropSlot(c.Slot)
	d.follow(l, c)
	d.exec(`begin; insert into t values (1, 'one'); prepare transaction 'small'`,
		`begin; insert into t select g, repeat('m', 100) from generate_series(1000, 3000) g; prepare transaction 'large'`,
		`begin; insert into t values (2, 'no'); prepare transaction 'no'`,
		`insert into t values (3, 'three')`)
	d.follow(l, c)
	if got := l.lines("public.t"); len(got) != 1 {
		t.Errorf("%d rows before the commit", len(got))
	}
	d.exec(`commit prepared 'small'`)
	d.follow(l, c)
	d.exec(`insert into t values (4, 'four')`, `commit prepared 'large'`, `rollback prepared 'no'`)
	d.follow(l, c)
	l.equal(d, "public.t")
	if got := l.lines("public.t"); len(got) != 2004 {
		t.Errorf("%d rows", len(got))
	}
	d.exec(`insert into t values (5, 'five')`)
	d.follow(l, c)
	l.equal(d, "public.t")
}

// Values that their columns cannot hold are dead letters, alone.
func TestRefused(t *testing.T) {
	d := create(t, `create table t (id int primary key, n numeric(10,2))`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	d.exec(`insert into t values (1, 1), (2, 'NaN'), (3, 3)`)
	d.follow(l, c)
	if len(l.dead) != 1 || l.dead[0].Code != tidemill.SchemaIncompatible || !strings.Contains(l.dead[0].Reason, `"n"`) || len(l.dead[0].Message.Value) == 0 {
		t.Errorf("letters %+v", l.dead)
	}
	if got := l.lines("public.t"); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

// Rows of an outbox are messages, and only those.
func TestOutbox(t *testing.T) {
	d := create(t, `create table o (id int primary key, kind text, body bytea, other jsonb)`)
	l, c := newLedger(t), d.config()
	c.Options.Snapshot = "never"
	c.Message = replica.Message{Value: "body", Type: "kind", ID: "id"}
	d.follow(l, c)
	d.exec(`insert into o values (1, 'Order', '\x00ff', '{}')`, `update o set kind = 'x'`, `delete from o`, `truncate o`, `insert into o values (2, 'Order', 'text', '{}')`)
	d.follow(l, c)
	var got []string
	for _, m := range l.msgs {
		got = append(got, fmt.Sprintf("%s %s %s %q", m.Source, m.Type, m.ID, m.Value))
	}
	if want := []string{`public.o Order 1 "\x00\xff"`, `public.o Order 2 "text"`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// A message that the snapshot may have shown says so: landing looks it up.
func TestOutboxRedelivered(t *testing.T) {
	d := create(t, `create table o (id int primary key, body text)`)
	l, c := newLedger(t), d.config()
	c.Message = replica.Message{Value: "body"}
	d.exec(`create publication `+c.Slot+` for table o`, `select pg_create_logical_replication_slot('`+c.Slot+`', 'pgoutput')`, `insert into o values (1, 'early')`)
	d.follow(l, c)
	d.exec(`insert into o values (2, 'late')`)
	d.follow(l, c)
	if l.ops[tidemill.OpSnapshot] != 1 || len(l.msgs) != 2 || !l.msgs[0].Redelivered || l.msgs[1].Redelivered {
		t.Errorf("%v, %+v", l.ops, l.msgs)
	}
}

// wants fails the test unless err has the code and a hint with the words.
func wants(t *testing.T, err error, code tidemill.Code, words string) {
	t.Helper()
	if tidemill.CodeOf(err) != code || !strings.Contains(strings.Join(tidemill.Hints(err), "; "), words) {
		t.Errorf("got %v with hints %q, want code %s and a hint with %q", err, tidemill.Hints(err), code, words)
	}
}

// open returns the error of Open, or of the first Read.
func (d *database) fails(l *ledger, c replica.Config) error {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s := replica.NewSource(c, logTo(d.t))
	defer func() { _ = s.Close() }()
	if err := s.Open(ctx, l.stored()); err != nil {
		return err
	}
	for {
		b, err := s.Read(ctx)
		drop(b)
		if err != nil {
			return err
		}
	}
}

func TestMissing(t *testing.T) {
	d := create(t, `create table t (id int primary key)`)
	l, c := newLedger(t), d.config()
	c.Create = false
	wants(t, d.fails(l, c), tidemill.NotFound, "CREATE PUBLICATION")
	c.Match = func(_, table string) bool { return table == "none" }
	c.AllTables = false
	wants(t, d.fails(l, c), tidemill.NotFound, "correct tables")
	c.Match = nil
	d.exec(`create publication other for table t`)
	c.Publication = "other"
	wants(t, d.fails(l, c), tidemill.NotFound, "pg_create_logical_replication_slot")
	c.Match = func(_, table string) bool { return table == "none" }
	wants(t, d.fails(l, c), tidemill.NotFound, "ADD TABLE")
	c.Match, c.Create = nil, true
	d.follow(l, c)

	d.dropSlot(c.Slot)
	wants(t, d.fails(l, c), tidemill.NotFound, "on_lost: snapshot")
	d.exec(`insert into t values (1)`)
	c.OnLost = "snapshot"
	d.follow(l, c)
	l.equal(d, "public.t")

	c.Slot = "Odd Name"
	wants(t, d.fails(l, c), tidemill.Invalid, "63")
	c.Slot = "other_" + c.Publication + d.one("select current_database()")
	d.exec(`select pg_create_physical_replication_slot('` + c.Slot + `')`)
	defer d.dropSlot(c.Slot)
	wants(t, d.fails(newLedger(t), c), tidemill.Invalid, "another slot")
}

// Rows that went while nobody looked go with the new snapshot; an old epoch
// never wins.
func TestLostSlot(t *testing.T) {
	d := create(t, `create table t (id int primary key, a text, u uuid default gen_random_uuid(), j jsonb default '{}', n numeric(9,2), l int[])`, `insert into t values (1, 'a'), (2, 'b')`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	d.exec(`update t set a = 'c'`)
	d.follow(l, c)
	d.dropSlot(c.Slot)
	d.exec(`delete from t where id = 1`, `update t set a = 'd'`,
		`select pg_create_logical_replication_slot('`+c.Slot+`', 'pgoutput')`)
	err := d.fails(l, c)
	wants(t, err, tidemill.NotFound, "on_lost: snapshot")
	if !strings.Contains(err.Error(), "made again") {
		t.Error(err)
	}
	c.OnLost = "snapshot"
	d.follow(l, c)
	l.equal(d, "public.t")
	d.exec(`update t set a = 'e'`, `insert into t values (1, 'back')`)
	d.follow(l, c)
	l.equal(d, "public.t")
}

func TestDenied(t *testing.T) {
	d := create(t, `create table t (id int primary key)`, `drop role if exists weak`, `create role weak login password 'weak'`)
	c := d.config()
	c.Dialer = dialer{strings.Replace(d.url, "postgres:tidetest-password@", "weak:weak@", 1)}
	wants(t, d.fails(newLedger(t), c), tidemill.Denied, "rds_replication")
	d.exec(`alter role weak replication`)
	c.AllTables = false
	wants(t, d.fails(newLedger(t), c), tidemill.Denied, "have the owner of the tables run CREATE PUBLICATION")
	d.exec(`create publication ` + c.Slot + ` for table t`)
	c.Options.Snapshot = "never"
	l := newLedger(t)
	d.follow(l, c)
	d.exec(`insert into t values (1)`)
	d.follow(l, c)
	l.equal(d, "public.t")
}

// Rows of partitions come as those of their own, or of the partitioned table.
func TestPartitions(t *testing.T) {
	for _, root := range []bool{false, true} {
		d := create(t, `create table p (id int, a text, primary key (id)) partition by range (id)`,
			`create table p1 partition of p for values from (0) to (10); create table p2 partition of p for values from (10) to (20)`,
			`insert into p values (1, 'a'), (11, 'b')`)
		l, c := newLedger(t), d.config()
		c.AllTables, c.Root = false, root
		d.follow(l, c)
		d.exec(`insert into p values (2, 'c'), (12, 'd')`, `update p set id = 13 where id = 1`, `delete from p where id = 11`)
		d.follow(l, c)
		if root {
			l.equal(d, "public.p")
			continue
		}
		l.equal(d, "public.p1")
		l.equal(d, "public.p2")
	}
}

// A publication of some columns: the snapshot and the stream have those.
func TestColumnList(t *testing.T) {
	d := create(t, `create table t (id int primary key, a text, secret text)`, `insert into t values (1, 'a', 'x')`)
	l, c := newLedger(t), d.config()
	d.exec(`create publication ` + c.Slot + ` for table t (id, a)`)
	d.follow(l, c)
	d.exec(`insert into t values (2, 'b', 'y')`)
	d.follow(l, c)
	if got := l.lines("public.t"); !slices.Equal(got, []string{"a=a id=1 ", "a=b id=2 "}) {
		t.Errorf("%q", got)
	}
}
