package project

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
)

const bytesPattern = `^[0-9]+ ?(B|KiB|MiB|GiB|KB|MB|GB)$`

var (
	bytesForm = regexp.MustCompile(`^([0-9]+) ?(B|KiB|MiB|GiB|KB|MB|GB)$`)
	units     = map[string]int64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "KB": 1e3, "MB": 1e6, "GB": 1e9}
)

// UnmarshalText reads 16MiB and the like; the unit must be there.
func (b *Bytes) UnmarshalText(text []byte) error {
	m := bytesForm.FindSubmatch(text)
	if m == nil {
		return errors.New("is no size: write a whole number and B, KiB, MiB, GiB, KB, MB or GB, as in 16MiB")
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	unit := units[string(m[2])]
	if err != nil || n > math.MaxInt64/unit {
		return errors.New("is too large")
	}
	*b = Bytes(n * unit)
	return nil
}

// MarshalText writes the form that UnmarshalText reads.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// String writes b in the largest binary unit that holds it whole.
func (b Bytes) String() string {
	for _, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := Bytes(units[unit]); b != 0 && b%size == 0 {
			return strconv.FormatInt(int64(b/size), 10) + unit
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// Describe serves the schema and the reference.
func (*Bytes) Describe() (name, pattern string) { return "size", bytesPattern }

const stopAtPattern = `^(off|[0-9]+(\.[0-9]+)?% of [0-9]+)$`

var stopAtForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)% of ([0-9]+)$`)

// UnmarshalText reads off, or 5% of 1000.
func (s *StopAt) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*s = StopAt{}
		return nil
	}
	m := stopAtForm.FindSubmatch(text)
	if m == nil {
		return errors.New("is no brake: write off, or a share of the last messages as in 5% of 1000")
	}
	percent, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil || percent > 100 {
		return errors.New("is over 100%")
	}
	window, err := strconv.Atoi(string(m[2]))
	if err != nil || window < 1 || window > maxWindow {
		return fmt.Errorf("wants a number of messages from 1 to %d after of", maxWindow)
	}
	*s = StopAt{Percent: percent, Window: window}
	return nil
}

// maxWindow bounds the brake's memory of a pipeline.
const maxWindow = 1_000_000

// Off reports whether there is no brake.
func (s StopAt) Off() bool { return s.Window == 0 }

// MarshalText writes the form that UnmarshalText reads.
func (s StopAt) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes off, or 5% of 1000.
func (s StopAt) String() string {
	if s.Off() {
		return "off"
	}
	return strconv.FormatFloat(s.Percent, 'f', -1, 64) + "% of " + strconv.Itoa(s.Window)
}

// Describe serves the schema and the reference.
func (*StopAt) Describe() (name, pattern string) { return "brake", stopAtPattern }
