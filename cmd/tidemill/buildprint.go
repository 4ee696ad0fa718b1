package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/pipeline/build"
)

// ANSI colors of statuses.
var statusColors = map[build.Status]string{
	build.Success: "32", build.Pass: "32", build.Warn: "33", build.Fail: "31", build.Errored: "31", build.Skipped: "90",
}

// showNode prints a line for each node that ends.
func (a *app) showNode(e build.Event) {
	if e.Kind != build.Finished {
		return
	}
	r := e.Result
	status := fmt.Sprintf("%-7s", r.Status)
	if a.colors(a.stderr) {
		status = "\x1b[" + statusColors[r.Status] + "m" + status + "\x1b[0m"
	}
	fmt.Fprintf(a.stderr, "%*d/%d  %s  %-5s  %s  %.2f s%s\n", len(fmt.Sprint(e.Total)), e.Done, e.Total, status, r.Kind, r.Name, r.Seconds, detail(r))
	if r.Status.Bad() || r.Status == build.Warn {
		a.explain(r)
		a.showFound(r)
	}
}

// detail is what a line says beyond the status.
func detail(r build.Result) string {
	switch {
	case r.Repeated:
		return "  done before in this run"
	case r.Status == build.Success && (r.Materialized == "table" || r.Materialized == "incremental" || r.Materialized == "seed"):
		return "  " + plural(r.Rows, "row")
	}
	return ""
}

// explain prints the message of a node that needs attention, with remedies.
func (a *app) explain(r build.Result) {
	text := r.Message
	if r.Err != nil {
		text = r.Err.Error()
	}
	for _, line := range strings.Split(strings.TrimRight(redact.Text(text), "\n"), "\n") {
		fmt.Fprintln(a.stderr, "       "+line)
	}
	for _, hint := range tidemill.Hints(r.Err) {
		fmt.Fprintln(a.stderr, "       hint: "+redact.Text(hint))
	}
}

func (a *app) printResults(r *build.Results, format string) {
	if format == "json" {
		if text, err := json.MarshalIndent(r, "", "  "); err == nil {
			fmt.Fprintf(a.stdout, "%s\n", redact.Text(string(text)))
		}
		return
	}
	parts := []string{}
	for _, s := range []build.Status{build.Success, build.Pass, build.Warn, build.Fail, build.Errored, build.Skipped} {
		if n := r.Count(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	fmt.Fprintf(a.stdout, "%s: %s in %.1f s\n", r.Command, strings.Join(parts, ", "), r.Seconds)
}
