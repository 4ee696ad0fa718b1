package object

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill"
)

// position is how far an object was read. Of a cursor it has a key too.
type position struct {
	Key    string
	ETag   string
	Row    int64 // rows that were read
	Offset int64 // where they end; 0 if that is not known
	Done   bool  // all were
}

// cursorScope is the scope of the one mark of an ordered source.
const cursorScope = "cursor"

// encode returns p as text, so that the ledger can be read by people.
func (p position) encode() tidemill.Position {
	s := "v1"
	if p.Key != "" {
		s += " key=" + url.QueryEscape(p.Key)
	}
	s += fmt.Sprintf(" etag=%s row=%d", url.QueryEscape(p.ETag), p.Row)
	if p.Offset > 0 {
		s += fmt.Sprintf(" offset=%d", p.Offset)
	}
	return tidemill.Position(s + fmt.Sprintf(" done=%t", p.Done))
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
		return p, unknownPosition(at, errors.New("unknown version"))
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
			p.Row, err = parseCount(value)
		case "offset":
			p.Offset, err = parseCount(value)
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

func parseCount(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && n < 0 {
		err = errors.New("negative number")
	}
	return n, err
}

func unknownPosition(at tidemill.Position, cause error) error {
	return &tidemill.Error{
		Code: tidemill.Invalid, Op: "read marks", Err: fmt.Errorf("parse position %q: %w", at, cause),
		Hint: "the ledger was written by a newer tidemill, or by another kind of source: use that, or name the pipeline anew",
	}
}
