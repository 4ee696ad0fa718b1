package build

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/sqlgen"
)

// incremental adds the rows of the query to the table, by the strategy of the
// model. Where there is no table yet, or all is to be built anew, it is a
// table.
func incremental(ctx context.Context, b *builder) (made, error) {
	if !b.adds(b.node) {
		return table(ctx, b)
	}
	at := b.node.Relation.Table()
	from := tidemill.TableName{Name: hiddenPrefix + "new_" + b.node.Relation.Identifier}
	if _, err := b.exec(ctx, sqlgen.CreateTableAs{Table: from, Temp: true, Query: b.compiled.SQL}); err != nil {
		return made{}, err
	}
	columns, err := b.reconcile(ctx, at, from)
	if err != nil {
		return made{}, err
	}
	if b.rows, err = b.apply(ctx, at, from, columns); err != nil {
		return made{}, err
	}
	_, err = b.exec(ctx, sqlgen.DropTable{Table: from})
	return made{at: at, typ: render.TableType}, err
}

// apply writes the new rows and returns how many.
func (b *builder) apply(ctx context.Context, at, from tidemill.TableName, columns []string) (int64, error) {
	c := b.node.Config
	strategy := c.Strategy
	if strategy == "" {
		strategy = "append"
		if len(c.UniqueKey) > 0 {
			strategy = "delete+insert"
		}
	}
	switch {
	case strategy == "merge" && len(c.UniqueKey) > 0:
		return b.merge(ctx, at, from, columns)
	case strategy == "delete+insert" && len(c.UniqueKey) > 0:
		if _, err := b.exec(ctx, sqlgen.DeleteMatching{Table: at, From: from, Keys: c.UniqueKey, Predicates: c.Predicates}); err != nil {
			return 0, err
		}
	}
	return b.exec(ctx, sqlgen.InsertFrom{Table: at, From: from, Columns: columns})
}

// merge refuses rows that share a key: which of them would win is chance.
func (b *builder) merge(ctx context.Context, at, from tidemill.TableName, columns []string) (int64, error) {
	c := b.node.Config
	twice, err := b.number(ctx, sqlgen.DuplicateKeys{Table: from, Keys: c.UniqueKey})
	if err != nil {
		return 0, err
	}
	if twice > 0 {
		return 0, &tidemill.Error{
			Code: tidemill.Failed, Pos: b.node.Pos, Op: "build " + b.node.Name,
			Err:  fmt.Errorf("%d values of unique_key (%s) have more than one new row", twice, strings.Join(c.UniqueKey, ", ")),
			Hint: "let the query keep one row for each key, or use incremental_strategy: delete+insert",
		}
	}
	update, err := b.updated(columns)
	if err != nil {
		return 0, err
	}
	return b.exec(ctx, sqlgen.MergeFrom{Table: at, From: from, Keys: c.UniqueKey, Columns: columns, Update: update, Predicates: c.Predicates})
}

// updated returns the columns that a merge updates.
func (b *builder) updated(columns []string) ([]string, error) {
	c := b.node.Config
	if len(c.MergeUpdateColumns) > 0 && len(c.MergeExcludeColumns) > 0 {
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Pos: b.node.Pos, Op: "build " + b.node.Name,
			Err: fmt.Errorf("merge_update_columns and merge_exclude_columns are both set"), Hint: "keep one of them",
		}
	}
	if len(c.MergeUpdateColumns) > 0 {
		return c.MergeUpdateColumns, nil
	}
	leave := append(slices.Clone(c.UniqueKey), c.MergeExcludeColumns...)
	return slices.DeleteFunc(slices.Clone(columns), func(col string) bool { return hasName(leave, col) }), nil
}

// reconcile compares the table with the new rows, does what on_schema_change
// says, and returns the columns to write.
func (b *builder) reconcile(ctx context.Context, at, from tidemill.TableName) ([]string, error) {
	tables, err := listColumns(ctx, b.session, b.dialect(), at, from)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", b.node.Name, err)
	}
	have, want := tables[0], tables[1]
	added, removed, changed := differ(have, want)
	switch b.node.Config.OnSchemaChange {
	case "ignore":
		if len(removed) > 0 {
			return nil, b.schemaChanged("the query no longer has column "+strings.Join(names(removed), ", "), "select it again, set on_schema_change, or run with --full-refresh")
		}
		return names(have), nil
	case "fail":
		if len(added)+len(removed)+len(changed) > 0 {
			return nil, b.schemaChanged(describe(added, removed, changed), "on_schema_change is fail: run with --full-refresh to build the table anew")
		}
		return names(have), nil
	case "append_new_columns":
		removed, changed = nil, nil
	}
	for _, c := range added {
		if _, err := b.exec(ctx, sqlgen.AddTypedColumn{Table: at, Column: c}); err != nil {
			return nil, err
		}
	}
	for _, c := range removed {
		if _, err := b.exec(ctx, sqlgen.DropColumn{Table: at, Column: c.Name}); err != nil {
			return nil, err
		}
	}
	for _, c := range changed {
		if _, err := b.exec(ctx, sqlgen.ChangeColumnType{Table: at, Column: c}); err != nil {
			return nil, err
		}
	}
	return names(want), nil
}

func (b *builder) schemaChanged(what, hint string) error {
	return &tidemill.Error{Code: tidemill.Failed, Pos: b.node.Pos, Op: "build " + b.node.Name, Err: fmt.Errorf("the columns changed: %s", what), Hint: hint}
}

// differ returns the columns that want has and have lacks, those that only
// have has, and those whose type is another, with the type of want.
func differ(have, want []sqlgen.TypedColumn) (added, removed, changed []sqlgen.TypedColumn) {
	for _, w := range want {
		i := slices.IndexFunc(have, func(h sqlgen.TypedColumn) bool { return strings.EqualFold(h.Name, w.Name) })
		switch {
		case i < 0:
			added = append(added, w)
		case !strings.EqualFold(have[i].Type, w.Type):
			changed = append(changed, sqlgen.TypedColumn{Name: have[i].Name, Type: w.Type})
		}
	}
	for _, h := range have {
		if !hasName(names(want), h.Name) {
			removed = append(removed, h)
		}
	}
	return added, removed, changed
}

func describe(added, removed, changed []sqlgen.TypedColumn) string {
	var parts []string
	for _, p := range []struct {
		verb    string
		columns []sqlgen.TypedColumn
	}{{"new", added}, {"gone", removed}, {"of another type", changed}} {
		if len(p.columns) > 0 {
			parts = append(parts, p.verb+": "+strings.Join(names(p.columns), ", "))
		}
	}
	return strings.Join(parts, "; ")
}

func names(columns []sqlgen.TypedColumn) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}

func hasName(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}
