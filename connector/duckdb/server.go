package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

// drainTime is how long an owner that ends waits for the transactions of its
// clients.
const drainTime = 10 * time.Second

// server lets other processes use the owner's database.
type server struct {
	owner    *owner
	listener net.Listener
	ctx      context.Context // ends when clients are cut off
	cut      context.CancelFunc
	done     sync.WaitGroup

	mu       sync.Mutex
	peers    map[*peer]struct{}
	draining bool
}

func serve(o *owner, l net.Listener) *server {
	s := &server{owner: o, listener: l, peers: map[*peer]struct{}{}}
	s.ctx, s.cut = context.WithCancel(context.Background())
	s.done.Go(s.accept)
	return s
}

func (s *server) accept() {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors: it may pass
			time.Sleep(50 * time.Millisecond)
			continue
		}
		p := &peer{server: s, wire: newWire(c), frames: make(chan frame)}
		s.mu.Lock()
		if s.draining {
			s.mu.Unlock()
			c.Close()
			continue
		}
		s.peers[p] = struct{}{}
		s.done.Go(p.serve)
		s.mu.Unlock()
	}
}

// close stops accepting, lets transactions and queries under way end, for a
// bounded time, and then cuts the clients off.
func (s *server) close() {
	s.mu.Lock()
	s.draining = true
	for p := range s.peers {
		if !p.busy {
			p.Close()
		}
	}
	s.mu.Unlock()
	s.listener.Close()
	timer := time.AfterFunc(drainTime, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cut()
		for p := range s.peers {
			p.Close()
		}
	})
	s.done.Wait()
	timer.Stop()
	s.cut()
}

// peer is one connection of a client: a session, and the operations of the
// warehouse. Two goroutines belong to it: read, and serve, which waits for it.
type peer struct {
	*wire
	server  *server
	frames  chan frame // from read to serve
	session *session   // made by its first statement

	mu     sync.Mutex
	number uint64 // of the request under way
	cancel context.CancelFunc
	busy   bool // guarded by server.mu: a request or a transaction is under way
}

func (p *peer) serve() {
	ctx, stop := context.WithCancel(p.server.ctx)
	var reading sync.WaitGroup
	defer func() {
		stop()
		p.Close()
		reading.Wait()
		if p.session != nil {
			_ = p.session.Close() // never fails; rolls back
		}
		p.server.mu.Lock()
		delete(p.server.peers, p)
		p.server.mu.Unlock()
	}()
	if !p.greet() {
		return
	}
	reading.Go(func() {
		defer stop() // a client that is gone wants no answer
		p.read(ctx)
	})
	for {
		f, err := p.next(ctx)
		if err != nil || f.kind != frameRequest || !p.begin() {
			return
		}
		if err := p.handle(ctx, f.payload); err != nil || !p.end() {
			return
		}
	}
}

// greet exchanges hellos. The client says what is wrong with ours.
func (p *peer) greet() bool {
	_ = p.SetDeadline(time.Now().Add(drainTime))
	defer func() { _ = p.SetDeadline(time.Time{}) }()
	if err := p.sendJSON(frameHello, hello{Protocol: protocol, PID: os.Getpid(), Path: p.server.owner.path}); err != nil {
		return false
	}
	f, err := p.receive()
	var h hello
	return err == nil && f.kind == frameHello && json.Unmarshal(f.payload, &h) == nil && h.Protocol == protocol
}

// read hands frames on, and acts on cancels at once.
func (p *peer) read(ctx context.Context) {
	for {
		f, err := p.receive()
		if err != nil {
			return
		}
		if f.kind == frameCancel {
			p.giveUp(string(f.payload))
			continue
		}
		select {
		case p.frames <- f:
		case <-ctx.Done():
			return
		}
	}
}

func (p *peer) giveUp(number string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil && strconv.FormatUint(p.number, 10) == number {
		p.cancel()
	}
}

func (p *peer) next(ctx context.Context) (frame, error) {
	select {
	case f := <-p.frames:
		return f, nil
	case <-ctx.Done():
		return frame{}, ctx.Err()
	}
}

// begin says whether a request may run: not where the owner is about to end.
func (p *peer) begin() bool {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	if p.server.draining && !p.busy {
		return false
	}
	p.busy = true
	return true
}

func (p *peer) end() bool {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.busy = p.session != nil && p.session.open
	return p.busy || !p.server.draining
}

// handle answers one request. An error is one of the connection.
func (p *peer) handle(ctx context.Context, payload []byte) error {
	var q request
	if err := json.Unmarshal(payload, &q); err != nil {
		return err
	}
	rctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	p.number, p.cancel = q.Number, cancel
	p.mu.Unlock()
	r, err := p.answer(ctx, rctx, q)
	if err != nil {
		return err
	}
	return p.sendJSON(frameResponse, r)
}

// answer runs q under ctx; conn is the context of the connection, with which
// the request is read even if it was given up.
func (p *peer) answer(conn, ctx context.Context, q request) (response, error) {
	next := func() (frame, error) { return p.next(conn) }
	switch q.Op {
	case opLand:
		return p.land(ctx, next, q.Landing)
	case opEvolve:
		return p.evolve(ctx, next, q)
	case opLedger:
		l, err := p.server.owner.ledger(ctx, q.Pipeline)
		return response{Ledger: &l, Error: toWireError(err)}, nil
	case opFold:
		if q.Fold == nil {
			return response{}, errProtocol
		}
		r, err := p.server.owner.fold(ctx, *q.Fold)
		return response{Folded: &r, Error: toWireError(err)}, nil
	}
	if p.session == nil {
		s, err := p.server.owner.session(ctx)
		if err != nil {
			return response{Error: toWireError(err)}, nil
		}
		p.session = s.(*session)
	}
	args, err := fromWireArgs(q.Args)
	if err != nil {
		return response{}, err
	}
	var r response
	switch q.Op {
	case opBegin:
		err = p.session.Begin(ctx)
	case opCommit:
		err = p.session.Commit(ctx)
	case opRollback:
		err = p.session.Rollback(ctx)
	case opExec:
		r.Rows, err = p.session.Exec(ctx, q.SQL, args...)
	case opQuery:
		return p.query(ctx, q.SQL, args)
	default:
		return r, errProtocol
	}
	r.Error = toWireError(err)
	return r, nil
}

func (p *peer) query(ctx context.Context, sql string, args []any) (response, error) {
	rows, err := p.session.Query(ctx, sql, args...)
	if err != nil {
		return response{Error: toWireError(err)}, nil
	}
	defer rows.Release()
	err = sendRecords(p.wire, rows.Schema(), func() arrow.RecordBatch {
		if ctx.Err() != nil || !rows.Next() {
			return nil
		}
		return rows.RecordBatch()
	})
	if err != nil {
		return response{}, err
	}
	return response{Error: toWireError(errors.Join(rows.Err(), ctx.Err()))}, nil
}

func (p *peer) land(ctx context.Context, next func() (frame, error), w *wireLanding) (response, error) {
	if w == nil {
		return response{}, errProtocol
	}
	l := tidemill.Landing{Pipeline: w.Pipeline, Batch: w.Batch, Dead: w.Dead, Marks: w.Marks, Since: w.Since, Duplicates: w.Duplicates, Note: w.Note}
	for _, t := range w.Tables {
		rec, err := readRecord(next)
		if err != nil {
			return response{}, err
		}
		defer rec.Release()
		l.Rows = append(l.Rows, tidemill.TableRows{Table: t.Table, Records: rec, Redelivered: t.Redelivered, Duplicates: t.Duplicates})
	}
	r, err := p.server.owner.commit(ctx, l)
	return response{Receipt: &r, Error: toWireError(err)}, nil
}

func (p *peer) evolve(ctx context.Context, next func() (frame, error), q request) (response, error) {
	var want *arrow.Schema
	if q.Table == nil {
		return response{}, errProtocol
	}
	if q.Schema {
		var err error
		if want, err = readSchema(next); err != nil {
			return response{}, err
		}
	}
	s, err := p.server.owner.evolve(ctx, *q.Table, want)
	if err != nil || s == nil {
		return response{Error: toWireError(err)}, nil
	}
	return response{Schema: true}, sendSchema(p.wire, s)
}
