package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/examples/cards/gen"
)

// text sets a report for people.
func text(r gen.Report) string {
	var b strings.Builder
	row := func(n int, what, detail string) {
		fmt.Fprintf(&b, "%9d  %s", n, what)
		if detail != "" {
			b.WriteString("  (" + detail + ")")
		}
		b.WriteByte('\n')
	}
	if r.Published > 0 {
		row(r.Published, "published", fmt.Sprintf("%.1f MB", float64(r.Bytes)/1e6))
		row(r.Unique, "unique events", details(r.Types))
		row(r.Duplicates, "duplicates", "")
		row(r.Malformed, "malformed", details(r.Faults))
	}
	if r.Backfill != nil {
		row(r.Backfill.Rows, "in the backfill", fmt.Sprintf("%d older, %d that the stream has too", r.Backfill.Older, r.Backfill.Overlap))
	}
	if o := r.Oversold; o != nil {
		fmt.Fprintf(&b, "oversold: %s %q, %d sold of %d produced\n", o.CardID, o.Name, o.Sold, o.Produced)
	}
	return b.String()
}

func details[K ~string](counts map[K]int) string {
	parts := make([]string, 0, len(counts))
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, counts[k]))
	}
	return strings.Join(parts, ", ")
}
