package records

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCSV(t *testing.T) {
	for _, c := range []struct {
		name, content string
		d             Dialect
		schema        string
		want          []string
	}{
		{
			"types", "i,big,dec,zero,plus,b,d,ts,tz,e,t\n1,12345678901234567890,1.50,007,+1,true,2024-02-29,2024-01-02 03:04:05.5,2024-01-02T03:04:05+02:00,1e3,x\n-2,1,2,1,2,false,2024-01-01,2024-01-02 00:00:00,2024-01-02T00:00:00Z,2.5,\n",
			Dialect{},
			"i int64, big decimal(38, 0), dec decimal(38, 9), zero utf8, plus utf8, b bool, d date32, ts timestamp[us], tz timestamp[us, tz=UTC], e float64, t utf8",
			[]string{"1|12345678901234567890|1.5|007|+1|true|2024-02-29|2024-01-02T03:04:05.5|2024-01-02T01:04:05Z|1000|x", "-2|1|2|1|2|false|2024-01-01|2024-01-02T00:00:00|2024-01-02T00:00:00Z|2.5|null"},
		},
		{"exact", "a,b,c,d\n1e400,-0,2024-02-30,0.1234567890123456789\n1,1,2024-01-01,1\n", Dialect{}, "a utf8, b float64, c utf8, d utf8", []string{"1e400|-0|2024-02-30|0.1234567890123456789", "1|1|2024-01-01|1"}},
		{"semicolon", "a;b\n1,5;x\n2,5;\"y;z\"\n", Dialect{}, "a utf8, b utf8", []string{"1,5|x", "2,5|y;z"}},
		{"tab", "a\tb\n1\tx,y\n", Dialect{}, "a int64, b utf8", []string{"1|x,y"}},
		{"pipe, no header", "1|x\n2|y\n", Dialect{}, "column_1 int64, column_2 utf8", []string{"1|x", "2|y"}},
		{"quotes", "a,b\n\"x \"\"y\"\"\",\"line\nbreak\"\n'z',\n", Dialect{}, "a utf8, b utf8", []string{"x \"y\"|line\nbreak", "'z'|null"}},
		{"apostrophes", "'a','b'\n'1','x,y'\n", Dialect{}, "a int64, b utf8", []string{"1|x,y"}},
		{"backslash", "a,b\n\"x \\\"y\\\" z\",1\n", Dialect{}, "a utf8, b int64", []string{`x "y" z|1`}},
		{"CR LF and BOM", "\xef\xbb\xbfa,b\r\n1,2\r\n\r\n3,4", Dialect{}, "a int64, b int64", []string{"1|2", "3|4"}},
		{"ragged", "a,b\n1,2\n3\n4,5,6\n7,8\n", Dialect{}, "a int64, b int64", []string{"1|2", "7|8", "!1 malformed csv: the row has 1 fields, not 2: 3", "!2 malformed csv: the row has 3 fields, not 2: 4,5,6"}},
		{"no UTF-8", "a,b\n1,x\n2,\xff\n", Dialect{}, "a int64, b utf8", []string{"1|x", "!1 malformed csv: the row is not UTF-8: 2,\xff"}},
		{"UTF-16", "\xff\xfea\x00,\x00b\x00\n\x00", Dialect{}, "", []string{"!0 malformed the text is UTF-16, and only UTF-8 is read: *"}},
		{"open quote", "a,b\n1,2\n3,\"4\n5,6\n", Dialect{}, "a int64, b int64", []string{"1|2", "!1 malformed csv: a quoted field does not end: 3,\"4\n5,6\n"}},
		{"after a quote", "a,b\n1,2\n3,\"4\"x\n5,6\n", Dialect{}, "a int64, b int64", []string{"1|2", "5|6", "!1 malformed csv: text follows the quote that ends a field: 3,\"4\"x"}},
		{"empty text", "a,b\n\"\",1\n,2\n", Dialect{}, "a utf8, b int64", []string{"|1", "null|2"}},
		{"null text", "a,b\nNULL,1\n,NULL\n", Dialect{Null: []string{"NULL"}}, "a utf8, b int64", []string{"null|1", "|null"}},
		{"set types", "a,b,c\n1,2,3\n", Dialect{Types: map[string]string{"a": "text", "b": "decimal(10,2)", "*": "double"}}, "a utf8, b decimal(10, 2), c float64", []string{"1|2|3"}},
		{"set type refuses", "a,b\n1.5,2\n2,3\n", Dialect{Types: map[string]string{"a": "int64"}}, "a int64, b int64", []string{"2|3", `!0 malformed csv: column a is of type int64, which "1.5" is not; set its type to text: 1.5,2`}},
		{"names", "A,a,_key,1st,\n1,2,3,4,5\n", Dialect{Header: "yes"}, "A int64, a_2 int64, key int64, c*", []string{"1|2|3|4|5"}},
		{"own names", "1,2\n", Dialect{Columns: []string{"x", "y"}}, "x int64, y int64", []string{"1|2"}},
		{"one column", "a\nx\n\ny\n", Dialect{}, "a utf8", []string{"x", "null", "y"}},
		{"only a header", "a,b\n", Dialect{}, "", nil},
		{"empty", "", Dialect{}, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{Format: CSV, CSV: c.d}
			g := read(t, []byte(c.content), opts)
			equal(t, g.rows, c.want)
			equal(t, []string{g.schema}, []string{c.schema})
			opts.Rows = 1 // so that rows come in their order
			g = read(t, []byte(c.content), opts)
			skips(t, []byte(c.content), opts, g)
			offsets(t, []byte(c.content), opts, g)
		})
	}
}

func TestCSVLong(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	g := read(t, []byte("a,b\n1,y\n2,"+long+"\n3,\""+long+"\n"+long+"\"\n4,z\n"), Options{Format: CSV, MaxRow: 1 << 10, CSV: Dialect{Header: "yes"}})
	equal(t, g.rows, []string{"1|y", "4|z", "!1 too_large *", "!2 too_large *"})
}

func TestAddedColumns(t *testing.T) {
	g := read(t, []byte("a,year\n1,1999\n"), Options{Format: CSV, Columns: []Column{{Name: "Year", Value: "2024"}, {Name: "month", Value: "07"}, {Name: "day", Null: true}}})
	equal(t, g.rows, []string{"1|1999|07|null"})
	equal(t, []string{g.schema}, []string{"a int64, year int64, month utf8, day utf8"})
}

// What encoding/csv writes comes out as it went in, whatever types are found.
func TestCSVRoundTrip(t *testing.T) {
	value := rapid.OneOf(rapid.StringMatching(`[a-z0-9 ,;"'|.é\n-]{0,6}`), rapid.StringMatching(`-?[0-9]{1,25}`), rapid.StringMatching(`[0-9]{1,3}\.[0-9]{1,20}`), rapid.StringMatching(`[0-9]{1,17}e[0-9]{1,2}`))
	rapid.Check(t, func(t *rapid.T) {
		cols := rapid.IntRange(2, 4).Draw(t, "columns")
		var out strings.Builder
		w := csv.NewWriter(&out)
		var head []string
		for i := range cols {
			head = append(head, fmt.Sprintf("name%c", 'a'+i))
		}
		_ = w.Write(head)
		var want []string
		for range rapid.IntRange(1, 8).Draw(t, "rows") {
			row := make([]string, cols)
			for i := range row {
				row[i] = value.Draw(t, "value")
			}
			_ = w.Write(row)
			want = append(want, strings.Join(row, "|"))
		}
		w.Flush()
		g, err := readFrom(strings.NewReader(out.String()), nil, 0, Options{Format: CSV, CSV: Dialect{Delimiter: ',', Quote: '"', Escape: '"', Header: "yes", Null: []string{"\x00"}, Types: map[string]string{"*": "text"}}})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(g.rows, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%q became %q", want, g.rows)
		}
	})
}

// A number that is given a numeric type is the same number, digit by digit.
func TestNumbersAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`-?[0-9]{1,40}`), rapid.StringMatching(`-?[0-9]{1,22}\.[0-9]{1,20}`), rapid.StringMatching(`[0-9](\.[0-9]{1,18})?e-?[0-9]{1,3}`)).Draw(t, "text")
		for _, k := range detected {
			var c cell
			if !c.parse([]byte(text), k) {
				continue
			}
			got := ""
			switch k.name {
			case kindInt:
				got = fmt.Sprint(c.integer)
			case kindDecimal:
				got = c.decimal.ToString(k.scale)
			case kindDouble:
				mantissa, _, _ := strings.Cut(text, "e")
				if significant(mantissa) != significant(fmt.Sprintf("%e", c.double)) && significant(mantissa) != significant(fmt.Sprintf("%.17e", c.double)) {
					if s := fmt.Sprint(c.double); significant(s) != significant(mantissa) {
						t.Fatalf("%s became the double %s", text, s)
					}
				}
				continue
			default:
				t.Fatalf("%s is taken as %s", text, k)
			}
			if strings.Contains(got, ".") {
				got = strings.TrimRight(strings.TrimRight(got, "0"), ".")
			}
			want := text
			if strings.Contains(want, ".") {
				want = strings.TrimRight(strings.TrimRight(want, "0"), ".")
			}
			if got != want {
				t.Fatalf("%s became %s as %s", text, got, k)
			}
		}
	})
}
