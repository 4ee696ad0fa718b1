package tidetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
)

// Origin is the far side of a source: a queue, a folder, a table, of which
// each test has a new and empty one to itself. Fields without a remark must
// be set.
type Origin struct {
	// Source returns a source that has not been opened. All that it returns
	// read the same origin, one after the other.
	Source func() tidemill.Source

	// Put adds one message or row for each id, in this order, and returns when
	// a source can read them. Ids are whole numbers from 1, none put twice.
	Put func(ctx context.Context, ids ...string) error

	// MessageID returns the id that Put gave to a message; nil takes the
	// message's own ID. Dead letters are asked for theirs too.
	MessageID func(tidemill.Message) string

	// RecordIDs returns the ids of a part's rows; nil takes column "id" of all
	// rows that are new: of a change stream, snapshots and inserts.
	RecordIDs func(tidemill.Part) []string

	// Positioned says that batches carry marks, which alone keep a row from
	// landing twice. Else the source is held to acknowledgements, and to the
	// flag of what it delivers again.
	Positioned bool

	// Ordered says that what is read for the first time comes in the order of
	// Put.
	Ordered bool

	// Ends says that Read returns io.EOF by itself when all that was there at
	// Open has been read. Fixed says that only what was there at the first Open
	// is ever read.
	Ends, Fixed bool

	// Many is how many ids take several reads; 0 is 200.
	Many int

	// Schedules is how many random schedules of crashes are run; 0 is 20.
	Schedules int

	// Patience is how long a message that must come may take, such as one that
	// a dead reader held; 0 is 30 s. Quiet is how long is listened for what
	// must not come; 0 is 200 ms.
	Patience, Quiet time.Duration

	// Kill ends a source as the death of its process would; nil closes it
	// without an ack.
	Kill func(tidemill.Source)

	// Break, if set, cuts the connections of all sources, which then come back
	// by themselves.
	Break func() error

	// Left, if set, returns how many messages are not acknowledged.
	Left func(context.Context) (int, error)

	// Leaks are goroutines that may outlive a source.
	Leaks []goleak.Option
}

// Source holds a source to the contract of tidemill.Source. Its reads go
// through a model of a warehouse, which stores marks by compare-and-set, so
// that each row which was put must land once, whatever dies in between. New
// returns an empty origin, which it removes at the end of the test.
func Source(t *testing.T, origin func(t testing.TB) Origin) {
	for _, c := range sourceCases {
		t.Run(c.name, func(t *testing.T) {
			o := origin(t)
			if c.applies == nil || c.applies(o) {
				c.test(newSourceSuite(t, o))
			}
		})
	}
	schedules := origin(t).Schedules
	if schedules == 0 {
		schedules = 20
	}
	for seed := range schedules {
		t.Run(fmt.Sprintf("schedule %d", seed), func(t *testing.T) {
			newSourceSuite(t, origin(t)).schedule(seed)
		})
	}
}

type sourceCase struct {
	name    string
	test    func(*sourceSuite)
	applies func(Origin) bool // nil is always
}

var sourceCases = []sourceCase{
	{"each once", (*sourceSuite).eachOnce, nil},
	{"killed before commit", (*sourceSuite).killedBeforeCommit, nil},
	{"killed before ack", (*sourceSuite).killedBeforeAck, nil},
	{"acked late", (*sourceSuite).ackedLate, nil},
	{"never acked", (*sourceSuite).neverAcked, func(o Origin) bool { return o.Positioned }},
	{"cancelled while idle", (*sourceSuite).cancelledIdle, func(o Origin) bool { return !o.Ends }},
	{"cancelled in mid-read", (*sourceSuite).cancelledInMidRead, nil},
	{"cancelled before read", (*sourceSuite).cancelledBeforeRead, nil},
	{"drain", (*sourceSuite).drain, drains},
	{"drain of nothing", (*sourceSuite).drainOfNothing, drains},
	{"broken connection", (*sourceSuite).brokenConnection, func(o Origin) bool { return o.Break != nil }},
	{"close", (*sourceSuite).closeTwice, nil},
	{"goroutines", (*sourceSuite).goroutines, nil},
}

func drains(o Origin) bool {
	_, ok := o.Source().(tidemill.Drainer)
	return ok
}

// sourceSuite is one test: an origin, what was put there, and what has landed.
type sourceSuite struct {
	testing.TB
	Origin
	ledger sourceLedger
	put    int             // ids from 1 to put are there
	met    map[string]bool // ids that some life has read
}

func newSourceSuite(t testing.TB, o Origin) *sourceSuite {
	if o.MessageID == nil {
		o.MessageID = func(m tidemill.Message) string { return m.ID }
	}
	if o.RecordIDs == nil {
		o.RecordIDs = newRows
	}
	if o.Many == 0 {
		o.Many = 200
	}
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	if o.Quiet == 0 {
		o.Quiet = 200 * time.Millisecond
	}
	if o.Kill == nil {
		o.Kill = func(s tidemill.Source) {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	}
	return &sourceSuite{TB: t, Origin: o, ledger: newSourceLedger(), met: map[string]bool{}}
}

// add puts n more ids.
func (s *sourceSuite) add(n int) {
	s.Helper()
	ids := make([]string, n)
	for i := range ids {
		s.put++
		ids[i] = fmt.Sprint(s.put)
	}
	if err := s.Put(s.Context(), ids...); err != nil {
		s.Fatalf("put: %v", err)
	}
}

// newRows is the default of Origin.RecordIDs.
func newRows(p tidemill.Part) []string {
	column := func(name string) int {
		at := p.Records.Schema().FieldIndices(name)
		return slices.Max(append(at, -1))
	}
	id, op := column("id"), column(tidemill.ColumnOp)
	if id < 0 {
		return []string{"no column id"}
	}
	var ids []string
	for i := range int(p.Records.NumRows()) {
		if op >= 0 {
			kind := tidemill.Op(p.Records.Column(op).ValueStr(i))
			if kind != tidemill.OpSnapshot && kind != tidemill.OpInsert {
				continue
			}
		}
		ids = append(ids, p.Records.Column(id).ValueStr(i))
	}
	return ids
}
