// Command tidemill brings events into a warehouse exactly once, turns them
// into tested tables and shows it. Each subcommand is one file; connectors.go
// holds the one table of connectors.
//
// Exit codes: 0 done, 1 the work failed, 2 wrong use of the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	if f, ok := stderr.(*os.File); ok && terminal(f) {
		a.stderr = newScreen(f)
	}
	ctx, stop := a.interruptible()
	defer stop()
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	err = errors.Join(err, a.close())
	return report(a.stderr, err)
}

// sameSignal is how soon a second signal may come that belongs to the first:
// a wrapper such as timeout signals the process, and then its group.
const sameSignal = 200 * time.Millisecond

// interruptible returns a context that the first SIGINT or SIGTERM cancels:
// commands then finish the batch in hand. The second ends the process at
// once, which loses nothing either, because what was not committed was not
// acknowledged.
func (a *app) interruptible() (context.Context, func()) {
	signal.Ignore(syscall.SIGXFSZ) // a limit on the size of files is an error like a full disk
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
		case <-done:
			return
		}
		first := time.Now()
		if !a.idle.Load() {
			fmt.Fprintln(a.stderr, "finishing the work in hand; interrupt again to stop at once")
		}
		cancel()
		for {
			select {
			case <-signals:
				if time.Since(first) > sameSignal {
					os.Exit(1)
				}
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// usageError marks a wrong command line.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// quietError has been shown already: only its exit code is left.
type quietError struct{ error }

func (q quietError) Unwrap() error { return q.error }

// report prints err with its remedies and returns the exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	for _, e := range flatten(err) {
		var quiet quietError
		if errors.As(e, &quiet) {
			continue
		}
		fmt.Fprintln(stderr, "error: "+redact.Text(e.Error()))
		for _, hint := range tidemill.Hints(e) {
			fmt.Fprintln(stderr, "  hint: "+redact.Text(hint))
		}
	}
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// flatten returns the errors that err joins, so that each has its own line.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
