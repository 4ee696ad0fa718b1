package column

import (
	"encoding/binary"
	"errors"

	"github.com/apache/arrow-go/v18/arrow/array"
)

var errShape = errors.New("a list holds arrays of one dimension that count from 1; set arrays: text")

// listCell reads arrays of one dimension.
type listCell struct {
	b       *array.ListBuilder
	items   array.Builder
	item    cell
	scratch []byte
}

func (c *listCell) binary(v []byte) error {
	if len(v) < 12 {
		return errLength
	}
	switch dimensions := int32(binary.BigEndian.Uint32(v)); {
	case dimensions == 0 && len(v) == 12:
		c.b.Append(true)
		return nil
	case dimensions != 1:
		return errShape
	case len(v) < 20:
		return errLength
	}
	count, lower := int32(binary.BigEndian.Uint32(v[12:])), int32(binary.BigEndian.Uint32(v[16:]))
	v = v[20:]
	switch {
	case lower != 1:
		return errShape
	case count < 0 || int64(count)*4 > int64(len(v)):
		return errLength
	}
	c.b.Append(true)
	for range count {
		if len(v) < 4 {
			return errLength
		}
		n := int32(binary.BigEndian.Uint32(v))
		v = v[4:]
		switch {
		case n == -1:
			c.items.AppendNull()
			continue
		case n < 0 || int64(n) > int64(len(v)):
			return errLength
		}
		if err := c.item.binary(v[:n]); err != nil {
			return err
		}
		v = v[n:]
	}
	if len(v) > 0 {
		return errLength
	}
	return nil
}

// text reads {a,NULL,"b c"}, where a backslash in quotes takes the next byte
// as it is.
func (c *listCell) text(v []byte) error {
	if len(v) < 2 {
		return errSyntax
	}
	if v[0] == '[' {
		return errShape // other bounds are told: [0:1]={a,b}
	}
	if v[0] != '{' || v[len(v)-1] != '}' {
		return errSyntax
	}
	c.b.Append(true)
	v = v[1 : len(v)-1]
	for more := len(v) > 0; more; {
		var item []byte
		var quoted bool
		var err error
		if item, v, quoted, err = c.next(v); err != nil {
			return err
		}
		if !quoted && string(item) == "NULL" {
			c.items.AppendNull()
		} else if err := c.item.text(item); err != nil {
			return err
		}
		if more = len(v) > 0; more {
			if v[0] != ',' {
				return errSyntax
			}
			v = v[1:]
		}
	}
	return nil
}

// next returns the first item of v and what follows it.
func (c *listCell) next(v []byte) (item, rest []byte, quoted bool, err error) {
	if len(v) > 0 && v[0] == '{' {
		return nil, v, false, errShape
	}
	if len(v) == 0 || v[0] != '"' {
		for i, ch := range v {
			switch ch {
			case ',':
				return plain(v[:i], v[i:])
			case '"', '\\', '{', '}':
				return nil, v, false, errSyntax
			}
		}
		return plain(v, nil)
	}
	c.scratch = c.scratch[:0]
	for i := 1; i < len(v); i++ {
		switch v[i] {
		case '"':
			return c.scratch, v[i+1:], true, nil
		case '\\':
			if i++; i == len(v) {
				return nil, v, true, errSyntax
			}
		}
		c.scratch = append(c.scratch, v[i])
	}
	return nil, v, true, errSyntax
}

// plain returns an item without quotes, which is never empty.
func plain(item, rest []byte) ([]byte, []byte, bool, error) {
	if len(item) == 0 {
		return nil, rest, false, errSyntax
	}
	return item, rest, false, nil
}
