package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidemill/tidemill/jinja"
)

// Time is a point in time with the methods of Python's datetime that
// templates use.
type Time struct{ time.Time }

// String is Python's str of it.
func (t Time) String() string {
	s := t.Format("2006-01-02 15:04:05")
	if us := t.Nanosecond() / 1000; us > 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	return s + t.Format("-07:00")
}

// GetAttr returns a part or a method.
func (t Time) GetAttr(name string) (any, bool) {
	parts := map[string]int{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "hour": t.Hour(), "minute": t.Minute(), "second": t.Second(),
		"microsecond": t.Nanosecond() / 1000,
	}
	if n, ok := parts[name]; ok {
		return int64(n), true
	}
	switch name {
	case "strftime":
		return jinja.Func(func(call *jinja.Call) (any, error) {
			args, err := call.Unpack("strftime", "format")
			if err != nil {
				return nil, err
			}
			return strftime(t.Time, jinja.Str(args[0]))
		}), true
	case "isoformat":
		return jinja.Func(func(*jinja.Call) (any, error) { return strings.Replace(t.String(), " ", "T", 1), nil }), true
	case "timestamp":
		return jinja.Func(func(*jinja.Call) (any, error) { return float64(t.UnixMicro()) / 1e6, nil }), true
	}
	return nil, false
}

var directives = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'I': "03", 'p': "PM", 'j': "002",
	'B': "January", 'b': "Jan", 'A': "Monday", 'a': "Mon", 'F': "2006-01-02", 'T': "15:04:05", 'z': "-0700", 'Z': "MST",
}

// strftime formats t by Python's directives.
func strftime(t time.Time, format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch layout, ok := directives[format[i]]; {
		case ok:
			b.WriteString(t.Format(layout))
		case format[i] == '%':
			b.WriteByte('%')
		case format[i] == 'f':
			fmt.Fprintf(&b, "%06d", t.Nanosecond()/1000)
		case format[i] == 's':
			fmt.Fprintf(&b, "%d", t.Unix())
		default:
			return "", fmt.Errorf("strftime: %%%c is not supported", format[i])
		}
	}
	return b.String(), nil
}

// modules is the little of Python's library that is there: datetime.
type modules struct{}

// GetAttr returns datetime, whose datetime has now and utcnow.
func (modules) GetAttr(name string) (any, bool) {
	if name != "datetime" {
		return nil, false
	}
	now := jinja.Func(func(*jinja.Call) (any, error) { return Time{time.Now().UTC()}, nil })
	return jinja.DictOf("datetime", jinja.DictOf("now", now, "utcnow", now)), true
}
