package replica

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
	"github.com/tidemill/tidemill/internal/ident"
)

// complete fetches values that the server did not send with a row that has
// got a new key: the row of the new key has no earlier one that holds them.
// They are read as they are now. Where that is later than the change, a later
// change of the stream brings them again or removes the row.
func (f *feed) complete(ctx context.Context, t *table, values []pgoutput.Value) error {
	var missing []int
	for i, v := range values {
		if v.Kind == pgoutput.Unchanged {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	sql, err := t.selectBy(missing)
	if err != nil {
		return err
	}
	var params [][]byte
	var types []uint32
	var formats []int16
	for _, i := range t.key {
		params, types, formats = append(params, values[i].Data), append(types, t.relation.Columns[i].Type), append(formats, format(values[i].Kind))
	}
	want := int16(pgtype.TextFormatCode)
	if f.binary {
		want = pgtype.BinaryFormatCode
	}
	var res *pgconn.Result
	err = f.catalog.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		res = conn.PgConn().ExecParams(ctx, sql, params, types, formats, []int16{want}).Read()
		return res.Err
	})
	if err != nil {
		return fmt.Errorf("read the values that moved with the key of a row of %s: %w", t.stream, err)
	}
	if len(res.Rows) != 1 {
		return nil // the row has moved on, which the stream will tell
	}
	for at, i := range missing {
		values[i] = pgoutput.Value{Kind: pgoutput.Null}
		if v := res.Rows[0][at]; v != nil {
			values[i] = pgoutput.Value{Kind: kindOf(want), Data: v}
		}
	}
	return nil
}

func format(k pgoutput.Kind) int16 {
	if k == pgoutput.Binary {
		return pgtype.BinaryFormatCode
	}
	return pgtype.TextFormatCode
}

func kindOf(format int16) pgoutput.Kind {
	if format == pgtype.BinaryFormatCode {
		return pgoutput.Binary
	}
	return pgoutput.Text
}

// selectBy returns a statement that reads columns of the row of a key.
func (t *table) selectBy(columns []int) (string, error) {
	name, err := ident.Table(tidemill.Postgres, tidemill.TableName{Schema: t.relation.Namespace, Name: t.relation.Name})
	if err != nil {
		return "", err
	}
	var list, where []string
	for _, i := range columns {
		q, err := ident.Quote(tidemill.Postgres, t.relation.Columns[i].Name)
		if err != nil {
			return "", err
		}
		list = append(list, q)
	}
	for n, i := range t.key {
		q, err := ident.Quote(tidemill.Postgres, t.relation.Columns[i].Name)
		if err != nil {
			return "", err
		}
		where = append(where, fmt.Sprintf("%s = $%d", q, n+1))
	}
	return "select " + strings.Join(list, ", ") + " from " + name + " where " + strings.Join(where, " and "), nil
}
