package decode

import (
	"errors"
	"fmt"
	"io"
)

// ErrTooLong says that a delimited record is longer than allowed. The reader
// has consumed the record, so the next one can be read.
var ErrTooLong = errors.New("record is over the limit")

// ReadDelimited reads one length-delimited record, as protobuf's
// writeDelimitedTo frames it: a varint with the length, then so many bytes.
// The record is appended to buf, which may be nil; at most max bytes are held.
//
// It returns the record and the number of bytes consumed, frame included. At
// the end of r it returns io.EOF; where r ends within a record,
// io.ErrUnexpectedEOF with the bytes consumed so far. A record over max is
// skipped and reported by ErrTooLong with its first max bytes.
func ReadDelimited(r interface {
	io.Reader
	io.ByteReader
}, buf []byte, max int,
) (record []byte, consumed int64, err error) {
	size, n, err := readVarint(r)
	if err != nil {
		return buf, int64(n), err
	}
	if size > 1<<62 {
		return buf, int64(n), fmt.Errorf("record of %d bytes: the framing is broken", size)
	}
	head := min(int64(size), int64(max))
	buf, got, err := readFull(r, buf, head)
	consumed = int64(n) + got
	if err != nil {
		return buf, consumed, err
	}
	if rest := int64(size) - head; rest > 0 {
		skipped, err := io.CopyN(io.Discard, r, rest)
		consumed += skipped
		if err != nil {
			return buf, consumed, unexpectedEOF(err)
		}
		return buf, consumed, fmt.Errorf("%w: %d bytes, %d allowed", ErrTooLong, size, max)
	}
	return buf, consumed, nil
}

// readVarint returns io.EOF only before the first byte.
func readVarint(r io.ByteReader) (v uint64, n int, err error) {
	for n < 10 {
		c, err := r.ReadByte()
		if err != nil {
			if n > 0 {
				err = unexpectedEOF(err)
			}
			return 0, n, err
		}
		v |= uint64(c&0x7f) << (7 * n)
		n++
		if c < 0x80 {
			if n == 10 && c > 1 {
				break
			}
			return v, n, nil
		}
	}
	return 0, n, errors.New("record length is no varint: the framing is broken")
}

// readFull appends size bytes of r to buf, growing it as they come: a length
// that lies costs no memory.
func readFull(r io.Reader, buf []byte, size int64) ([]byte, int64, error) {
	const step = 64 << 10
	got := int64(0)
	for got < size {
		n := int(min(size-got, step))
		from := len(buf)
		if cap(buf)-from < n {
			buf = append(buf, make([]byte, n)...)[:from]
		}
		k, err := io.ReadFull(r, buf[from:from+n])
		buf = buf[:from+k]
		got += int64(k)
		if err != nil {
			return buf, got, unexpectedEOF(err)
		}
	}
	return buf, got, nil
}

func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
