package column

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

const (
	// The server counts from 2000-01-01, Arrow from 1970-01-01.
	epochDays   = 10_957
	epochMicros = epochDays * dayMicros

	secondMicros = 1_000_000
	dayMicros    = 86_400 * secondMicros
)

// Infinity as DuckDB has it: the largest value, and its negative.
const (
	infinityDays   = math.MaxInt32
	infinityMicros = math.MaxInt64
)

var errRange = errors.New("the time is out of the range of its column")

type dateCell struct{ b *array.Date32Builder }

func (c dateCell) binary(v []byte) error {
	if len(v) != 4 {
		return errLength
	}
	switch d := int32(binary.BigEndian.Uint32(v)); d {
	case math.MaxInt32:
		c.b.Append(infinityDays)
	case math.MinInt32:
		c.b.Append(-infinityDays)
	default:
		return c.append(int64(d) + epochDays)
	}
	return nil
}

func (c dateCell) text(v []byte) error {
	if sign := infinite(v); sign != 0 {
		c.b.Append(arrow.Date32(sign * infinityDays))
		return nil
	}
	days, rest, err := parseDate(v)
	if err != nil || len(rest) > 0 {
		return errSyntax
	}
	return c.append(days)
}

func (c dateCell) append(days int64) error {
	if days <= -infinityDays || days >= infinityDays {
		return errRange
	}
	c.b.Append(arrow.Date32(days))
	return nil
}

type timestampCell struct{ b *array.TimestampBuilder }

func (c timestampCell) binary(v []byte) error {
	if len(v) != 8 {
		return errLength
	}
	switch t := int64(binary.BigEndian.Uint64(v)); {
	case t == math.MaxInt64:
		c.b.Append(infinityMicros)
	case t == math.MinInt64:
		c.b.Append(-infinityMicros)
	case t >= math.MaxInt64-epochMicros:
		return errRange // 294247-01-10 and later, which count from 1970 has no bits for
	default:
		c.b.Append(arrow.Timestamp(t + epochMicros))
	}
	return nil
}

func (c timestampCell) text(v []byte) error {
	if sign := infinite(v); sign != 0 {
		c.b.Append(arrow.Timestamp(sign) * infinityMicros)
		return nil
	}
	days, rest, err := parseDate(v)
	if err != nil {
		return err
	}
	var micros int64
	if len(rest) > 0 {
		if rest[0] != ' ' {
			return errSyntax
		}
		if micros, rest, err = parseClock(rest[1:]); err != nil {
			return err
		}
		offset, tail, err := parseOffset(rest)
		if err != nil || len(tail) > 0 {
			return errSyntax
		}
		micros -= offset * secondMicros
	}
	if most := int64(math.MaxInt64/dayMicros - 2); days > most || days < -most {
		return errRange
	}
	c.b.Append(arrow.Timestamp(days*dayMicros + micros))
	return nil
}

type timeCell struct{ b *array.Time64Builder }

func (c timeCell) binary(v []byte) error {
	if len(v) != 8 {
		return errLength
	}
	return c.append(int64(binary.BigEndian.Uint64(v)))
}

func (c timeCell) text(v []byte) error {
	micros, rest, err := parseClock(v)
	if err != nil || len(rest) > 0 {
		return errSyntax
	}
	return c.append(micros)
}

func (c timeCell) append(micros int64) error {
	if micros < 0 || micros > dayMicros {
		return errRange
	}
	c.b.Append(arrow.Time64(micros))
	return nil
}

// timetzText writes a time of day and its zone, which the binary form counts
// in seconds west.
func timetzText(to, v []byte) ([]byte, error) {
	if len(v) != 12 {
		return to, errLength
	}
	micros, west := int64(binary.BigEndian.Uint64(v)), int64(int32(binary.BigEndian.Uint32(v[8:])))
	if micros < 0 || micros > dayMicros || west <= -86_400 || west >= 86_400 {
		return to, errRange
	}
	to = clockText(to, micros)
	sign, east := byte('+'), -west
	if east < 0 {
		sign, east = '-', -east
	}
	to = append(to, sign)
	to = twoDigits(to, east/3600)
	if east%3600 != 0 {
		to = append(to, ':')
		to = twoDigits(to, east/60%60)
	}
	if east%60 != 0 {
		to = append(to, ':')
		to = twoDigits(to, east%60)
	}
	return to, nil
}

// clockText writes hh:mm:ss and as many decimal places as count.
func clockText(to []byte, micros int64) []byte {
	s := micros / secondMicros
	to = twoDigits(to, s/3600)
	to = append(to, ':')
	to = twoDigits(to, s/60%60)
	to = append(to, ':')
	to = twoDigits(to, s%60)
	if rest := micros % secondMicros; rest > 0 {
		to = append(to, '.')
		for unit := int64(secondMicros / 10); rest > 0; unit /= 10 {
			to = append(to, '0'+byte(rest/unit))
			rest %= unit
		}
	}
	return to
}

func twoDigits(to []byte, n int64) []byte {
	return append(to, '0'+byte(n/10%10), '0'+byte(n%10))
}

type intervalCell struct {
	b *array.MonthDayNanoIntervalBuilder
}

func (c intervalCell) binary(v []byte) error {
	if len(v) != 16 {
		return errLength
	}
	return c.append(int64(int32(binary.BigEndian.Uint32(v[12:]))), int64(int32(binary.BigEndian.Uint32(v[8:]))), int64(binary.BigEndian.Uint64(v)))
}

// append refuses what has no nanoseconds in 64 bits: more than 292 years in
// the part below a day, and infinity.
func (c intervalCell) append(months, days, micros int64) error {
	const most = math.MaxInt64 / 1000
	if micros > most || micros < -most || months > math.MaxInt32 || months < math.MinInt32 || days > math.MaxInt32 || days < math.MinInt32 {
		return errRange
	}
	c.b.Append(arrow.MonthDayNanoInterval{Months: int32(months), Days: int32(days), Nanoseconds: micros * 1000})
	return nil
}

// text reads the intervalstyle postgres: "1 year -2 mons 3 days 04:05:06.7".
func (c intervalCell) text(v []byte) error {
	if infinite(v) != 0 {
		return errRange
	}
	var months, days, micros int64
	for len(v) > 0 {
		negative := v[0] == '-'
		if v[0] == '-' || v[0] == '+' {
			v = v[1:]
		}
		n, rest, err := digits(v)
		if err != nil {
			return err
		}
		sign := int64(1)
		if negative {
			sign = -1
		}
		if len(rest) > 0 && rest[0] == ':' {
			if micros, rest, err = parseHours(n, rest); err != nil || len(rest) > 0 {
				return errSyntax
			}
			return c.append(months, days, sign*micros)
		}
		if len(rest) < 2 || rest[0] != ' ' || n > math.MaxInt32+1 {
			return errSyntax
		}
		unit := rest[1:]
		for i, ch := range unit {
			if ch == ' ' {
				unit, rest = unit[:i], unit[i+1:]
				break
			}
			if i == len(unit)-1 {
				rest = nil
			}
		}
		switch string(unit) {
		case "year", "years":
			months += sign * n * 12
		case "mon", "mons":
			months += sign * n
		case "day", "days":
			days += sign * n
		default:
			return errSyntax
		}
		v = rest
	}
	return c.append(months, days, micros)
}
