package postgres

import (
	"encoding/json"
	"fmt"

	"github.com/tidemill/tidemill"
)

// The scopes of a snapshot's marks. Of a table, "public.orders/chunks" holds
// how it was divided and "public.orders/chunk 3" how far that chunk is.
const scopeSnapshot = "snapshot" // of all: set when all has been read

func scopePlan(t *table) string         { return t.name.String() + "/chunks" }
func scopeChunk(t *table, i int) string { return fmt.Sprintf("%s/chunk %d", t.name, i) }

// How a table is divided and ordered.
const (
	byKey   = "key"   // by ranges of its key
	byPlace = "place" // one chunk, in the order in which the rows are stored
	byNone  = "none"  // one chunk, in no order: it cannot go on within it
)

// plan says how a table is divided. It is stored before any row of the table,
// so that a chunk means the same rows after a crash.
type plan struct {
	By     string     `json:"by"`
	Key    []string   `json:"key,omitempty"`    // columns
	Bounds [][]string `json:"bounds,omitempty"` // where each chunk but the first begins, in text of the key

	// Of a table by place: what was visible to the snapshot that began it, and
	// the file that held it.
	Visible string `json:"visible,omitempty"`
	File    uint32 `json:"file,omitempty"`
}

// chunks returns how many there are.
func (p plan) chunks() int { return len(p.Bounds) + 1 }

// progress is how far a chunk has been read.
type progress struct {
	After []string `json:"after,omitempty"` // key or place of the last row
	Rows  int64    `json:"rows"`
	Done  bool     `json:"done,omitempty"`
}

// finished is the position of scopeSnapshot. It holds what was asked for, so
// that another question is not taken for answered.
type finished struct {
	Tables  []string `json:"tables,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
	Query   string   `json:"query,omitempty"`
	Rows    int64    `json:"rows"`
}

// encode returns v as a position.
func encode(v any) tidemill.Position {
	text, err := json.Marshal(v)
	if err != nil {
		panic("postgres: encode position: " + err.Error()) // strings, numbers and booleans only
	}
	return text
}

// decodePosition reads what encode wrote. The empty position is the
// beginning, and leaves to as it is.
func decodePosition(scope string, at tidemill.Position, to any) error {
	if len(at) == 0 {
		return nil
	}
	if err := json.Unmarshal(at, to); err != nil {
		return &tidemill.Error{
			Code: tidemill.Invalid, Op: "read position of " + scope, Err: err,
			Hint: "the ledger was written by another version or kind of source: use that, or name the pipeline anew",
		}
	}
	return nil
}
