package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
)

var allocator = memory.DefaultAllocator

// The operations of a request.
const (
	opExec     = "exec"
	opQuery    = "query" // answered by a stream of rows
	opBegin    = "begin"
	opCommit   = "commit"
	opRollback = "rollback"
	opLand     = "land"   // followed by a stream for each of Tables
	opEvolve   = "evolve" // followed by a stream of the schema, with Schema; answered by one, with Schema
	opLedger   = "ledger"
	opFold     = "fold"
)

// request is what a client asks for.
type request struct {
	Number   uint64
	Op       string
	SQL      string          `json:",omitempty"`
	Args     []wireArg       `json:",omitempty"`
	Pipeline string          `json:",omitempty"`
	Table    *tidemill.Table `json:",omitempty"`
	Schema   bool            `json:",omitempty"`
	Landing  *wireLanding    `json:",omitempty"`
	Fold     *tidemill.Fold  `json:",omitempty"`
}

// response ends the answer to a request.
type response struct {
	Rows    int64                 `json:",omitempty"`
	Schema  bool                  `json:",omitempty"` // a schema came before
	Receipt *tidemill.Receipt     `json:",omitempty"`
	Ledger  *tidemill.Ledger      `json:",omitempty"`
	Folded  *tidemill.FoldReceipt `json:",omitempty"`
	Error   *wireError            `json:",omitempty"`
}

// wireLanding is a tidemill.Landing without its records.
type wireLanding struct {
	Pipeline, Batch string
	Tables          []wireTable
	Dead            []tidemill.DeadLetter
	Marks           []tidemill.Mark
	Since           time.Time
	Duplicates      int64
	Note            []byte
}

type wireTable struct {
	Table       tidemill.Table
	Redelivered []int
	Duplicates  int64
}

func toWire(l tidemill.Landing) *wireLanding {
	w := &wireLanding{Pipeline: l.Pipeline, Batch: l.Batch, Dead: l.Dead, Marks: l.Marks, Since: l.Since, Duplicates: l.Duplicates, Note: l.Note}
	for _, r := range l.Rows {
		w.Tables = append(w.Tables, wireTable{r.Table, r.Redelivered, r.Duplicates})
	}
	return w
}

// wireArg is an argument of a statement; its kind is the Go type's letter.
type wireArg struct {
	Kind string `json:"k"`
	Text string `json:"t,omitempty"`
	Blob []byte `json:"b,omitempty"`
}

func toWireArgs(args []any) []wireArg {
	out := make([]wireArg, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case nil:
			out[i] = wireArg{Kind: "null"}
		case bool:
			out[i] = wireArg{Kind: "bool", Text: strconv.FormatBool(v)}
		case int64:
			out[i] = wireArg{Kind: "int", Text: strconv.FormatInt(v, 10)}
		case float64:
			out[i] = wireArg{Kind: "float", Text: strconv.FormatFloat(v, 'g', -1, 64)}
		case string:
			out[i] = wireArg{Kind: "text", Blob: []byte(v)} // need not be UTF-8, which JSON demands
		case []byte:
			out[i] = wireArg{Kind: "blob", Blob: v}
		case time.Time:
			out[i] = wireArg{Kind: "time", Text: v.UTC().Format(time.RFC3339Nano)}
		case tidemill.ID:
			out[i] = wireArg{Kind: "id", Text: v.String()}
		}
	}
	return out
}

func fromWireArgs(args []wireArg) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		var err error
		switch a.Kind {
		case "null":
		case "bool":
			out[i], err = strconv.ParseBool(a.Text)
		case "int":
			out[i], err = strconv.ParseInt(a.Text, 10, 64)
		case "float":
			out[i], err = strconv.ParseFloat(a.Text, 64)
		case "text":
			out[i] = string(a.Blob)
		case "blob":
			out[i] = append([]byte{}, a.Blob...)
		case "time":
			out[i], err = time.Parse(time.RFC3339Nano, a.Text)
		case "id":
			out[i], err = tidemill.ParseID(a.Text)
		default:
			err = fmt.Errorf("kind %q", a.Kind)
		}
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return out, nil
}

// wireError carries what callers do with an error: its text, code, remedies
// and whether another try may help.
type wireError struct {
	Text      string
	Code      tidemill.Code `json:",omitempty"`
	Hint      string        `json:",omitempty"`
	Retryable bool          `json:",omitempty"`
	Canceled  bool          `json:",omitempty"`
}

func toWireError(err error) *wireError {
	if err == nil {
		return nil
	}
	code := tidemill.CodeOf(err)
	return &wireError{
		Text:      textOf(err, code),
		Code:      code,
		Hint:      strings.Join(tidemill.Hints(err), "; "),
		Retryable: tidemill.Retryable(err),
		Canceled:  errors.Is(err, context.Canceled),
	}
}

// textOf returns what err says without its code, which the other side writes
// again, at the end of the first line or of all.
func textOf(err error, code tidemill.Code) string {
	mark := " [" + string(code) + "]"
	first, rest, more := strings.Cut(err.Error(), "\n")
	first = strings.TrimSuffix(first, mark)
	if !more {
		return first
	}
	return first + "\n" + strings.TrimSuffix(rest, mark)
}

func (e *wireError) err() error {
	if e == nil {
		return nil
	}
	if e.Canceled {
		return context.Canceled
	}
	cause := errors.New(e.Text)
	if e.Retryable {
		cause = tidemill.Transient(cause)
	}
	if e.Code == "" && e.Hint == "" {
		return cause
	}
	return &tidemill.Error{Code: e.Code, Err: cause, Hint: e.Hint}
}
