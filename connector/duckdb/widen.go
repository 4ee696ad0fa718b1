package duckdb

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// sameType reports whether a and b are one type to the engine.
func sameType(a, b arrow.DataType) bool {
	ta, err := sqlgen.ColumnType(tidemill.DuckDB, a)
	if err != nil {
		return false
	}
	tb, err := sqlgen.ColumnType(tidemill.DuckDB, b)
	return err == nil && ta == tb
}

// holds reports whether type wide has every value of narrow, exactly.
func holds(wide, narrow arrow.DataType) bool {
	if sameType(wide, narrow) {
		return true
	}
	if w, ok := wide.(arrow.ListLikeType); ok && wide.ID() == narrow.ID() && wide.ID() == arrow.LIST {
		return holds(w.Elem(), narrow.(arrow.ListLikeType).Elem())
	}
	bits, signed, integer := integerOf(narrow)
	if wideBits, wideSigned, ok := integerOf(wide); ok {
		return integer && (signed == wideSigned && wideBits > bits || !signed && wideSigned && wideBits > bits)
	}
	switch w := wide.(type) {
	case *arrow.Float64Type:
		return narrow.ID() == arrow.FLOAT32 || integer && bits <= 32
	case *arrow.Float32Type:
		return integer && bits <= 16
	case arrow.DecimalType:
		if n, ok := narrow.(arrow.DecimalType); ok {
			return w.GetScale() >= n.GetScale() && w.GetPrecision()-w.GetScale() >= n.GetPrecision()-n.GetScale()
		}
		return integer && w.GetPrecision()-w.GetScale() >= digits[bits]
	}
	return false
}

// digits is how many decimal digits an integer of so many bits may have.
var digits = map[int]int32{8: 3, 16: 5, 32: 10, 64: 20}

func integerOf(t arrow.DataType) (bits int, signed, ok bool) {
	if !arrow.IsInteger(t.ID()) {
		return 0, false, false
	}
	return t.(arrow.FixedWidthDataType).BitWidth(), arrow.IsSignedInteger(t.ID()), true
}
