package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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
	r := e.Result
	if e.Kind != build.Finished {
		a.log.Debug("begin", "node", e.Node.ID)
		return
	}
	if a.quiet && !r.Status.Bad() {
		return
	}
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
	case r.Status == build.Skipped && r.Message != "":
		return "  " + r.Message
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
	fmt.Fprintf(a.stdout, "%s: %s in %.1f s\n", r.Command, strings.Join(outcome(r), ", "), r.Seconds)
}

// outcome says in words how the nodes ended: "8 models and 2 seeds built",
// "53 tests passed", "1 warned".
func outcome(r *build.Results) []string {
	count := map[string]map[build.Status]int{}
	for _, res := range r.Results {
		if count[res.Kind] == nil {
			count[res.Kind] = map[build.Status]int{}
		}
		count[res.Kind][res.Status]++
	}
	var done, parts []string
	kinds := slices.Sorted(maps.Keys(count)) // model, seed, test
	for _, kind := range kinds {
		if n := count[kind][build.Success]; n > 0 {
			done = append(done, plural(n, kind))
		}
	}
	if len(done) > 0 {
		verb := " built"
		if r.Command == build.CompileCommand {
			verb = " compiled"
		}
		parts = append(parts, strings.Join(done, " and ")+verb)
	}
	for _, kind := range kinds {
		if n := count[kind][build.Errored]; n > 0 {
			parts = append(parts, plural(n, kind)+" with errors")
		}
	}
	tests := count["test"]
	for _, end := range []struct {
		status build.Status
		word   string
	}{{build.Pass, "passed"}, {build.Warn, "warned"}, {build.Fail, "failed"}} {
		if n := tests[end.status]; n > 0 {
			parts = append(parts, plural(n, "test")+" "+end.word)
		}
	}
	if n := r.Count(build.Skipped); n > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", n))
	}
	return parts
}
