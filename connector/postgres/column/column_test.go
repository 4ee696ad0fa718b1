package column_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/connector/postgres/column"
	pgserver "github.com/tidemill/tidemill/tidetest/postgres"
)

// servers are started by the first test that asks: fuzzing, which runs this
// binary many times, does without.
var servers struct {
	once    sync.Once
	err     error
	conns   []*pgx.Conn // one per version
	running []*pgserver.Server
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, c := range servers.conns {
		_ = c.Close(context.Background()) // nothing is under way
	}
	for _, s := range servers.running {
		_ = s.Stop() // the temporary folder is all that may stay
	}
	os.Exit(code)
}

// connect returns a connection to each version of the server.
func connect(t testing.TB) []*pgx.Conn {
	t.Helper()
	servers.once.Do(func() { servers.err = start(context.Background()) })
	if servers.err != nil {
		t.Fatal(servers.err)
	}
	return servers.conns
}

func start(ctx context.Context) error {
	for _, version := range []string{"15", "18"} {
		s, err := pgserver.Run(pgserver.Options{Version: version})
		if err != nil {
			return err
		}
		servers.running = append(servers.running, s)
		config, err := pgx.ParseConfig(s.URL(""))
		if err != nil {
			return err
		}
		config.RuntimeParams["extra_float_digits"] = "3"
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return err
		}
		servers.conns = append(servers.conns, conn)
		if _, err := conn.Exec(ctx, `create extension if not exists hstore; create type mood as enum ('sad', 'so,"so', 'NULL', '');
			create domain amount as numeric(20,4) check (value < 1e15); create domain amounts as amount[];
			create type pair as (a int, b text); create domain mood2 as mood`); err != nil {
			return err
		}
	}
	return nil
}

// both are the values of one column, read in both forms, and the server's
// own text of them.
type both struct {
	binary, text arrow.Array
	want         []string
	field        arrow.Field
}

// read selects expressions of one type and builds a column of each form.
func read(t require, conn *pgx.Conn, opts column.Options, kind string, values []string) both {
	ctx := context.Background()
	// A table keeps the typmod, as a select of casts does not for all types.
	sql := "drop table if exists v; create temp table v (id serial, v " + kind + "); "
	for _, v := range values {
		sql += "insert into v (v) values (" + v + "); "
	}
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	d, err := conn.Prepare(ctx, "", "select v from v")
	if err != nil {
		t.Fatal(err)
	}
	cols, err := column.Of(ctx, conn, d.Fields, opts)
	if err != nil {
		t.Fatal(err)
	}
	out := both{field: cols[0].Field()}
	for form := range int16(2) {
		format := form
		select_ := "v"
		if form == 1 {
			select_ = cols[0].Select("v")
		}
		r := conn.PgConn().ExecParams(ctx, "select "+select_+" from v order by id", nil, nil, nil, []int16{format}).Read()
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		b, err := column.NewBuilder(cols)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range r.Rows {
			appendValue := b.AppendText
			if form == 1 {
				appendValue = b.Append
			} else if row[0] == nil {
				out.want = append(out.want, "NULL")
			} else {
				out.want = append(out.want, string(row[0]))
			}
			if err := appendValue(0, row[0]); err != nil {
				t.Fatalf("%s: %q: %v", kind, row[0], err)
			}
		}
		rec := b.Record()
		if form == 1 {
			out.binary = rec.Column(0)
		} else {
			out.text = rec.Column(0)
		}
	}
	return out
}

type require interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// same compares the two forms with one another.
func (b both) same(t require, kind string) {
	if !array.Equal(b.binary, b.text) && !arrow.IsFloating(b.binary.DataType().ID()) {
		t.Errorf("%s: binary %v, text %v, the server %v", kind, b.binary, b.text, b.want)
	}
	for i := range b.want {
		if b.binary.IsNull(i) != (b.want[i] == "NULL") {
			t.Errorf("%s: row %d is null: %t, the server %q", kind, i, b.binary.IsNull(i), b.want[i])
		}
	}
}

// TestTypes reads values at the borders of each type. For types that become
// text, what Arrow holds is what the server writes; for the others the wanted
// form is told.
func TestTypes(t *testing.T) {
	inf := int64(math.MaxInt64)
	for _, c := range []struct {
		kind   string
		values []string
		want   []any // nil: the server's text
	}{
		{"boolean", []string{"true", "false", "null"}, []any{true, false, nil}},
		{"smallint", []string{"-32768", "32767"}, []any{int16(-32768), int16(32767)}},
		{"integer", []string{"-2147483648", "2147483647"}, []any{int32(math.MinInt32), int32(math.MaxInt32)}},
		{"bigint", []string{"-9223372036854775808", "9223372036854775807"}, []any{int64(math.MinInt64), int64(math.MaxInt64)}},
		{"oid", []string{"4294967295"}, []any{int64(4294967295)}},
		{"real", []string{"1.1", "'-infinity'", "'-0'"}, []any{float32(1.1), float32(math.Inf(-1)), float32(math.Copysign(0, -1))}},
		{"double precision", []string{"1.1", "5e-324", "'infinity'"}, []any{1.1, 5e-324, math.Inf(1)}},
		{"numeric", []string{"0", "0.00", "-1.50", "12345678901234567890123456789012345678901234567890.5", "1e-30", "100000", "'NaN'", "'infinity'", "'-infinity'", "9999.9999", "1e100", "0.0001", "0.00001"}, nil},
		{"numeric(50,10)", []string{"1", "1234567890123456789012345678901234567890.0123456789"}, nil},
		{"text", []string{"''", "'é,\"x'", "null"}, nil},
		{"varchar(5)", []string{"'abc'"}, nil}, {"char(5)", []string{"'abc'"}, nil}, {"name", []string{"'abc'"}, nil},
		{`"char"`, []string{"'a'", "''"}, nil},
		{"mood", []string{"'sad'", "'so,\"so'"}, nil}, {"mood2", []string{"'sad'"}, nil},
		{"bytea", []string{`'\x00ff5c'`, "''"}, []any{[]byte{0, 0xff, 0x5c}, []byte{}}},
		{"date", []string{"'1970-01-02'", "'0044-03-15 BC'", "'5874897-12-31'", "'infinity'", "'-infinity'"}, []any{int32(1), int32(-735160), int32(2145042905), int32(math.MaxInt32), int32(-math.MaxInt32)}},
		{"timestamp", []string{"'1970-01-01 00:00:00.000001'", "'infinity'", "'-infinity'", "'1969-12-31 23:59:59.5'"}, []any{int64(1), inf, -inf, int64(-500000)}},
		{"timestamptz", []string{"'1970-01-01 00:00:00.000001+00'", "'infinity'", "'-infinity'", "'1970-01-01 00:00:00+01'"}, []any{int64(1), inf, -inf, int64(-3600000000)}},
		{"time", []string{"'00:00:00.000001'", "'24:00:00'"}, []any{int64(1), int64(86400000000)}},
		{"timetz", []string{"'12:34:56.7-03:30'", "'24:00:00+00'", "'01:02:03+15:59:59'", "'00:00:00-15:59'"}, nil},
		{"interval", []string{"'1 year 2 mons -3 days 04:05:06.7'", "'-00:00:01'", "'0'", "'-1 year -1 day'"}, []any{
			arrow.MonthDayNanoInterval{Months: 14, Days: -3, Nanoseconds: 14706_700_000_000}, arrow.MonthDayNanoInterval{Nanoseconds: -1e9},
			arrow.MonthDayNanoInterval{}, arrow.MonthDayNanoInterval{Months: -12, Days: -1},
		}},
		{"uuid", []string{"'6f0a3c1e-1b7e-4a53-9d6a-0a4f5a1f2e3d'"}, nil},
		{"json", []string{`'{"a" : 1}'`}, nil}, {"jsonb", []string{`'{"a" : [1, null]}'`}, nil},
		{"inet", []string{"'1.2.3.4'", "'1.2.3.4/24'", "'::1'", "'::'", "'::1.2.3.4'", "'::ffff:1.2.3.4'", "'2001:db8::1/64'", "'1:0:0:2:0:0:0:3'", "'::0.1.0.2'", "'0:0:1::'"}, nil},
		{"cidr", []string{"'10.0.0.0/8'", "'1.2.3.4'", "'::/0'"}, nil},
		{"macaddr", []string{"'08:00:2b:01:02:03'"}, nil}, {"macaddr8", []string{"'08:00:2b:01:02:03:04:05'"}, nil},
		{"bit(9)", []string{"B'101010101'"}, nil}, {"bit varying", []string{"B''", "B'1'"}, nil},
		{"money", []string{"'-1234.56'"}, nil}, {"tsvector", []string{"'a:1 b:2'"}, nil},
		{"point", []string{"'(1,2)'"}, nil}, {"hstore", []string{"'a=>1'"}, nil}, {"int4range", []string{"'[1,5]'", "'empty'"}, nil},
		{"nummultirange", []string{"'{[1,2),(3,)}'"}, nil}, {"pair", []string{"row(1,'x y')", "row(null,null)", "null"}, nil}, {"pair[]", []string{"array[row(1,'x')::pair]"}, nil},
		{"int2vector", []string{"'1 2'"}, nil}, {"pg_lsn", []string{"'0/16B3748'"}, nil}, {"regclass", []string{"'pg_class'"}, nil},
		{"box[]", []string{"'{(1,1),(0,0);(2,2),(0,0)}'"}, nil},
	} {
		for _, conn := range connect(t) {
			t.Run(c.kind, func(t *testing.T) {
				got := read(t, conn, column.Options{}, c.kind, c.values)
				got.same(t, c.kind)
				for i, want := range got.want {
					if c.want == nil {
						if have := got.binary.ValueStr(i); have != want && want != "NULL" {
							t.Errorf("%s: %q, the server has %q", c.values[i], have, want)
						}
					} else if have := valueOf(got.binary, i); fmt.Sprint(have) != fmt.Sprint(c.want[i]) {
						t.Errorf("%s: %v, want %v", c.values[i], have, c.want[i])
					}
				}
			})
		}
	}
}

func valueOf(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return a.Value(i)
	case *array.Int16:
		return a.Value(i)
	case *array.Int32:
		return a.Value(i)
	case *array.Int64:
		return a.Value(i)
	case *array.Float32:
		return a.Value(i)
	case *array.Float64:
		return a.Value(i)
	case *array.Binary:
		return a.Value(i)
	case *array.Date32:
		return int32(a.Value(i))
	case *array.Timestamp:
		return int64(a.Value(i))
	case *array.Time64:
		return int64(a.Value(i))
	case *array.MonthDayNanoInterval:
		return a.Value(i)
	}
	return a.ValueStr(i)
}

// TestDecimal writes random numbers of random precision and scale.
func TestDecimal(t *testing.T) {
	conn := connect(t)[0]
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.IntRange(1, 38).Draw(t, "precision")
		s := rapid.IntRange(0, p).Draw(t, "scale")
		kind := fmt.Sprintf("numeric(%d,%d)", p, s)
		var values []string
		for range 20 {
			whole := rapid.StringMatching(fmt.Sprintf(`-?[0-9]{0,%d}`, p-s)).Draw(t, "whole")
			if whole == "" || whole == "-" {
				whole += "0"
			}
			if s > 0 {
				whole += "." + rapid.StringMatching(fmt.Sprintf(`[0-9]{1,%d}`, s)).Draw(t, "fraction")
			}
			values = append(values, "'"+whole+"'")
		}
		got := read(t, conn, column.Options{}, kind, values)
		got.same(t, kind)
		for i, want := range got.want {
			a := got.binary.(*array.Decimal128)
			if have := a.Value(i).ToString(int32(s)); have != want {
				t.Fatalf("%s: %s of %s, the server has %s", kind, have, values[i], want)
			}
		}
		asText := read(t, conn, column.Options{NumericText: true}, kind, values)
		for i, want := range asText.want {
			if have := asText.binary.ValueStr(i); have != want {
				t.Fatalf("%s as text: %s of %s, the server has %s", kind, have, values[i], want)
			}
		}
	})
}
