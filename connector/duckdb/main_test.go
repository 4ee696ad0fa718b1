package duckdb

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
)

// A test starts its own binary anew to have other processes.
const (
	envRole  = "TIDEMILL_TEST_ROLE"  // what the process is: crash or own
	envPath  = "TIDEMILL_TEST_PATH"  // of the database
	envPoint = "TIDEMILL_TEST_POINT" // at which a commit is killed
)

func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		if err := child(role, os.Getenv(envPath), os.Getenv(envPoint)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	run, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_RUNTIME_DIR", run)
	code := m.Run()
	os.RemoveAll(run)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func child(role, path, point string) error {
	ctx := context.Background()
	w, err := openWith(ctx, Connection{Path: path}, tidemill.Env{}, func(at string) {
		if at == point {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it arrives
		}
	})
	if err != nil {
		return err
	}
	if role == "crash" {
		if _, err := w.Commit(ctx, crashLanding()); err != nil {
			return err
		}
		return w.Close()
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return w.Close()
}

func spawn(t testing.TB, role, path, point string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), envRole+"="+role, envPath+"="+path, envPoint+"="+point)
	c.Stderr = os.Stderr
	return c
}

// owned starts a process that owns the database at path. It ends when its
// standard input is closed.
func owned(t testing.TB, path string) (c *exec.Cmd, end io.Closer) {
	t.Helper()
	return ownedUntil(t, path, "")
}

// ownedUntil kills that process at a point of a commit.
func ownedUntil(t testing.TB, path, point string) (c *exec.Cmd, end io.Closer) {
	t.Helper()
	c = spawn(t, "own", path, point)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the owner says %q, %v", line, err)
	}
	return c, in
}

func within(t testing.TB, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, d)
		}
	}
}
