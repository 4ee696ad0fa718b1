package build

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
)

// linePart is where DuckDB says which line of a statement it means, and shows
// it.
var linePart = regexp.MustCompile(`LINE (\d+): ([^\n]*)`)

// sqlError gives an error of the warehouse the place in the node's file, if
// the line can be told, and says where the compiled SQL is.
func (r *runner) sqlError(n *manifest.Node, c Compiled, sql string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("build %s: %w", n.Name, err)
	}
	pos := tidemill.Pos{File: n.File}
	if n.Kind == manifest.Test && n.Test.Generic != "" {
		pos = n.Pos
	} else if line := sourceLine(n.Raw, c.Body, err.Error()); line > 0 {
		pos.Line = line
	}
	op := "build "
	if n.Kind == manifest.Test {
		op = "test "
	}
	e := &tidemill.Error{Code: tidemill.SQL, Pos: pos, Op: op + n.Name, Err: plain(err)}
	if c.SQL != "" && r.out.dir != "-" {
		e.Hint = "the compiled SQL is in " + r.out.path("compiled", n)
	}
	return e
}

// plain takes the code from an error that gets one here, so that it is not
// shown twice, and keeps its chain.
func plain(err error) error {
	var e *tidemill.Error
	if errors.As(err, &e) && e.Code == tidemill.SQL && e.Err != nil && e.Pos.File == "" && e.Hint == "" && errors.Is(err, e) {
		return e.Err
	}
	return err
}

// sourceLine returns the line of raw that the message of an error shows, or 0
// where that cannot be told: the shown text must be a line of the compiled
// body, and stand in raw on the line of the same number, or once only.
func sourceLine(raw, body, message string) int {
	m := linePart.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	shown := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(m[2]), "..."), "..."))
	if shown == "" {
		return 0
	}
	source, compiled := strings.Split(raw, "\n"), strings.Split(body, "\n")
	var inBody, inSource []int
	for i, line := range compiled {
		if strings.Contains(line, shown) {
			inBody = append(inBody, i)
		}
	}
	for i, line := range source {
		if strings.Contains(line, shown) {
			inSource = append(inSource, i)
		}
	}
	switch {
	case len(inBody) == 0:
		return 0
	case len(inSource) == 1:
		return inSource[0] + 1
	case len(inBody) == 1 && strings.Count(strings.TrimRight(raw, " \t\r\n"), "\n") == strings.Count(body, "\n"):
		return inBody[0] + 1 // the template has as many lines as its result
	}
	return 0
}
