package replica_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/replica"
	"github.com/tidemill/tidemill/tidetest/postgres"
)

// confirmed is where the slot stands.
func (d *database) confirmed(c replica.Config) string {
	d.t.Helper()
	return d.one("select confirmed_flush_lsn::text from pg_replication_slots where slot_name = $1", c.Slot)
}

// The slot advances by an ack, and by nothing else.
func TestSlotAdvancesByAck(t *testing.T) {
	d := create(t, `create table t (id int primary key)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	before := d.confirmed(c)
	d.exec(`insert into t values (1)`)
	s := d.source(l, c)
	b, err := s.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	l.commit(b)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := d.confirmed(c); got != before {
		t.Errorf("slot went from %s to %s without an ack", before, got)
	}
	s = d.source(l, c)
	if err := s.Ack(context.Background(), b.Token); err != nil {
		t.Fatal(err)
	}
	d.drain(l, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if d.one(`select ($1::pg_lsn < confirmed_flush_lsn)::text from pg_replication_slots where slot_name = $2`, before, c.Slot) != "true" {
		t.Error("slot did not advance")
	}
	l.equal(d, "public.t")
}

// While no table changes, the slot advances by heartbeats, through marks.
func TestHeartbeat(t *testing.T) {
	d := create(t, `create table t (id int primary key)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	before, mark := d.confirmed(c), string(l.marks["slot "+c.Slot])
	s := d.source(l, c)
	defer func() { _ = s.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for string(l.marks["slot "+c.Slot]) == mark {
		b, err := s.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Parts) > 0 {
			t.Errorf("%d parts", len(b.Parts))
		}
		l.commit(b)
		if err := s.Ack(ctx, b.Token); err != nil {
			t.Fatal(err)
		}
	}
	for d.confirmed(c) == before {
		if ctx.Err() != nil {
			t.Fatal("slot did not advance")
		}
	}
}

// A transaction of 200,000 rows comes in batches of the size that was asked
// for, through a file and in little memory.
func TestLargeTransaction(t *testing.T) {
	d := create(t, `create table t (id int primary key, a text)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	d.exec(`insert into t select g, repeat('z', 500) from generate_series(1, 200000) g`)
	s := d.source(l, c)
	defer func() { _ = s.Close() }()
	s.SetBatch(5000, 4<<20)
	ctx := context.Background()
	if err := s.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	var most uint64
	rows, batches := 0, 0
	for rows < 200_000 {
		b, err := s.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range b.Parts {
			rows += int(p.Records.NumRows())
			if n := p.Records.NumRows(); n > 5000 {
				t.Errorf("a part of %d rows", n)
			}
		}
		batches++
		drop(b)
		if batches%10 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	t.Logf("%d rows in %d batches, %d MiB of heap", rows, batches, most>>20)
	if most > 40<<20 {
		t.Errorf("%d MiB of heap for 100 MB of rows", most>>20)
	}
}

// A slot that fell behind what the server keeps is an error with a way out.
func TestSlotInvalidated(t *testing.T) {
	own := map[string]string{"max_slot_wal_keep_size": "1MB"}
	for k, v := range settings {
		own[k] = v
	}
	own["max_wal_size"] = "64MB"
	d := createOn(t, postgres.Start(t, postgres.Options{Version: version, Settings: own}), `create table t (id int primary key, a text)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	for i := range 40 {
		d.exec(fmt.Sprintf(`insert into t select g, repeat('z', 1000) from generate_series(%d, %d) g; select pg_switch_wal()`, i*1000, i*1000+999), `checkpoint`)
		if d.one(`select wal_status from pg_replication_slots where slot_name = $1`, c.Slot) == "lost" {
			break
		}
	}
	wants(t, d.fails(l, c), tidemill.NotFound, "on_lost: snapshot")
	c.OnLost = "snapshot"
	d.follow(l, c)
	l.equal(d, "public.t")
}

// A server that took over goes on where the one before it ended. Where
// changes were read that it does not have, they are lost.
func TestTimeline(t *testing.T) {
	server := postgres.Start(t, postgres.Options{Version: version, Settings: settings})
	d := createOn(t, server, `create table t (id int primary key)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	d.exec(`insert into t values (1)`)
	d.follow(l, c)
	takeOver := func() {
		t.Helper()
		d.exec(`copy (select 1) to program 'cat > standby.signal'`)
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		d.open()
		d.exec(`select pg_promote()`)
	}
	takeOver()
	d.exec(`insert into t values (2)`, `update t set id = 3 where id = 1`)
	d.follow(l, c)
	l.equal(d, "public.t")

	scope := "slot " + c.Slot
	ahead := strings.NewReplacer(" lsn=0/", " lsn=F/", " done=0/", " done=F/").Replace(string(l.marks[scope]))
	l.marks[scope] = tidemill.Position(ahead)
	takeOver()
	wants(t, d.fails(l, c), tidemill.NotFound, "on_lost: snapshot")
}

// The server hears of us while a commit takes longer than its patience, with
// the batch full and more to come.
func TestSlowCommit(t *testing.T) {
	d := create(t, `create table t (id int primary key, a text)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	c.Dialer = dialer{d.url + "?options=-c%20wal_sender_timeout%3D1s"}
	s := d.source(l, c)
	defer func() { _ = s.Close() }()
	s.SetBatch(100, 1<<20)
	reader := func() string {
		return d.one("select coalesce(active_pid, 0)::text from pg_replication_slots where slot_name = $1", c.Slot)
	}
	d.exec(`insert into t select g, repeat('z', 500) from generate_series(1, 100000) g`)
	b, err := s.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	before := reader()
	time.Sleep(4 * time.Second) // the commit
	if got := reader(); got != before || got == "0" {
		t.Errorf("the reader of the slot was %s and is %s", before, got)
	}
	l.commit(b)
	d.drain(l, s)
	l.equal(d, "public.t")
}

// A second reader waits until the first one ends.
func TestTakeOver(t *testing.T) {
	d := create(t, `create table t (id int primary key)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	first := d.source(l, c)
	for d.one("select active::text from pg_replication_slots where slot_name = $1", c.Slot) == "false" {
		time.Sleep(10 * time.Millisecond)
	}
	opened := make(chan error, 1)
	second := replica.NewSource(c, logTo(t))
	go func() { opened <- second.Open(context.Background(), l.stored()) }()
	select {
	case err := <-opened:
		t.Errorf("the second reader did not wait: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	d.exec(`insert into t values (1)`)
	d.drain(l, second)
	l.equal(d, "public.t")
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// A publication that goes while it is followed ends the source with a way out.
func TestPublicationDropped(t *testing.T) {
	d := create(t, `create table t (id int primary key)`)
	l, c := newLedger(t), d.config()
	d.follow(l, c)
	d.exec(`drop publication `+c.Slot, `insert into t values (1)`)
	c.Create = false
	wants(t, d.fails(l, c), tidemill.NotFound, "CREATE PUBLICATION")
	d.exec(`create publication `+c.Slot+` for all tables`, `insert into t values (2)`)
	wants(t, d.fails(l, c), tidemill.NotFound, "pg_drop_replication_slot")
	d.dropSlot(c.Slot)
	c.OnLost = "snapshot"
	d.follow(l, c)
	l.equal(d, "public.t")
}
