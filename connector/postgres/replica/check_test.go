package replica_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/connector/postgres/replica"
)

func TestCheck(t *testing.T) {
	d := create(t, `create table t (id int primary key)`, `create table bare (a int)`, `create table no (id int primary key); alter table no replica identity nothing`,
		`create table later (id int primary key)`)
	c := d.config()
	look := func(want ...string) {
		t.Helper()
		var all strings.Builder
		for _, f := range replica.Check(context.Background(), c) {
			mark := "bad"
			switch {
			case f.Warn && f.OK:
				mark = "warn"
			case f.OK:
				mark = "ok"
			}
			all.WriteString(mark + " " + f.What + ": " + f.Why + " / " + f.Hint + "\n")
		}
		for _, w := range want {
			if !strings.Contains(all.String(), w) {
				t.Errorf("no %q in\n%s", w, all.String())
			}
		}
	}
	look("ok wal_level logical", "ok connect for replication", "ok slot "+c.Slot+": it is not there yet and will be made", "ok free slots", "will be made: CREATE PUBLICATION")
	if n := d.one(`select count(*)::text from pg_publication`); n != "0" {
		t.Errorf("check made %s publications", n)
	}
	c.Create = false
	look("bad slot "+c.Slot, "bad publication "+c.Slot)
	c.Create, c.AllTables = true, false
	d.exec(`create publication ` + c.Slot + ` for table t, bare, no`)
	c.Match = func(_, table string) bool { return true }
	l := newLedger(t)
	c.Options.Snapshot = "never"
	d.follow(l, c)
	look("ok log kept for the slot", "ok replica identity of public.t", "warn replica identity of public.bare", "warn replica identity of public.no", "warn tables that are not published: public.later")
	c.WALBudget = 1
	d.exec(`insert into t select g from generate_series(1, 1000) g`)
	look("warn log kept for the slot", "pg_drop_replication_slot")
}

func TestCheckRole(t *testing.T) {
	d := create(t, `create table t (id int primary key)`, `drop role if exists reader`, `create role reader login password 'reader'`)
	c := d.config()
	c.Dialer = dialer{strings.Replace(d.url, "postgres:tidetest-password@", "reader:reader@", 1)}
	for _, f := range replica.Check(context.Background(), c) {
		if f.What == "connect for replication" {
			if f.OK || !strings.Contains(f.Hint, "rds_replication") {
				t.Errorf("%+v", f)
			}
			return
		}
	}
	t.Error("nothing was said of the role")
}
