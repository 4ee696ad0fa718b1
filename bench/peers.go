package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// peersDir is where bench/peers/install puts other programs that do what we do.
const peersDir = ".cache/peers"

// havePeers reports whether the peers are installed, and says how they are
// where they are not.
func (b *bench) havePeers() bool {
	if _, err := os.Stat(filepath.Join(peersDir, "whole")); err == nil {
		return true
	}
	fmt.Fprintln(b.out, "no peers: bench/peers/install installs them (DuckDB's extension, dlt, sling)")
	return false
}

// peer copies a table of n rows at url into a new DuckDB file by a program of
// bench/peers, and returns what that says it took.
func (b *bench) peer(ctx context.Context, program, url, table string, n int) (time.Duration, error) {
	dir, err := b.fresh()
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(peersDir, "bin", "python"), filepath.Join("bench", "peers", program), url, table, dir)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it ends with its children
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", program, err, tail(stderr.Bytes(), 4<<10))
	}
	var said struct {
		Rows    int     `json:"rows"`
		Seconds float64 `json:"seconds"`
	}
	lines := bytes.Split(bytes.TrimSpace(stdout.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &said); err != nil {
		return 0, fmt.Errorf("read the figures of %s: %w", program, err)
	}
	if said.Rows != n {
		return 0, fmt.Errorf("%s copied %d of %d rows", program, said.Rows, n)
	}
	return time.Duration(said.Seconds * float64(time.Second)), nil
}

// tail is the last n bytes of text.
func tail(text []byte, n int) []byte { return text[max(0, len(text)-n):] }
