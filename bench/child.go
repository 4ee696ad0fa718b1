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

// footprint is the most memory that a process held, in bytes.
type footprint struct {
	own int64 // what is its own: the kernel can free it only by swapping
	all int64 // with the pages of the program file, which are the page cache's and shared
}

// watched runs the binary in dir and returns its standard output and the
// most memory that it held. The kernel's figure for ended processes is no use:
// it begins with the memory of the process that started them.
func (b *bench) watched(ctx context.Context, dir string, args ...string) (string, footprint, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, b.bin, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return "", footprint{}, fmt.Errorf("%w (make build makes it)", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var peak footprint
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				err = fmt.Errorf("tidemill %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
			}
			return stdout.String(), peak, err
		case <-tick.C:
			peak.own = max(peak.own, resident(cmd.Process.Pid, "RssAnon"))
			peak.all = max(peak.all, resident(cmd.Process.Pid, "VmHWM"))
		}
	}
}

// resident returns a figure of a process's memory, and 0 of one that has ended.
func resident(pid int, name string) int64 {
	kb, _, _ := strings.Cut(fact(fmt.Sprintf("/proc/%d/status", pid), name), " ")
	n, err := strconv.ParseInt(kb, 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
