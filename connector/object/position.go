package object

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill"
)

// position is how far an object was read. Of a cursor it has a key too.
type position struct {
	Key  string
	ETag string
	Row  int64 // rows that were read
	Done bool  // all were
}

// cursorScope is the scope of the one mark of an ordered source.
const cursorScope = "cursor"

// encode returns p as text, so that the ledger can be read by people.
func (p position) encode() tidemill.Position {
	s := "v1"
	if p.Key != "" {
		s += " key=" + url.QueryEscape(p.Key)
	}
	return tidemill.Position(s + fmt.Sprintf(" etag=%s row=%d done=%t", url.QueryEscape(p.ETag), p.Row, p.Done))
}

// decodePosition reads what encode wrote. The empty position is the
// beginning.
func decodePosition(at tidemill.Position) (position, error) {
	var p position
	if len(at) == 0 {
		return p, nil
	}
	fields := strings.Fields(string(at))
	if len(fields) == 0 || fields[0] != "v1" {
		return p, unknownPosition(at, fmt.Errorf("unknown version"))
	}
	for _, f := range fields[1:] {
		name, value, _ := strings.Cut(f, "=")
		var err error
		switch name {
		case "key":
			p.Key, err = url.QueryUnescape(value)
		case "etag":
			p.ETag, err = url.QueryUnescape(value)
		case "row":
			p.Row, err = strconv.ParseInt(value, 10, 64)
			if err == nil && p.Row < 0 {
				err = fmt.Errorf("negative number")
			}
		case "done":
			p.Done, err = strconv.ParseBool(value)
		default:
			err = fmt.Errorf("unknown field %q", name)
		}
		if err != nil {
			return position{}, unknownPosition(at, err)
		}
	}
	return p, nil
}

func unknownPosition(at tidemill.Position, cause error) error {
	return &tidemill.Error{
		Code: tidemill.Invalid, Op: "read marks", Err: fmt.Errorf("parse position %q: %w", at, cause),
		Hint: "the ledger was written by a newer tidemill, or by another kind of source: use that, or name the pipeline anew",
	}
}
