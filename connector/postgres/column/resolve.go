package column

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// maxDepth bounds domains over arrays of domains and so on.
const maxDepth = 32

// Resolve looks up the types of columns in the server's catalog and returns
// the columns with what a Builder needs to know.
func Resolve(ctx context.Context, conn *pgx.Conn, columns []Column, opts Options) ([]Column, error) {
	known := map[uint32]entry{}
	for _, c := range columns {
		if !isBuiltin(c.OID) {
			known[c.OID] = entry{}
		}
	}
	if err := look(ctx, conn, known); err != nil {
		return nil, err
	}
	out := make([]Column, len(columns))
	for i, c := range columns {
		out[i] = resolve(c, known, opts, 0)
	}
	return out, nil
}

func isBuiltin(oid uint32) bool {
	_, scalar := builtin[oid]
	_, array := builtinArrays[oid]
	return scalar || array
}

// entry is what the catalog says of a type. The type of an entry without a
// name is still to be looked up.
type entry struct {
	name   string
	kind   string // typtype
	array  bool
	elem   uint32
	base   uint32
	typmod int32
}

const catalog = `select t.oid, format_type(t.oid, null), t.typtype::text,
	t.typinput = 'pg_catalog.array_in'::regproc, t.typelem, t.typbasetype, t.typtypmod
from pg_catalog.pg_type t where t.oid = any($1::int8[]::oid[])`

// look fills known, and adds the types that those are made of.
func look(ctx context.Context, conn *pgx.Conn, known map[uint32]entry) error {
	for range maxDepth {
		var missing []int64
		for oid, e := range known {
			if e.name == "" {
				missing = append(missing, int64(oid))
			}
		}
		if len(missing) == 0 {
			return nil
		}
		rows, err := conn.Query(ctx, catalog, missing)
		if err != nil {
			return fmt.Errorf("look up types: %w", err)
		}
		var oid uint32
		var e entry
		_, err = pgx.ForEachRow(rows, []any{&oid, &e.name, &e.kind, &e.array, &e.elem, &e.base, &e.typmod}, func() error {
			known[oid] = e
			for _, part := range []uint32{e.elem, e.base} {
				if _, ok := known[part]; !ok && part != 0 && !isBuiltin(part) {
					known[part] = entry{}
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("look up types: %w", err)
		}
		for _, id := range missing { // a type that was dropped meanwhile
			if e := known[uint32(id)]; e.name == "" {
				e.name = fmt.Sprintf("type %d", id)
				known[uint32(id)] = e
			}
		}
	}
	return nil // what is deeper is foreign
}

// resolve sets the kind of c.
func resolve(c Column, known map[uint32]entry, opts Options, depth int) Column {
	c.elem, c.name = nil, ""
	if depth > maxDepth {
		c.kind = foreign
		return c
	}
	if k, ok := builtin[c.OID]; ok {
		c.kind = k
		if p, s := precision(c.Typmod); k == numeric && !opts.NumericText && 0 < p && p <= 38 && 0 <= s && s <= p {
			c.kind = decimal
		}
		return c
	}
	e := known[c.OID]
	if elem, ok := builtinArrays[c.OID]; ok {
		e = entry{array: true, elem: elem, name: "array"}
	}
	c.name = e.name
	switch {
	case e.kind == "e":
		c.kind = text
	case e.kind == "d":
		base := c
		base.OID, base.Typmod = e.base, e.typmod
		base = resolve(base, known, opts, depth+1)
		c.kind, c.elem, c.Typmod, c.name = base.kind, base.elem, base.Typmod, base.name
	case e.array:
		elem := resolve(Column{OID: e.elem, Typmod: c.Typmod}, known, opts, depth+1)
		c.kind, c.elem = list, &elem
		if opts.ArrayText || elem.kind == foreign || elem.kind == list {
			c.kind, c.elem = foreign, nil
		}
	default:
		c.kind = foreign
	}
	return c
}

// Of returns the columns of a result, resolved. Results do not say which of
// their columns are never null.
func Of(ctx context.Context, conn *pgx.Conn, fields []pgconn.FieldDescription, opts Options) ([]Column, error) {
	columns := make([]Column, len(fields))
	for i, f := range fields {
		columns[i] = Column{Name: f.Name, OID: f.DataTypeOID, Typmod: f.TypeModifier}
	}
	return Resolve(ctx, conn, columns, opts)
}

// Text is the column of a text of the given name.
func Text(name string) Column {
	return Column{Name: name, OID: pgtype.TextOID, Typmod: -1, kind: text}
}
