// Package kill proves the first promise of Tidemill on the real thing: the
// binary is killed at random while messages flow from a real RabbitMQ, which
// is restarted and crashed meanwhile; afterwards each valid event is in the
// table once, and each invalid one in the dead letters once.
package kill

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/csv"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/examples"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

const (
	messages = 100_000
	kills    = 22
)

func TestKilledAtRandom(t *testing.T) {
	bin := build(t)
	broker := rabbitmq.Start(t, rabbitmq.Options{})
	dir := project(t, broker.URL())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()

	want := newCounts()
	g, err := gen.New(gen.Options{Events: messages, Seed: 7, Duplicates: 0.02, Malformed: 0.003})
	if err != nil {
		t.Fatal(err)
	}
	pub := &publisher{url: broker.URL(), pace: 300 * time.Microsecond}
	published := make(chan error, 1)
	go func() {
		published <- pub.run(ctx, func() (gen.Event, bool) {
			e, ok := g.Next()
			if ok {
				want.add(e)
			}
			return e, ok
		})
	}()

	rnd := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for n := range kills {
		landThenKill(t, bin, dir, time.Duration(100+rnd.IntN(1800))*time.Millisecond)
		switch n {
		case kills / 3:
			if err := broker.Restart(); err != nil {
				t.Fatal(err)
			}
		case 2 * kills / 3:
			if err := broker.Crash(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := <-published; err != nil {
		t.Fatalf("publish: %v\n%s", err, broker.LogTail(2000))
	}
	out := tidemill(t, bin, dir, "land", "--until-idle", "3s", "--format", "json")
	t.Logf("published %d messages, %d of them again after a broken connection; the last run: %s", messages, pub.resent, out)

	compare(t, "rows", want.valid, landed(t, bin, dir))
	compare(t, "dead letters", want.dead, dead(t, bin, dir))
	for _, q := range gen.Queues() {
		if n, err := broker.Depth(q); err != nil || n != 0 {
			t.Errorf("queue %s holds %d messages, want 0 (%v)", q, n, err)
		}
	}
}

// landThenKill runs the binary and kills it, as a power failure would, after d.
func landThenKill(t *testing.T, bin, dir string, d time.Duration) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(bin, "land")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case err := <-exited:
		t.Fatalf("tidemill land ended by itself: %v\n%s", err, out.String())
	case <-time.After(d):
		_ = cmd.Process.Kill() // if it has ended meanwhile, the counts will tell
		<-exited
	}
}

// counts are the distinct events of the stream.
type counts struct{ valid, dead map[string]int }

func newCounts() counts { return counts{map[string]int{}, map[string]int{}} }

func (c counts) add(e gen.Event) {
	if e.Fault == "" {
		c.valid[e.Type+" "+e.ID] = 1
	} else {
		c.dead[deadKey(e.Queue, e.Type, fmt.Sprintf("%x", md5.Sum(e.Body)))] = 1
	}
}

func deadKey(queue, typ, sum string) string { return queue + " " + typ + " " + sum }

func landed(t *testing.T, bin, dir string) map[string]int {
	return query(t, bin, dir, `
		select type || ' ' || coalesce(payload->>'orderId', payload->>'batchId', payload->>'cardId') as key, count(*)
		from raw.events group by all`)
}

func dead(t *testing.T, bin, dir string) map[string]int {
	return query(t, bin, dir, `
		select source || ' ' || type || ' ' || md5(value), count(*)
		from tidemill.dead_letters group by all`)
}

func query(t *testing.T, bin, dir, sql string) map[string]int {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(tidemill(t, bin, dir, "query", "--format", "csv", sql))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, row := range rows[1:] {
		var n int
		if _, err := fmt.Sscan(row[1], &n); err != nil {
			t.Fatal(err)
		}
		got[row[0]] += n
	}
	return got
}

// compare lists the first keys that are lost, doubled or not from here.
func compare(t *testing.T, what string, want, got map[string]int) {
	t.Helper()
	wrong := 0
	fail := func(key string) {
		if wrong++; wrong <= 10 {
			t.Errorf("%s: %q is there %d times, want %d", what, key, got[key], want[key])
		}
	}
	for key := range want {
		if got[key] != want[key] {
			fail(key)
		}
	}
	for key := range got {
		if want[key] == 0 {
			fail(key)
		}
	}
	if wrong > 0 || len(want) == 0 {
		t.Errorf("%s: %d of %d keys are wrong", what, wrong, len(want))
	}
}

// project writes the cards project with a target at the broker.
func project(t *testing.T, url string) string {
	t.Helper()
	dir := t.TempDir()
	proto, err := fs.Sub(examples.Cards(), "proto")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "proto"), proto); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`
name: kill
targets:
  dev:
    connections:
      warehouse: {type: duckdb, path: kill.duckdb}
      events: {type: amqp, url: %q}
pipelines:
  events:
    source: {connection: events, queues: [cards, manufacturing, orders], declare: true}
    decode: {format: protobuf, files: [proto/events.proto]}
    land: {table: raw.events, batch: {rows: 2000, wait: 100ms}}
`, url)
	if err := os.WriteFile(filepath.Join(dir, "tidemill.yml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// build makes the binary that is killed; the test binary itself would carry
// the race detector and the testing package with it.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "tidemill")
	cmd := exec.Command("go", "build", "-o", bin, "../../cmd/tidemill")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// tidemill runs a command that must succeed and returns its standard output.
func tidemill(t *testing.T, bin, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tidemill %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
