package column

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// byteaCell reads the two text forms of bytes: \x and hexadecimal digits, or
// bytes with escapes.
type byteaCell struct {
	b       *array.BinaryBuilder
	scratch []byte
}

func (c *byteaCell) binary(v []byte) error {
	if c.b.DataLen() > maxBytes-len(v) {
		return errFull
	}
	c.b.Append(v)
	return nil
}

func (c *byteaCell) text(v []byte) error {
	if len(v) >= 2 && v[0] == '\\' && v[1] == 'x' {
		var err error
		if c.scratch, err = hex.AppendDecode(c.scratch[:0], v[2:]); err != nil {
			return errSyntax
		}
		return c.binary(c.scratch)
	}
	c.scratch = c.scratch[:0]
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] != '\\':
			c.scratch = append(c.scratch, v[i])
		case i+1 < len(v) && v[i+1] == '\\':
			c.scratch = append(c.scratch, '\\')
			i++
		case i+3 < len(v):
			n, err := strconv.ParseUint(view(v[i+1:i+4]), 8, 8)
			if err != nil {
				return errSyntax
			}
			c.scratch = append(c.scratch, byte(n))
			i += 3
		default:
			return errSyntax
		}
	}
	return c.binary(c.scratch)
}

type uuidCell struct{ b *array.FixedSizeBinaryBuilder }

func (c uuidCell) binary(v []byte) error {
	if len(v) != 16 {
		return errLength
	}
	c.b.Append(v)
	return nil
}

func (c uuidCell) text(v []byte) error {
	var id [16]byte
	if len(v) != 36 || v[8] != '-' || v[13] != '-' || v[18] != '-' || v[23] != '-' {
		return errSyntax
	}
	to := id[:0]
	for _, part := range [][]byte{v[:8], v[9:13], v[14:18], v[19:23], v[24:]} {
		var err error
		if to, err = hex.AppendDecode(to, part); err != nil {
			return errSyntax
		}
	}
	c.b.Append(id[:])
	return nil
}

// charText writes the one byte of a "char": bytes that are not ASCII as
// servers since 16 do, a zero byte as nothing.
func charText(to, v []byte) ([]byte, error) {
	switch {
	case len(v) != 1:
		return to, errLength
	case v[0] == 0:
		return to, nil
	case v[0] < 0x80:
		return append(to, v[0]), nil
	}
	return append(to, '\\', '0'+v[0]>>6, '0'+v[0]>>3&7, '0'+v[0]&7), nil
}

// jsonbText drops the version before the text.
func jsonbText(to, v []byte) ([]byte, error) {
	if len(v) == 0 || v[0] != 1 {
		return to, errLength
	}
	return append(to, v[1:]...), nil
}

// bitsText writes the bits that follow their number.
func bitsText(to, v []byte) ([]byte, error) {
	if len(v) < 4 {
		return to, errLength
	}
	n := int(int32(binary.BigEndian.Uint32(v)))
	v = v[4:]
	if n < 0 || n > len(v)*8 || len(v) != (n+7)/8 {
		return to, errLength
	}
	for i := range n {
		to = append(to, '0'+v[i/8]>>(7-i%8)&1)
	}
	return to, nil
}

// inetText writes an address, and the length of its prefix where the type is
// cidr or the prefix is not all of it.
func inetText(to, v []byte) ([]byte, error) {
	if len(v) != 8 && len(v) != 20 || int(v[3]) != len(v)-4 {
		return to, errLength
	}
	prefix, cidr := v[1], v[2] != 0
	addr, _ := netip.AddrFromSlice(v[4:])
	if addr.Is6() && embeds4(v[4:]) {
		to = append(to, "::"...)
		addr, _ = netip.AddrFromSlice(v[16:])
	}
	to = addr.AppendTo(to)
	if cidr || int(prefix) != 8*(len(v)-4) {
		to = append(to, '/')
		to = strconv.AppendUint(to, uint64(prefix), 10)
	}
	return to, nil
}

// embeds4 reports whether the server writes the end of an IPv6 address as an
// IPv4 address, though it is no mapped one: twelve zero bytes, and no more.
func embeds4(ip []byte) bool {
	for _, b := range ip[:12] {
		if b != 0 {
			return false
		}
	}
	return ip[12] != 0 || ip[13] != 0
}

func macaddrText(to, v []byte) ([]byte, error) {
	if len(v) != 6 && len(v) != 8 {
		return to, errLength
	}
	for i := range v {
		if i > 0 {
			to = append(to, ':')
		}
		to = hex.AppendEncode(to, v[i:i+1])
	}
	return to, nil
}
