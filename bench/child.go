package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// tidemill runs the binary in dir and returns its standard output.
func (b *bench) tidemill(ctx context.Context, dir string, args ...string) (string, error) {
	out, _, err := b.watched(ctx, dir, args...)
	return out, err
}

// watched runs the binary in dir and returns its standard output and the
// most memory that it held, in bytes. The kernel's figure for ended processes
// is no use: it begins with the memory of the process that started them.
func (b *bench) watched(ctx context.Context, dir string, args ...string) (string, int64, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, b.bin, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return "", 0, fmt.Errorf("%w (make build makes it)", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	peak, tick := int64(0), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				err = fmt.Errorf("tidemill %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
			}
			return stdout.String(), peak, err
		case <-tick.C:
			peak = max(peak, residentPeak(cmd.Process.Pid))
		}
	}
}

// residentPeak returns the most memory that a process has held so far, and 0
// of one that has ended.
func residentPeak(pid int) int64 {
	kb, _, _ := strings.Cut(fact(fmt.Sprintf("/proc/%d/status", pid), "VmHWM"), " ")
	n, err := strconv.ParseInt(kb, 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
