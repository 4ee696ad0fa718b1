package build

import (
	"context"
	"fmt"
	"math/big"
	"strconv"

	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/result"
	"github.com/tidemill/tidemill/sqlgen"
)

// What is kept of the rows that a test found.
const (
	sampleRows    = 5
	sampleColumns = 20
	sampleCell    = 80 // characters
)

// Sample is the first rows of what a test found. A cell is text, cut to 80
// characters, and nil is null.
type Sample struct {
	Columns []string    `json:"columns"`
	Rows    [][]*string `json:"rows"`
	More    bool        `json:"more"` // rows than these were found
}

// sample reads what a test of severity warn or error found. It is queried
// where the test ran, so it shows rows that are not published too.
func (t *tester) sample(ctx context.Context, n *manifest.Node, c Compiled) (*Sample, error) {
	st, err := t.found(n, c)
	if err != nil {
		return nil, err
	}
	sql, err := sqlgen.Render(t.dialect(), st)
	if err != nil {
		return nil, err
	}
	table, err := result.Read(ctx, t.session, sql)
	if err != nil {
		return nil, t.sqlError(n, c, sql, err)
	}
	return newSample(table), nil
}

// found is the statement that lists what n found: whole rows where a null was,
// for the null alone says nothing; else what the test selects.
func (t *tester) found(n *manifest.Node, c Compiled) (sqlgen.Statement, error) {
	if check, ok := t.builtin(n); ok && check.Kind == sqlgen.NotNull {
		from, err := t.relation(n.Test.Attached)
		return sqlgen.SampleNulls{From: from, Column: check.Column, Where: check.Where, Limit: sampleRows + 1}, err
	}
	once := n.Test.Generic == "relationships" && t.inv.Library.Builtin("test_relationships")
	return sqlgen.Sample{Query: c.SQL, Distinct: once, Limit: sampleRows + 1}, nil
}

func newSample(t *result.Table) *Sample {
	columns := min(len(t.Columns), sampleColumns)
	s := &Sample{Columns: t.Columns[:columns], Rows: [][]*string{}, More: len(t.Rows) > sampleRows}
	for _, row := range t.Rows[:min(len(t.Rows), sampleRows)] {
		cells := make([]*string, columns)
		for i, v := range row[:columns] {
			cells[i] = sampleText(v)
		}
		s.Rows = append(s.Rows, cells)
	}
	return s
}

func sampleText(v any) *string {
	var text string
	switch v := v.(type) {
	case nil:
		return nil
	case *big.Int:
		text = v.String()
	case float64:
		text = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		text = fmt.Sprint(v)
	}
	count := 0
	for i := range text {
		if count++; count > sampleCell {
			text = text[:i] + "…"
			break
		}
	}
	return &text
}
