package duckdb

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

// Warehouse is a tidemill.Warehouse on a DuckDB file.
type Warehouse struct {
	owner *owner
}

var _ tidemill.Warehouse = (*Warehouse)(nil)

// Open opens the database of cfg.
func Open(ctx context.Context, cfg Connection, env tidemill.Env) (*Warehouse, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	path, err := cfg.resolve(env.Dir)
	if err != nil {
		return nil, err
	}
	o, err := openOwner(ctx, path, cfg, env.SQL, nil)
	if err != nil {
		return nil, err
	}
	return &Warehouse{owner: o}, nil
}

// Dialect is tidemill.DuckDB.
func (*Warehouse) Dialect() tidemill.Dialect { return tidemill.DuckDB }

// Evolve is documented at tidemill.Warehouse.
func (w *Warehouse) Evolve(ctx context.Context, t tidemill.Table, want *arrow.Schema) (*arrow.Schema, error) {
	return w.owner.evolve(ctx, t, want)
}

// Commit is documented at tidemill.Warehouse.
func (w *Warehouse) Commit(ctx context.Context, l tidemill.Landing) (tidemill.Receipt, error) {
	return w.owner.commit(ctx, l)
}

// Ledger is documented at tidemill.Warehouse.
func (w *Warehouse) Ledger(ctx context.Context, pipeline string) (tidemill.Ledger, error) {
	return w.owner.ledger(ctx, pipeline)
}

// Session is documented at tidemill.Warehouse.
func (w *Warehouse) Session(ctx context.Context) (tidemill.Session, error) {
	return w.owner.session(ctx)
}

// Close is documented at tidemill.Warehouse.
func (w *Warehouse) Close() error {
	w.owner.close()
	return nil
}
