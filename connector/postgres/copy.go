package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/connector/postgres/column"
)

// signature begins every binary COPY.
var signature = []byte("PGCOPY\n\xff\r\n\x00")

var errCopy = errors.New("the server's binary copy makes no sense")

// decoder reads a binary COPY into a Builder. It is the io.Writer that pgconn
// gives the data to. The columns of the select list beyond those of the
// builder are hidden: of these the last row's are kept.
type decoder struct {
	build   *column.Builder
	visible int
	hidden  [][]byte
	fields  [][]byte // of the row in hand
	carry   []byte   // the beginning of a row that did not come whole
	begun   bool
	ended   bool

	// row is called after every row. An error of a value comes with it: that
	// row was taken back.
	row func(err error) error
}

func newDecoder(build *column.Builder, visible, hidden int, row func(error) error) *decoder {
	return &decoder{build: build, visible: visible, hidden: make([][]byte, hidden), fields: make([][]byte, visible+hidden), row: row}
}

// Write takes a part of the stream, mostly one row.
func (d *decoder) Write(p []byte) (int, error) {
	data := p
	if len(d.carry) > 0 {
		d.carry = append(d.carry, p...)
		data = d.carry
	}
	rest, err := d.decode(data)
	if err != nil {
		return 0, err
	}
	// rest may be the end of carry itself.
	d.carry = append(d.carry[:0], rest...)
	return len(p), nil
}

// decode takes whole rows and returns what is left.
func (d *decoder) decode(data []byte) ([]byte, error) {
	if !d.begun {
		rest, ok, err := header(data)
		if !ok || err != nil {
			return data, err
		}
		d.begun, data = true, rest
	}
	for len(data) >= 2 {
		count := int16(binary.BigEndian.Uint16(data))
		if count == -1 {
			d.ended = true
			return nil, nil
		}
		if int(count) != len(d.fields) || d.ended {
			return nil, fmt.Errorf("%w: a row of %d fields, want %d", errCopy, count, len(d.fields))
		}
		rest, ok, err := d.split(data[2:])
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if err := d.take(); err != nil {
			return nil, err
		}
		data = rest
	}
	return data, nil
}

// header skips the signature, flags and the extension.
func header(data []byte) (rest []byte, ok bool, err error) {
	const fixed = 11 + 4 + 4
	if len(data) < fixed {
		return data, false, nil
	}
	if !bytes.HasPrefix(data, signature) {
		return data, false, errCopy
	}
	n := binary.BigEndian.Uint32(data[15:])
	if n > 1<<16 {
		return data, false, errCopy
	}
	if len(data) < fixed+int(n) {
		return data, false, nil
	}
	return data[fixed+int(n):], true, nil
}

// split finds the fields of one row. It returns false where they are not all
// there.
func (d *decoder) split(data []byte) (rest []byte, ok bool, err error) {
	for i := range d.fields {
		if len(data) < 4 {
			return nil, false, nil
		}
		n := int32(binary.BigEndian.Uint32(data))
		data = data[4:]
		switch {
		case n == -1:
			d.fields[i] = nil
			continue
		case n < 0:
			return nil, false, fmt.Errorf("%w: a field of %d bytes", errCopy, n)
		case int(n) > len(data):
			return nil, false, nil
		}
		d.fields[i] = data[:n:n]
		data = data[n:]
	}
	return data, true, nil
}

// take appends the row in hand.
func (d *decoder) take() error {
	var failed error
	for i, v := range d.fields[:d.visible] {
		if err := d.build.Append(i, v); err != nil {
			d.build.Reject()
			failed = err
			break
		}
	}
	for i, v := range d.fields[d.visible:] {
		d.hidden[i] = append(d.hidden[i][:0], v...)
	}
	return d.row(failed)
}
