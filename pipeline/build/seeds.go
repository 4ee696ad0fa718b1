package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/seed"
	"github.com/tidemill/tidemill/sqlgen"
)

// seedBatch is how many rows one INSERT has, and seedBytes how much text.
const (
	seedBatch = 1000
	seedBytes = 1 << 20
)

// seedTypes are the types of columns whose type is not given.
var seedTypes = map[seed.Type]string{
	seed.Integer: "BIGINT", seed.Float: "DOUBLE", seed.Boolean: "BOOLEAN", seed.Date: "DATE", seed.Timestamp: "TIMESTAMP", seed.Text: "VARCHAR",
}

// seedTable writes a CSV file into a new table.
func seedTable(ctx context.Context, b *builder) (made, error) {
	t, err := b.readSeed()
	if err != nil {
		return made{}, err
	}
	at := b.hidden()
	columns := b.seedColumns(t)
	if _, err := b.exec(ctx, sqlgen.CreateTypedTable{Table: at, Columns: columns}); err != nil {
		return made{}, err
	}
	for rows := t.Rows; len(rows) > 0; {
		n := batchOf(rows)
		if _, err := b.exec(ctx, sqlgen.InsertValues{Table: at, Columns: names(columns), Rows: rows[:n]}); err != nil {
			return made{}, err
		}
		rows = rows[n:]
	}
	b.rows = int64(len(t.Rows))
	return made{at: at, publish: true, typ: render.TableType}, nil
}

func (b *builder) readSeed() (*seed.Table, error) {
	data, err := os.ReadFile(filepath.Join(b.plan.Project.dir, filepath.FromSlash(b.node.File)))
	if err != nil {
		return nil, fmt.Errorf("read seed: %w", err)
	}
	comma, size := utf8.DecodeRuneInString(b.node.Config.Delimiter)
	if size == 0 || size != len(b.node.Config.Delimiter) {
		return nil, &tidemill.Error{Code: tidemill.Invalid, Pos: b.node.Pos, Err: fmt.Errorf("delimiter %q is not one character", b.node.Config.Delimiter)}
	}
	t, err := seed.Read(b.node.File, data, comma, func(column string) bool { return b.givenType(column) != "" })
	if err != nil {
		return nil, err
	}
	for _, f := range b.node.Config.ColumnTypes {
		if !hasName(columnNames(t), f.Name) {
			return nil, missing(f.Pos, "column", f.Name, columnNames(t))
		}
	}
	return t, nil
}

func columnNames(t *seed.Table) []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Name
	}
	return out
}

// givenType returns what column_types says of a column, or "".
func (b *builder) givenType(column string) string {
	for _, f := range b.node.Config.ColumnTypes {
		if strings.EqualFold(f.Name, column) {
			s, _ := f.Value.Text() // checked when the project was read
			return s
		}
	}
	return ""
}

func (b *builder) seedColumns(t *seed.Table) []sqlgen.TypedColumn {
	out := make([]sqlgen.TypedColumn, len(t.Columns))
	for i, c := range t.Columns {
		typ := b.givenType(c.Name)
		if typ == "" {
			typ = seedTypes[c.Type]
		}
		out[i] = sqlgen.TypedColumn{Name: c.Name, Type: typ}
	}
	return out
}

// batchOf returns how many of the rows go into the next statement.
func batchOf(rows [][]*string) int {
	size := 0
	for i, row := range rows {
		for _, cell := range row {
			if cell != nil {
				size += len(*cell)
			}
		}
		if i+1 == seedBatch || size > seedBytes {
			return i + 1
		}
	}
	return len(rows)
}
