package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/pipeline/build"
)

// What is printed of a sample; --format json has all of it.
const (
	shownColumns = 8
	shownCell    = 40 // characters
)

// showFound prints the first rows of what a test found, as an aligned table.
func (a *app) showFound(r build.Result) {
	if r.Found == nil || len(r.Found.Rows) == 0 {
		return
	}
	columns := min(len(r.Found.Columns), shownColumns)
	lines := [][]string{r.Found.Columns[:columns]}
	for _, row := range r.Found.Rows {
		line := make([]string, columns)
		for i, cell := range row[:columns] {
			line[i] = foundCell(cell)
		}
		lines = append(lines, line)
	}
	widths := make([]int, columns)
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		fmt.Fprintln(a.stderr, "         "+redact.Text(strings.TrimRight(b.String(), " ")))
	}
	if more := len(r.Found.Columns) - columns; more > 0 {
		fmt.Fprintf(a.stderr, "         and %s\n", plural(more, "more column"))
	}
	if r.Found.More {
		fmt.Fprintln(a.stderr, "         …")
	}
}

// foundCell is a cell on one line.
func foundCell(cell *string) string {
	if cell == nil {
		return "NULL"
	}
	text := []rune(strings.Join(strings.Fields(*cell), " "))
	if len(text) > shownCell {
		return string(text[:shownCell-1]) + "…"
	}
	return string(text)
}
