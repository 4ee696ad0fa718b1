package file

import (
	"errors"
	"fmt"
	"io"

	"github.com/tidemill/tidemill"
)

// ended deals with what is left where no further record could be read.
func (f *feed) ended(b *tidemill.Batch, err error) (more bool, _ error) {
	switch {
	case readError(err) != nil:
		return false, err
	case errors.Is(err, errFraming):
		return false, f.lose(b, err)
	case errors.Is(err, io.EOF):
		return false, f.eof(b)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return false, f.cut(b)
	}
	return false, f.broken(b, err)
}

// eof: the content ends here, after a whole record or within one.
func (f *feed) eof(b *tidemill.Batch) error {
	left := f.s.unread()
	if f.opts.Follow {
		replaced, err := f.replaced()
		if err != nil {
			return err
		}
		if !replaced {
			return f.wait(len(left) == 0)
		}
		f.stale = true
	}
	if len(left) == 0 {
		if f.compress != "" {
			return f.end(f.fetched(), false)
		}
		return nil
	}
	if f.format == formatJSON {
		f.add(b, f.s.line(len(left), 0))
		if f.compress != "" {
			return f.end(f.fetched(), false)
		}
		return nil
	}
	f.letter(b, f.left(), tidemill.Malformed, fmt.Sprintf("the file ends %d bytes into a frame", len(left)))
	return f.end(f.fetched(), false)
}

// wait: more may be appended. A compressed file is not read again before it
// has grown; whether it was whole so far is kept in its position.
func (f *feed) wait(whole bool) error {
	if f.compress == "" {
		return nil
	}
	f.quiet = f.s.raw.n
	if whole {
		return f.end(f.fetched(), false)
	}
	return nil
}

// cut: a compressed stream stops before its end.
func (f *feed) cut(b *tidemill.Batch) error {
	if f.opts.Follow {
		return f.wait(false)
	}
	f.letter(b, f.left(), tidemill.Malformed, "the compressed stream is cut off here")
	return f.end(f.fetched(), false)
}

// lose: the length of a frame makes no sense, so that nobody can tell where
// the next one begins. All that is left is one dead letter.
func (f *feed) lose(b *tidemill.Batch, cause error) error {
	rec := record{offset: f.s.off, number: f.s.rec + 1}
	var err error
	rec.value, rec.size, err = f.s.rest(f.opts.maxMessage())
	if readError(err) != nil {
		return err
	}
	f.letter(b, rec, tidemill.Malformed, cause.Error())
	if !errors.Is(err, io.EOF) {
		return f.broken(b, err)
	}
	return f.end(f.fetched(), true)
}

// broken: the compressed bytes make no sense from here on. What was left of
// the stream is a dead letter, and the bytes of the file another.
func (f *feed) broken(b *tidemill.Batch, cause error) error {
	if len(f.s.unread()) > 0 {
		f.letter(b, f.left(), tidemill.Malformed, "the compressed stream is broken after this: "+cause.Error())
	}
	size, err := f.size()
	if err != nil {
		return err
	}
	if err := f.rawLetter(b, f.s.good, size, "the compressed stream is broken: "+cause.Error()); err != nil {
		return err
	}
	return f.end(size, true)
}

// left returns what was read of a record that does not end.
func (f *feed) left() record {
	left := f.s.unread()
	return record{
		value: left[:min(len(left), f.opts.maxMessage())], offset: f.s.off, number: f.s.rec + 1, size: int64(len(left)),
	}
}

// rawLetter makes the bytes of the file itself, as they are on disk, a dead
// letter.
func (f *feed) rawLetter(b *tidemill.Batch, from, to int64, reason string) error {
	value := make([]byte, min(to-from, int64(f.opts.maxMessage())))
	if _, err := f.s.f.ReadAt(value, from); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	rec := record{value: value, offset: from, number: f.s.rec + 1, size: to - from}
	f.letter(b, rec, tidemill.Malformed, reason)
	m := b.Dead[len(b.Dead)-1].Message.Meta
	m["content_encoding"] = f.compress
	if f.compress == "" {
		delete(m, "content_encoding")
	}
	return nil
}

// end notes in the position that the first size bytes of the file were read.
func (f *feed) end(size int64, lost bool) error {
	t, err := traceAt(f.s.f, size)
	if err != nil {
		return err
	}
	f.pos.End, f.pos.EndPrint, f.pos.Lost = size, t.print(), lost
	f.quiet = size
	return nil
}

// fetched is how much of the file has been read.
func (f *feed) fetched() int64 {
	if f.compress != "" {
		return f.s.raw.n
	}
	return f.s.off + int64(len(f.s.unread()))
}

func (f *feed) size() (int64, error) {
	info, err := f.s.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
