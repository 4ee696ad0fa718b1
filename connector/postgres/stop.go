package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// stop ends the run and waits for its workers.
func (r *snapshot) stop() {
	u := r.run
	if u == nil {
		return
	}
	r.run = nil
	u.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = u.group.Wait() // workers tell by failed
	}()
	for open := true; open; {
		select {
		case it := <-u.out:
			it.records.Release()
		case <-done:
			open = false
		}
	}
	closeConn(u.holder)
}

func (r *snapshot) close() error {
	r.stop()
	return nil
}

// goodbye is how long a server may take to hang up.
const goodbye = time.Second

// closeConn says goodbye and waits until nothing of the connection is left.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	_ = conn.Close(ctx) // nothing is under way that could be lost
	select {
	case <-conn.PgConn().CleanupDone():
	case <-ctx.Done():
		// A write that was cut off leaves a TLS connection that can say nothing
		// more; pgx would wait 15 s for the server to hang up.
		_ = conn.PgConn().Conn().Close()
		<-conn.PgConn().CleanupDone()
	}
}

var errStopped = errors.New("the snapshot was stopped")
