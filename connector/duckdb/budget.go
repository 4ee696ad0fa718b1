package duckdb

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

// What the engine may use while it only lands. Landing runs for weeks beside
// other programs and needs no more than the batch in hand; without a limit the
// engine keeps every block that it has written.
const (
	landingMemory  = 64 << 20 // bytes
	landingThreads = "1"
)

// budget gives the engine what it needs: little while it only lands, all that
// the connection allows while sessions run models and queries.
type budget struct {
	conn            *conn
	memory, threads string // what the connection allows
	most            int64  // memory in bytes

	mu       sync.Mutex
	sessions int
	landing  int64 // bytes for landing; doubled where a batch needed more
}

// newBudget reads what c allows, and lowers it until the first session. c is
// the budget's own from then on.
func newBudget(ctx context.Context, c *conn) (*budget, error) {
	b := &budget{conn: c, landing: landingMemory}
	rows, err := c.rows(ctx, "SELECT current_setting('memory_limit'), current_setting('threads')::VARCHAR, "+
		"parse_formatted_bytes(current_setting('memory_limit'))::BIGINT")
	if err != nil {
		return nil, err
	}
	b.memory, b.threads, b.most = rows[0][0].(string), rows[0][1].(string), rows[0][2].(int64)
	if c.in.path == inMemory { // what has landed is in that memory too
		b.landing = b.most
	}
	_ = b.narrow(ctx)
	return b, nil
}

// enter makes room for a session; leave is called once when it ends.
func (b *budget) enter(ctx context.Context) (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sessions == 0 {
		if err := b.set(ctx, b.memory, b.threads); err != nil {
			return nil, err
		}
	}
	b.sessions++
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.sessions--; b.sessions == 0 {
			_ = b.narrow(context.WithoutCancel(ctx))
		}
	}), nil
}

// lift is called when landing ran out of memory: it gets twice as much, up to
// all that is allowed. It reports whether there is more now, so that the same
// is worth another try.
func (b *budget) lift(ctx context.Context, err error) bool {
	if !outOfMemory(err) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.landing >= b.most {
		return false
	}
	b.landing *= 2
	return b.sessions > 0 || b.raise(context.WithoutCancel(ctx)) == nil
}

// raise sets the limits of landing. While the engine uses more than it is
// allowed it cannot even be told so: what is over goes as other statements end.
func (b *budget) raise(ctx context.Context) (err error) {
	for wait := time.Millisecond; wait < time.Second; wait *= 2 {
		if err = b.narrow(ctx); !outOfMemory(err) {
			return err
		}
		time.Sleep(wait)
	}
	return err
}

// inherit takes over what landing needed in the instance before.
func (b *budget) inherit(ctx context.Context, before *budget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.landing = before.landing
	_ = b.narrow(ctx)
}

// narrow sets the limits of landing. Where the engine cannot free enough at
// once they stay as they are until the next session has ended.
func (b *budget) narrow(ctx context.Context) error {
	if b.landing >= b.most {
		return b.set(ctx, b.memory, landingThreads)
	}
	return b.set(ctx, strconv.FormatInt(b.landing>>10, 10)+"KiB", landingThreads)
}

func (b *budget) set(ctx context.Context, memory, threads string) error {
	for _, setting := range [][2]string{{"memory_limit", memory}, {"threads", threads}} {
		value, err := ident.Literal(tidemill.DuckDB, setting[1])
		if err != nil {
			return err
		}
		if _, err := b.conn.exec(ctx, "SET GLOBAL "+setting[0]+" = "+value); err != nil {
			return err
		}
	}
	return nil
}
