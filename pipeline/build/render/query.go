package render

import (
	"fmt"

	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/result"
)

// runQuery returns the rows of a query, or None while the project is read.
func (c *Context) runQuery(call *jinja.Call) (any, error) {
	args, err := call.Unpack("run_query", "sql")
	if err != nil || !c.Execute() {
		return nil, err
	}
	t, err := c.Warehouse.Query(call.Context(), jinja.Str(args[0]))
	if err != nil {
		return nil, fmt.Errorf("run_query: %w", err)
	}
	return table{t}, nil
}

// statement is {% call statement('name', fetch_result=true) %} SQL
// {% endcall %}: load_result('name') then has the rows.
func (c *Context) statement(call *jinja.Call) (any, error) {
	name, fetch := "", false
	for i, a := range call.Args {
		switch i {
		case 0:
			if a != nil {
				name = jinja.Str(a)
			}
		case 1:
			fetch = jinja.Truth(a)
		}
	}
	var caller any
	for _, kw := range call.Kwargs {
		switch kw.Name {
		case "name":
			name = jinja.Str(kw.Value)
		case "fetch_result":
			fetch = jinja.Truth(kw.Value)
		case "caller":
			caller = kw.Value
		case "auto_begin", "language":
			return nil, fmt.Errorf("statement(): %s is not supported", kw.Name)
		default:
			return nil, fmt.Errorf("statement() takes no argument %s", kw.Name)
		}
	}
	if caller == nil {
		return nil, fmt.Errorf("statement() is used as {%% call statement('name', fetch_result=true) %%} SQL {%% endcall %%}")
	}
	sql, err := call.Invoke(caller, nil)
	if err != nil || !c.Execute() {
		return "", err
	}
	t, err := c.Warehouse.Query(call.Context(), jinja.Str(sql))
	if err != nil {
		return nil, fmt.Errorf("statement %s: %w", name, err)
	}
	if !fetch {
		t = &result.Table{}
	}
	if c.results == nil {
		c.results = map[string]any{}
	}
	data := jinja.NewList()
	for _, row := range t.Rows {
		data.Items = append(data.Items, jinja.Tuple(row))
	}
	c.results[name] = jinja.DictOf("response", "OK", "data", data, "table", table{t})
	return "", nil
}

func (c *Context) loadResult(call *jinja.Call) (any, error) {
	args, err := call.Unpack("load_result", "name")
	if err != nil {
		return nil, err
	}
	return c.results[jinja.Str(args[0])], nil
}

// table is a result as templates see it: rows, columns with values(), and
// loops over rows.
type table struct{ t *result.Table }

// Elements returns the rows.
func (t table) Elements() []any {
	rows := make([]any, len(t.t.Rows))
	for i := range rows {
		rows[i] = row{t.t, t.t.Rows[i]}
	}
	return rows
}

// GetAttr returns rows, columns and column_names, and print_table's stand-in.
func (t table) GetAttr(name string) (any, bool) {
	switch name {
	case "rows":
		return jinja.NewList(t.Elements()...), true
	case "columns":
		return columns(t), true
	case "column_names":
		names := make(jinja.Tuple, len(t.t.Columns))
		for i, c := range t.t.Columns {
			names[i] = c
		}
		return names, true
	}
	return nil, false
}

// columns are the columns of a table, by number and by name.
type columns struct{ t *result.Table }

// Elements returns the columns in order.
func (c columns) Elements() []any {
	list := make([]any, len(c.t.Columns))
	for i := range list {
		list[i] = column{c.t, i}
	}
	return list
}

// GetItem returns a column by number or by name.
func (c columns) GetItem(key any) (any, bool) {
	i, ok := position(c.t, key)
	return column{c.t, i}, ok
}

// GetAttr has nothing: columns are items.
func (c columns) GetAttr(string) (any, bool) { return nil, false }

// column is one column of a table.
type column struct {
	t *result.Table
	i int
}

// Elements returns the cells.
func (c column) Elements() []any {
	cells := make([]any, len(c.t.Rows))
	for j, r := range c.t.Rows {
		cells[j] = r[c.i]
	}
	return cells
}

// GetItem returns the cell of a row by number.
func (c column) GetItem(key any) (any, bool) {
	n, ok := key.(int64)
	if n < 0 {
		n += int64(len(c.t.Rows))
	}
	if !ok || n < 0 || n >= int64(len(c.t.Rows)) {
		return nil, false
	}
	return c.t.Rows[n][c.i], true
}

// GetAttr returns name and values().
func (c column) GetAttr(name string) (any, bool) {
	switch name {
	case "name":
		return c.t.Columns[c.i], true
	case "values":
		return jinja.Func(func(*jinja.Call) (any, error) { return jinja.Tuple(c.Elements()), nil }), true
	}
	return nil, false
}

// row is one row, by number and by name.
type row struct {
	t     *result.Table
	cells []any
}

// Elements returns the cells.
func (r row) Elements() []any { return r.cells }

// GetItem returns a cell by number or by name.
func (r row) GetItem(key any) (any, bool) {
	i, ok := position(r.t, key)
	if !ok {
		return nil, false
	}
	return r.cells[i], true
}

// GetAttr returns values(), or a cell by name.
func (r row) GetAttr(name string) (any, bool) {
	if name == "values" {
		return jinja.Func(func(*jinja.Call) (any, error) { return jinja.Tuple(r.cells), nil }), true
	}
	return r.GetItem(name)
}

// position finds a column by number, from the end where it is negative, or by
// name.
func position(t *result.Table, key any) (int, bool) {
	switch key := key.(type) {
	case int64:
		if key < 0 {
			key += int64(len(t.Columns))
		}
		return int(key), key >= 0 && key < int64(len(t.Columns))
	case string:
		for i, c := range t.Columns {
			if c == key {
				return i, true
			}
		}
	}
	return 0, false
}
