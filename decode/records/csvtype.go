package records

import (
	"bytes"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// The names of the types that a CSV column can have.
const (
	kindText        = "text"
	kindInt         = "int64"
	kindDecimal     = "decimal"
	kindDouble      = "double"
	kindBool        = "boolean"
	kindDate        = "date"
	kindTimestamp   = "timestamp"
	kindTimestamptz = "timestamptz"
)

// kind is the type of a CSV column.
type kind struct {
	name             string
	precision, scale int32 // of a decimal
}

var decimalForm = regexp.MustCompile(`^decimal\(\s*([0-9]{1,2})\s*,\s*([0-9]{1,2})\s*\)$`)

// ParseType reads the name of a type: text, int64, decimal(P,S) with a
// precision of at most 38, double, boolean, date, timestamp or timestamptz.
func ParseType(s string) (arrow.DataType, error) {
	k, err := parseKind(s)
	if err != nil {
		return nil, err
	}
	return k.arrow(), nil
}

func parseKind(s string) (kind, error) {
	switch s {
	case kindText, kindInt, kindDouble, kindBool, kindDate, kindTimestamp, kindTimestamptz:
		return kind{name: s}, nil
	}
	if m := decimalForm.FindStringSubmatch(s); m != nil {
		p, _ := strconv.Atoi(m[1])
		scale, _ := strconv.Atoi(m[2])
		if p >= 1 && p <= 38 && scale <= p {
			return kind{name: kindDecimal, precision: int32(p), scale: int32(scale)}, nil
		}
	}
	return kind{}, fmt.Errorf("type %q is not known; there are text, int64, decimal(P,S) up to decimal(38,S), double, boolean, date, timestamp, timestamptz", s)
}

// String returns the name that ParseType reads.
func (k kind) String() string {
	if k.name == kindDecimal {
		return fmt.Sprintf("decimal(%d,%d)", k.precision, k.scale)
	}
	return k.name
}

func (k kind) arrow() arrow.DataType {
	switch k.name {
	case kindInt:
		return arrow.PrimitiveTypes.Int64
	case kindDecimal:
		return &arrow.Decimal128Type{Precision: k.precision, Scale: k.scale}
	case kindDouble:
		return arrow.PrimitiveTypes.Float64
	case kindBool:
		return arrow.FixedWidthTypes.Boolean
	case kindDate:
		return arrow.FixedWidthTypes.Date32
	case kindTimestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case kindTimestamptz:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	}
	return arrow.BinaryTypes.String
}

// cell is a value between text and builder.
type cell struct {
	null    bool
	text    []byte
	integer int64 // also microseconds, days, and 1 for true
	double  float64
	decimal decimal128.Num
}

func (c *cell) append(b array.Builder, k kind) {
	if c.null {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.BinaryBuilder.Append(c.text)
	case *array.Int64Builder:
		b.Append(c.integer)
	case *array.Decimal128Builder:
		b.Append(c.decimal)
	case *array.Float64Builder:
		b.Append(c.double)
	case *array.BooleanBuilder:
		b.Append(c.integer == 1)
	case *array.Date32Builder:
		b.Append(arrow.Date32(c.integer))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(c.integer))
	}
}

// parse reads text as a value of k; false says that k does not hold it
// exactly.
func (c *cell) parse(text []byte, k kind) (ok bool) {
	c.text = text
	switch k.name {
	case kindInt:
		n := number(text)
		if !n.plain || n.frac != 0 {
			return false
		}
		v, err := strconv.ParseInt(string(text), 10, 64)
		c.integer = v
		return err == nil
	case kindDecimal:
		n := number(text)
		if !n.plain || n.frac > int(k.scale) || n.whole > int(k.precision-k.scale) {
			return false
		}
		c.decimal = decimalOf(text, n, k.scale)
		return true
	case kindDouble:
		return c.parseDouble(text)
	case kindBool:
		switch string(text) {
		case "true", "TRUE", "True":
			c.integer = 1
			return true
		case "false", "FALSE", "False":
			return true
		}
		return false
	case kindDate:
		t, err := time.Parse(time.DateOnly, string(text))
		c.integer = t.Unix() / 86400
		return err == nil
	case kindTimestamp, kindTimestamptz:
		return c.parseTime(text, k.name == kindTimestamptz)
	}
	return true
}

// numberForm is what is known of a text that may be a number: plain says that
// it is written as decimals are, without leading zeros, plus or exponent.
type numberForm struct {
	plain       bool
	whole, frac int // digits before and after the point; a single 0 before it is none
}

func number(text []byte) numberForm {
	var n numberForm
	s := text
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	i, zero := 0, true
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		zero = zero && s[i] == '0'
		i++
	}
	if i == 0 || i > 1 && s[0] == '0' {
		return n
	}
	if n.whole = i; s[0] == '0' {
		n.whole = 0
	}
	if i < len(s) {
		if s[i] != '.' || i+1 == len(s) {
			return n
		}
		for _, c := range s[i+1:] {
			if c < '0' || c > '9' {
				return n
			}
			zero = zero && c == '0'
			n.frac++
		}
	}
	n.plain = !(zero && len(s) < len(text)) // -0 is no decimal
	return n
}

// decimalOf returns a plain number at a scale.
func decimalOf(text []byte, n numberForm, scale int32) decimal128.Num {
	if n.whole+int(scale) <= 18 {
		v := int64(0)
		for _, c := range text {
			if c != '-' && c != '.' {
				v = v*10 + int64(c-'0')
			}
		}
		for range int(scale) - n.frac {
			v *= 10
		}
		if text[0] == '-' {
			v = -v
		}
		return decimal128.FromI64(v)
	}
	digits := string(bytes.ReplaceAll(text, []byte("."), nil)) + strings.Repeat("0", int(scale)-n.frac)
	v, _ := new(big.Int).SetString(digits, 10)
	return decimal128.FromBigInt(v)
}

// parseDouble takes what a double gives back digit by digit.
func (c *cell) parseDouble(text []byte) bool {
	for _, b := range text {
		if (b < '0' || b > '9') && b != '.' && b != '-' && b != '+' && b != 'e' && b != 'E' {
			return false
		}
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(string(text)), "e")
	if n := number([]byte(mantissa)); !n.plain && mantissa != "-0" && mantissa != "-0.0" {
		return false
	}
	v, err := strconv.ParseFloat(string(text), 64)
	c.double = v
	return err == nil && significant(mantissa) == significant(strconv.FormatFloat(v, 'e', -1, 64))
}

// significant returns the digits of a number's mantissa without zeros at
// either end.
func significant(s string) string {
	s, _, _ = strings.Cut(s, "e")
	s = strings.ReplaceAll(strings.TrimLeft(s, "-"), ".", "")
	return strings.Trim(s, "0")
}

// parseTime takes up to six digits of a second, which is what is stored.
func (c *cell) parseTime(text []byte, zoned bool) bool {
	s := string(text)
	if len(s) < 19 || s[10] != ' ' && s[10] != 'T' {
		return false
	}
	layout := "2006-01-02" + s[10:11] + "15:04:05"
	rest := s[19:]
	if strings.HasPrefix(rest, ".") {
		digits := 1
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
			digits++
		}
		if digits < 2 || digits > 7 {
			return false
		}
		layout += "." + strings.Repeat("0", digits-1)
		rest = rest[digits:]
	}
	switch {
	case !zoned && rest != "", zoned && rest == "":
		return false
	case len(rest) == 3:
		layout += "Z07"
	case len(rest) == 5:
		layout += "Z0700"
	case rest != "":
		layout += "Z07:00"
	}
	t, err := time.Parse(layout, s)
	c.integer = t.UnixMicro()
	return err == nil
}
