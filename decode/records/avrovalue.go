package records

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
)

var (
	errShort  = errors.New("a value does not end within its block")
	errBudget = errors.New("a row is larger than max_message")
)

// avroBytes is what is left of a block. The budget is how much one row may
// still take: its bytes, and one for each item, as items may have none.
type avroBytes struct {
	b      []byte
	budget int
}

func (r *avroBytes) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b) {
		return nil, errShort
	}
	if r.budget -= n; r.budget < 0 {
		return nil, errBudget
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

func (r *avroBytes) long() (int64, error) {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		return 0, errShort
	}
	_, err := r.take(n)
	return v, err
}

func (r *avroBytes) counted() ([]byte, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(len(r.b)) {
		return nil, errShort
	}
	return r.take(int(n))
}

// items calls f for each item of an array or a map.
func (r *avroBytes) items(f func() error) error {
	for {
		n, err := r.long()
		if err != nil || n == 0 {
			return err
		}
		if n < 0 {
			if n = -n; n < 0 {
				return errBudget
			}
			if _, err := r.long(); err != nil {
				return err
			}
		}
		if n > int64(r.budget) {
			return errBudget
		}
		r.budget -= int(n)
		for ; n > 0; n-- {
			if err := f(); err != nil {
				return err
			}
		}
	}
}

// isNull reads which branch of a nullable union follows.
func (n *avroNode) isNull(r *avroBytes) (bool, error) {
	i, err := r.long()
	if err != nil {
		return false, err
	}
	if i != 0 && i != 1 {
		return false, fmt.Errorf("a union has no branch %d", i)
	}
	return (i == 0) == n.nullFirst, nil
}

// skip passes over a value and says why it makes no sense. After it, append
// cannot fail on the same bytes.
func (n *avroNode) skip(r *avroBytes, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values nest deeper than %d levels", maxDepth)
	}
	if n.nullable {
		if null, err := n.isNull(r); null || err != nil {
			return err
		}
	}
	switch n.kind {
	case "null":
		return nil
	case "boolean":
		b, err := r.take(1)
		if err == nil && b[0] > 1 {
			err = fmt.Errorf("a boolean is %d", b[0])
		}
		return err
	case "int":
		v, err := r.long()
		if err == nil && v != int64(int32(v)) {
			err = fmt.Errorf("an int is %d", v)
		}
		return err
	case "long":
		_, err := r.long()
		return err
	case "float":
		_, err := r.take(4)
		return err
	case "double":
		_, err := r.take(8)
		return err
	case "bytes", "fixed":
		return n.skipBytes(r)
	case "string":
		b, err := r.counted()
		if err == nil && !utf8.Valid(b) {
			err = errors.New("a string is not UTF-8")
		}
		return err
	case "enum":
		i, err := r.long()
		if err == nil && (i < 0 || i >= int64(len(n.symbols))) {
			err = fmt.Errorf("an enum has no symbol %d", i)
		}
		return err
	}
	return n.skipComplex(r, depth)
}

func (n *avroNode) skipBytes(r *avroBytes) error {
	var b []byte
	var err error
	if n.kind == "fixed" {
		b, err = r.take(n.size)
	} else {
		b, err = r.counted()
	}
	if err == nil && n.logical == "decimal" && !fits(b, n.precision) {
		err = fmt.Errorf("a decimal has more than %d digits", n.precision)
	}
	return err
}

func (n *avroNode) skipComplex(r *avroBytes, depth int) error {
	switch n.kind {
	case "array":
		return r.items(func() error { return n.items.skip(r, depth+1) })
	case "map":
		return r.items(func() error {
			key, err := r.counted()
			if err != nil {
				return err
			}
			if !utf8.Valid(key) {
				return errors.New("a key is not UTF-8")
			}
			return n.items.skip(r, depth+1)
		})
	case "record":
		for _, f := range n.fields {
			if err := f.skip(r, depth+1); err != nil {
				return err
			}
		}
		return nil
	case "union":
		i, err := r.long()
		if err != nil {
			return err
		}
		if i < 0 || i >= int64(len(n.branches)) {
			return fmt.Errorf("a union has no branch %d", i)
		}
		return n.branches[i].skip(r, depth+1)
	case "json":
		return n.target.skip(r, depth+1)
	}
	return fmt.Errorf("type %s is not known", n.kind)
}

// append adds a value, which skip has passed over, to a builder.
func (n *avroNode) append(r *avroBytes, b array.Builder) {
	if n.nullable {
		if null, _ := n.isNull(r); null {
			b.AppendNull()
			return
		}
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		v, _ := r.take(1)
		b.Append(v[0] == 1)
	case *array.Int32Builder:
		v, _ := r.long()
		b.Append(int32(v))
	case *array.Int64Builder:
		v, _ := r.long()
		b.Append(v)
	case *array.Float32Builder:
		v, _ := r.take(4)
		b.Append(math.Float32frombits(binary.LittleEndian.Uint32(v)))
	case *array.Float64Builder:
		v, _ := r.take(8)
		b.Append(math.Float64frombits(binary.LittleEndian.Uint64(v)))
	case *array.Date32Builder:
		v, _ := r.long()
		b.Append(arrow.Date32(v))
	case *array.Time32Builder:
		v, _ := r.long()
		b.Append(arrow.Time32(v))
	case *array.Time64Builder:
		v, _ := r.long()
		b.Append(arrow.Time64(v))
	case *array.TimestampBuilder:
		v, _ := r.long()
		b.Append(arrow.Timestamp(v))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromBigInt(signed(n.raw(r))))
	case *array.Decimal256Builder:
		b.Append(decimal256.FromBigInt(signed(n.raw(r))))
	case *array.BinaryBuilder:
		b.Append(n.raw(r))
	case *array.StringBuilder:
		n.appendText(r, b)
	default:
		n.appendComplex(r, b)
	}
}

// raw returns the bytes of a bytes or fixed.
func (n *avroNode) raw(r *avroBytes) []byte {
	if n.kind == "fixed" {
		v, _ := r.take(n.size)
		return v
	}
	v, _ := r.counted()
	return v
}

func (n *avroNode) appendText(r *avroBytes, b *array.StringBuilder) {
	switch n.kind {
	case "null":
		b.AppendNull()
	case "enum":
		i, _ := r.long()
		b.Append(n.symbols[i])
	case "json":
		b.BinaryBuilder.Append(n.target.appendJSON(nil, r))
	default:
		v, _ := r.counted()
		b.BinaryBuilder.Append(v)
	}
}

func (n *avroNode) appendComplex(r *avroBytes, b array.Builder) {
	switch b := b.(type) {
	case *array.MapBuilder:
		b.Append(true)
		_ = r.items(func() error {
			key, _ := r.counted()
			b.KeyBuilder().(*array.StringBuilder).BinaryBuilder.Append(key)
			n.items.append(r, b.ItemBuilder())
			return nil
		})
	case *array.ListBuilder:
		b.Append(true)
		_ = r.items(func() error {
			n.items.append(r, b.ValueBuilder())
			return nil
		})
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range n.fields {
			f.append(r, b.FieldBuilder(i))
		}
	}
}

// signed reads a two's complement number, the most significant byte first.
func signed(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}

// fits reports whether a number has at most so many digits.
func fits(b []byte, precision int32) bool {
	if len(b) > 64 {
		return false
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	return signed(b).CmpAbs(limit) < 0
}
