// Command bench measures Tidemill against floors and peers that run beside
// it: the machine is never quiet, so a figure counts only as a ratio to what
// the same machine did at the same time. Floor and subject take turns, and
// medians are compared.
//
// It starts private servers on 127.0.0.1, works in a temporary folder and
// leaves nothing behind. It exits 1 when a figure misses what is needed.
//
//	make build && go run ./bench                # all of them
//	go run ./bench -run land,commit -scale 0.1  # two of them, a tenth of the size
//	go run ./bench -write docs/benchmarks.md
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
)

// benchmarks in the order in which they run.
var benchmarks = []struct {
	name string
	run  func(context.Context, *bench) error
}{
	{"help", benchHelp},
	{"decode", benchDecode},
	{"commit", benchCommit},
	{"land", benchLand},
	{"sqs", benchSQS},
	{"postgres", benchPostgres},
	{"cdc", benchCDC},
	{"marts", benchMarts},
	{"memory", benchMemory},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	names := flag.String("run", "", "benchmarks to run, separated by commas (default: all)")
	scale := flag.Float64("scale", 1, "factor on the number of messages")
	rounds := flag.Int("rounds", 5, "turns of each floor and subject")
	bin := flag.String("bin", "bin/tidemill", "the binary that is measured")
	write := flag.String("write", "", "write the table to this Markdown file")
	profile := flag.String("cpuprofile", "", "write a CPU profile of this process to this file")
	flag.Parse()

	b := &bench{scale: *scale, rounds: max(*rounds, 1), report: report{out: os.Stdout}}
	if b.bin, err = filepath.Abs(*bin); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "tidemill-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	selected, err := choose(*names)
	if err != nil {
		return err
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // a profile that is cut short says so
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for _, m := range benchmarks {
		if !selected[m.name] {
			continue
		}
		if err := m.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if *write != "" {
		if err := b.report.write(ctx, *write, command()); err != nil {
			return err
		}
	}
	return b.report.missed()
}

// choose returns the names of the benchmarks to run.
func choose(list string) (map[string]bool, error) {
	all, chosen := []string{}, map[string]bool{}
	for _, m := range benchmarks {
		all = append(all, m.name)
		chosen[m.name] = list == ""
	}
	for name := range strings.SplitSeq(list, ",") {
		if name == "" {
			continue
		}
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("benchmark %q is not one of %s", name, strings.Join(all, ", "))
		}
		chosen[name] = true
	}
	return chosen, nil
}

// command is how this run is repeated. Where the binary lies is left out: it
// says nothing to readers.
func command() string {
	words := []string{"go run ./bench"}
	flag.Visit(func(f *flag.Flag) {
		if f.Name != "bin" {
			words = append(words, "-"+f.Name, f.Value.String())
		}
	})
	return strings.Join(words, " ")
}
