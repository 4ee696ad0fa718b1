package seed_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/pipeline/build/seed"
)

func none(string) bool { return false }

func TestTypes(t *testing.T) {
	for cells, want := range map[string]seed.Type{
		"1\n-20":                          seed.Integer,
		"9223372036854775807":             seed.Integer,
		"9223372036854775808":             seed.Text,
		"1\n2.5":                          seed.Float,
		"1e6":                             seed.Float,
		"0.1234567890123456789":           seed.Text,
		"007":                             seed.Text,
		"+1":                              seed.Text,
		"inf":                             seed.Text,
		"true\nFALSE":                     seed.Boolean,
		"true\n1":                         seed.Text,
		"2026-01-31":                      seed.Date,
		"2026-02-31":                      seed.Text,
		"2026-01-31\n2026-01-31 10:00:00": seed.Timestamp,
		"2026-01-31T10:00:00.123456":      seed.Timestamp,
		"2026-01-31 10:00:00.1234567":     seed.Text,
		"\"\"\nnull\n1":                   seed.Integer,
		"\"\"":                            seed.Text,
		"a":                               seed.Text,
	} {
		table, err := seed.Read("s.csv", []byte("c\n"+cells+"\n"), ',', none)
		if err != nil {
			t.Errorf("%q: %v", cells, err)
			continue
		}
		if got := table.Columns[0].Type; got != want {
			t.Errorf("%q: type %d, want %d", cells, got, want)
		}
	}
}

func TestReadKeepsTypedCells(t *testing.T) {
	table, err := seed.Read("s.csv", []byte("\xef\xbb\xbfzip;name\r\n007;null\r\n;\"a;\"\"b\"\r\n"), ';', func(c string) bool { return c == "zip" })
	if err != nil {
		t.Fatal(err)
	}
	if table.Columns[0].Name != "zip" || *table.Rows[0][0] != "007" || table.Rows[0][1] != nil || table.Rows[1][0] != nil || *table.Rows[1][1] != `a;"b` {
		t.Errorf("%+v", table)
	}
}

func TestErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":             "s.csv:1:1: read seed: the file has no header",
		"a,b\n1,2\n3":  "s.csv:3:1: read seed: the row has 1 cells, the header 2",
		"a,A\n":        `column "A" stands twice`,
		"a,\n":         "column 2 has no name",
		"a\n\"x\ny":    "s.csv:3:",
		"a,b\n1,2,3\n": "the row has 3 cells",
	} {
		if _, err := seed.Read("s.csv", []byte(in), ',', none); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

// FuzzRead: every cell comes back as encoding/csv reads it, or as null.
func FuzzRead(f *testing.F) {
	f.Add("a,b\n1,x\n,null\n")
	f.Add("a\n\"q\"\"\"\n")
	f.Fuzz(func(t *testing.T, s string) {
		table, err := seed.Read("f", []byte(s), ',', none)
		if err != nil {
			return
		}
		records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(s, "\xef\xbb\xbf"))).ReadAll()
		if err != nil || len(records) != len(table.Rows)+1 {
			t.Fatalf("%d records, %d rows, %v", len(records), len(table.Rows), err)
		}
		for i, row := range table.Rows {
			for j, cell := range row {
				raw := records[i+1][j]
				if cell == nil && raw != "" && !strings.EqualFold(raw, "null") || cell != nil && *cell != raw {
					t.Fatalf("row %d column %d: %q became %v", i, j, raw, cell)
				}
			}
		}
	})
}
