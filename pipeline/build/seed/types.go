package seed

import (
	"strconv"
	"strings"
	"time"
)

// widen returns the narrowest type that has both the values seen so far and
// the cell.
func widen(have Type, cell string) Type {
	if have == Text {
		return Text
	}
	cellType := typeOf(cell)
	switch {
	case have == Unknown, have == cellType:
		return cellType
	case have == Integer && cellType == Float, have == Float && cellType == Integer:
		return Float
	case have == Date && cellType == Timestamp, have == Timestamp && cellType == Date:
		return Timestamp
	}
	return Text
}

func typeOf(cell string) Type {
	switch {
	case strings.EqualFold(cell, "true"), strings.EqualFold(cell, "false"):
		return Boolean
	case isNumber(cell):
		if _, err := strconv.ParseInt(cell, 10, 64); err == nil {
			return Integer
		}
		if f, err := strconv.ParseFloat(cell, 64); err == nil && exact(cell, f) {
			return Float
		}
		return Text
	}
	if _, err := time.Parse(time.DateOnly, cell); err == nil {
		return Date
	}
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05"} {
		// More than six digits of a second do not fit a microsecond.
		whole, digits, _ := strings.Cut(cell, ".")
		if _, err := time.Parse(layout, whole); err == nil && len(digits) <= 6 && strings.Trim(digits, "0123456789") == "" {
			return Timestamp
		}
	}
	return Text
}

// isNumber holds for -12, 3.40 and 1e6, but not for 007, +1, .5, inf or 0x10:
// the zip code that begins with a zero must keep it.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(s), "e")
	if hasExponent {
		exponent = strings.TrimLeft(exponent, "+-")
		if exponent == "" || len(exponent) > 3 || strings.Trim(exponent, "0123456789") != "" {
			return false
		}
	}
	whole, fraction, hasFraction := strings.Cut(mantissa, ".")
	if whole == "" || hasFraction && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return false
	}
	return len(whole) == 1 || whole[0] != '0'
}

// exact reports whether the digits of s survive in a float64: at most 15
// significant ones do.
func exact(s string, f float64) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(s, "-")), "e")
	digits := strings.TrimLeft(strings.Replace(mantissa, ".", "", 1), "0")
	return len(digits) <= 15 && (f != 0 || digits == "")
}
