// Package disk fills the disk under the warehouse while events land: on a
// small file system where this process may mount one, and by a limit on the
// size of files everywhere. The program must say what is wrong and what to do;
// once there is space, every event lands once.
package disk

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/e2e/internal/cli"
	"github.com/tidemill/tidemill/e2e/internal/produce"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

const config = `
name: disk
targets:
  dev:
    connections:
      warehouse: {type: duckdb, path: full/disk.duckdb}
      events: {type: amqp, url: %q}
pipelines:
  events:
    source: {connection: events, queues: [%[2]scards, %[2]smanufacturing, %[2]sorders]}
    decode: {format: protobuf, files: [proto/events.proto]}
    land: {table: raw.events, batch: {rows: 2000, wait: 100ms}}
    dead: {stop_at: off}
`

const events = 12_000

// shortage makes space short for a project, and frees it: for the running
// process where there is one, else for those to come.
type shortage struct {
	name  string
	error string // what the system says
	begin func(*testing.T, *cli.Project)
	free  func(*testing.T, *cli.Project, *cli.Process)
}

var limit = shortage{
	name: "limit", error: "File too large",
	begin: func(_ *testing.T, p *cli.Project) {
		p.Wrap = []string{"prlimit", "--fsize=3000000:unlimited", "--"}
	},
	free: func(t *testing.T, p *cli.Project, running *cli.Process) {
		p.Wrap = nil
		cmd := exec.Command("prlimit", "--fsize=unlimited:unlimited", "--pid", strconv.Itoa(running.Pid()))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("lift the limit: %v\n%s", err, out)
		}
	},
}

// ballast fills the file system up to what the first batches need.
const ballast = "ballast"

var fileSystem = shortage{
	name: "tmpfs", error: "No space left on device",
	begin: func(t *testing.T, p *cli.Project) {
		dir := filepath.Join(p.Dir, "full")
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256m"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		if err := os.WriteFile(filepath.Join(dir, ballast), make([]byte, 252<<20), 0o644); err != nil {
			t.Fatal(err)
		}
	},
	free: func(t *testing.T, p *cli.Project, _ *cli.Process) {
		if err := os.Remove(filepath.Join(p.Dir, "full", ballast)); err != nil {
			t.Fatal(err)
		}
	},
}

func TestDiskFull(t *testing.T) {
	broker := rabbitmq.Start(t, rabbitmq.Options{})
	kinds := []shortage{limit}
	if err := mountable(t.TempDir()); err == nil {
		kinds = append(kinds, fileSystem)
		t.Log("used: a limit on the size of files, and a tmpfs that is full")
	} else {
		t.Logf("used: a limit on the size of files alone, because mount says: %v", err)
	}
	for _, s := range kinds {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			fill(t, broker, s)
		})
	}
}

func mountable(dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		return err
	}
	return syscall.Unmount(dir, 0)
}

func fill(t *testing.T, broker *rabbitmq.Broker, s shortage) {
	prefix := s.name + "-"
	p := cli.New(t, fmt.Sprintf(config, broker.URL(), prefix))
	if err := os.Mkdir(filepath.Join(p.Dir, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := cli.NewExpected(prefix)
	g, err := gen.New(gen.Options{Events: events, Seed: 3, Duplicates: 0.02, Malformed: 0.003})
	if err != nil {
		t.Fatal(err)
	}
	pub := &produce.Publisher{URL: broker.URL(), Prefix: prefix}
	if err := pub.Run(t.Context(), want.Watch(g)); err != nil {
		t.Fatal(err)
	}
	s.begin(t, p)

	// A run that is to end gives up, and says why.
	told(t, p, s, p.Run("land", "--once"))
	if left := depth(t, broker, prefix); left == 0 || left == events {
		t.Fatalf("%d of %d messages are in the queues: the disk was not filled midway", left, events)
	}

	// One without end says it too, and waits; an interrupt ends it.
	land := p.Start("land")
	land.WaitOutput(s.error)
	land.WaitOutput("hint=")
	land.MustRun()
	land.Interrupt()
	told(t, p, s, land.Wait(time.Minute))

	// With space it goes on by itself.
	land = p.Start("land")
	land.WaitOutput(s.error)
	s.free(t, p, land)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, q := range gen.Queues() {
		if err := broker.WaitDepth(ctx, prefix+q, 0); err != nil {
			t.Fatalf("%v\n%s", err, land.Output())
		}
	}
	p.Eventually("select count(*) from raw.events", strconv.Itoa(len(want.Rows)))
	land.Interrupt()
	if r := land.Wait(time.Minute); r.Code != 0 {
		t.Errorf("exit code %d\n%s", r.Code, r.Output())
	}
	if left := depth(t, broker, prefix); left != 0 {
		t.Errorf("%d messages are in the queues again", left)
	}
	want.Check(p)
}

// told holds the end of a run on a full disk to one clear error with a remedy.
func told(t *testing.T, p *cli.Project, s shortage, r cli.Result) {
	t.Helper()
	path := filepath.Join(p.Dir, "full", "disk.duckdb")
	if r.Code != 1 || strings.Count(r.Stderr, "error: ") != 1 || !strings.Contains(r.Stderr, s.error) ||
		!strings.Contains(r.Stderr, "hint: free space where "+path+" is") || strings.Contains(r.Output(), "goroutine") {
		t.Errorf("exit code %d\n%s", r.Code, r.Output())
	}
}

// depth counts what the queues hold.
func depth(t *testing.T, broker *rabbitmq.Broker, prefix string) (n int) {
	t.Helper()
	for _, q := range gen.Queues() {
		d, err := broker.Depth(prefix + q)
		if err != nil {
			t.Fatal(err)
		}
		n += d
	}
	return n
}
