package amqp

import (
	"context"
	"time"
)

// unwatched is how long nobody may have read before the broker is asked whether
// what stands ready is still ours.
const unwatched = time.Second

// confirm returns an error where what next took is of a lost connection: it
// may have gone to another reader since, which would land it before us. After
// a pause the broker itself is asked, because the loss may not have come to
// our ears.
func (s *Source) confirm(ctx context.Context, ask bool) error {
	answer := make(chan error, 1)
	if ask {
		conn := s.session.conn
		s.session.wg.Go(func() {
			ch, err := conn.Channel()
			if err == nil {
				err = ch.Close()
			}
			answer <- err
		})
	} else {
		answer <- nil
	}
	select {
	case err := <-s.session.failed:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-answer:
		if err != nil {
			return err
		}
	}
	select {
	case err := <-s.session.failed: // of both, select may have taken the answer
		return err
	default:
		return nil
	}
}
