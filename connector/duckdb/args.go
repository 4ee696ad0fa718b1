package duckdb

import (
	"fmt"
	"time"

	"github.com/tidemill/tidemill"
)

// supported reports the first argument that tidemill.Session does not allow,
// so that a session over the socket and one within the process agree.
func supported(args []any) error {
	for i, a := range args {
		switch a.(type) {
		case nil, bool, int64, float64, string, []byte, time.Time, tidemill.ID:
		default:
			return &tidemill.Error{Code: tidemill.Invalid, Err: fmt.Errorf("argument %d has the type %T, which SQL has no value for", i+1, a)}
		}
	}
	return nil
}
