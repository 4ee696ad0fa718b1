package land

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
)

// scanner reads one row of a result by the names of its columns. The first
// error stays.
type scanner struct {
	records arrow.RecordBatch
	columns map[string]arrow.Array
	row     int
	err     error
}

// appendLetters appends the letters of a result of sqlgen.SelectLetters.
func appendLetters(to []Letter, records arrow.RecordBatch) ([]Letter, error) {
	s := scanner{records: records, columns: map[string]arrow.Array{}}
	for i, f := range records.Schema().Fields() {
		s.columns[f.Name] = records.Column(i)
	}
	for s.row = range int(records.NumRows()) {
		to = append(to, s.letter())
	}
	return to, s.err
}

func (s *scanner) letter() Letter {
	l := Letter{
		Pipeline: s.text("pipeline"), Batch: s.text("batch"), Status: s.text("status"),
		Size: s.number("size"), DeadAt: s.time("dead_at"), Settled: s.time("settled_at"),
	}
	l.Delivery, l.Key, l.PayloadHash = s.id("delivery"), s.id("key"), s.id("payload_hash")
	l.Code, l.Reason, l.Protected = tidemill.Code(s.text("code")), s.text("reason"), s.flag("protected")
	l.Message = tidemill.Message{
		Source: s.text("source"), Type: s.text("type"), ID: s.text("message_id"),
		Value: s.bytes("value"), Time: s.time("source_time"),
	}
	if meta := s.text("meta"); meta != "" {
		if err := json.Unmarshal([]byte(meta), &l.Message.Meta); err != nil {
			s.fail("meta", err)
		}
	}
	return l
}

func (s *scanner) fail(column string, err error) {
	if s.err == nil {
		s.err = fmt.Errorf("column %s of dead letters: %w", column, err)
	}
}

// column returns the column if its value is not null.
func (s *scanner) column(name string) arrow.Array {
	c := s.columns[name]
	if c == nil || c.IsNull(s.row) {
		return nil
	}
	if e, ok := c.(array.ExtensionArray); ok {
		return e.Storage()
	}
	return c
}

func (s *scanner) text(name string) string {
	switch c := s.column(name).(type) {
	case nil:
	case interface{ Value(int) string }:
		return strings.Clone(c.Value(s.row))
	default:
		s.fail(name, fmt.Errorf("is %v, not text", c.DataType()))
	}
	return ""
}

func (s *scanner) bytes(name string) []byte {
	switch c := s.column(name).(type) {
	case nil:
	case interface{ Value(int) []byte }:
		return bytes.Clone(c.Value(s.row))
	default:
		s.fail(name, fmt.Errorf("is %v, not bytes", c.DataType()))
	}
	return nil
}

func (s *scanner) number(name string) int64 {
	switch c := s.column(name).(type) {
	case nil:
	case *array.Int64:
		return c.Value(s.row)
	default:
		s.fail(name, fmt.Errorf("is %v, not a whole number", c.DataType()))
	}
	return 0
}

func (s *scanner) flag(name string) bool {
	switch c := s.column(name).(type) {
	case nil:
	case *array.Boolean:
		return c.Value(s.row)
	default:
		s.fail(name, fmt.Errorf("is %v, not a boolean", c.DataType()))
	}
	return false
}

func (s *scanner) time(name string) time.Time {
	switch c := s.column(name).(type) {
	case nil:
	case *array.Timestamp:
		return c.Value(s.row).ToTime(c.DataType().(*arrow.TimestampType).Unit).UTC()
	default:
		s.fail(name, fmt.Errorf("is %v, not a time", c.DataType()))
	}
	return time.Time{}
}

func (s *scanner) id(name string) (id tidemill.ID) {
	text := s.text(name)
	if text == "" {
		return id
	}
	id, err := tidemill.ParseID(text)
	if err != nil {
		s.fail(name, err)
	}
	return id
}
