package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run the real command line: `exec tidemill` starts
// this test binary again, as a process of its own, with main as its entry.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tidemill": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			// The owner's socket lives in the run-time folder: each script has its own.
			e.Setenv("XDG_RUNTIME_DIR", e.Getenv("TMPDIR"))
			e.Setenv("TIDEMILL_LOG_LEVEL", "warn")
			return os.Setenv("NO_COLOR", "1")
		},
	})
}
