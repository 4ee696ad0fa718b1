package file

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tidemill/tidemill"
)

// open readies the stream at the feed's position. It returns false where the
// file holds nothing new.
func (f *feed) open(b *tidemill.Batch) (bool, error) {
	info, err := os.Stat(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil // it was removed; what was read of it is in the position
	}
	if err != nil {
		return false, err
	}
	if info.Size() == f.quiet {
		return false, nil
	}
	if f.s, err = openStream(f.entry); err != nil {
		return false, err
	}
	state, err := f.resume(info.Size())
	if err == nil && state == other {
		state, err = f.begin()
	}
	if err == nil && state == lost {
		err = f.rawLetter(b, f.pos.End, info.Size(), "framing was lost before")
		if err == nil {
			err = f.end(info.Size(), true)
			f.stamp(b)
		}
	}
	if err != nil || state != ready {
		f.close()
	}
	return state == ready, err
}

// state is what a file is to the position that was stored for it.
type state int

const (
	ready   state = iota // there may be more after the position
	nothing              // all that it holds was read
	lost                 // it has grown after framing was lost
	other                // it no longer holds what was read
)

// resume compares the file with the position and goes there.
func (f *feed) resume(size int64) (state, error) {
	if f.pos.End > 0 {
		if size < f.pos.End {
			return other, nil
		}
		t, err := traceAt(f.s.f, f.pos.End)
		if err != nil {
			return 0, err
		}
		switch {
		case t.print() != f.pos.EndPrint:
			return other, nil
		case size == f.pos.End:
			f.quiet = size
			return nothing, nil
		case f.pos.Lost:
			return lost, nil
		}
		f.pos.End, f.pos.EndPrint = 0, ""
	}
	var err error
	switch {
	case f.compress != "":
		err = f.s.skip(f.pos.Offset)
		if err != nil && readError(err) == nil {
			return other, nil
		}
	case size < f.pos.Offset:
		return other, nil
	default:
		err = f.s.seek(f.pos.Offset)
		if errors.Is(err, io.EOF) {
			return other, nil // cut short since its size was taken
		}
	}
	if err == nil && f.s.trace.print() != f.pos.Print {
		return other, nil
	}
	f.s.rec = f.pos.Record
	return ready, err
}

// begin takes a file that was replaced as a new one, where that is wanted.
func (f *feed) begin() (state, error) {
	if f.opts.Replaced != reread {
		return 0, &tidemill.Error{
			Code: tidemill.Invalid, Op: "read " + f.path,
			Err: fmt.Errorf("it no longer holds the %d bytes that were read of it: it was cut short or replaced", max(f.pos.Offset, f.pos.End)),
			Hint: "put it back, or set replaced: reread on the source to read it again from its beginning; " +
				"new events belong at the end of a file, or in a new file, for instance in a folder below the queue's",
		}
	}
	f.s.close()
	f.pos, f.quiet = position{}, -1
	var err error
	f.s, err = openStream(f.entry)
	return ready, err
}

// replaced reports whether the path of an open file now leads to another
// one, or to less than was read. What is left in hand then ends the old one.
func (f *feed) replaced() (bool, error) {
	if f.compress != "" {
		return false, nil
	}
	now, err := os.Stat(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	open, err := f.s.f.Stat()
	if err != nil {
		return false, err
	}
	return !os.SameFile(now, open) || now.Size() < f.fetched(), nil
}
