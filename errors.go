package tidemill

import (
	"errors"
	"strconv"
	"strings"
)

// Code is the kind of a failure. Callers branch on it, dead letters store it.
type Code string

// Codes of dead letters.
const (
	Malformed          Code = "malformed"           // the bytes are not of the format
	Empty              Code = "empty"               // the body has no bytes
	TooLarge           Code = "too_large"           // over max_message; never decoded
	UnknownType        Code = "unknown_type"        // no type was named, or no schema has it
	SchemaIncompatible Code = "schema_incompatible" // a value does not fit its column under the contract
)

// Codes of failures that end a command or a pipeline.
const (
	Invalid     Code = "invalid"     // configuration, project files, command line values
	NotFound    Code = "not_found"   // a queue, table, file, model that is not there
	Denied      Code = "denied"      // credentials or permission
	Unavailable Code = "unavailable" // the other side does not answer
	Fenced      Code = "fenced"      // another writer has moved the position
	Braked      Code = "braked"      // too many dead letters
	SQL         Code = "sql"         // the warehouse refused a statement
	Failed      Code = "failed"      // the work ran and did not succeed: a data test, a model
)

// Pos is a place in a file of the project. Line and Column count from 1; 0
// means unknown.
type Pos struct {
	File         string
	Line, Column int
}

// String returns file:line:column with the unknown parts left out.
func (p Pos) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			s += ":" + strconv.Itoa(p.Column)
		}
	}
	return s
}

// Error is what a user sees: where, what, the kind, and what to do next.
type Error struct {
	Code     Code
	Pos      Pos    // the place in the project, if it has one
	Op       string // the operation: "land", "check events"
	Pipeline string
	Stream   string
	Err      error
	Hint     string // the remedy, printed on a line of its own
}

// Error returns the failure in one line, without the hint. Of a cause in
// several lines, such as a statement with a mark below it, the first gets the
// code.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Pos.File != "" {
		b.WriteString(e.Pos.String() + ": ")
	}
	if head := strings.TrimSpace(strings.Join([]string{e.Op, e.Pipeline, e.Stream}, " ")); head != "" {
		b.WriteString(strings.Join(strings.Fields(head), " ") + ": ")
	}
	rest := ""
	if e.Err != nil {
		text := e.Err.Error()
		if end := strings.IndexByte(text, '\n'); end >= 0 {
			text, rest = text[:end], text[end:]
		}
		b.WriteString(text)
	}
	if e.Code != "" {
		b.WriteString(" [" + string(e.Code) + "]")
	}
	return b.String() + rest
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the outermost Error in err's chain that has one.
func CodeOf(err error) Code {
	var e *Error
	for errors.As(err, &e) {
		if e.Code != "" {
			return e.Code
		}
		err = e.Err
	}
	return ""
}

// Hints returns the remedies in err's chain, outermost first.
func Hints(err error) []string {
	var hints []string
	var e *Error
	for errors.As(err, &e) {
		if e.Hint != "" {
			hints = append(hints, e.Hint)
		}
		err = e.Err
	}
	return hints
}

// Retryable reports whether the same call may succeed later. An error says so
// by a method Retryable() bool in its chain.
func Retryable(err error) bool {
	var r interface{ Retryable() bool }
	return errors.As(err, &r) && r.Retryable()
}

// Transient marks err as worth another try. Transient(nil) is nil.
func Transient(err error) error {
	if err == nil {
		return nil
	}
	return transient{err}
}

type transient struct{ error }

func (t transient) Unwrap() error   { return t.error }
func (t transient) Retryable() bool { return true }
