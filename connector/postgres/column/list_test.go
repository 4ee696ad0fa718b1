package column_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/connector/postgres/column"
)

func TestArrays(t *testing.T) {
	for _, c := range []struct {
		kind   string
		values []string
		want   []string
	}{
		{"int[]", []string{"'{1,null,3}'", "'{}'", "null"}, []string{"[1,null,3]", "[]", "(null)"}},
		{"bigint[]", []string{"'{9223372036854775807}'"}, []string{"[9223372036854775807]"}},
		{"boolean[]", []string{"'{t,f}'"}, []string{"[true,false]"}},
		{"text[]", []string{`array['a','NULL',null,'','{',',','"','\','é']`}, []string{`["a","NULL",null,"","{",",","\"","\\","é"]`}},
		{"numeric(10,2)[]", []string{"'{1.5,-2}'"}, []string{`["1.5","-2"]`}},
		{"numeric[]", []string{"'{1.50,NaN}'"}, []string{`["1.50","NaN"]`}},
		{"mood[]", []string{"array['so,\"so','NULL','']::mood[]"}, []string{`["so,\"so","NULL",""]`}},
		{"amount[]", []string{"array[1.5]::amount[]"}, []string{`["1.5"]`}},
		{"amounts", []string{"array[1.5]::amount[]"}, []string{`["1.5"]`}},
		{"timestamptz[]", []string{"array['2020-01-01 00:00:00+00'::timestamptz,'infinity']"}, []string{""}},
		{"uuid[]", []string{"array['6f0a3c1e-1b7e-4a53-9d6a-0a4f5a1f2e3d'::uuid]"}, []string{""}},
		{"jsonb[]", []string{`array['{"a": "b,c"}'::jsonb]`}, []string{""}},
		{"bytea[]", []string{`array['\x00ff'::bytea]`}, []string{""}},
		{"interval[]", []string{`array['1 day 00:00:01'::interval]`}, []string{""}},
	} {
		for _, conn := range connect(t) {
			t.Run(c.kind, func(t *testing.T) {
				got := read(t, conn, column.Options{}, c.kind, c.values)
				got.same(t, c.kind)
				for i, want := range c.want {
					if have := got.binary.ValueStr(i); want != "" && have != want {
						t.Errorf("%s: %s, want %s", c.values[i], have, want)
					}
				}
				asText := read(t, conn, column.Options{ArrayText: true}, c.kind, c.values)
				asText.same(t, c.kind)
				for i, want := range asText.want {
					if have := asText.binary.ValueStr(i); want != "NULL" && have != want {
						t.Errorf("as text: %s, the server has %s", have, want)
					}
				}
			})
		}
	}
}

// TestStrings: any text comes through an array in both forms.
func TestStrings(t *testing.T) {
	conn := connect(t)[0]
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOf(rapid.StringOf(rapid.RuneFrom([]rune(`ab",\{} NULé`)))).Draw(t, "items")
		quoted := make([]string, len(items))
		for i, s := range items {
			quoted[i] = "'" + s + "'"
		}
		got := read(t, conn, column.Options{}, "text[]", []string{"array[" + strings.Join(quoted, ",") + "]::text[]"})
		got.same(t, "text[]")
		values := got.binary.(*array.List).ListValues().(*array.String)
		if values.Len() != len(items) {
			t.Fatalf("%d items, want %d", values.Len(), len(items))
		}
		for i, s := range items {
			if values.Value(i) != s {
				t.Fatalf("%q, want %q", values.Value(i), s)
			}
		}
	})
}

// TestTimes: random times agree in both forms with what the server computes.
func TestTimes(t *testing.T) {
	conn := connect(t)[0]
	rapid.Check(t, func(t *rapid.T) {
		var values []string
		var micros []int64
		for range 20 {
			us := rapid.Int64Range(-210_866_803_200_000_000, 9_224_318_015_999_999_999-946_684_800_000_000*2).Draw(t, "us")
			micros = append(micros, us)
			values = append(values, fmt.Sprintf("timestamptz '1970-01-01 00:00:00+00' + interval '%d us'", us))
		}
		for _, kind := range []string{"timestamptz", "timestamp", "date", "time", "timetz"} {
			cast := make([]string, len(values))
			for i, v := range values {
				cast[i] = "(" + v + ")::" + kind
			}
			got := read(t, conn, column.Options{}, kind, cast)
			got.same(t, kind)
			if kind != "timestamptz" {
				continue
			}
			for i, want := range micros {
				if have := int64(got.binary.(*array.Timestamp).Value(i)); have != want {
					t.Fatalf("%d, want %d (%s)", have, want, got.want[i])
				}
			}
		}
		var spans []string
		for range 20 {
			spans = append(spans, fmt.Sprintf("make_interval(months => %d, days => %d) + interval '%d us'",
				rapid.Int32().Draw(t, "months"), rapid.Int32().Draw(t, "days"), rapid.Int64Range(-1<<53, 1<<53).Draw(t, "us")))
		}
		got := read(t, conn, column.Options{}, "interval", spans)
		got.same(t, "interval")
	})
}

// TestRefused: a value without a place in its column takes its row along, and
// no other.
func TestRefused(t *testing.T) {
	cols, err := column.Resolve(t.Context(), connect(t)[0], []column.Column{
		{Name: "id", OID: 23, Typmod: -1, NotNull: true}, {Name: "n", OID: 1700, Typmod: 10<<16 | 2 + 4}, {Name: "a", OID: 1007, Typmod: -1}, {Name: "t", OID: 25, Typmod: -1},
	}, column.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := column.NewBuilder(cols)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	rows := []struct {
		values [4]string
		says   string
	}{
		{[4]string{"1", "1.00", "{1}", "x"}, ""},
		{[4]string{"2", "NaN", "{1}", "x"}, "numeric: text"},
		{[4]string{"3", "1.00", "{{1},{2}}", "x"}, "arrays: text"},
		{[4]string{"4", "1.00", "[0:1]={1,2}", "x"}, "arrays: text"},
		{[4]string{"5", "1.00", "{1,x}", "x"}, `column "a"`},
		{[4]string{"6", "1.00", "{1}", "\xff"}, "SQL_ASCII"},
		{[4]string{"x", "1.00", "{1}", "x"}, `column "id"`},
		{[4]string{"8", "123456789.00", "{1}", "x"}, "more digits"},
		{[4]string{"9", "2.00", "{2,3}", "y"}, ""},
		{[4]string{"10", "1.001", "{1}", "x"}, "more digits"},
	}
	for _, r := range rows {
		var failed error
		for i, v := range r.values {
			if err := b.AppendText(i, []byte(v)); err != nil {
				failed = errors.Join(failed, err)
				b.Reject()
				break
			}
		}
		if (failed == nil) != (r.says == "") || failed != nil && !strings.Contains(failed.Error(), r.says) {
			t.Errorf("%v: %v, want %q", r.values, failed, r.says)
		}
	}
	if b.Len() != 2 {
		t.Errorf("%d rows", b.Len())
	}
	rec := b.Record()
	defer rec.Release()
	if text, _ := rec.MarshalJSON(); string(text) != `[{"a":[1],"id":1,"n":"1","t":"x"}
,{"a":[2,3],"id":9,"n":"2","t":"y"}
]` {
		t.Errorf("%s", text)
	}
	if rec.Column(0).NullN() != 0 || b.Len() != 0 {
		t.Errorf("nulls %d, left %d", rec.Column(0).NullN(), b.Len())
	}
	b.Reject()
	if again := b.Record(); again.NumRows() != 0 {
		t.Error("a rejected row came")
	}
}
