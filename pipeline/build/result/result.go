// Package result reads small results of SQL into memory: what a macro asks
// for, the verdicts of tests, the ledger.
package result

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
)

// MaxRows bounds what Read keeps.
const MaxRows = 1_000_000

// Table is a result. Cells are nil, bool, int64, *big.Int, float64 or string;
// what has no such form is the text that Arrow gives it.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Read runs a query on s and reads all of its rows.
func Read(ctx context.Context, s tidemill.Session, sql string, args ...any) (*Table, error) {
	r, err := s.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	t := &Table{}
	for _, f := range r.Schema().Fields() {
		t.Columns = append(t.Columns, f.Name)
	}
	for r.Next() {
		batch := r.RecordBatch()
		if len(t.Rows)+int(batch.NumRows()) > MaxRows {
			return nil, fmt.Errorf("the result has more than %d rows", MaxRows)
		}
		for i := range int(batch.NumRows()) {
			row := make([]any, batch.NumCols())
			for j, col := range batch.Columns() {
				row[j] = cell(col, i)
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t, r.Err()
}

func cell(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch v := a.(type) {
	case *array.Boolean:
		return v.Value(i)
	case *array.Int64:
		return v.Value(i)
	case *array.Int32:
		return int64(v.Value(i))
	case *array.Int16:
		return int64(v.Value(i))
	case *array.Int8:
		return int64(v.Value(i))
	case *array.Uint8:
		return int64(v.Value(i))
	case *array.Uint16:
		return int64(v.Value(i))
	case *array.Uint32:
		return int64(v.Value(i))
	case *array.Float64:
		return v.Value(i)
	case *array.Float32:
		return float64(v.Value(i))
	case *array.String:
		return strings.Clone(v.Value(i)) // what an array returns dies with its batch
	case *array.LargeString:
		return strings.Clone(v.Value(i))
	case *array.Decimal128:
		if v.DataType().(*arrow.Decimal128Type).Scale == 0 {
			return whole(v.Value(i).BigInt())
		}
	}
	return strings.Clone(a.ValueStr(i))
}

func whole(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// Int returns a cell as a whole number; null is 0.
func Int(v any) (int64, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	case float64:
		if n := int64(v); float64(n) == v {
			return n, nil
		}
	}
	return 0, fmt.Errorf("want a whole number, got %v", v)
}

// Text returns a cell as text; null is "".
func Text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
