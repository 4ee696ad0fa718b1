// Package retry calls again what failed for a reason that may pass. Waits
// grow exponentially with full jitter, so that many callers that failed
// together do not come back together; no wait outlives its context.
package retry

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill"
)

// Policy says how long to wait and when to give up. The zero value waits up
// to 100 ms after the first failure, up to 30 s after many, and never gives
// up.
type Policy struct {
	Base     time.Duration // longest wait after the first failure; 0 is 100 ms
	Cap      time.Duration // longest wait of all; 0 is 30 s
	Attempts int           // calls in all; 0 is no limit
	Elapsed  time.Duration // no call begins later than this after the first; 0 is no limit

	// Notify, if set, hears of each failure that will be tried again.
	Notify func(err error, attempt int, wait time.Duration)
}

// Do calls f until it succeeds, fails with an error that is not
// [tidemill.Retryable], or the policy gives up. It returns the last error of
// f, also where ctx ended while it waited.
func Do(ctx context.Context, p Policy, f func(context.Context) error) error {
	start, wait := time.Now(), p.Backoff()
	for attempt := 1; ; attempt++ {
		err := f(ctx)
		if err == nil || !tidemill.Retryable(err) || ctx.Err() != nil {
			return err
		}
		d := wait.Next()
		if p.Attempts > 0 && attempt >= p.Attempts || p.Elapsed > 0 && time.Since(start)+d > p.Elapsed {
			return err
		}
		if p.Notify != nil {
			p.Notify(err, attempt, d)
		}
		if Sleep(ctx, d) != nil {
			return err
		}
	}
}

// Backoff yields the waits of a policy, for loops that are no single call,
// such as a reconnect. It is not safe for concurrent use.
type Backoff struct {
	base, ceiling, limit time.Duration
}

// Backoff returns the waits of p from the beginning.
func (p Policy) Backoff() *Backoff {
	base, limit := p.Base, p.Cap
	if base <= 0 {
		base = 100 * time.Millisecond
	}
	if limit <= 0 {
		limit = 30 * time.Second
	}
	return &Backoff{base: base, limit: limit}
}

// Next returns a random wait between nothing and the current ceiling, and
// doubles the ceiling up to the cap.
func (b *Backoff) Next() time.Duration {
	switch {
	case b.ceiling == 0:
		b.ceiling = min(b.base, b.limit)
	case b.ceiling > b.limit/2:
		b.ceiling = b.limit
	default:
		b.ceiling *= 2
	}
	return rand.N(b.ceiling + 1)
}

// Reset begins again at the base, after a success.
func (b *Backoff) Reset() { b.ceiling = 0 }

// Sleep waits for d, or until ctx is done, whose error it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
