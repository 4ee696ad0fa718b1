package records

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tidemill/tidemill"
)

const (
	chunk = 256 << 10

	// maxWindow bounds what a zstd frame can make us hold; zstd writes larger
	// windows only when told to by --ultra or --long.
	maxWindow = 128 << 20
)

// text is the decompressed content of a file. Slices of its buffer stay as
// they are: it never writes to what it has given out.
type text struct {
	in    *input
	r     io.Reader
	close func()

	buf  []byte
	at   int   // buf[at:] is unread
	off  int64 // offset of buf[at]
	err  error // how the content ended
	kind Compression
	size int // of a buffer
}

func newText(in Input, opts Options) *text {
	i := &input{r: in.Stream(0)}
	return &text{in: i, r: i, kind: opts.Compression, close: func() {}, size: bufferSize(in.Size, opts)}
}

// bufferSize is a chunk, or what a small file needs to be read to its end.
func bufferSize(size int64, opts Options) int {
	if size <= 0 || size >= chunk || opts.Compression != Plain {
		return chunk
	}
	return int(size) + bytes.MinRead
}

// jump goes on at an offset of a content that is not compressed.
func (t *text) jump(in Input, offset int64) {
	i := &input{r: in.Stream(offset)}
	*t = text{in: i, r: i, close: func() {}, off: offset, size: chunk}
}

// unread is what has been fetched but not taken.
func (t *text) unread() []byte { return t.buf[t.at:] }

// take returns the next n bytes of unread.
func (t *text) take(n int) []byte {
	b := t.buf[t.at : t.at+n : t.at+n]
	t.at += n
	t.off += int64(n)
	return b
}

// fill fetches more, or says how the content ended.
func (t *text) fill() error {
	if t.err != nil {
		return t.err
	}
	if t.kind != Plain {
		if err := t.inflate(); err != nil {
			t.err = err
			return err
		}
	}
	if len(t.buf) == cap(t.buf) {
		b := make([]byte, len(t.unread()), max(t.size, 2*len(t.unread())))
		copy(b, t.unread())
		t.buf, t.at = b, 0
	}
	for range 100 {
		n, err := t.r.Read(t.buf[len(t.buf):cap(t.buf)])
		t.buf = t.buf[:len(t.buf)+n]
		if err != nil {
			t.err = err
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	t.err = io.ErrNoProgress
	return t.err
}

// inflate puts the decompressor before the input, with the first fill, so
// that a broken header is found where all that is broken is found.
func (t *text) inflate() error {
	in := bufio.NewReaderSize(t.in, 64<<10)
	if _, err := in.Peek(1); err != nil {
		return err // an empty file is an empty content
	}
	kind := t.kind
	t.kind = Plain
	if kind == Gzip {
		r, err := gzip.NewReader(in)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		t.r, t.close = r, func() { _ = r.Close() }
		return nil
	}
	r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	t.r, t.close = r, r.Close
	return nil
}

// mark passes over a byte order mark.
func (t *text) mark() {
	for len(t.unread()) < 3 {
		if t.fill() != nil {
			break
		}
	}
	if bytes.HasPrefix(t.unread(), []byte("\xef\xbb\xbf")) {
		t.take(3)
	}
}

// failed returns the error where the content could not be had, and nil where
// it ended or is broken.
func (t *text) failed() error {
	var e *inputError
	if errors.As(t.err, &e) {
		return e.err
	}
	return nil
}

// broken returns what makes no sense of the content after what was read, or
// "" where it ended as it should.
func (t *text) broken() string {
	switch {
	case errors.Is(t.err, io.EOF):
		return ""
	case errors.Is(t.err, io.ErrUnexpectedEOF):
		return "the compressed stream is cut off here"
	}
	return "the compressed stream is broken here: " + t.err.Error()
}

// rest takes all that is left, keeping the first most bytes, and makes it one
// Bad.
func (t *text) rest(row int64, most int, reason string) (Bad, error) {
	b := Bad{Row: row, Offset: t.off, Code: tidemill.Malformed, Reason: reason}
	start := t.off
	for {
		part := t.take(len(t.unread()))
		if room := most - len(b.Bytes); room > 0 {
			b.Bytes = append(b.Bytes, part[:min(len(part), room)]...)
		}
		if t.fill() != nil {
			break
		}
	}
	b.Size = t.off - start
	if why := t.broken(); why != "" {
		b.Reason += "; " + why
	}
	return b, t.failed()
}
