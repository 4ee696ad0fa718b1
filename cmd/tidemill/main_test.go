package main

import (
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	nowhere := t.TempDir()
	for line, want := range map[string]int{
		"version":                      0,
		"help land":                    0,
		"dead --help":                  0,
		"-C " + nowhere + " check":     1,
		"-C " + nowhere + " query 1":   1,
		"lnad":                         2,
		"dead lits":                    2,
		"query":                        2,
		"query a b":                    2,
		"query --format cvs 1":         2,
		"query --nope":                 2,
		"build fct_orders":             2,
		"build --threads 0":            2,
		"dead list --code wrong":       2,
		"dead discard":                 2,
		"land --once --until-idle 1s":  2,
		"land --until-idle soon":       2,
		"init nope":                    2,
		"demo --once --duplicates 1.5": 2,
		"--log-format xml version":     2,
	} {
		var out, err strings.Builder
		if got := run(strings.Fields(line), strings.NewReader(""), &out, &err); got != want {
			t.Errorf("tidemill %s: exit code %d, want %d: %s", line, got, want, err.String())
		}
		if hasError := strings.HasPrefix(err.String(), "error: "); hasError != (want != 0) {
			t.Errorf("tidemill %s: standard error begins %q", line, err.String())
		}
	}
}
