package file

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/tidemill/tidemill"
)

// position is a place in a file and what stood before it. Offset and Record
// count in the stream, which is the file's content after decompression.
type position struct {
	Offset int64  // bytes of the stream that have been read
	Record int64  // lines or frames that have been read, blank lines too
	Print  string // fingerprint of the stream before Offset

	// End is set where the size of the file says more than Offset: all that
	// the first End bytes of the file hold has been handed over. If the file
	// has grown since, reading goes on at Offset.
	End      int64
	EndPrint string // fingerprint of the file before End

	// Lost says that framing ended for good before End: bytes after it can
	// only be dead letters.
	Lost bool
}

// encode returns p as text, so that the ledger can be read by people.
func (p position) encode() tidemill.Position {
	s := fmt.Sprintf("v1 offset=%d record=%d print=%s", p.Offset, p.Record, p.Print)
	if p.End > 0 {
		s += fmt.Sprintf(" end=%d endprint=%s lost=%t", p.End, p.EndPrint, p.Lost)
	}
	return tidemill.Position(s)
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
		return p, fmt.Errorf("parse position %q: unknown version", at)
	}
	for _, f := range fields[1:] {
		name, value, _ := strings.Cut(f, "=")
		var err error
		switch name {
		case "offset":
			_, err = fmt.Sscan(value, &p.Offset)
		case "record":
			_, err = fmt.Sscan(value, &p.Record)
		case "print":
			p.Print = value
		case "end":
			_, err = fmt.Sscan(value, &p.End)
		case "endprint":
			p.EndPrint = value
		case "lost":
			_, err = fmt.Sscan(value, &p.Lost)
		default:
			err = fmt.Errorf("unknown field %q", name)
		}
		if err != nil {
			return position{}, fmt.Errorf("parse position %q: %w", at, err)
		}
	}
	if p.Offset < 0 || p.Record < 0 || p.End < 0 {
		return position{}, fmt.Errorf("parse position %q: negative number", at)
	}
	return p, nil
}

// printed is how much of each end of what was read is fingerprinted.
const printed = 1 << 10

// trace remembers the ends of what has been read.
type trace struct {
	head, tail []byte
}

// add takes the next bytes that were read.
func (t *trace) add(b []byte) {
	if n := min(printed-len(t.head), len(b)); n > 0 {
		t.head = append(t.head, b[:n]...)
	}
	if len(b) >= printed {
		t.tail = append(t.tail[:0], b[len(b)-printed:]...)
		return
	}
	t.tail = append(t.tail, b...)
	if over := len(t.tail) - printed; over > 0 {
		t.tail = t.tail[:copy(t.tail, t.tail[over:])]
	}
}

func (t *trace) print() string {
	if len(t.head) == 0 {
		return ""
	}
	h := sha256.New()
	h.Write(t.head)
	h.Write(t.tail)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// traceAt returns the trace of the first end bytes of r, which it reads only
// the ends of.
func traceAt(r io.ReaderAt, end int64) (*trace, error) {
	n := min(end, printed)
	t := &trace{head: make([]byte, n), tail: make([]byte, n)}
	if _, err := r.ReadAt(t.head, 0); err != nil {
		return nil, err
	}
	_, err := r.ReadAt(t.tail, end-n)
	return t, err
}
