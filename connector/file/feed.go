package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
)

// One Read returns at most these, of one file.
const (
	readRows  = 8192
	readBytes = 256 << 10
)

// feed reads one file, and remembers how far.
type feed struct {
	entry
	opts Options
	pos  position
	mark tidemill.Position // of the last record that was handed over

	s     *stream // nil while closed
	limit int64   // records that begin at or after this are not for this visit
	quiet int64   // size of the file at which it held nothing more; -1 if unknown
	stale bool    // the path leads to another file than the open one
	room  int     // messages that the last full read returned
}

func newFeed(e entry, opts Options) *feed {
	return &feed{entry: e, opts: opts, quiet: -1, limit: math.MaxInt64}
}

// visit sets how far the following reads go: to where the file ends now.
func (f *feed) visit() error {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		f.limit = math.MaxInt64 // what an open file still holds
	case err != nil:
		return err
	case f.compress != "":
		f.limit = math.MaxInt64 // it says nothing of the stream
	default:
		f.limit = info.Size()
	}
	if f.s != nil && f.compress == "" {
		if replaced, err := f.replaced(); err != nil || replaced {
			f.limit = math.MaxInt64 // the open one is read to its end
			return err
		}
	}
	return nil
}

// read returns the next records, and whether there may be more in this visit.
func (f *feed) read() (b tidemill.Batch, more bool, err error) {
	if f.s == nil {
		if ok, err := f.open(&b); !ok || err != nil {
			return b, false, f.wrap(err)
		}
	}
	more, err = f.fill(&b)
	if err != nil {
		return b, false, f.wrap(err)
	}
	f.advance(&b)
	if f.stale {
		f.stale, f.quiet = false, -1
		f.close()
	} else if !more && (!f.opts.Follow || f.compress != "") {
		f.close()
	}
	return b, more, nil
}

func (f *feed) fill(b *tidemill.Batch) (more bool, err error) {
	keep := hardCap * f.opts.maxMessage()
	if f.room > 0 {
		b.Messages = make([]tidemill.Message, 0, f.room)
	}
	for size := 0; size < readBytes && len(b.Messages) < readRows; {
		if f.s.off >= f.limit {
			return false, nil
		}
		rec, err := f.s.next(f.format, keep)
		if errors.Is(err, errLong) {
			if len(b.Messages) > 0 {
				return true, nil // it gets a batch of its own
			}
			return f.long(b, keep)
		}
		if err != nil {
			return f.ended(b, err)
		}
		size += len(rec.value)
		f.add(b, rec)
	}
	f.room = len(b.Messages)
	return true, nil
}

// add hands over a record, if it is none of a blank line.
func (f *feed) add(b *tidemill.Batch, rec record) {
	if f.format == formatJSON && len(bytes.TrimSpace(rec.value)) == 0 {
		return
	}
	b.Messages = append(b.Messages, f.message(rec))
}

func (f *feed) message(rec record) tidemill.Message {
	m := map[string]string{"file": f.scope, "format": f.format, "offset": strconv.FormatInt(rec.offset, 10)}
	if f.format == formatJSON {
		m["line"] = strconv.FormatInt(rec.number, 10)
	}
	return tidemill.Message{Source: f.queue, Type: f.typ, Value: rec.value, Meta: m}
}

// letter makes a record a dead letter.
func (f *feed) letter(b *tidemill.Batch, rec record, code tidemill.Code, reason string) {
	m := f.message(rec)
	if rec.size > int64(len(rec.value)) {
		m.Meta["bytes"] = strconv.FormatInt(rec.size, 10)
		reason += fmt.Sprintf("; the first %d of %d bytes are kept here, all are in the file", len(rec.value), rec.size)
	}
	b.Dead = append(b.Dead, tidemill.DeadLetter{
		Message: m, Code: code, Reason: reason,
		Delivery: canon.Delivery(f.queue, f.typ, f.scope+"@"+m.Meta["offset"], rec.value),
	})
}

// long hands over a record over the hard cap.
func (f *feed) long(b *tidemill.Batch, keep int) (more bool, err error) {
	rec, err := f.s.long(f.format, keep)
	switch {
	case err == nil:
		f.letter(b, rec, tidemill.TooLarge, "larger than max_message")
		return true, nil
	case readError(err) != nil:
		return false, err
	case f.opts.Follow && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		f.close() // it is read again when the file has grown
		return false, nil
	}
	f.s.settle()
	f.letter(b, rec, tidemill.TooLarge, "larger than max_message, and the file ends within it")
	return false, f.end(f.fetched(), f.format == formatProtobuf || !errors.Is(err, io.EOF))
}

// advance sets the position after what was handed over, and marks it.
func (f *feed) advance(b *tidemill.Batch) {
	if f.s == nil {
		return
	}
	f.s.settle()
	f.pos.Offset, f.pos.Record, f.pos.Print = f.s.off, f.s.rec, f.s.trace.print()
	f.stamp(b)
}

func (f *feed) stamp(b *tidemill.Batch) {
	if len(b.Messages)+len(b.Dead) == 0 {
		return
	}
	to := f.pos.encode()
	b.Marks = []tidemill.Mark{{Scope: f.scope, From: f.mark, To: to}}
	f.mark = to
}

func (f *feed) close() {
	if f.s != nil {
		f.s.close()
		f.s = nil
	}
}

func (f *feed) wrap(err error) error {
	if err == nil {
		return nil
	}
	var e *tidemill.Error
	if errors.As(err, &e) {
		return err
	}
	return notFound(f.path, err)
}
