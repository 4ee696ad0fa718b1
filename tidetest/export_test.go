package tidetest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Violations runs the suite of sources on an origin until it has found what
// holds a text, and returns all that it has found, each as "case: message".
func Violations(t *testing.T, origin func(t testing.TB) Origin, want string) []string {
	var all []string
	run := func(name string, applies func(Origin) bool, test func(*sourceSuite)) {
		if want != "" && strings.Contains(strings.Join(all, "\n"), want) {
			return
		}
		r := &recorder{TB: t}
		var cancel context.CancelFunc
		r.ctx, cancel = context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			o := origin(r)
			o.Patience, o.Quiet = time.Second, 40*time.Millisecond
			if applies == nil || applies(o) {
				test(newSourceSuite(r, o))
			}
		}()
		<-done
		cancel()
		for _, text := range r.said {
			all = append(all, name+": "+text)
		}
	}
	for _, c := range sourceCases {
		run(c.name, c.applies, c.test)
	}
	for seed := range 5 {
		run(fmt.Sprint("schedule ", seed), nil, func(s *sourceSuite) { s.schedule(seed) })
	}
	return all
}

// recorder is a test that keeps its failures to itself.
type recorder struct {
	testing.TB
	ctx  context.Context //nolint:containedctx // it stands for testing.T, which has one
	mu   sync.Mutex
	said []string
}

func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Helper()                  {}

func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprint(args...))
}

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.said) > 0
}
