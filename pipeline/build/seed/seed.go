// Package seed reads the CSV files of a project and finds the types of their
// columns. It promises that no value changes on its way: what is not exactly
// of a narrower type stays text.
package seed

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tidemill/tidemill"
)

// Type is what a column's values have in common.
type Type uint8

// The types, from the narrowest.
const (
	Unknown Type = iota // no value seen
	Integer
	Float
	Boolean
	Date
	Timestamp
	Text
)

// Column is a column with the type that all of its values have.
type Column struct {
	Name string
	Type Type
}

// Table is a file in memory. A nil cell is null.
type Table struct {
	Columns []Column
	Rows    [][]*string
}

// Read reads a file with a header. comma separates cells; file is the name
// that errors show. An empty cell and the word null are null. typed names the
// columns whose type is given: theirs is not looked for, and null is a word
// to them.
func Read(file string, data []byte, comma rune, typed func(column string) bool) (*Table, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = comma
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fail(file, 1, 1, errors.New("the file has no header"))
	}
	if err != nil {
		return nil, parseError(file, err)
	}
	t := &Table{Columns: make([]Column, len(header))}
	if err := t.setHeader(file, header); err != nil {
		return nil, err
	}
	given := make([]bool, len(header))
	for i, c := range t.Columns {
		given[i] = typed(c.Name)
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, parseError(file, err)
		}
		if len(record) != len(header) {
			line, column := r.FieldPos(0)
			return nil, fail(file, line, column, fmt.Errorf("the row has %d cells, the header %d", len(record), len(header)))
		}
		t.Rows = append(t.Rows, t.row(record, given))
	}
	for i := range t.Columns {
		if t.Columns[i].Type == Unknown {
			t.Columns[i].Type = Text
		}
	}
	return t, nil
}

func (t *Table) setHeader(file string, header []string) error {
	seen := map[string]bool{}
	for i, name := range header {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
			return fail(file, 1, i+1, fmt.Errorf("column %d has no name", i+1))
		case seen[strings.ToLower(name)]:
			return fail(file, 1, i+1, fmt.Errorf("column %q stands twice", name))
		}
		seen[strings.ToLower(name)] = true
		t.Columns[i].Name = name
	}
	return nil
}

func (t *Table) row(record []string, given []bool) []*string {
	row := make([]*string, len(record))
	for i, cell := range record {
		if cell == "" || !given[i] && strings.EqualFold(cell, "null") {
			continue
		}
		row[i] = &cell
		if !given[i] {
			t.Columns[i].Type = widen(t.Columns[i].Type, cell)
		}
	}
	return row
}

func fail(file string, line, column int, err error) error {
	return &tidemill.Error{Code: tidemill.Invalid, Pos: tidemill.Pos{File: file, Line: line, Column: column}, Op: "read seed", Err: err}
}

func parseError(file string, err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fail(file, p.Line, p.Column, p.Err)
	}
	return fail(file, 0, 0, err)
}
