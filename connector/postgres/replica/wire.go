package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

// wire is a connection on which a slot is read.
type wire struct {
	conn *pgconn.PgConn

	mu  sync.Mutex // of writing
	out []byte

	waits atomic.Int64 // since when next waits, in Unix nanoseconds; 0 while it does not
}

// silent is how long next has waited. It may be called from any goroutine.
func (w *wire) silent() time.Duration {
	since := w.waits.Load()
	if since == 0 {
		return 0
	}
	return time.Duration(time.Now().UnixNano() - since)
}

// streaming says what START_REPLICATION asks for.
type streaming struct {
	slot, publication string
	from              lsn
	server            int // version, as 150004
	binary            bool
	messages          bool
	twoPhase          bool
}

// command returns the statement. Protocol and options follow the server's
// version, so that an older one is not asked for what it does not know.
func (o streaming) command() (string, error) {
	slot, err := ident.Quote(tidemill.Postgres, o.slot)
	if err != nil {
		return "", err
	}
	publication, err := ident.Quote(tidemill.Postgres, o.publication)
	if err != nil {
		return "", err
	}
	names, err := ident.Literal(tidemill.Postgres, publication)
	if err != nil {
		return "", err
	}
	version := 1
	options := []string{"publication_names " + names}
	if o.server >= 14_00_00 {
		version = 2
		options = append(options, "streaming 'on'")
		if o.binary {
			options = append(options, "binary 'true'")
		}
		if o.messages {
			options = append(options, "messages 'true'")
		}
	}
	if o.server >= 15_00_00 {
		version = 3
		if o.twoPhase {
			options = append(options, "two_phase 'on'")
		}
	}
	if o.server >= 16_00_00 {
		version = 4
	}
	options = append([]string{fmt.Sprintf("proto_version '%d'", version)}, options...)
	return fmt.Sprintf("START_REPLICATION SLOT %s LOGICAL %s (%s)", slot, o.from, strings.Join(options, ", ")), nil
}

// start begins to stream on conn, which belongs to the wire after that.
func start(ctx context.Context, conn *pgconn.PgConn, o streaming) (*wire, error) {
	command, err := o.command()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Conn().SetDeadline(time.Unix(1, 0)) }) // wakes what waits below
	defer stop()
	front := conn.Frontend()
	front.SendQuery(&pgproto3.Query{String: command})
	if err := front.Flush(); err != nil {
		return nil, err
	}
	for {
		m, err := front.Receive()
		if err != nil {
			return nil, err
		}
		switch m := m.(type) {
		case *pgproto3.CopyBothResponse:
			if !stop() {
				return nil, context.Cause(ctx)
			}
			return &wire{conn: conn}, nil
		case *pgproto3.ErrorResponse:
			return nil, pgconn.ErrorResponseToPgError(m)
		case *pgproto3.NoticeResponse, *pgproto3.ParameterStatus:
		default:
			return nil, fmt.Errorf("start replication: the server answered with %T", m)
		}
	}
}

// event is what the server sent: a message of the plugin, or none and how far
// it has looked.
type event struct {
	message []byte // valid until the next call
	reached lsn    // all before it was sent; of keepalives only
	reply   bool   // the server wants to hear of us now
}

// skipped is the code of a warning of PostgreSQL 18: it sends nothing of a
// publication that was not there at the time of a change, where earlier
// versions end the stream. Nothing may be passed over silently.
const skipped = "55000"

// next waits for an event. It is woken by close.
func (w *wire) next() (event, error) {
	if !w.more() {
		w.waits.Store(time.Now().UnixNano())
		defer w.waits.Store(0)
	}
	for {
		m, err := w.conn.Frontend().Receive()
		if err != nil {
			return event{}, &connError{err}
		}
		switch m := m.(type) {
		case *pgproto3.CopyData:
			return parseEvent(m.Data)
		case *pgproto3.ErrorResponse:
			return event{}, pgconn.ErrorResponseToPgError(m)
		case *pgproto3.NoticeResponse:
			if m.Code == skipped {
				e := pgproto3.ErrorResponse(*m)
				return event{}, pgconn.ErrorResponseToPgError(&e)
			}
		case *pgproto3.ParameterStatus:
		case *pgproto3.CopyDone:
			return event{}, &connError{errors.New("the server ended the stream")}
		default:
			return event{}, fmt.Errorf("the server sent %T within a stream", m)
		}
	}
}

// parseEvent reads what stands in a CopyData.
func parseEvent(b []byte) (event, error) {
	switch {
	case len(b) >= 25 && b[0] == 'w':
		return event{message: b[25:]}, nil
	case len(b) == 18 && b[0] == 'k':
		return event{reached: lsn(binary.BigEndian.Uint64(b[1:])), reply: b[17] == 1}, nil
	}
	return event{}, fmt.Errorf("the server sent a message of the stream that is %d bytes long and none we know", len(b))
}

// more reports whether a part of the next event is here already.
func (w *wire) more() bool { return w.conn.Frontend().ReadBufferLen() > 0 }

// epochMicros is where the server counts its microseconds from.
var epochMicros = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// report tells the server what we have received, and what it may forget; ask
// makes it answer with a keepalive. It may be called from any goroutine.
func (w *wire) report(received, flushed lsn, ask bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := append(w.out[:0], 'd', 0, 0, 0, 38, 'r')
	b = binary.BigEndian.AppendUint64(b, uint64(max(received, flushed)))
	b = binary.BigEndian.AppendUint64(b, uint64(flushed))
	b = binary.BigEndian.AppendUint64(b, uint64(flushed))
	b = binary.BigEndian.AppendUint64(b, uint64(time.Now().UnixMicro()-epochMicros))
	if ask {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	w.out = b
	_ = w.conn.Conn().SetWriteDeadline(time.Now().Add(reportWithin)) // a dead connection fails below
	if _, err := w.conn.Conn().Write(b); err != nil {
		return &connError{err}
	}
	return nil
}

// reportWithin bounds the writing of a report; the server reads them even
// while we do not read from it.
const reportWithin = 30 * time.Second

// wake makes next return, and leaves the connection as it is. It may be called
// from any goroutine.
func (w *wire) wake() {
	_ = w.conn.Conn().SetReadDeadline(time.Unix(1, 0)) // a connection that went wakes too
}

// partWithin bounds farewell.
const partWithin = time.Second

// farewell ends the stream in good order after next has returned: a server
// that sees a connection break need not read what we reported last.
func (w *wire) farewell(received, flushed lsn) {
	defer w.close()
	if w.report(received, flushed, false) != nil {
		return
	}
	_ = w.conn.Conn().SetDeadline(time.Now().Add(partWithin)) // a connection that went fails below
	if _, err := w.conn.Conn().Write([]byte{'c', 0, 0, 0, 4}); err != nil {
		return
	}
	for {
		m, err := w.conn.Frontend().Receive()
		if _, done := m.(*pgproto3.CopyDone); err != nil || done {
			return
		}
	}
}

// close breaks the connection off without a farewell, which the server
// notices; next and report then fail. It may be called from any goroutine.
func (w *wire) close() {
	_ = w.conn.Conn().Close() // it is of no use any more
}

// connError is a connection that went.
type connError struct{ err error }

func (e *connError) Error() string { return e.err.Error() }
func (e *connError) Unwrap() error { return e.err }

// isLost reports whether err says that the connection went, or the server is
// not ready, rather than that the server refused or sent what makes no sense.
func isLost(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		switch said.Code {
		case "57P01", "57P02", "57P03", "57P05", "53300", "08006", "08003", "08000":
			return true
		}
		return false
	}
	var gone *connError
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &gone) || errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}
