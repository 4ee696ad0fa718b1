package replica

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// catalog is a connection for questions that the stream raises. Between two
// of them may lie days, in which a firewall forgets a connection: one that
// was idle is not used again.
type catalog struct {
	dialer Dialer
	conn   *pgx.Conn
	used   time.Time
}

const (
	idleAtMost   = 30 * time.Second
	answerWithin = 2 * time.Minute // a table may be locked
)

// ask calls f with a connection. A connection that goes is a connError.
func (c *catalog) ask(ctx context.Context, f func(context.Context, *pgx.Conn) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if time.Since(c.used) > idleAtMost {
		c.close()
	}
	if c.conn == nil {
		if c.conn, err = c.dialer.Connect(ctx); err != nil {
			c.conn = nil
			return err
		}
	}
	err = f(ctx, c.conn)
	c.used = time.Now()
	if err != nil && c.conn.IsClosed() {
		c.close()
		return &connError{err}
	}
	return err
}

func (c *catalog) close() {
	if c.conn != nil {
		closeSoon(c.conn)
		c.conn = nil
	}
}
