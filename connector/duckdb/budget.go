package duckdb

import (
	"context"
	"errors"
	"sync"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

// What the engine may use while it only lands. Landing runs for weeks beside
// other programs and needs no more than the batch in hand; without a limit the
// engine keeps every block that it has written.
const (
	landingMemory  = "64MiB"
	landingThreads = "1"
)

// budget gives the engine what it needs: little while it only lands, all that
// the connection allows while sessions run models and queries.
type budget struct {
	conn            *conn
	memory, threads string // what the connection allows

	mu       sync.Mutex
	sessions int
	lifted   bool // landing has needed more: the engine keeps all that is allowed
}

// newBudget reads what c allows, and lowers it until the first session. c is
// the budget's own from then on.
func newBudget(ctx context.Context, c *conn) (*budget, error) {
	b := &budget{conn: c}
	rows, err := c.rows(ctx, "SELECT current_setting('memory_limit'), current_setting('threads')::VARCHAR, "+
		"parse_formatted_bytes(current_setting('memory_limit')) < parse_formatted_bytes('"+landingMemory+"')")
	if err != nil {
		return nil, err
	}
	b.memory, b.threads = rows[0][0].(string), rows[0][1].(string)
	b.lifted = rows[0][2].(bool)
	b.narrow(ctx)
	return b, nil
}

// enter makes room for a session; leave is called once when it ends.
func (b *budget) enter(ctx context.Context) (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sessions == 0 && !b.lifted {
		if err := b.set(ctx, b.memory, b.threads); err != nil {
			return nil, err
		}
	}
	b.sessions++
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.sessions--; b.sessions == 0 && !b.lifted {
			b.narrow(context.WithoutCancel(ctx))
		}
	}), nil
}

// lift is called when landing ran out of memory. It reports whether there is
// more now, so that the same is worth another try.
func (b *budget) lift(ctx context.Context, err error) bool {
	var engine *duckdb.Error
	if !errors.As(err, &engine) || engine.Type != duckdb.ErrorTypeOutOfMemory {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lifted {
		return false
	}
	b.lifted = true
	return b.set(context.WithoutCancel(ctx), b.memory, b.threads) == nil
}

// narrow lowers the limits. Where the engine cannot free enough at once they
// stay as they are until the next session has ended.
func (b *budget) narrow(ctx context.Context) {
	if !b.lifted {
		_ = b.set(ctx, landingMemory, landingThreads)
	}
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
