package sqlgen

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

// ColumnType returns the type of a column of d that holds all values of t. An
// Arrow type without an equal in d is an error, never a near one.
func ColumnType(d tidemill.Dialect, t arrow.DataType) (string, error) {
	if d != tidemill.DuckDB {
		return "", fmt.Errorf("column type %s: dialect %s has no types yet", t, d)
	}
	if name, ok := duckdbScalars[t.ID()]; ok {
		return name, nil
	}
	switch t := t.(type) {
	case arrow.ExtensionType:
		if name, ok := duckdbExtensions[t.ExtensionName()]; ok {
			return name, nil
		}
	case *arrow.TimestampType:
		return duckdbTimestamp(t)
	case arrow.DecimalType:
		if t.GetPrecision() <= 38 && t.GetScale() >= 0 {
			return fmt.Sprintf("DECIMAL(%d, %d)", t.GetPrecision(), t.GetScale()), nil
		}
	case *arrow.FixedSizeListType:
		elem, err := ColumnType(d, t.Elem())
		return fmt.Sprintf("%s[%d]", elem, t.Len()), err
	case *arrow.MapType:
		key, err := ColumnType(d, t.KeyType())
		if err != nil {
			return "", err
		}
		item, err := ColumnType(d, t.ItemType())
		return "MAP(" + key + ", " + item + ")", err
	case arrow.ListLikeType:
		elem, err := ColumnType(d, t.Elem())
		return elem + "[]", err
	case *arrow.StructType:
		return duckdbStruct(t)
	case *arrow.DictionaryType:
		return ColumnType(d, t.ValueType)
	}
	return "", fmt.Errorf("column type %s: %s has no type of these values", t, d)
}

var duckdbScalars = map[arrow.Type]string{
	arrow.BOOL: "BOOLEAN",
	arrow.INT8: "TINYINT", arrow.INT16: "SMALLINT", arrow.INT32: "INTEGER", arrow.INT64: "BIGINT",
	arrow.UINT8: "UTINYINT", arrow.UINT16: "USMALLINT", arrow.UINT32: "UINTEGER", arrow.UINT64: "UBIGINT",
	arrow.FLOAT32: "FLOAT", arrow.FLOAT64: "DOUBLE",
	arrow.STRING: "VARCHAR", arrow.LARGE_STRING: "VARCHAR", arrow.STRING_VIEW: "VARCHAR",
	arrow.BINARY: "BLOB", arrow.LARGE_BINARY: "BLOB", arrow.BINARY_VIEW: "BLOB", arrow.FIXED_SIZE_BINARY: "BLOB",
	arrow.DATE32: "DATE", arrow.TIME64: "TIME", arrow.INTERVAL_MONTH_DAY_NANO: "INTERVAL",
}

var duckdbExtensions = map[string]string{"arrow.uuid": "UUID", "arrow.json": "JSON"}

func duckdbTimestamp(t *arrow.TimestampType) (string, error) {
	switch {
	case t.TimeZone != "" && t.Unit != arrow.Nanosecond:
		return "TIMESTAMPTZ", nil
	case t.TimeZone != "":
		return "", fmt.Errorf("column type %s: duckdb keeps microseconds with a time zone", t)
	}
	return map[arrow.TimeUnit]string{
		arrow.Second: "TIMESTAMP_S", arrow.Millisecond: "TIMESTAMP_MS",
		arrow.Microsecond: "TIMESTAMP", arrow.Nanosecond: "TIMESTAMP_NS",
	}[t.Unit], nil
}

func duckdbStruct(t *arrow.StructType) (string, error) {
	fields := make([]string, t.NumFields())
	for i, f := range t.Fields() {
		name, err := ident.Quote(tidemill.DuckDB, f.Name)
		if err != nil {
			return "", err
		}
		kind, err := ColumnType(tidemill.DuckDB, f.Type)
		if err != nil {
			return "", err
		}
		fields[i] = name + " " + kind
	}
	return "STRUCT(" + strings.Join(fields, ", ") + ")", nil
}
