package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode/records"
	"github.com/tidemill/tidemill/internal/canon"
)

// feed reads one object. It reads ahead by one, so that the mark of the last
// rows says that they are the last.
type feed struct {
	s *Source
	t *task

	content content // nil while closed
	r       records.Reader
	cancel  context.CancelFunc
	ahead   *records.Rows
}

// read returns the next rows with their mark, and whether they are the last.
func (f *feed) read(ctx context.Context) (b tidemill.Batch, done bool, err error) {
	if f.t.refused != nil {
		return tidemill.Batch{Dead: []tidemill.DeadLetter{*f.t.refused}}, true, nil
	}
	if f.t.lost != "" {
		return f.letter(), true, nil
	}
	if f.r == nil {
		letter, err := f.open()
		if letter != nil || err != nil {
			return f.only(letter), letter != nil, err
		}
	}
	defer context.AfterFunc(ctx, f.cancel)()
	if f.ahead == nil {
		if f.ahead, err = f.fetch(); err != nil && !errors.Is(err, io.EOF) {
			return b, false, err
		}
		if f.ahead == nil { // there are no rows
			b.Marks = []tidemill.Mark{f.s.mark(f.t, f.t.pos.Row, 0, true)}
			return b, true, nil
		}
	}
	next, err := f.fetch()
	if err != nil && !errors.Is(err, io.EOF) {
		return b, false, err
	}
	rows := *f.ahead
	f.ahead, done = next, next == nil
	b = f.batch(rows)
	b.Marks = []tidemill.Mark{f.s.mark(f.t, rows.Next, rows.Offset, done)}
	return b, done, nil
}

// fetch returns the next rows, nil with io.EOF at the end.
func (f *feed) fetch() (*records.Rows, error) {
	rows, err := f.r.Read()
	if err != nil {
		return nil, err
	}
	return &rows, nil
}

// open begins to read at the position. It returns a letter where the object
// cannot be read by its name.
func (f *feed) open() (*tidemill.DeadLetter, error) {
	ctx, cancel := context.WithCancel(f.s.life)
	content, err := f.s.bucket.open(ctx, f.t.entry)
	if err != nil {
		cancel()
		return nil, err
	}
	opts := f.t.records
	opts.Skip, opts.Offset = f.t.pos.Row, f.t.pos.Offset
	r, err := records.Open(records.Input{Stream: content.stream, At: content, Size: f.t.size}, opts)
	if err != nil {
		cancel()
		_ = content.Close() // it was only read
		l := f.dead(records.Bad{Row: f.t.pos.Row, Offset: -1, Code: tidemill.Malformed, Reason: err.Error(), Size: f.t.size})
		return &l, nil //nolint:nilerr // the letter tells it
	}
	f.content, f.cancel, f.r = content, cancel, r
	return nil, nil
}

// reset closes the object and forgets what was read ahead. The next read
// begins at the position.
func (f *feed) reset() {
	if f.ahead != nil && f.ahead.Records != nil {
		f.ahead.Records.Release()
	}
	f.ahead = nil
	if f.r != nil {
		f.r.Close()
		f.cancel()
		_ = f.content.Close() // it was only read
		f.r, f.content = nil, nil
	}
}

// letter says that what is left of the object cannot be read.
func (f *feed) letter() tidemill.Batch {
	l := f.dead(records.Bad{
		Row: f.t.pos.Row, Offset: -1, Code: tidemill.NotFound,
		Reason: fmt.Sprintf("%s after %d rows of it were read; what came after them is not to be had", f.t.lost, f.t.pos.Row),
	})
	return f.only(&l)
}

// only returns the batch of a letter that ends the object.
func (f *feed) only(l *tidemill.DeadLetter) (b tidemill.Batch) {
	if l != nil {
		b.Dead = []tidemill.DeadLetter{*l}
		b.Marks = []tidemill.Mark{f.s.mark(f.t, f.t.pos.Row+1, 0, true)}
	}
	return b
}

func (f *feed) batch(rows records.Rows) (b tidemill.Batch) {
	if rows.Records != nil {
		b.Parts = []tidemill.Part{{Stream: f.t.stream, Records: rows.Records}}
	}
	if len(rows.Texts) > 0 {
		b.Messages = make([]tidemill.Message, 0, len(rows.Texts))
	}
	for _, t := range rows.Texts {
		m := f.message(t.Row, t.Offset)
		m.Value = t.Value
		b.Messages = append(b.Messages, m)
	}
	for _, bad := range rows.Bad {
		b.Dead = append(b.Dead, f.dead(bad))
	}
	return b
}

func (f *feed) message(row, offset int64) tidemill.Message {
	meta := make(map[string]string, len(f.t.meta)+3)
	maps.Copy(meta, f.t.meta)
	meta["row"] = strconv.FormatInt(row, 10)
	if offset >= 0 {
		meta["offset"] = strconv.FormatInt(offset, 10)
	}
	switch f.t.records.Format {
	case records.NDJSON, records.JSON:
		meta["format"] = "json"
	default:
		meta["format"] = string(f.t.records.Format)
	}
	return tidemill.Message{Source: f.t.stream, Type: f.t.typ, Meta: meta, Time: f.t.modified}
}

func (f *feed) dead(bad records.Bad) tidemill.DeadLetter {
	m := f.message(bad.Row, bad.Offset)
	m.Value = bad.Bytes
	reason := bad.Reason
	if bad.Size > int64(len(bad.Bytes)) {
		m.Meta["bytes"] = strconv.FormatInt(bad.Size, 10)
		reason += fmt.Sprintf("; %d of %d bytes are kept here", len(bad.Bytes), bad.Size)
	}
	id := f.t.meta["object"] + "@" + f.t.etag + "#" + m.Meta["row"]
	return tidemill.DeadLetter{
		Message: m, Code: bad.Code, Reason: reason, Delivery: canon.Delivery(f.t.stream, f.t.typ, id, bad.Bytes),
	}
}
