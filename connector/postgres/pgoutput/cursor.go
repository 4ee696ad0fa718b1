package pgoutput

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

// epoch is where PostgreSQL counts its microseconds from.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// cursor reads a message from its beginning. After the first error all reads
// return zero values.
type cursor struct {
	b   []byte
	at  int
	err error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("offset %d: "+format, append([]any{c.at}, args...)...)
	}
}

// take returns the next n bytes, or nil where they are not there.
func (c *cursor) take(n int, what string) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > len(c.b)-c.at {
		c.fail("%s of %d bytes, but %d are left", what, n, len(c.b)-c.at)
		return nil
	}
	c.at += n
	return c.b[c.at-n : c.at : c.at]
}

func (c *cursor) byte(what string) byte {
	if b := c.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16(what string) uint16 {
	if b := c.take(2, what); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32(what string) uint32 {
	if b := c.take(4, what); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64(what string) uint64 {
	if b := c.take(8, what); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) lsn(what string) LSN { return LSN(c.uint64(what)) }

func (c *cursor) time(what string) time.Time {
	us := int64(c.uint64(what))
	return epoch.Add(time.Duration(us%1e6) * time.Microsecond).Add(seconds(us / 1e6))
}

// seconds bounds what a Duration cannot hold.
func seconds(s int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(max(-most, min(most, s))) * time.Second
}

// text reads a string that ends with a zero byte.
func (c *cursor) text(what string) []byte {
	if c.err != nil {
		return nil
	}
	n := bytes.IndexByte(c.b[c.at:], 0)
	if n < 0 {
		c.fail("%s without an end", what)
		return nil
	}
	s := c.b[c.at : c.at+n : c.at+n]
	c.at += n + 1
	return s
}
