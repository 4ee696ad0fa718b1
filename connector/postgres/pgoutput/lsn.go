package pgoutput

import (
	"fmt"
	"strconv"
	"strings"
)

// String returns the form that PostgreSQL writes: two hexadecimal halves.
func (l LSN) String() string {
	return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l))
}

// ParseLSN reads the form that String writes.
func ParseLSN(s string) (LSN, error) {
	high, low, ok := strings.Cut(s, "/")
	if ok {
		h, err := strconv.ParseUint(high, 16, 32)
		if err == nil {
			var l uint64
			if l, err = strconv.ParseUint(low, 16, 32); err == nil {
				return LSN(h<<32 | l), nil
			}
		}
	}
	return 0, fmt.Errorf("parse LSN %q: want the form 16/B374D848", s)
}
