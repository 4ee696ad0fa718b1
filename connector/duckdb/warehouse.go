package duckdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

// Warehouse is a tidemill.Warehouse on a DuckDB file. It is the owner of the
// file or a client of the process that is, and becomes the other when that
// process ends.
type Warehouse struct {
	path  string
	cfg   Connection
	env   tidemill.Env
	place place
	fault func(point string) // of tests: called between the steps of a commit

	// turn guards what follows; it is a channel so that waiting ends with a
	// context.
	turn   chan struct{}
	used   backend // nil where none is known
	closed bool
}

var (
	_ tidemill.Warehouse = (*Warehouse)(nil)
	_ tidemill.Folder    = (*Warehouse)(nil)
)

// backend is an owner or a client.
type backend interface {
	evolve(ctx context.Context, t tidemill.Table, want *arrow.Schema) (*arrow.Schema, error)
	commit(ctx context.Context, l tidemill.Landing) (tidemill.Receipt, error)
	ledger(ctx context.Context, pipeline string) (tidemill.Ledger, error)
	fold(ctx context.Context, f tidemill.Fold) (tidemill.FoldReceipt, error)
	session(ctx context.Context) (tidemill.Session, error)
	close()
}

// ownership is an owner with its lock and the server for its clients.
type ownership struct {
	*owner
	server *server
	lock   *os.File
}

func (o *ownership) close() {
	if o.server != nil {
		o.server.close()
	}
	o.owner.close()
	if o.lock != nil {
		o.lock.Close() // the lock goes last: the next owner finds the file closed
	}
}

// Open opens the database of cfg, or connects to the process that has it open.
// The caller closes the warehouse.
func Open(ctx context.Context, cfg Connection, env tidemill.Env) (*Warehouse, error) {
	return openWith(ctx, cfg, env, nil)
}

func openWith(ctx context.Context, cfg Connection, env tidemill.Env, fault func(string)) (*Warehouse, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	path, err := cfg.resolve(env.Dir)
	if err != nil {
		return nil, err
	}
	w := &Warehouse{path: path, cfg: cfg, env: env, fault: fault, turn: make(chan struct{}, 1)}
	w.turn <- struct{}{}
	if path != inMemory {
		if w.place, err = meetingPlace(path); err != nil {
			return nil, err
		}
	}
	if _, err := w.backend(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

// takeover is how long another process may take to open the database, with
// the log of one that was killed, or to end.
const takeover = 60 * time.Second

var errClosed = &tidemill.Error{Code: tidemill.Invalid, Err: errors.New("the warehouse is closed")}

// backend returns what is used now, or finds out.
func (w *Warehouse) backend(ctx context.Context) (backend, error) {
	select {
	case <-w.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { w.turn <- struct{}{} }()
	if w.closed {
		return nil, errClosed
	}
	if w.used != nil {
		return w.used, nil
	}
	deadline := time.Now().Add(takeover)
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		b, err := w.find(ctx)
		if err == nil {
			w.used = b
			return b, nil
		}
		if !errors.Is(err, errGone) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, &tidemill.Error{
				Code: tidemill.Unavailable, Op: "open " + w.path, Err: tidemill.Transient(fmt.Errorf("%s has it open but does not answer", w.place.holder())),
				Hint: "look at what " + w.place.holder() + " does, and end it if it hangs",
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// find becomes the owner, or the client of the process that is. errGone says
// that there is one, which does not listen yet or any more.
func (w *Warehouse) find(ctx context.Context) (backend, error) {
	if w.path == inMemory {
		o, err := openOwner(ctx, w.path, w.cfg, w.env.SQL, w.fault)
		if err != nil {
			return nil, err
		}
		return &ownership{owner: o}, nil
	}
	lock, err := w.place.claim()
	if err != nil {
		return nil, err
	}
	if lock == nil {
		c := &client{socket: w.place.socket, path: w.path, log: w.env.SQL}
		l, err := c.dial(ctx)
		if err != nil {
			return nil, err
		}
		c.idle = l
		return c, nil
	}
	o, err := openOwner(ctx, w.path, w.cfg, w.env.SQL, w.fault)
	if err != nil {
		lock.Close()
		return nil, err
	}
	var listener net.Listener
	if listener, err = w.place.listen(); err != nil {
		o.close()
		lock.Close()
		return nil, err
	}
	return &ownership{owner: o, server: serve(o, listener), lock: lock}, nil
}

// lostOwners is how many owners in a row may end before they have answered.
// More is no change of owners: the request itself cannot be sent or read.
const lostOwners = 10

// do runs an operation that may be repeated, also after a change of owners.
func (w *Warehouse) do(ctx context.Context, run func(backend) error) error {
	for lost := 1; ; lost++ {
		b, err := w.backend(ctx)
		if err != nil {
			return err
		}
		if err = run(b); !errors.Is(err, errGone) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.forget(b)
		if lost == lostOwners {
			return &tidemill.Error{
				Code: tidemill.Unavailable, Op: "use " + w.path,
				Err:  tidemill.Transient(fmt.Errorf("%s, which has it open, broke the connection %d times", w.place.holder(), lost)),
				Hint: "look at what " + w.place.holder() + " logs; with it ended, this process opens the file itself",
			}
		}
		select {
		case <-time.After(time.Duration(lost) * 10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// forget drops a client whose owner is gone.
func (w *Warehouse) forget(b backend) {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	if w.used == b {
		b.close()
		w.used = nil
	}
}

// Dialect is tidemill.DuckDB.
func (*Warehouse) Dialect() tidemill.Dialect { return tidemill.DuckDB }

// Evolve is documented at tidemill.Warehouse.
func (w *Warehouse) Evolve(ctx context.Context, t tidemill.Table, want *arrow.Schema) (have *arrow.Schema, err error) {
	err = w.do(ctx, func(b backend) error {
		have, err = b.evolve(ctx, t, want)
		return err
	})
	return have, err
}

// Commit is documented at tidemill.Warehouse.
func (w *Warehouse) Commit(ctx context.Context, l tidemill.Landing) (r tidemill.Receipt, err error) {
	err = w.do(ctx, func(b backend) error {
		r, err = b.commit(ctx, l)
		return err
	})
	return r, err
}

// Ledger is documented at tidemill.Warehouse.
func (w *Warehouse) Ledger(ctx context.Context, pipeline string) (l tidemill.Ledger, err error) {
	err = w.do(ctx, func(b backend) error {
		l, err = b.ledger(ctx, pipeline)
		return err
	})
	return l, err
}

// Fold is documented at tidemill.Folder.
func (w *Warehouse) Fold(ctx context.Context, f tidemill.Fold) (r tidemill.FoldReceipt, err error) {
	err = w.do(ctx, func(b backend) error {
		r, err = b.fold(ctx, f)
		return err
	})
	return r, err
}

// Session is documented at tidemill.Warehouse. A session whose process ends
// goes on in the next one, unless it has changed something there: then its
// next call fails, and may be tried again in a new session.
func (w *Warehouse) Session(ctx context.Context) (tidemill.Session, error) {
	s, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	return &handle{warehouse: w, used: s}, nil
}

func (w *Warehouse) open(ctx context.Context) (s tidemill.Session, err error) {
	err = w.do(ctx, func(b backend) error {
		s, err = b.session(ctx)
		return err
	})
	return s, err
}

// Close waits for the commit under way and, as the owner, for the transactions
// of other processes, up to 10 s; then the next process takes over. Sessions
// of this warehouse are lost.
func (w *Warehouse) Close() error {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	if w.closed {
		return nil
	}
	w.closed = true
	if w.used != nil {
		w.used.close()
		w.used = nil
	}
	return nil
}
