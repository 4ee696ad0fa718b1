package cursor

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
)

// text returns a value in the form in which a literal of the dialect has it.
func (r *Reader) text(a arrow.Array, i int) (string, error) {
	switch a := a.(type) {
	case *array.Timestamp:
		v := int64(a.Value(i))
		if v == math.MaxInt64 {
			return "infinity", nil
		}
		if v == -math.MaxInt64 {
			return "-infinity", nil
		}
		t := a.DataType().(*arrow.TimestampType)
		layout := "-01-02 15:04:05.999999999"
		if t.TimeZone != "" {
			layout += "+00"
		}
		return r.dated(a.Value(i).ToTime(t.Unit), layout), nil
	case *array.Date32:
		switch v := a.Value(i); v {
		case math.MaxInt32:
			return "infinity", nil
		case -math.MaxInt32:
			return "-infinity", nil
		default:
			return r.dated(v.ToTime(), "-01-02"), nil
		}
	case *array.Float64:
		return strconv.FormatFloat(a.Value(i), 'g', -1, 64), nil
	case *array.Float32:
		return strconv.FormatFloat(float64(a.Value(i)), 'g', -1, 32), nil
	case *array.Binary:
		if r.query.Dialect == tidemill.Postgres {
			return `\x` + hex.EncodeToString(a.Value(i)), nil
		}
	case *array.String, *array.LargeString, *array.Int8, *array.Int16, *array.Int32, *array.Int64, *array.Uint8, *array.Uint16,
		*array.Uint32, *array.Uint64, *array.Decimal128, *array.Time64, array.ExtensionArray:
		return a.ValueStr(i), nil
	}
	return "", fmt.Errorf("a value of type %s cannot be a cursor or part of a key", a.DataType())
}

// dated writes a year of any sign before the rest.
func (r *Reader) dated(t time.Time, layout string) string {
	t = t.UTC()
	year, era := t.Year(), ""
	if year < 1 {
		year, era = 1-year, " BC"
		if r.query.Dialect == tidemill.DuckDB {
			era = " (BC)"
		}
	}
	return fmt.Sprintf("%04d", year) + t.Format(layout) + era
}
