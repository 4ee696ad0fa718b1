package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/result"
	"github.com/tidemill/tidemill/sqlgen"
)

// hiddenPrefix begins the names of tables that are not published yet.
const hiddenPrefix = "__tidemill_"

// made is what a materialization leaves in its transaction.
type made struct {
	at      tidemill.TableName // where the rows are
	publish bool               // at is to take the place of the node's relation
	typ     string             // what the relation is afterwards
	count   bool               // the number of rows is not known yet
}

// materializations write a node within the open transaction of its builder.
var materializations = map[string]func(ctx context.Context, b *builder) (made, error){
	"view":        view,
	"table":       table,
	"incremental": incremental,
	"seed":        seedTable,
}

// compile makes the SQL of the node and writes it for people.
func (b *builder) compile(ctx context.Context) error {
	if b.node.Kind == manifest.Seed {
		return nil
	}
	c := &compiler{
		p: b.plan.Project, inv: b.inv, incremental: b.adds(b.node),
		warehouse: asker{b.session, b.catalog, b.inv.Target.Database},
	}
	var err error
	if b.compiled, err = c.compile(ctx, b.node); err != nil {
		return err
	}
	return b.out.write("compiled", b.node, b.compiled.SQL)
}

// exec runs a statement of the node.
func (b *builder) exec(ctx context.Context, st sqlgen.Statement) (int64, error) {
	sql, err := sqlgen.Render(b.dialect(), st)
	if err != nil {
		return 0, fmt.Errorf("build %s: %w", b.node.Name, err)
	}
	b.script.add(sql)
	n, err := b.session.Exec(ctx, sql)
	if err != nil {
		return 0, b.sqlError(b.node, b.compiled, sql, err)
	}
	return n, nil
}

// number runs a query that gives one whole number.
func (b *builder) number(ctx context.Context, st sqlgen.Statement) (int64, error) {
	sql, err := sqlgen.Render(b.dialect(), st)
	if err != nil {
		return 0, fmt.Errorf("build %s: %w", b.node.Name, err)
	}
	b.script.add(sql)
	t, err := result.Read(ctx, b.session, sql)
	if err != nil {
		return 0, b.sqlError(b.node, b.compiled, sql, err)
	}
	if len(t.Rows) != 1 || len(t.Rows[0]) != 1 {
		return 0, fmt.Errorf("build %s: want one number of %s", b.node.Name, st.Template())
	}
	return result.Int(t.Rows[0][0])
}

func view(ctx context.Context, b *builder) (made, error) {
	at := b.node.Relation.Table()
	if b.catalog.get(at) == render.TableType {
		if _, err := b.exec(ctx, sqlgen.DropTable{Table: at}); err != nil {
			return made{}, err
		}
	}
	_, err := b.exec(ctx, sqlgen.CreateView{View: at, Query: b.compiled.SQL})
	return made{at: at, typ: render.ViewType}, err
}

func table(ctx context.Context, b *builder) (made, error) {
	at := b.hidden()
	_, err := b.exec(ctx, sqlgen.CreateTableAs{Table: at, Query: b.compiled.SQL})
	return made{at: at, publish: true, typ: render.TableType, count: true}, err
}

// hidden is the name of the table until it is published.
func (b *builder) hidden() tidemill.TableName {
	r := b.node.Relation
	return tidemill.TableName{Schema: r.Schema, Name: hiddenPrefix + r.Identifier}
}

// script is what was executed, for people.
type script struct{ b strings.Builder }

func (s *script) add(sql string) {
	if s.b.Len() > 0 {
		s.b.WriteString(";\n\n")
	}
	s.b.WriteString(sql)
}

// String returns the statements with their semicolons.
func (s *script) String() string { return s.b.String() + ";" }
