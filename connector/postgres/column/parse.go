package column

import (
	"bytes"
	"math"
)

// infinite returns the sign of an infinite date or time, else 0.
func infinite(v []byte) int64 {
	switch string(v) {
	case "infinity":
		return 1
	case "-infinity":
		return -1
	}
	return 0
}

// digits reads a decimal number from the front of v.
func digits(v []byte) (n int64, rest []byte, err error) {
	i := 0
	for ; i < len(v) && '0' <= v[i] && v[i] <= '9'; i++ {
		if n > (math.MaxInt64-9)/10 {
			return 0, v, errSyntax
		}
		n = n*10 + int64(v[i]-'0')
	}
	if i == 0 {
		return 0, v, errSyntax
	}
	return n, v[i:], nil
}

// part reads a separator and a decimal number.
func part(separator byte, v []byte) (n int64, rest []byte, err error) {
	if len(v) == 0 || v[0] != separator {
		return 0, v, errSyntax
	}
	return digits(v[1:])
}

// parseDate reads year-month-day and returns it in days since 1970-01-01. The
// mark BC of a year before the first stands at the end of v, after a time.
func parseDate(v []byte) (days int64, rest []byte, err error) {
	v, before := bytes.CutSuffix(v, []byte(" BC"))
	year, v, err := digits(v)
	if err != nil {
		return 0, v, err
	}
	month, v, err := part('-', v)
	if err != nil {
		return 0, v, err
	}
	day, v, err := part('-', v)
	if err != nil {
		return 0, v, err
	}
	if year < 1 || year > 6_000_000 || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, v, errSyntax
	}
	if before {
		year = 1 - year
	}
	return civil(year, month, day), v, nil
}

// civil returns the days from 1970-01-01 to a day of the Gregorian calendar,
// which the server extends backwards.
func civil(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	ofEra := year - era*400
	ofYear := (153*(month-3)+2)/5 + day - 1
	return era*146_097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719_468
}

// parseClock reads hh:mm:ss[.ffffff] in microseconds.
func parseClock(v []byte) (micros int64, rest []byte, err error) {
	hours, v, err := digits(v)
	if err != nil {
		return 0, v, err
	}
	if hours > 24 {
		return 0, v, errSyntax
	}
	return parseHours(hours, v)
}

// parseHours reads what follows the hours.
func parseHours(hours int64, v []byte) (micros int64, rest []byte, err error) {
	minutes, v, err := part(':', v)
	if err != nil {
		return 0, v, err
	}
	seconds, v, err := part(':', v)
	if err != nil {
		return 0, v, err
	}
	if hours > math.MaxInt64/(3600*secondMicros)-1 || minutes > 59 || seconds > 60 {
		return 0, v, errSyntax
	}
	micros = ((hours*60+minutes)*60 + seconds) * secondMicros
	if len(v) == 0 || v[0] != '.' {
		return micros, v, nil
	}
	v = v[1:]
	for unit := int64(secondMicros / 10); len(v) > 0 && '0' <= v[0] && v[0] <= '9'; unit /= 10 {
		if unit == 0 {
			return 0, v, errSyntax
		}
		micros += int64(v[0]-'0') * unit
		v = v[1:]
	}
	return micros, v, nil
}

// parseOffset reads an offset from UTC, +hh[:mm[:ss]], in seconds east. There
// may be none.
func parseOffset(v []byte) (seconds int64, rest []byte, err error) {
	if len(v) == 0 {
		return 0, nil, nil
	}
	sign := int64(1)
	switch v[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, v, errSyntax
	}
	n, v, err := digits(v[1:])
	if err != nil {
		return 0, v, err
	}
	seconds = n * 3600
	for _, unit := range []int64{60, 1} {
		if len(v) == 0 {
			break
		}
		if n, v, err = part(':', v); err != nil {
			return 0, v, err
		}
		seconds += n * unit
	}
	if seconds > 86_400 || seconds < 0 {
		return 0, v, errSyntax
	}
	return sign * seconds, v, nil
}
