package land

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/columnar"
	"github.com/tidemill/tidemill/internal/ident"
)

// maxTables bounds the tables of one pipeline: without a schema, types are
// what publishers write.
const maxTables = 1000

// columns lands events in typed columns, one table per message type.
type columns struct {
	*Lander
	model  tidemill.Table // with {type} in its name
	types  map[string]*columnTable
	tables map[string]*columnTable // by name; types may share one
}

func newColumns(l *Lander, t tidemill.Table) *columns {
	return &columns{Lander: l, model: t, types: map[string]*columnTable{}, tables: map[string]*columnTable{}}
}

// open has nothing to do: tables are made when their first event lands.
func (c *columns) open(context.Context) error { return nil }

func (c *columns) duplicate(e *event) { c.types[e.Type].duplicates++ }

func (c *columns) add(ctx context.Context, e *event) error {
	t := c.types[e.Type]
	if t == nil {
		var err error
		if t, err = c.table(ctx, e.Type); err != nil {
			return err
		}
		c.types[e.Type] = t
	}
	return t.add(e)
}

// table returns the table of a type, as it is in the warehouse.
func (c *columns) table(ctx context.Context, typ string) (*columnTable, error) {
	name, err := ident.ParseTable(strings.ReplaceAll(c.cfg.Pipeline.Land.Table, "{type}", snake(typ)))
	if err != nil {
		return nil, &refusal{tidemill.UnknownType, "type makes no table name: " + err.Error()}
	}
	if t := c.tables[name.String()]; t != nil {
		return t, nil
	}
	if len(c.tables) >= maxTables {
		return nil, &refusal{tidemill.UnknownType, fmt.Sprintf("the pipeline has %d types already", maxTables)}
	}
	model := c.model
	model.TableName = name
	has, err := c.evolve(ctx, model, nil)
	if err != nil {
		return nil, err
	}
	t := newColumnTable(model, c.cfg.Pipeline.Land.Contract, c.rules.protect, has)
	c.tables[name.String()] = t
	return t, nil
}

// close makes and widens the tables whose schema grew, then builds the rows.
func (c *columns) close(ctx context.Context, b *batch) error {
	b.made = c.moments.made()
	for _, name := range slices.Sorted(maps.Keys(c.tables)) {
		t := c.tables[name]
		if t.builder == nil || t.len() == 0 && t.duplicates == 0 {
			continue
		}
		if t.grown {
			want := arrow.NewSchema(append(tidemill.SystemFields(), t.schema.Fields()...), nil)
			if _, err := c.evolve(ctx, t.Table, want); err != nil {
				return err
			}
			t.grown = false
		}
		b.rows = append(b.rows, t.take(c.name, b))
	}
	return nil
}

// snake returns the name of a type as part of a table's name: order_created
// for OrderCreated, http_request for HTTPRequest, outer_inner for Outer.Inner.
func snake(typ string) string {
	var out []rune
	runes := []rune(typ)
	for i, r := range runes {
		word := i > 0 && unicode.IsUpper(r) &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if word || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			if len(out) > 0 && out[len(out)-1] != '_' {
				out = append(out, '_')
			}
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, unicode.ToLower(r))
		}
	}
	return columnar.ColumnName(strings.TrimRight(string(out), "_"))
}

// asRefusal makes a refusal of what a payload and its table have against
// each other.
func asRefusal(err error) error {
	code := tidemill.Malformed
	if dev := (*columnar.Deviation)(nil); errors.As(err, &dev) {
		code = tidemill.SchemaIncompatible
	}
	return &refusal{code, err.Error()}
}
