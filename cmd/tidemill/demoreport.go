package main

import (
	"fmt"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/pipeline/build"
	"github.com/tidemill/tidemill/pipeline/land"
)

// demoReport is what a demo did. Published = Landed + Duplicates +
// DeadLetters; the backfill is counted apart, in Pipelines.
type demoReport struct {
	Project     string         `json:"project"`
	Published   int64          `json:"published"`
	Landed      int64          `json:"landed"`
	Duplicates  int64          `json:"duplicates"`
	DeadLetters int64          `json:"dead_letters"`
	Models      int            `json:"models"`
	TestsPassed int            `json:"tests_passed"`
	TestsWarned int            `json:"tests_warned"`
	TestsFailed int            `json:"tests_failed"`
	Seconds     float64        `json:"seconds"`
	Pipelines   []land.Summary `json:"pipelines"`

	warnings []build.Result
	oversold *gen.Oversold
}

// check holds the report to its promise.
func (r demoReport) check() error {
	if r.Landed+r.Duplicates+r.DeadLetters == r.Published {
		return nil
	}
	return &tidemill.Error{
		Code: tidemill.Failed, Op: "demo",
		Err: fmt.Errorf("published %d, but %d landed + %d duplicates + %d dead letters = %d", r.Published, r.Landed, r.Duplicates, r.DeadLetters, r.Landed+r.Duplicates+r.DeadLetters),
	}
}

func (a *app) printDemo(r demoReport) {
	out := func(format string, args ...any) { fmt.Fprintf(a.stdout, format+"\n", args...) }
	out("")
	out("%8d  published", r.Published)
	out("%8d  landed in raw.events", r.Landed)
	out("%8d  duplicates, recognised", r.Duplicates)
	out("%8d  dead letters, kept with the reason", r.DeadLetters)
	out("          %d + %d + %d = %d: nothing lost, nothing doubled", r.Landed, r.Duplicates, r.DeadLetters, r.Published)
	for _, s := range r.Pipelines {
		if s.Pipeline != "events" {
			out("%8d  landed by pipeline %s", s.Rows, s.Pipeline)
		}
	}
	out("%8d  models built; tests: %d passed, %d warned, %d failed", r.Models, r.TestsPassed, r.TestsWarned, r.TestsFailed)
	for _, w := range r.warnings {
		out("          warn: %s", w.Name)
	}
	if r.oversold != nil && r.TestsWarned > 0 {
		out("          card %s %q: %d sold, %d produced", r.oversold.CardID, r.oversold.Name, r.oversold.Sold, r.oversold.Produced)
	}
	out("%8.1f  seconds", r.Seconds)
	me := self()
	out("\nThe project is in %s. Next:", r.Project)
	out("  cd %s", r.Project)
	out("  %s query 'from marts.fct_orders limit 5'", me)
	out("  %s dead list --limit 5", me)
	out("  %s query --file queries/oversold_cards.sql", me)
}
