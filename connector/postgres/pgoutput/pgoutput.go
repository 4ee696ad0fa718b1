// Package pgoutput decodes the messages of PostgreSQL's logical replication
// plugin of that name, protocol versions 1 to 4: transactions whole, streamed
// while they run, and prepared.
//
// It promises that no input makes it panic, that no input makes it allocate
// more than a small multiple of the input's length, and that nothing is
// copied: values and names alias the bytes given to Decode.
package pgoutput

import "time"

// LSN is a place in the write-ahead log, in bytes.
type LSN uint64

// Message is one of the types below, as a pointer.
type Message interface{ message() }

// Kind is how a value is given.
type Kind byte

// The kinds of values.
const (
	Null      Kind = 'n'
	Unchanged Kind = 'u' // a TOASTed value that the update did not touch, and that is not told
	Text      Kind = 't' // in the form of the type's output function
	Binary    Kind = 'b' // in the form of the type's send function
)

// Value is a column's value in a row. Data aliases the message, and is nil
// where Kind is Null or Unchanged.
type Value struct {
	Kind Kind
	Data []byte
}

// Identity is what a table tells of the old row on update and delete.
type Identity byte

// The replica identities.
const (
	IdentityDefault Identity = 'd' // the primary key
	IdentityNothing Identity = 'n'
	IdentityFull    Identity = 'f' // all columns
	IdentityIndex   Identity = 'i' // the columns of a unique index
)

// OldKind says what Old of an update or a delete holds.
type OldKind byte

// The kinds of old rows.
const (
	OldNone OldKind = 0
	OldKey  OldKind = 'K' // columns of the replica identity; the others are null
	OldRow  OldKind = 'O' // the whole row
)

type (
	// Begin starts a transaction.
	Begin struct {
		Commit LSN // of its commit record
		Time   time.Time
		XID    uint32
	}

	// Commit ends the transaction of Begin.
	Commit struct {
		Commit, End LSN
		Time        time.Time
	}

	// Origin names the server that a transaction came from first.
	Origin struct {
		Commit LSN
		Name   []byte
	}

	// Relation describes a table. It comes before the first change of the
	// table, and again when the table has changed.
	Relation struct {
		XID       uint32 // of the subtransaction; in a stream only
		ID        uint32
		Namespace string // pg_catalog if empty
		Name      string
		Identity  Identity
		Columns   []Column
	}

	// Type names a data type that is not built in.
	Type struct {
		XID             uint32
		ID              uint32
		Namespace, Name string
	}

	// Insert is a new row.
	Insert struct {
		XID      uint32
		Relation uint32
		New      []Value
	}

	// Update is a changed row. Old is there where a column of the replica
	// identity changed, or with the full identity.
	Update struct {
		XID      uint32
		Relation uint32
		OldKind  OldKind
		Old, New []Value
	}

	// Delete is a row that went.
	Delete struct {
		XID      uint32
		Relation uint32
		OldKind  OldKind
		Old      []Value
	}

	// Truncate emptied tables.
	Truncate struct {
		XID                      uint32
		Cascade, RestartIdentity bool
		Relations                []uint32
	}

	// Logical is what pg_logical_emit_message wrote.
	Logical struct {
		XID           uint32
		Transactional bool
		LSN           LSN
		Prefix        []byte
		Content       []byte
	}

	// StreamStart begins a run of changes of a transaction that is under way.
	StreamStart struct {
		XID   uint32
		First bool // run of this transaction
	}

	// StreamStop ends the run.
	StreamStop struct{}

	// StreamCommit ends a streamed transaction.
	StreamCommit struct {
		XID         uint32
		Commit, End LSN
		Time        time.Time
	}

	// StreamAbort takes a streamed transaction back, or one of its
	// subtransactions where SubXID is not XID.
	StreamAbort struct {
		XID, SubXID uint32
	}

	// BeginPrepare starts a transaction that is prepared for a two-phase
	// commit.
	BeginPrepare struct {
		Prepare, End LSN
		Time         time.Time
		XID          uint32
		GID          []byte
	}

	// Prepare ends the transaction of BeginPrepare or, with Streamed, a
	// streamed one. Its changes wait for CommitPrepared.
	Prepare struct {
		Streamed     bool
		Prepare, End LSN
		Time         time.Time
		XID          uint32
		GID          []byte
	}

	// CommitPrepared commits a prepared transaction.
	CommitPrepared struct {
		Commit, End LSN
		Time        time.Time
		XID         uint32
		GID         []byte
	}

	// RollbackPrepared takes a prepared transaction back.
	RollbackPrepared struct {
		PrepareEnd, End LSN
		Prepared, Time  time.Time
		XID             uint32
		GID             []byte
	}
)

// Column is a column of a Relation.
type Column struct {
	Key    bool // of the replica identity
	Name   string
	Type   uint32
	Typmod int32
}

func (*Begin) message()            {}
func (*Commit) message()           {}
func (*Origin) message()           {}
func (*Relation) message()         {}
func (*Type) message()             {}
func (*Insert) message()           {}
func (*Update) message()           {}
func (*Delete) message()           {}
func (*Truncate) message()         {}
func (*Logical) message()          {}
func (*StreamStart) message()      {}
func (*StreamStop) message()       {}
func (*StreamCommit) message()     {}
func (*StreamAbort) message()      {}
func (*BeginPrepare) message()     {}
func (*Prepare) message()          {}
func (*CommitPrepared) message()   {}
func (*RollbackPrepared) message() {}
