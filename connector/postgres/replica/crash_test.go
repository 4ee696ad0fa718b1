package replica_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/replica"
	"github.com/tidemill/tidemill/tidetest/postgres"
)

// writer makes random changes in tables a, b and c.
type writer struct {
	r    *rand.Rand
	conn *pgx.Conn
	// keep leaves truncates out: of one in a prepared transaction the server
	// itself sometimes fails to decode ("could not map filenode").
	keep bool
}

const tables = `create table a (id int primary key, n int, big text, v numeric(12,3), at timestamptz); alter table a alter big set storage external;
	create table b (id bigint primary key, x text, j jsonb, l int[]); alter table b replica identity full;
	create table c (k text not null, d date, u uuid); create unique index c_k on c (k); alter table c replica identity using index c_k`

// statement returns one random change.
func (w *writer) statement() string {
	r := w.r
	id, to := r.IntN(60), r.IntN(60)
	big := "'" + strings.Repeat(string(rune('a'+r.IntN(26))), 2100+r.IntN(3000)) + "'"
	switch r.IntN(14) {
	case 0, 1, 2:
		return fmt.Sprintf(`insert into a values (%d, %d, %s, %d.%03d, now()) on conflict do nothing`, id, to, big, r.IntN(1e6), r.IntN(1000))
	case 3:
		return fmt.Sprintf(`update a set n = n + 1 where id < %d`, id)
	case 4:
		return fmt.Sprintf(`update a set big = %s where id = %d`, big, id)
	case 5: // the key changes, the large value does not
		return fmt.Sprintf(`update a set id = %d where id = %d and not exists (select from a where id = %[1]d)`, to, id)
	case 6:
		return fmt.Sprintf(`delete from a where id = %d`, id)
	case 7, 8:
		return fmt.Sprintf(`insert into b values (%d, %s, '{"k": [%d, null]}', '{%d,NULL}') on conflict (id) do update set x = excluded.x`, id, big, to, id)
	case 9:
		return fmt.Sprintf(`update b set id = %d, j = null where id = %d and not exists (select from b where id = %[1]d)`, to+100, id)
	case 10:
		return fmt.Sprintf(`delete from b where id %% 7 = %d`, r.IntN(7))
	case 11:
		return fmt.Sprintf(`insert into c values ('k%d', '2026-01-%02d', gen_random_uuid()) on conflict (k) do update set d = null`, id, 1+r.IntN(28))
	case 12:
		return fmt.Sprintf(`update c set k = 'm%d' where k = 'k%d' and not exists (select from c where k = 'm%[1]d')`, to, id)
	}
	if r.IntN(10) == 0 && !w.keep {
		return []string{"truncate a", "truncate b, c"}[r.IntN(2)]
	}
	return fmt.Sprintf(`delete from c where k like '%%%d'`, r.IntN(10))
}

// transaction runs some changes, with subtransactions, of which some are
// taken back; now and then it is large, so that it is streamed.
func (w *writer) transaction(ctx context.Context) error {
	var b strings.Builder
	b.WriteString("begin;")
	for range 1 + w.r.IntN(4) {
		if w.r.IntN(3) > 0 {
			b.WriteString(w.statement() + ";")
			continue
		}
		b.WriteString("savepoint s;")
		for range 1 + w.r.IntN(3) {
			b.WriteString(w.statement() + ";")
		}
		if w.r.IntN(2) == 0 {
			b.WriteString("rollback to s;")
		}
	}
	if w.r.IntN(8) == 0 {
		fmt.Fprintf(&b, "insert into b select g, repeat('s', 100), null, null from generate_series(1000, %d) g on conflict do nothing; delete from b where id > %d;", 1500+w.r.IntN(1500), 1100)
	}
	switch w.r.IntN(12) {
	case 0:
		b.WriteString("rollback;")
	case 1:
		b.WriteString("prepare transaction 'p'; ")
	default:
		b.WriteString("commit;")
	}
	for _, sql := range strings.SplitAfter(b.String(), "; ") {
		if _, err := w.conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("%.200s: %w", sql, err)
		}
	}
	if strings.HasSuffix(b.String(), "'p'; ") {
		_, err := w.conn.PgConn().Exec(ctx, []string{"commit", "rollback"}[w.r.IntN(2)]+" prepared 'p'").ReadAll()
		return err
	}
	return nil
}

// run reads for a while, and then dies: what it read last is lost, committed
// without an ack, or acked late.
func (d *database) run(l *ledger, c replica.Config, r *rand.Rand) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(20+r.IntN(200))*time.Millisecond)
	defer cancel()
	s := replica.NewSource(c, logTo(d.t))
	s.SetBatch([]int{1, 7, 50, 1000}[r.IntN(4)], 1<<20)
	defer func() { _ = s.Close() }()
	if err := s.Open(context.Background(), l.stored()); err != nil {
		return err
	}
	var late []any
	for {
		b, err := s.Read(ctx)
		if err != nil {
			return nil // its time was up
		}
		if r.IntN(10) == 0 {
			drop(b) // dead before the commit
			return nil
		}
		l.commit(b)
		switch r.IntN(4) {
		case 0: // never
		case 1:
			late = append(late, b.Token)
		default:
			for _, tok := range append(late, b.Token) {
				if err := s.Ack(ctx, tok); err != nil {
					return err
				}
			}
			late = nil
		}
	}
}

// After random changes under restarts at any moment the mirror equals the
// tables row by row, and no change came twice.
func TestRandomUnderRestarts(t *testing.T) {
	for _, twoPhase := range []bool{false, true} {
		t.Run(fmt.Sprintf("two phase %t", twoPhase), func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 1))
			d := create(t, tables)
			l, c := newLedger(t), d.config()
			c.TwoPhase = twoPhase
			w := &writer{r: rand.New(rand.NewPCG(seed, 2)), conn: d.conn, keep: twoPhase}
			for range 30 {
				if err := w.transaction(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			done := make(chan error, 1)
			go func() {
				for range 400 {
					if err := w.transaction(context.Background()); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
			runs := 0
			for writing := true; writing; runs++ {
				select {
				case err := <-done:
					if err != nil {
						t.Fatal(err)
					}
					writing = false
				default:
				}
				if err := d.run(l, c, r); err != nil {
					t.Fatal(err)
				}
			}
			d.follow(l, c)
			for _, stream := range []string{"public.a", "public.b", "public.c"} {
				l.equal(d, stream)
			}
			t.Logf("%d runs, %v", runs, l.ops)
		})
	}
}

// The server is restarted and crashes while it is read, and the source goes
// on by itself.
func TestServerRestarts(t *testing.T) {
	s := postgres.Start(t, postgres.Options{Version: version, Settings: settings})
	d := createOn(t, s, tables)
	l, c := newLedger(t), d.config()
	src := d.source(l, c)
	defer func() { _ = src.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	batches := make(chan tidemill.Batch)
	reads := make(chan error, 1)
	go func() {
		for {
			b, err := src.Read(ctx)
			if err != nil {
				reads <- err
				return
			}
			batches <- b
		}
	}()
	take := func(until func() bool) {
		t.Helper()
		deadline := time.After(30 * time.Second)
		for !until() {
			select {
			case b := <-batches:
				l.commit(b)
				if err := src.Ack(ctx, b.Token); err != nil {
					t.Fatal(err)
				}
			case err := <-reads:
				t.Fatal(err)
			case <-deadline:
				t.Fatal("the last row did not come")
			}
		}
	}
	d.exec(`insert into c values ('first')`)
	take(func() bool { return l.rows["public.c"]["first"] != nil })
	take(func() bool { return strings.Contains(string(l.marks["slot "+c.Slot]), "consistent=") })
	r := rand.New(rand.NewPCG(1, 2))
	for i, again := range []func() error{s.Restart, s.Crash, s.Restart} {
		w := &writer{r: r, conn: d.conn}
		for range 30 {
			if err := w.transaction(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := again(); err != nil {
			t.Fatal(err)
		}
		d.open()
		last := fmt.Sprintf("last%d", i)
		d.exec(`insert into c values ('` + last + `')`)
		take(func() bool { return l.rows["public.c"][last] != nil })
		for _, stream := range []string{"public.a", "public.b", "public.c"} {
			l.equal(d, stream)
		}
	}
	cancel()
	for {
		select {
		case b := <-batches:
			drop(b)
			continue
		case err := <-reads:
			if !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
				t.Error(err)
			}
		}
		break
	}
}
