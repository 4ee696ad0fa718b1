package cli

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a command that runs. It is killed at the end of the test, if it
// is still there.
type Process struct {
	t      testing.TB
	cmd    *exec.Cmd
	line   string
	stdout output
	stderr output
	done   chan struct{}
	err    error // after done
}

// output may be read while the process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Start runs a command and does not wait for it.
func (p *Project) Start(args ...string) *Process {
	p.t.Helper()
	r := &Process{t: p.t, cmd: p.command(args...), line: "tidemill " + strings.Join(args, " "), done: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	if err := r.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.done)
	}()
	p.t.Cleanup(r.Kill)
	return r
}

// Kill ends the process as a power failure would, and waits for its end.
func (r *Process) Kill() {
	_ = r.cmd.Process.Kill() // it may have ended by itself
	<-r.done
}

// Signal sends a signal to a process that must still run.
func (r *Process) Signal(s os.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatalf("%s: %v\n%s", r.line, err, r.Output())
	}
}

// Interrupt does what Ctrl-C does.
func (r *Process) Interrupt() { r.t.Helper(); r.Signal(syscall.SIGINT) }

// InterruptAgain interrupts a process that may have ended meanwhile.
func (r *Process) InterruptAgain() { _ = r.cmd.Process.Signal(syscall.SIGINT) }

// Output is what was printed so far, standard error last.
func (r *Process) Output() string { return r.stdout.String() + r.stderr.String() }

// Ended reports whether the process is gone.
func (r *Process) Ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// MustRun fails the test where the process has ended by itself.
func (r *Process) MustRun() {
	r.t.Helper()
	if r.Ended() {
		r.t.Fatalf("%s ended by itself: %v\n%s", r.line, r.err, r.Output())
	}
}

// WaitOutput waits until the process has printed a text.
func (r *Process) WaitOutput(text string) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(r.Output(), text) {
		if r.Ended() || time.Now().After(deadline) {
			if strings.Contains(r.Output(), text) {
				return
			}
			r.t.Fatalf("%s has not printed %q (ended: %t)\n%s", r.line, text, r.Ended(), r.Output())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Wait returns how the process ended, and fails the test where it takes longer
// than d.
func (r *Process) Wait(d time.Duration) Result {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(d):
		r.t.Fatalf("%s has not ended within %s\n%s", r.line, d, r.Output())
	}
	res := Result{Stdout: r.stdout.String(), Stderr: r.stderr.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(r.err, &exit):
		res.Code = exit.ExitCode()
	case r.err != nil:
		r.t.Fatalf("%s: %v", r.line, r.err)
	}
	return res
}

// Pid is the process's id; with Project.Wrap, that of a wrapper which has
// become the program by exec.
func (r *Process) Pid() int { return r.cmd.Process.Pid }
