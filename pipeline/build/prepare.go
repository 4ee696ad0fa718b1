package build

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/result"
	"github.com/tidemill/tidemill/sqlgen"
)

// conflicts is how often and how fast a transaction that lost against another
// is run again.
var conflicts = retry.Policy{Base: 20 * time.Millisecond, Cap: time.Second, Attempts: 12}

// ledgerSchema holds what Tidemill itself stores.
const ledgerSchema = "tidemill"

// prepare makes the schemas and the ledger, and looks at what is there.
func (r *runner) prepare(ctx context.Context) error {
	l := &lease{wh: r.wh}
	defer l.drop()
	return retry.Do(ctx, conflicts, func(ctx context.Context) error {
		s, err := l.open(ctx)
		if err == nil {
			err = r.prepareOn(ctx, s)
		}
		if err != nil {
			l.drop()
		}
		return err
	})
}

func (r *runner) prepareOn(ctx context.Context, s tidemill.Session) error {
	schemas := r.schemas()
	if r.writes() {
		statements := []sqlgen.Statement{sqlgen.CreateSchema{Schema: ledgerSchema}, sqlgen.CreateModelLedger{}}
		for _, schema := range schemas {
			statements = append(statements, sqlgen.CreateSchema{Schema: schema})
		}
		for _, st := range statements {
			sql, err := sqlgen.Render(r.dialect(), st)
			if err != nil {
				return err
			}
			if _, err := s.Exec(ctx, sql); err != nil {
				return fmt.Errorf("prepare the schemas: %w", err)
			}
		}
	}
	c, err := loadCatalog(ctx, s, r.dialect(), schemas)
	if err != nil {
		return err
	}
	r.catalog = c
	if r.absent, err = r.findAbsent(ctx, s); err != nil {
		return err
	}
	if !r.writes() {
		return nil
	}
	r.done, err = r.readLedger(ctx, s)
	return err
}

func (r *runner) dialect() tidemill.Dialect { return r.inv.Library.Dialect }

// writes reports whether the plan has nodes that change the warehouse.
func (r *runner) writes() bool {
	return slices.ContainsFunc(r.plan.Nodes, func(n *manifest.Node) bool { return n.Kind != manifest.Test && !n.Ephemeral() })
}

func (r *runner) schemas() []string {
	seen := map[string]bool{r.inv.Target.Schema: true}
	for _, n := range r.plan.Nodes {
		if n.Kind != manifest.Test && !n.Ephemeral() {
			seen[n.Relation.Schema] = true
		}
	}
	return sortedKeys(seen)
}

// readLedger returns the nodes that an earlier attempt of this run did.
func (r *runner) readLedger(ctx context.Context, s tidemill.Session) (map[string]Result, error) {
	sql, err := sqlgen.Render(r.dialect(), sqlgen.ModelRuns{})
	if err != nil {
		return nil, err
	}
	t, err := result.Read(ctx, s, sql, r.inv.ID)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of models: %w", err)
	}
	done := map[string]Result{}
	for _, row := range t.Rows {
		rows, err := result.Int(row[2])
		if err != nil {
			return nil, fmt.Errorf("read the ledger of models: %w", err)
		}
		seconds, _ := row[3].(float64)
		done[result.Text(row[0])] = Result{Status: Status(result.Text(row[1])), Rows: rows, Seconds: seconds}
	}
	return done, nil
}

// catalog knows which relations there are in the schemas of a run. It is
// loaded once, and kept up by what the run does.
type catalog struct {
	dialect tidemill.Dialect
	schemas []string

	mu    sync.Mutex
	types map[string]string // by lower-case schema.name: table or view
}

func loadCatalog(ctx context.Context, s tidemill.Session, d tidemill.Dialect, schemas []string) (*catalog, error) {
	c := &catalog{dialect: d, schemas: schemas, types: map[string]string{}}
	sql, err := sqlgen.Render(d, sqlgen.ListRelations{Schemas: schemas})
	if err != nil {
		return nil, err
	}
	t, err := result.Read(ctx, s, sql)
	if err != nil {
		return nil, fmt.Errorf("list tables and views: %w", err)
	}
	for _, row := range t.Rows {
		if row[1] == nil {
			continue // the name of the database alone
		}
		c.types[key(result.Text(row[1]), result.Text(row[2]))] = relationType(result.Text(row[3]))
	}
	return c, nil
}

func relationType(t string) string {
	if strings.Contains(strings.ToUpper(t), "VIEW") {
		return render.ViewType
	}
	return render.TableType
}

func key(schema, name string) string { return strings.ToLower(schema + "." + name) }

// get returns the type of what is at t, or "".
func (c *catalog) get(t tidemill.TableName) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.types[key(t.Schema, t.Name)]
}

func (c *catalog) set(t tidemill.TableName, typ string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.types[key(t.Schema, t.Name)] = typ
}
