package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
	"github.com/tidemill/tidemill/internal/ident"
)

// scan is one chunk: what of a table is read in one COPY.
type scan struct {
	table *table
	plan  plan
	chunk int
	at    progress
}

// position says what of a select list tells where a row stands: columns of
// the table if the Arrow values of all of them print as the server's text,
// else hidden ones.
type position struct {
	visible []int
	hidden  []string // expressions
}

func (sc *scan) position() position {
	var p position
	switch sc.plan.By {
	case byPlace:
		return position{hidden: []string{"ctid::text"}}
	case byKey:
		for _, k := range sc.plan.Key {
			i := slices.IndexFunc(sc.table.columns, func(c column.Column) bool { return c.Name == k && c.Plain() })
			p.visible = append(p.visible, i)
			p.hidden = append(p.hidden, quoted(k)+"::text")
		}
		if slices.Contains(p.visible, -1) {
			p.visible = nil
		} else {
			p.hidden = nil
		}
	}
	return p
}

// after returns where the last row stands: of rec, or the hidden values. It
// returns nil where neither tells.
func (p position) after(rec arrow.RecordBatch, hidden [][]byte) []string {
	var at []string
	for _, i := range p.visible {
		if rec.NumRows() == 0 {
			return nil
		}
		at = append(at, rec.Column(i).ValueStr(int(rec.NumRows())-1))
	}
	for _, v := range hidden {
		at = append(at, string(v))
	}
	return at
}

// sql returns the statement that copies what is left of the chunk, in an
// order in which it can go on after any row.
func (sc *scan) sql(pos position) (string, error) {
	var list, where, order []string
	for _, c := range sc.table.columns {
		list = append(list, c.Select(quoted(c.Name)))
	}
	list = append(list, pos.hidden...)
	switch sc.plan.By {
	case byPlace:
		if len(sc.at.After) == 1 {
			at, err := literal(sc.at.After[0])
			if err != nil {
				return "", err
			}
			where = append(where, "ctid > "+at+"::tid")
		}
		// A scan of a table, or of a range of it, comes in this order; to ask
		// for it would sort the table.
	case byKey:
		var err error
		if where, err = sc.within(); err != nil {
			return "", err
		}
		for _, k := range sc.plan.Key {
			order = append(order, "q."+quoted(k)) // not what the select list has of that name
		}
	}
	sql := "select " + strings.Join(list, ", ") + " from " + sc.table.from()
	if len(where) > 0 {
		sql += " where " + strings.Join(where, " and ")
	}
	if len(order) > 0 {
		sql += " order by " + strings.Join(order, ", ")
	}
	return "copy (" + sql + ") to stdout (format binary)", nil
}

// within returns the conditions on the key.
func (sc *scan) within() ([]string, error) {
	var where []string
	add := func(operator string, values []string) error {
		key, bound := make([]string, len(sc.plan.Key)), make([]string, len(values))
		if len(key) != len(bound) {
			return fmt.Errorf("position of %s: it has %d values, the key %d columns", sc.table.name, len(bound), len(key))
		}
		for i, v := range values {
			text, err := literal(v)
			if err != nil {
				return err
			}
			// The literal takes the column's type.
			key[i], bound[i] = quoted(sc.plan.Key[i]), text
		}
		where = append(where, "("+strings.Join(key, ", ")+") "+operator+" ("+strings.Join(bound, ", ")+")")
		return nil
	}
	if len(sc.at.After) > 0 {
		if err := add(">", sc.at.After); err != nil {
			return nil, err
		}
	} else if sc.chunk > 0 {
		if err := add(">=", sc.plan.Bounds[sc.chunk-1]); err != nil {
			return nil, err
		}
	}
	if sc.chunk < len(sc.plan.Bounds) {
		if err := add("<", sc.plan.Bounds[sc.chunk]); err != nil {
			return nil, err
		}
	}
	return where, nil
}

// literal returns text as a literal. Keys cannot hold what has no literal,
// but in databases of SQL_ASCII.
func literal(text string) (string, error) {
	return ident.Literal(tidemill.Postgres, text)
}
