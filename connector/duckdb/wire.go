package duckdb

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// protocol is the version of what goes over the socket. Both sides must have
// the same: they are usually one binary.
const protocol = 2

// A frame is its kind, the length of its payload in 4 bytes, and the payload.
// After a hello from either side the client sends a request, for some
// followed by data, and reads data and then one response.
const (
	frameHello    = 'H'
	frameRequest  = 'Q'
	frameResponse = 'R'
	frameData     = 'D' // a piece of an Arrow IPC stream
	frameEnd      = '.' // of that stream
	frameCancel   = 'X' // payload: the number of the request that is given up
)

// maxFrame bounds what a peer can make us allocate. Dead letters travel in
// the request itself.
const maxFrame = 1 << 30

// dataFrame is the usual size of a piece of data.
const dataFrame = 256 << 10

type frame struct {
	kind    byte
	payload []byte
}

// wire reads and writes frames of one connection. Writing is safe from
// several goroutines, reading is not.
type wire struct {
	net.Conn
	in *bufio.Reader

	mu sync.Mutex // of writing
}

func newWire(c net.Conn) *wire { return &wire{Conn: c, in: bufio.NewReaderSize(c, dataFrame)} }

func (w *wire) send(kind byte, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	head := [5]byte{kind}
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	buffers := net.Buffers{head[:], payload}
	_, err := buffers.WriteTo(w.Conn)
	return err
}

func (w *wire) sendJSON(kind byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > maxFrame {
		return fmt.Errorf("a message of %d bytes is too large for the socket", len(b))
	}
	return w.send(kind, b)
}

func (w *wire) receive() (frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(w.in, head[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return frame{}, fmt.Errorf("a frame of %d bytes: the other side does not speak our protocol", n)
	}
	f := frame{kind: head[0], payload: make([]byte, n)}
	_, err := io.ReadFull(w.in, f.payload)
	return f, err
}

// hello is the first frame of each side.
type hello struct {
	Protocol int
	PID      int
	Path     string // of the database
}

// dataWriter writes data frames.
type dataWriter struct{ *bufio.Writer }

func newDataWriter(w *wire) dataWriter {
	return dataWriter{bufio.NewWriterSize(writerFunc(func(p []byte) (int, error) {
		return len(p), w.send(frameData, p)
	}), dataFrame)}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// dataReader reads the data frames that next returns, up to the end frame.
type dataReader struct {
	next func() (frame, error)
	left []byte
	done bool
}

func (r *dataReader) Read(p []byte) (int, error) {
	for len(r.left) == 0 {
		if r.done {
			return 0, io.EOF
		}
		f, err := r.next()
		switch {
		case err != nil:
			return 0, err
		case f.kind == frameEnd:
			r.done = true
		case f.kind == frameData:
			r.left = f.payload
		default:
			return 0, errProtocol
		}
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// drain reads what is left of the stream.
func (r *dataReader) drain() error {
	_, err := io.Copy(io.Discard, r)
	return err
}

var errProtocol = errors.New("an unexpected frame on the socket")

// sendRecords sends an Arrow stream of the schema, the records of next until
// it returns nil, and the end.
func sendRecords(w *wire, s *arrow.Schema, next func() arrow.RecordBatch) error {
	data := newDataWriter(w)
	out := ipc.NewWriter(data, ipc.WithSchema(s))
	for rec := next(); rec != nil; rec = next() {
		if err := out.Write(rec); err != nil {
			return err
		}
		// A row must not wait for the next ones: a reader may be watching.
		if err := data.Flush(); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := data.Flush(); err != nil {
		return err
	}
	return w.send(frameEnd, nil)
}

func sendSchema(w *wire, s *arrow.Schema) error {
	return sendRecords(w, s, func() arrow.RecordBatch { return nil })
}

func readSchema(next func() (frame, error)) (*arrow.Schema, error) {
	data := &dataReader{next: next}
	r, err := ipc.NewReader(data)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	return r.Schema(), data.drain()
}

// readRecord reads a stream of one record, which the caller releases.
func readRecord(next func() (frame, error)) (arrow.RecordBatch, error) {
	data := &dataReader{next: next}
	r, err := ipc.NewReader(data)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	var rec arrow.RecordBatch
	if r.Next() {
		rec = r.RecordBatch()
		rec.Retain()
	}
	if err := errors.Join(r.Err(), data.drain()); err != nil {
		if rec != nil {
			rec.Release()
		}
		return nil, err
	}
	if rec == nil {
		return emptyRecord(r.Schema()), nil
	}
	return rec, nil
}

func emptyRecord(s *arrow.Schema) arrow.RecordBatch {
	columns := make([]arrow.Array, s.NumFields())
	for i, f := range s.Fields() {
		columns[i] = array.MakeArrayOfNull(allocator, f.Type, 0)
		defer columns[i].Release()
	}
	return array.NewRecordBatch(s, columns, 0)
}
