package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// figure is one line of the report.
type figure struct {
	bench   string
	what    string
	subject string  // with its unit
	floor   string  // of the same run, with its unit; "" where there is none
	ratio   float64 // of subject to floor; 0 where there is no floor
	need    string  // "" where nothing is demanded
	ok      bool    // the need is met
}

func (f figure) cells() []string {
	ratio, verdict := "", ""
	if f.ratio > 0 {
		ratio = fmt.Sprintf("%.2f", f.ratio)
	}
	if f.need != "" {
		verdict = "met"
		if !f.ok {
			verdict = "**missed**"
		}
	}
	return []string{f.bench, f.what, f.subject, f.floor, ratio, f.need, verdict}
}

// report collects figures and prints each as it comes.
type report struct {
	out     io.Writer
	figures []figure
}

func (r *report) add(f figure) {
	r.figures = append(r.figures, f)
	c := f.cells()
	line := fmt.Sprintf("%-7s %-52s %s", c[0], c[1], c[2])
	if c[3] != "" {
		line += fmt.Sprintf(", floor %s, ratio %s", c[3], c[4])
	}
	if c[5] != "" {
		line += fmt.Sprintf(" (needed %s: %s)", c[5], strings.Trim(c[6], "*"))
	}
	fmt.Fprintln(r.out, line)
}

// missed is the error of a run in which a need was not met.
func (r *report) missed() error {
	var names []string
	for _, f := range r.figures {
		if f.need != "" && !f.ok {
			names = append(names, f.bench+" ("+f.what+")")
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("missed: %s", strings.Join(names, ", "))
}

// The marks between which write keeps the table: what people wrote around it
// stays.
const (
	tableBegin = "<!-- begin: written by bench -->"
	tableEnd   = "<!-- end: written by bench -->"
)

// write puts the table, with the machine and the command that made it, into a
// Markdown file.
func (r *report) write(ctx context.Context, path, command string) error {
	var t bytes.Buffer
	facts, err := machine(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(&t, "%s\n\n%s, on %s, by `%s`.\n\n", tableBegin, time.Now().UTC().Format(time.DateOnly), facts, command)
	fmt.Fprintf(&t, "| benchmark | what | Tidemill | floor | ratio | needed | |\n|---|---|---|---|---|---|---|\n")
	for _, f := range r.figures {
		fmt.Fprintf(&t, "| %s |\n", strings.Join(f.cells(), " | "))
	}
	fmt.Fprintf(&t, "\n%s", tableEnd)
	page, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	before, rest, found := strings.Cut(string(page), tableBegin)
	_, after, found2 := strings.Cut(rest, tableEnd)
	if !found || !found2 {
		return fmt.Errorf("write the table: %s has no lines %q and %q", path, tableBegin, tableEnd)
	}
	return os.WriteFile(path, []byte(before+t.String()+after), 0o644)
}

// rate formats n things in d.
func rate(n int, d time.Duration, of string) string {
	return fmt.Sprintf("%.0f %s/s", float64(n)/d.Seconds(), of)
}

// perOne formats the time of one of n things.
func perOne(n int, d time.Duration) string {
	return (d / time.Duration(n)).Round(time.Nanosecond).String()
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
