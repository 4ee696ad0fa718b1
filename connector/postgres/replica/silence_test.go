package replica_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connector/postgres/replica"
)

// hole is a way to the server on which connections may be forgotten: they
// stay open, and nothing comes through any more.
type hole struct {
	listener net.Listener
	server   string
	forget   atomic.Int64 // connections up to this number
	made     atomic.Int64
	ended    chan struct{}
	work     sync.WaitGroup
}

func newHole(t *testing.T, server string) *hole {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{listener: l, server: server, ended: make(chan struct{})}
	h.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.work.Go(func() { h.join(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(h.ended)
		h.work.Wait()
	})
	return h
}

func (h *hole) join(c net.Conn) {
	defer func() { _ = c.Close() }()
	s, err := net.Dial("tcp", h.server)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	number := h.made.Add(1)
	var both sync.WaitGroup
	pipe := func(to, from net.Conn) {
		defer func() { _ = to.Close() }()
		b := make([]byte, 32<<10)
		for {
			n, err := from.Read(b)
			if err != nil && number <= h.forget.Load() {
				<-h.ended // that it was closed is not told either
			}
			if err != nil {
				return
			}
			if number <= h.forget.Load() {
				continue
			}
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
	}
	both.Go(func() { pipe(s, c) })
	pipe(c, s)
	both.Wait()
}

// A connection of which the network knows nothing any more is noticed.
func TestSilence(t *testing.T) {
	d := create(t, `create table t (id int primary key)`)
	l, c := newLedger(t), d.config()
	c.Heartbeat = time.Hour
	d.follow(l, c)
	u, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	h := newHole(t, u.Host)
	u.Host = h.listener.Addr().String()
	c.Dialer = dialer{u.String() + "?sslmode=disable"}
	s := replica.NewSource(c, logTo(t))
	s.SetSilence(time.Second)
	if err := s.Open(context.Background(), l.stored()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	next := func(id string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		d.exec(`insert into t values (` + id + `)`)
		for l.rows["public.t"][id] == nil {
			b, err := s.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			l.commit(b)
		}
	}
	next("1")
	// The server does not notice either: its process is ended by hand.
	h.forget.Store(h.made.Load())
	d.exec(`select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '` + c.Slot + `'`)
	next("2")
}
