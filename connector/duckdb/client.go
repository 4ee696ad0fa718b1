package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

// errGone says that the owner is not there, or went away before it answered.
var errGone = errors.New("the process that has the database open has ended")

// client is a warehouse whose database another process has open.
type client struct {
	socket string
	path   string
	log    *slog.Logger // of statements

	mu     sync.Mutex
	idle   *link // kept for the next Commit
	closed bool
}

// link is a connection to the owner, for one request at a time.
type link struct {
	*wire
	number uint64
	broken bool
}

// dial connects to the owner. errGone says that nobody listens.
func (c *client) dial(ctx context.Context) (*link, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.socket)
	if err != nil {
		return nil, errors.Join(errGone, ctx.Err())
	}
	l := &link{wire: newWire(conn)}
	if err := l.greet(c.path); err != nil {
		conn.Close()
		return nil, err
	}
	return l, nil
}

func (l *link) greet(path string) error {
	_ = l.SetDeadline(time.Now().Add(drainTime))
	defer func() { _ = l.SetDeadline(time.Time{}) }()
	// One of another version may be gone before it has read ours.
	_ = l.sendJSON(frameHello, hello{Protocol: protocol, PID: os.Getpid(), Path: path})
	f, err := l.receive()
	if err != nil {
		return errGone
	}
	var h hello
	if f.kind != frameHello || json.Unmarshal(f.payload, &h) != nil {
		return &tidemill.Error{Code: tidemill.Unavailable, Op: "open " + path, Err: errors.New("the socket of its owner does not speak our protocol")}
	}
	if h.Protocol != protocol {
		return &tidemill.Error{
			Code: tidemill.Unavailable, Op: "open " + path,
			Err:  fmt.Errorf("process %d has it open and speaks version %d of the protocol, this binary version %d", h.PID, h.Protocol, protocol),
			Hint: fmt.Sprintf("use the same version of tidemill for both, or end process %d first", h.PID),
		}
	}
	return nil
}

// call sends a request with its data and waits for the response. A ctx that
// ends cancels the request; the link stays usable.
func (l *link) call(ctx context.Context, q request, data func() error) (response, error) {
	done, err := l.start(ctx, q, data)
	if err != nil {
		return response{}, err
	}
	defer done()
	return l.finish(ctx)
}

// start sends a request. done, called when it was answered, ends the watch
// over ctx.
func (l *link) start(ctx context.Context, q request, data func() error) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.number++
	q.Number = l.number
	if err := l.sendJSON(frameRequest, q); err != nil {
		return nil, l.fail(err)
	}
	if data != nil {
		if err := data(); err != nil {
			return nil, l.fail(err)
		}
	}
	stop := context.AfterFunc(ctx, func() { l.giveUp(q.Number) })
	return func() {
		stop()
		_ = l.SetReadDeadline(time.Time{})
	}, nil
}

// giveUp asks the owner to stop; one that does not answer then is cut off.
func (l *link) giveUp(number uint64) {
	_ = l.SetReadDeadline(time.Now().Add(drainTime))
	_ = l.send(frameCancel, strconv.AppendUint(nil, number, 10))
}

// finish reads the response.
func (l *link) finish(ctx context.Context) (response, error) {
	f, err := l.receive()
	if err != nil {
		return response{}, l.fail(err)
	}
	return l.decode(ctx, f)
}

func (l *link) decode(ctx context.Context, f frame) (response, error) {
	var r response
	if f.kind != frameResponse {
		return r, l.fail(errProtocol)
	}
	if err := json.Unmarshal(f.payload, &r); err != nil {
		return r, l.fail(err)
	}
	if r.Error != nil && r.Error.Canceled && ctx.Err() == nil {
		return r, l.fail(errGone) // it was not us: the owner has cut us off
	}
	if r.Error != nil && ctx.Err() != nil {
		return r, ctx.Err()
	}
	return r, r.Error.err()
}

// fail marks the link as broken. What a broken connection says differs from
// system to system and helps nobody: the owner is gone.
func (l *link) fail(err error) error {
	l.broken = true
	l.Close()
	if errors.Is(err, errProtocol) {
		return err
	}
	return errGone
}

// do runs a request that needs no session, on a link that is kept.
func (c *client) do(ctx context.Context, run func(*link) error) error {
	c.mu.Lock()
	l := c.idle
	c.idle = nil
	c.mu.Unlock()
	if l == nil {
		var err error
		if l, err = c.dial(ctx); err != nil {
			return err
		}
	}
	err := run(l)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case l.broken:
	case c.idle == nil && !c.closed:
		c.idle = l
	default:
		l.Close()
	}
	return err
}

func (c *client) commit(ctx context.Context, landing tidemill.Landing) (r tidemill.Receipt, err error) {
	err = c.do(ctx, func(l *link) error {
		answer, err := l.call(ctx, request{Op: opLand, Landing: toWire(landing)}, func() error {
			for _, rows := range landing.Rows {
				if err := sendRecord(l.wire, rows.Records); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil && answer.Receipt != nil {
			r = *answer.Receipt
		}
		return err
	})
	return r, err
}

func sendRecord(w *wire, rec arrow.RecordBatch) error {
	sent := false
	return sendRecords(w, rec.Schema(), func() arrow.RecordBatch {
		if sent {
			return nil
		}
		sent = true
		return rec
	})
}

func (c *client) evolve(ctx context.Context, t tidemill.Table, want *arrow.Schema) (have *arrow.Schema, err error) {
	err = c.do(ctx, func(l *link) error {
		var data func() error
		if want != nil {
			data = func() error { return sendSchema(l.wire, want) }
		}
		done, err := l.start(ctx, request{Op: opEvolve, Table: &t, Schema: want != nil}, data)
		if err != nil {
			return err
		}
		defer done()
		first, err := l.receive()
		if err != nil {
			return l.fail(err)
		}
		if first.kind == frameResponse {
			_, err := l.decode(ctx, first)
			return err
		}
		if have, err = readSchema(l.after(first)); err != nil {
			return l.fail(err)
		}
		_, err = l.finish(ctx)
		return err
	})
	return have, err
}

// after returns a source of frames that begins with one that was read already.
func (l *link) after(first frame) func() (frame, error) {
	return func() (frame, error) {
		if f := first; f.kind != 0 {
			first = frame{}
			return f, nil
		}
		return l.receive()
	}
}

func (c *client) ledger(ctx context.Context, pipeline string) (out tidemill.Ledger, err error) {
	err = c.do(ctx, func(l *link) error {
		r, err := l.call(ctx, request{Op: opLedger, Pipeline: pipeline}, nil)
		if err == nil && r.Ledger != nil {
			out = *r.Ledger
		}
		return err
	})
	return out, err
}

func (c *client) fold(ctx context.Context, f tidemill.Fold) (out tidemill.FoldReceipt, err error) {
	err = c.do(ctx, func(l *link) error {
		r, err := l.call(ctx, request{Op: opFold, Fold: &f}, nil)
		if err == nil && r.Folded != nil {
			out = *r.Folded
		}
		return err
	})
	return out, err
}

func (c *client) session(ctx context.Context) (tidemill.Session, error) {
	l, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &remoteSession{link: l, log: c.log}, nil
}

func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.idle != nil {
		c.idle.Close()
		c.idle = nil
	}
}
