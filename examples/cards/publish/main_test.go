package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/examples/cards/gen"
)

// TestFilesHoldWhatTheSummarySays reads the folder back, frame by frame.
func TestFilesHoldWhatTheSummarySays(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-events", "5000", "-seed", "3", "-duplicates", "0.05", "-malformed", "0.01", "-out", dir, "-format", "json"}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	var report gen.Report
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	frames := 0
	for _, name := range glob(t, dir, "events/*/*.pb") {
		frames += len(readFrames(t, name))
	}
	lines := 0
	for _, name := range glob(t, dir, "backfill/*/*.ndjson") {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(raw, []byte("\n"))
	}
	if frames != 5000 || report.Published != 5000 || report.Backfill == nil || lines != report.Backfill.Rows {
		t.Errorf("%d frames and %d lines, summary %s", frames, lines, &stdout)
	}
	orders := readFrames(t, filepath.Join(dir, "events/orders/OrderCreated.pb"))
	g, err := gen.New(gen.Options{Events: 5000, Seed: 3, Duplicates: 0.05, Malformed: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	for e := range g.All() {
		if e.Type != "OrderCreated" {
			continue
		}
		if len(orders) == 0 || !bytes.Equal(orders[0], e.Body) {
			t.Fatalf("event %d is not the next frame of its file", e.Seq)
		}
		orders = orders[1:]
	}
	if code := run(t.Context(), args, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "hint: remove it") {
		t.Errorf("a folder that is full: exit code %d, %s", code, &stderr)
	}
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	return names
}

func readFrames(t *testing.T, name string) [][]byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var frames [][]byte
	for len(raw) > 0 {
		n, k := binary.Uvarint(raw)
		if k <= 0 || uint64(len(raw)-k) < n {
			t.Fatalf("%s: a frame is cut off", name)
		}
		frames = append(frames, raw[k:k+int(n)])
		raw = raw[k+int(n):]
	}
	return frames
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"-h", 0, "-duplicates"},
		{"-events 10", 2, "one of -amqp URL, -out DIR and -postgres URL"},
		{"-events ten -out x", 2, "invalid value"},
		{"-out x -amqp y", 2, "one of"},
		{"-out x -format xml", 2, "neither text nor json"},
		{"-out x -backfill y", 2, "leave -backfill away"},
		{"-out x -delete", 2, "or -postgres alone"},
		{"-postgres x -backfill y", 2, "leave -backfill away"},
		{"-out x -live", 2, "-live goes with -postgres"},
		{"-postgres postgres://ada:topsecret@127.0.0.1:1/x -events 1", 1, "connect to PostgreSQL"},
		{"-out x y", 2, "unexpected argument"},
		{"-out x -events 0", 1, "ask for 1 event or more"},
		{"-amqp amqp://ada:topsecret@127.0.0.1:1/ -events 1", 1, "127.0.0.1:1"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(c.args), &stdout, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.says) || strings.Contains(stderr.String(), "topsecret") {
			t.Errorf("publish %s: exit code %d, %s%s", c.args, code, &stdout, &stderr)
		}
	}
}
