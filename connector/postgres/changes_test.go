package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/replica"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest"
	pgserver "github.com/tidemill/tidemill/tidetest/postgres"
)

// TestChangesSuite holds mode cdc to the contract of sources: a change lands
// once, whatever dies in between. The slot is there before the rows: of a row
// that came after it and before the end of an interrupted snapshot there are
// two records, of which the version tells the newer, and the suite counts
// records.
func TestChangesSuite(t *testing.T) {
	server := pgserver.Start(t, pgserver.Options{Settings: map[string]string{
		"wal_level": "logical", "max_replication_slots": "100", "max_wal_senders": "50", "max_connections": "100",
	}})
	tidetest.Source(t, func(t testing.TB) tidetest.Origin {
		ctx := context.Background()
		url, err := server.Database(ctx)
		if err == nil {
			err = server.Exec(ctx, url, "create table t (id int primary key, v text)")
		}
		if err != nil {
			t.Fatal(err)
		}
		slot := "suite" + url[strings.LastIndex(url, "_"):]
		err = server.Exec(ctx, url, "create publication "+slot+" for table t", "select pg_create_logical_replication_slot('"+slot+"', 'pgoutput')")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			drop := "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active and slot_name = '" + slot + "'"
			if err := server.Exec(ctx, url, drop); err != nil {
				t.Error(err)
			}
		})
		return tidetest.Origin{
			Source: func() tidemill.Source {
				o := Options{Mode: modeCDC, Tables: []string{"t"}, CDC: replica.Options{Slot: slot, Snapshot: "never"}}
				s := NewSource(Connection{URL: redact.New(url)}, o, testEnv(t))
				s.SetBatch(50, 1<<20)
				return s
			},
			Put: func(ctx context.Context, ids ...string) error {
				conn, err := pgx.Connect(ctx, url)
				if err != nil {
					return err
				}
				defer func() { _ = conn.Close(ctx) }()
				for len(ids) > 0 {
					n := min(len(ids), 7)
					if _, err := conn.Exec(ctx, fmt.Sprintf("insert into t values (%s, 'v')", strings.Join(ids[:n], ", 'v'), ("))); err != nil {
						return err
					}
					ids = ids[n:]
				}
				return nil
			},
			Positioned: true,
			Schedules:  8,
			Break: func() error {
				return server.Exec(ctx, url, "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '"+slot+"'")
			},
		}
	})
}

// The changes of tables that match, over the whole way of a configuration.
func TestChangesOptions(t *testing.T) {
	c, conn := database(t, "create table a (id int primary key, n numeric(10,2), r int4range)", "create table b (id int primary key)", "insert into a values (1, 1.5, '[1,3)')")
	ctx := context.Background()
	o := Options{Mode: modeCDC, Tables: []string{"public.*"}, Exclude: []string{"b"}, Numeric: "text", CDC: replica.Options{Create: true}}
	for _, f := range CheckChanges(ctx, c, o, "Orders of the day", testEnv(t)) {
		if !f.OK {
			t.Errorf("%+v", f)
		}
	}
	s := NewSource(c, o, testEnv(t))
	s.SetPipeline("Orders of the day")
	if err := s.Open(ctx, nil); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := conn.Exec(ctx, "select pg_drop_replication_slot('tidemill_orders_of_the_day')"); err != nil {
			t.Error(err)
		}
	}()
	if _, err := conn.Exec(ctx, "insert into b values (1); insert into a values (2, 'NaN', '[1,3]')"); err != nil {
		t.Fatal(err)
	}
	if err := s.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for {
		b, err := s.Read(ctx)
		if err != nil {
			break
		}
		for _, p := range b.Parts {
			for i := range int(p.Records.NumRows()) {
				got[fmt.Sprintf("%s %s %s %s", p.Stream, p.Records.Column(0).ValueStr(i), p.Records.Column(5).ValueStr(i), p.Records.Column(6).ValueStr(i))]++
			}
			p.Records.Release()
		}
		if err := s.Ack(ctx, b.Token); err != nil {
			t.Error(err)
		}
	}
	want := map[string]int{"public.a snapshot 1.50 [1,3)": 1, "public.a insert NaN [1,4)": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, o := range []Options{
		{Mode: modeCDC, Query: "select 1"},
		{Mode: "changes", Tables: []string{"a"}},
		{Tables: []string{"a"}, CDC: replica.Options{Create: true}},
	} {
		if err := NewSource(c, o, testEnv(t)).Open(ctx, nil); tidemill.CodeOf(err) != tidemill.Invalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
