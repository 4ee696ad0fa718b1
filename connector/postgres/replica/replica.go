// Package replica follows the changes of a PostgreSQL database through a slot
// of logical replication.
//
// Each change is a record of its table's stream, see tidemill.ChangeFields.
// The promises:
//
//   - The slot advances only to where all was committed: what was read and not
//     acknowledged is read again, from the marks of the ledger, and a
//     transaction that was committed in part goes on where it stopped.
//   - A version orders all changes: epoch, commit LSN, place within the
//     transaction. Rows of the snapshot bear the slot's consistent point, so
//     that every change after it wins, also over rows that were read again
//     after a crash.
//   - Where changes are lost, because the slot went or the server is another
//     one, that is an error, or a new snapshot under a greater epoch; never a
//     silent gap.
//   - Memory is bounded by the batch. Transactions that are streamed while they
//     run, or prepared, wait in files.
//
// Goroutines: Open starts one that receives and one that reports, both end
// with Close. mu of Source guards what they share; nothing else is locked.
package replica

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
	"github.com/tidemill/tidemill/project"
)

type lsn = pgoutput.LSN

// Options say how changes are followed.
type Options struct {
	Slot        string        `yaml:"slot" doc:"Slot of logical replication; without it tidemill_ and the name of the pipeline."`
	Publication string        `yaml:"publication" doc:"Publication that says which tables are sent; without it the name of the slot."`
	Create      bool          `yaml:"create" doc:"Make slot and publication where they are missing."`
	AllTables   bool          `yaml:"all_tables" doc:"Make the publication FOR ALL TABLES, those of later too, which only a superuser may."`
	Root        bool          `yaml:"via_root" doc:"Make the publication so that rows of partitions come as rows of the partitioned table."`
	Snapshot    string        `yaml:"snapshot" doc:"Whether rows that are there already are read first." enum:"initial,never" default:"initial"`
	OnLost      string        `yaml:"on_lost" doc:"What to do where changes are lost, because the slot went or the server is another one: error stops, snapshot reads all tables again." enum:"error,snapshot" default:"error"`
	TwoPhase    bool          `yaml:"two_phase" doc:"Receive prepared transactions when they are prepared, not when they are committed; they wait in a file until then. Of a slot that is made."`
	Heartbeat   time.Duration `yaml:"heartbeat" doc:"How often the slot advances while no table changes, by a small message in the log of the database; at least 1s." default:"30s"`
	WALBudget   project.Bytes `yaml:"wal_budget" doc:"Log that the server may keep for the slot before that is a warning; 0 is none." default:"10GiB"`
}

// Dialer connects to the server.
type Dialer interface {
	Connect(ctx context.Context) (*pgx.Conn, error)
	ConnectReplication(ctx context.Context) (*pgconn.PgConn, error)
	// Explain gives an error of a statement its code and hint.
	Explain(err error) error
}

// Message names the columns of a table whose rows are messages: an outbox.
// Only Value is required.
type Message struct {
	Value, Type, Source, ID string
}

// Config is what a Source needs.
type Config struct {
	Options
	Dialer   Dialer
	Pipeline string
	// Match says which tables are read; nil reads all that are published.
	Match func(schema, table string) bool
	// Columns chooses between two forms of some types.
	Columns column.Options
	// Message makes messages of inserted rows in the place of records.
	Message Message
	// Snapshot returns a source of the rows of tables, whose marks have scopes
	// of their own. The snapshot of the server that it reads in is named by
	// id, or is any where that is empty.
	Snapshot func(tables []tidemill.TableName, id string) tidemill.Source
}

// The defaults of Options, for callers that do not read them from YAML.
const (
	defaultHeartbeat = 30 * time.Second
	leastHeartbeat   = time.Second

	// Batch limits where SetBatch was not called.
	defaultRows  = 10_000
	defaultBytes = 16 << 20
)
