package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
)

var errBusy = tidemill.Transient(errors.New("busy"))

func TestDo(t *testing.T) {
	final := errors.New("refused")
	for _, c := range []struct {
		name   string
		policy retry.Policy
		errs   []error // of the calls in turn; then nil
		calls  int
		want   error
	}{
		{"succeeds at once", retry.Policy{}, nil, 1, nil},
		{"tries again", retry.Policy{}, []error{errBusy, errBusy}, 3, nil},
		{"stops at a final error", retry.Policy{}, []error{errBusy, final, errBusy}, 2, final},
		{"gives up after the attempts", retry.Policy{Attempts: 2}, []error{errBusy, errBusy, errBusy}, 2, errBusy},
		{"gives up after the time", retry.Policy{Elapsed: time.Nanosecond}, []error{errBusy, errBusy}, 1, errBusy},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				err := retry.Do(t.Context(), c.policy, func(context.Context) error {
					calls++
					if calls <= len(c.errs) {
						return c.errs[calls-1]
					}
					return nil
				})
				if !errors.Is(err, c.want) || calls != c.calls {
					t.Errorf("got %v after %d calls, want %v after %d", err, calls, c.want, c.calls)
				}
			})
		})
	}
}

func TestDoEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		err := retry.Do(ctx, retry.Policy{}, func(context.Context) error { return errBusy })
		if !errors.Is(err, errBusy) {
			t.Errorf("got %v, want the error of the last call", err)
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("returned after %v, want exactly when the context ended", took)
		}
	})
}

func TestDoNotifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waited time.Duration
		start := time.Now()
		calls := 0
		policy := retry.Policy{Notify: func(_ error, attempt int, wait time.Duration) {
			if attempt != calls {
				t.Errorf("heard of attempt %d after %d calls", attempt, calls)
			}
			waited += wait
		}}
		_ = retry.Do(t.Context(), policy, func(context.Context) error {
			if calls++; calls < 6 {
				return errBusy
			}
			return nil
		})
		if took := time.Since(start); took != waited || waited == 0 {
			t.Errorf("slept %v, was told %v", took, waited)
		}
	})
}

func TestBackoffStaysUnderItsCeiling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := retry.Policy{
			Base: time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "base")),
			Cap:  time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "cap")),
		}
		b := p.Backoff()
		ceiling := min(p.Base, p.Cap)
		for i := range rapid.IntRange(1, 100).Draw(t, "waits") {
			if d := b.Next(); d < 0 || d > ceiling {
				t.Fatalf("wait %d is %v, over %v", i, d, ceiling)
			}
			ceiling = min(2*ceiling, p.Cap)
		}
		b.Reset()
		if d := b.Next(); d > p.Base {
			t.Fatalf("after Reset the wait is %v, over the base %v", d, p.Base)
		}
	})
}

// Without jitter, callers that failed together would come back together.
func TestBackoffJitters(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		seen[retry.Policy{Base: time.Hour}.Backoff().Next()] = true
	}
	if len(seen) < 50 {
		t.Errorf("100 first waits had only %d values", len(seen))
	}
}
