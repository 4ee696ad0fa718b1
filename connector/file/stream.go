package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	chunk = 256 << 10 // bytes of the stream in one buffer

	// maxWindow bounds what a zstd frame can make us hold; zstd writes
	// larger windows only when told to by --ultra or --long.
	maxWindow = 128 << 20
)

// stream is the content of an open file after decompression. Records are
// slices of its buffers, which it never writes to again.
type stream struct {
	f       *os.File
	raw     *rawReader // of a compressed file
	r       io.Reader
	closeFn func()

	buf  []byte
	at   int   // buf[at:] is unread
	seen int   // buf[:seen] is in trace
	off  int64 // offset of buf[at] in the stream
	rec  int64 // records read so far

	trace trace
	good  int64 // offset in the file of the last byte that decompressed
	err   error // how a compressed stream ended
}

// openStream opens a file at its beginning.
func openStream(e entry) (*stream, error) {
	f, err := os.Open(e.path)
	if err != nil {
		return nil, err
	}
	s := &stream{f: f, r: f, closeFn: func() {}}
	if e.compress != "" {
		s.raw = &rawReader{f: f}
		s.r = &inflater{kind: e.compress, in: bufio.NewReaderSize(s.raw, 64<<10), s: s}
	}
	return s, nil
}

func (s *stream) close() {
	s.closeFn()
	_ = s.f.Close() // it was only read
}

// seek goes to offset in a plain file; what stands before it is traced.
func (s *stream) seek(offset int64) error {
	t, err := traceAt(s.f, offset)
	if err != nil {
		return err
	}
	s.trace, s.off = *t, offset
	_, err = s.f.Seek(offset, io.SeekStart)
	return err
}

// skip reads up to offset. It returns io.EOF, or how the stream is broken,
// where it ends before.
func (s *stream) skip(offset int64) error {
	for s.off < offset {
		if s.at == len(s.buf) {
			if err := s.fill(); err != nil {
				return err
			}
		}
		s.take(int(min(offset-s.off, int64(len(s.buf)-s.at))))
	}
	s.settle()
	return nil
}

// unread is what has been fetched but not taken.
func (s *stream) unread() []byte { return s.buf[s.at:] }

// take returns the next n bytes of unread.
func (s *stream) take(n int) []byte {
	b := s.buf[s.at : s.at+n : s.at+n]
	s.at += n
	s.off += int64(n)
	return b
}

// settle brings the trace up to what was taken.
func (s *stream) settle() {
	s.trace.add(s.buf[s.seen:s.at])
	s.seen = s.at
}

// fill fetches more. A plain file that is at its end returns io.EOF, and
// more again once it has grown.
func (s *stream) fill() error {
	if s.err != nil {
		return s.err
	}
	if len(s.buf) == cap(s.buf) {
		s.settle()
		b := make([]byte, len(s.unread()), max(chunk, 2*len(s.unread())))
		copy(b, s.unread())
		s.buf, s.at, s.seen = b, 0, 0
	}
	for range 100 {
		n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		switch {
		case n > 0:
			if s.raw != nil {
				s.good = s.r.(*inflater).offset()
			}
			return nil
		case err != nil:
			if s.raw != nil {
				s.err = err
			}
			return err
		}
	}
	return io.ErrNoProgress
}

// rest takes all that is left. It returns the first keep bytes, how many
// there were, and how the stream ended: io.EOF if it is whole.
func (s *stream) rest(keep int) ([]byte, int64, error) {
	var kept []byte
	start := s.off
	for {
		b := s.take(len(s.unread()))
		kept = append(kept, b[:min(len(b), keep-len(kept))]...)
		if err := s.fill(); err != nil {
			s.settle()
			return kept, s.off - start, err
		}
	}
}

// rawReader counts what leaves the file.
type rawReader struct {
	f *os.File
	n int64
}

func (r *rawReader) Read(p []byte) (int, error) {
	n, err := r.f.Read(p)
	r.n += int64(n)
	return n, err
}

// inflater opens the decompressor with the first Read, so that a broken
// header is found where all that is broken is found.
type inflater struct {
	kind string
	in   *bufio.Reader
	s    *stream
	r    io.Reader
}

func (i *inflater) offset() int64 { return i.s.raw.n - int64(i.in.Buffered()) }

func (i *inflater) Read(p []byte) (int, error) {
	if i.r == nil {
		if _, err := i.in.Peek(1); err != nil {
			return 0, err // an empty file is an empty stream
		}
		if err := i.open(); err != nil {
			return 0, err
		}
	}
	return i.r.Read(p)
}

func (i *inflater) open() error {
	if i.kind == "gz" {
		r, err := gzip.NewReader(i.in)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		i.r, i.s.closeFn = r, func() { _ = r.Close() }
		return nil
	}
	r, err := zstd.NewReader(i.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	i.r, i.s.closeFn = r, r.Close
	return nil
}

// readError returns err where it is the file that could not be read, and nil
// where its content ended or is broken.
func readError(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("read: %w", p.Err)
	}
	return nil
}
