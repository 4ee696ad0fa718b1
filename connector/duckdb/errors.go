package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tidemill/tidemill"
)

// errBroken is what a statement on a connection gives whose database is gone:
// it was closed, opened anew after a fatal error, or its owner has ended.
var errBroken = tidemill.Transient(&tidemill.Error{
	Code: tidemill.Unavailable,
	Err:  errors.New("the connection to the database was lost, and what its transaction did with it"),
})

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// sqlError gives an error of the engine its code and remedy.
func sqlError(ctx context.Context, path string, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause // the engine says only that it was interrupted
	}
	var engine *duckdb.Error
	if !errors.As(err, &engine) || engine.Msg == "" { // an argument that the driver could not bind
		return &tidemill.Error{Code: tidemill.SQL, Err: err}
	}
	e := &tidemill.Error{Code: tidemill.SQL, Err: engine}
	switch {
	case noSpace(engine.Msg):
		e.Code = tidemill.Unavailable
		e.Err = tidemill.Transient(engine)
		e.Hint = fmt.Sprintf("free space where %s is; what was not committed is tried again", path)
	case engine.Type == duckdb.ErrorTypeInternal: // the same would come of another try
		e.Code = tidemill.Unavailable
		e.Hint = "this is a fault of DuckDB: report it with the statement; nothing of the batch was committed"
	case invalidated(err):
		e.Code = tidemill.Unavailable
		e.Err = tidemill.Transient(engine)
	case engine.Type == duckdb.ErrorTypeTransaction:
		e.Err = tidemill.Transient(engine)
	case engine.Type == duckdb.ErrorTypeOutOfMemory:
		e.Hint = "raise memory_limit of the connection, or lower its threads"
	}
	return e
}

var outOfSpace = []string{"No space left on device", "Disk quota exceeded", "File too large"}

func noSpace(msg string) bool {
	for _, s := range outOfSpace {
		if strings.Contains(msg, s) {
			return true
		}
	}
	return false
}

// errView says that records could not be shown to the engine. The driver does
// not tell why; it is memory that such a call can lack.
var errView = errors.New("arrow view")

// outOfMemory reports whether the engine's memory_limit was too low. A
// checkpoint at the end of a commit says so as a failed transaction, whose
// kind tells nothing.
func outOfMemory(err error) bool {
	if errors.Is(err, errView) {
		return true
	}
	var engine *duckdb.Error
	return errors.As(err, &engine) &&
		(engine.Type == duckdb.ErrorTypeOutOfMemory || strings.Contains(engine.Msg, "failed to pin block") ||
			strings.Contains(engine.Msg, "failed to allocate data") || strings.Contains(engine.Msg, "could not allocate block"))
}

// invalidated reports whether the engine has given the database up, so that it
// must be opened anew.
func invalidated(err error) bool {
	var engine *duckdb.Error
	return errors.As(err, &engine) &&
		(engine.Type == duckdb.ErrorTypeFatal || engine.Type == duckdb.ErrorTypeInternal || strings.Contains(engine.Msg, "database has been invalidated"))
}

// conflict reports whether a transaction lost against another one and may be
// run again.
func conflict(err error) bool {
	var engine *duckdb.Error
	return errors.As(err, &engine) && engine.Type == duckdb.ErrorTypeTransaction && !invalidated(err)
}

var lockHolder = regexp.MustCompile(`(?:in )?(\S+)? ?\(PID (\d+)\)`)

// openError says why the file at path could not be opened.
func openError(path string, err error) error {
	e := &tidemill.Error{Code: tidemill.Unavailable, Op: "open " + path, Err: err}
	text := err.Error()
	switch {
	case strings.Contains(text, "Could not set lock on file"):
		e.Err = errors.New("another process, which is not Tidemill, has the database open")
		e.Hint = "close that process and try again: DuckDB lets one process open a file"
		if m := lockHolder.FindStringSubmatch(text); m != nil {
			e.Err = fmt.Errorf("process %s (%s), which is not Tidemill, has the database open", m[2], m[1])
			e.Hint = "end process " + m[2] + " and try again: DuckDB lets one process open a file. If it is a tidemill, give both the same XDG_RUNTIME_DIR, by which they find each other"
		}
	case strings.Contains(text, "could not set"):
		e.Code = tidemill.Invalid
		e.Hint = "look at the settings memory_limit (as 2GiB) and threads of the connection"
	case strings.Contains(text, "Permission denied"):
		e.Code = tidemill.Denied
		e.Hint = "let this user read and write " + path + " and its folder"
	case strings.Contains(text, "not a valid DuckDB database file"):
		e.Code = tidemill.Invalid
		e.Hint = "set path to a DuckDB file, or to a name that does not exist yet"
	case strings.Contains(text, "No such file or directory"), strings.Contains(text, "does not exist"):
		e.Code = tidemill.NotFound
		e.Hint = "make the folder " + filepath.Dir(path)
	case noSpace(text):
		e.Err = tidemill.Transient(err)
		e.Hint = "free space where " + path + " is"
	}
	return e
}
