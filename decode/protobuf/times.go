package protobuf

import (
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/internal/canon"
)

// The bounds of Timestamp and Duration in seconds.
const (
	minTimestamp = -62135596800 // 0001-01-01T00:00:00Z
	maxTimestamp = 253402300799 // 9999-12-31T23:59:59Z
	maxDuration  = 315576000000
)

// appendTimestamp writes a point in time with 0, 3, 6 or 9 digits after the
// second.
func appendTimestamp(dst []byte, seconds, nanos int64) ([]byte, bool) {
	if seconds < minTimestamp || seconds > maxTimestamp || nanos < 0 || nanos >= 1e9 {
		return dst, false
	}
	dst = append(dst, '"')
	dst = time.Unix(seconds, 0).UTC().AppendFormat(dst, "2006-01-02T15:04:05")
	dst = appendNanos(dst, nanos)
	return append(dst, 'Z', '"'), true
}

func appendDuration(dst []byte, seconds, nanos int64) ([]byte, bool) {
	switch {
	case seconds < -maxDuration || seconds > maxDuration || nanos <= -1e9 || nanos >= 1e9,
		seconds > 0 && nanos < 0, seconds < 0 && nanos > 0:
		return dst, false
	}
	dst = append(dst, '"')
	if seconds < 0 || nanos < 0 {
		dst = append(dst, '-')
		seconds, nanos = -seconds, -nanos
	}
	dst = strconv.AppendInt(dst, seconds, 10)
	dst = appendNanos(dst, nanos)
	return append(dst, 's', '"'), true
}

func appendNanos(dst []byte, nanos int64) []byte {
	if nanos == 0 {
		return dst
	}
	width := 9
	for ; nanos%1000 == 0; nanos /= 1000 {
		width -= 3
	}
	text := strconv.FormatInt(nanos, 10)
	dst = append(dst, '.')
	dst = append(dst, "000000000"[:width-len(text)]...)
	return append(dst, text...)
}

func parseTimestamp(s string) (seconds, nanos int64, ok bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || strings.Contains(s, ",") { // which package time takes for a point
		return 0, 0, false
	}
	// Digits beyond nanoseconds would be cut off without a word.
	if _, frac, found := strings.Cut(s, "."); found && strings.IndexAny(frac, "Zz+-") > 9 {
		return 0, 0, false
	}
	return t.Unix(), int64(t.Nanosecond()), true
}

func parseDuration(s string) (seconds, nanos int64, ok bool) {
	s, ok = strings.CutSuffix(s, "s")
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	whole, frac, point := strings.Cut(s, ".")
	if !ok || !allDigits(whole) || point && !allDigits(frac) || len(frac) > 9 {
		return 0, 0, false
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	if point {
		nanos, _ = strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	}
	if negative {
		seconds, nanos = -seconds, -nanos
	}
	return seconds, nanos, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// appendFieldMask writes paths in lowerCamelCase, where that can be undone.
func appendFieldMask(dst []byte, paths []string) ([]byte, bool) {
	var b strings.Builder
	for i, path := range paths {
		camel := camelPath(path)
		if !pathBytes(path) || snakePath(camel) != path {
			return dst, false
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(camel)
	}
	return canon.AppendString(dst, b.String()), true
}

func pathBytes(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.') {
			return false
		}
	}
	return s != ""
}

func camelPath(s string) string {
	b, upper := make([]byte, 0, len(s)), false
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '_':
			upper = true
			continue
		case upper && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		upper = false
		b = append(b, c)
	}
	return string(b)
}

func snakePath(s string) string {
	b := make([]byte, 0, len(s)+4)
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			b = append(b, '_')
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return string(b)
}
