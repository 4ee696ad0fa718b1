package replica_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/tidemill/tidemill/tidetest/postgres"
)

// shared is the server of the tests that do not restart it.
var shared *postgres.Server

// version is that of the servers; "" takes what the system has.
var version = os.Getenv("TIDETEST_POSTGRES")

// settings make a server that streams even small transactions.
var settings = map[string]string{
	"wal_level": "logical", "max_prepared_transactions": "10", "logical_decoding_work_mem": "64kB", "max_replication_slots": "40", "max_wal_senders": "40",
	"max_connections": "100",
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	shared, err = postgres.Run(postgres.Options{Version: version, Settings: settings})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// dialer connects to a database of a test.
type dialer struct{ url string }

func (d dialer) Connect(ctx context.Context) (*pgx.Conn, error) {
	c, err := pgx.ParseConfig(d.url)
	if err != nil {
		return nil, err
	}
	c.RuntimeParams["bytea_output"] = "hex"
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	return pgx.ConnectConfig(ctx, c)
}

func (d dialer) ConnectReplication(ctx context.Context) (*pgconn.PgConn, error) {
	c, err := pgconn.ParseConfig(d.url)
	if err != nil {
		return nil, err
	}
	c.RuntimeParams["replication"] = "database"
	return pgconn.ConnectConfig(ctx, c)
}

func (dialer) Explain(err error) error { return err }

// database is a database of one test.
type database struct {
	t    testing.TB
	url  string
	conn *pgx.Conn
}

// create makes a database on the shared server.
func create(t testing.TB, statements ...string) *database {
	return createOn(t, shared, statements...)
}

func createOn(t testing.TB, s *postgres.Server, statements ...string) *database {
	t.Helper()
	url, err := s.Database(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	d := &database{t: t, url: url}
	d.open()
	t.Cleanup(func() { _ = d.conn.Close(context.Background()) })
	d.exec(statements...)
	return d
}

func (d *database) open() {
	d.t.Helper()
	var err error
	if d.conn, err = pgx.Connect(context.Background(), d.url); err != nil {
		d.t.Fatal(err)
	}
}

// exec runs statements, each of which may be several in one transaction.
func (d *database) exec(statements ...string) {
	d.t.Helper()
	for _, sql := range statements {
		if _, err := d.conn.PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
			d.t.Fatalf("%.100s: %v", sql, err)
		}
	}
}

// one returns the only value of a query.
func (d *database) one(sql string, args ...any) string {
	d.t.Helper()
	var v string
	if err := d.conn.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		d.t.Fatalf("%.100s: %v", sql, err)
	}
	return strings.TrimSpace(v)
}

// dropSlot drops a slot as soon as the server has noticed that its reader
// went.
func (d *database) dropSlot(name string) {
	d.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		d.exec("select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active and slot_name = '" + name + "'")
		if d.one("select count(*)::text from pg_replication_slots where slot_name = $1", name) == "0" {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("slot %s is still read", name)
		}
	}
}
