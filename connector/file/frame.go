package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// record is one line or frame.
type record struct {
	value  []byte
	offset int64 // of its first byte in the stream, a frame's length included
	number int64 // from 1
	size   int64 // of the whole; more than value has where it is over the hard cap
}

var (
	// errLong says that the next record is over the hard cap.
	errLong = errors.New("record over the hard cap")

	errFraming = errors.New("framing lost")
)

// next returns the next record of at most keep bytes. On an error, which is
// also that of fill, nothing was taken.
func (s *stream) next(format string, keep int) (record, error) {
	if format == formatJSON {
		return s.nextLine(keep)
	}
	return s.nextFrame(keep)
}

func (s *stream) nextLine(keep int) (record, error) {
	searched := 0
	for {
		b := s.unread()
		if i := bytes.IndexByte(b[searched:], '\n'); i >= 0 {
			return s.line(searched+i, 1), nil
		}
		if searched = len(b); searched > keep {
			return record{}, errLong
		}
		if err := s.fill(); err != nil {
			return record{}, err
		}
	}
}

// line takes a line of n bytes and the bytes of its end.
func (s *stream) line(n, end int) record {
	s.rec++
	rec := record{offset: s.off, number: s.rec, size: int64(n)}
	rec.value = s.take(n + end)[:n:n]
	if rec.number == 1 {
		rec.value = bytes.TrimPrefix(rec.value, []byte("\xef\xbb\xbf"))
	}
	rec.value = bytes.TrimSuffix(rec.value, []byte("\r"))
	return rec
}

func (s *stream) nextFrame(keep int) (record, error) {
	for {
		b := s.unread()
		size, n := binary.Uvarint(b[:min(len(b), binary.MaxVarintLen64)])
		switch {
		case n < 0 || n == 0 && len(b) >= binary.MaxVarintLen64:
			return record{}, fmt.Errorf("%w: the length at byte %d is no varint", errFraming, s.off)
		case n > 0 && size > math.MaxInt32:
			return record{}, fmt.Errorf("%w: the length at byte %d is %d, more than protobuf allows", errFraming, s.off, size)
		case n > 0 && size > uint64(keep):
			return record{}, errLong
		case n > 0 && uint64(len(b)-n) >= size:
			s.rec++
			rec := record{offset: s.off, number: s.rec, size: int64(size)}
			rec.value = s.take(n + int(size))[n:]
			return rec, nil
		}
		if err := s.fill(); err != nil {
			return record{}, err
		}
	}
}

// long takes a record over the hard cap and keeps its first keep bytes. On
// an error, which is that of fill, what there was of it has been taken and
// the record holds it.
func (s *stream) long(format string, keep int) (record, error) {
	s.rec++
	rec := record{offset: s.off, number: s.rec}
	left := int64(math.MaxInt64)
	if format == formatProtobuf {
		size, n := binary.Uvarint(s.unread())
		s.take(n)
		left = int64(size)
	}
	for left > 0 {
		b := s.unread()
		end := bytes.IndexByte(b, '\n')
		if format == formatProtobuf || end < 0 {
			end = int(min(int64(len(b)), left))
		} else {
			left = int64(end)
		}
		b = s.take(end)
		rec.value = append(rec.value, b[:min(len(b), keep-len(rec.value))]...)
		rec.size += int64(end)
		if left -= int64(end); left == 0 {
			break
		}
		if err := s.fill(); err != nil {
			return rec, err
		}
	}
	if format == formatJSON {
		s.take(1)
	}
	return rec, nil
}
