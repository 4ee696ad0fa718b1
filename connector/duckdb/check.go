package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tidemill/tidemill"
)

// Check says whether the database of cfg can be used, and how to mend what
// stands in the way. A file that is not there yet is left so.
func Check(ctx context.Context, cfg Connection, env tidemill.Env) []tidemill.Finding {
	path, err := cfg.resolve(env.Dir)
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		return []tidemill.Finding{failed("database "+cfg.Path, err)}
	}
	what := "database " + path
	if path == inMemory {
		return []tidemill.Finding{{OK: true, Warn: true, What: what, Why: "it keeps nothing", Hint: "give path a file"}}
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return []tidemill.Finding{checkFolder(filepath.Dir(path), what)}
	}
	if err == nil && info.IsDir() {
		err = &tidemill.Error{Code: tidemill.Invalid, Err: errors.New("it is a folder"), Hint: "give path a file in it"}
	}
	if err != nil {
		return []tidemill.Finding{failed(what, err)}
	}
	w, err := Open(ctx, cfg, env)
	if err != nil {
		return []tidemill.Finding{failed("open "+what, err)}
	}
	defer w.Close() // nothing was written
	return []tidemill.Finding{{OK: true, What: fmt.Sprintf("%s: %d bytes", what, info.Size())}}
}

// checkFolder says whether a database can be made in dir, or in the nearest
// folder above it that is there.
func checkFolder(dir, what string) tidemill.Finding {
	for {
		_, err := os.Stat(dir)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return failed(what, err)
		}
		dir = filepath.Dir(dir)
	}
	probe, err := os.CreateTemp(dir, ".tidemill-check-*")
	if err != nil {
		f := failed(what, err)
		f.Hint = "let this user write to " + dir + ", or give path another place"
		return f
	}
	probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return failed(what, err)
	}
	return tidemill.Finding{OK: true, What: what, Why: "it is not there yet; the first command that writes makes it"}
}

func failed(what string, err error) tidemill.Finding {
	f := tidemill.Finding{What: what, Why: err.Error()}
	if hints := tidemill.Hints(err); len(hints) > 0 {
		f.Hint = hints[0]
	}
	return f
}
