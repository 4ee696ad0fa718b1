package records

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// avroFile returns a file that fastavro wrote, the same rows with each codec.
func avroFile(t testing.TB, codec string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "rows-"+codec+".avro"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAvro(t *testing.T) {
	for _, codec := range []string{"null", "deflate", "snappy", "zstandard"} {
		t.Run(codec, func(t *testing.T) {
			content := avroFile(t, codec)
			g := read(t, content, Options{Format: Avro})
			if len(g.rows) != 40 {
				t.Fatalf("%d rows: %.500q", len(g.rows), g.rows)
			}
			equal(t, []string{g.schema}, []string{"id int64, small int32, ok bool, f float32, d float64, text utf8, raw binary, day date32, at timestamp[us, tz=UTC], price decimal(10, 2), kind utf8, hash binary, " +
				"tags list<item: utf8, nullable>, attrs map<utf8, int64, items_nullable>, sub struct<x: int32 nullable, k: utf8 nullable>, any utf8, tree struct<v: int32 nullable, next: utf8 nullable>"})
			equal(t, []string{g.rows[0], g.rows[7]}, []string{
				`0|0|true|0|0|null|AP8=|2024-01-01|2024-01-01T00:00:00Z|0.5|A|AAAAAA==|[]|[{"key":"a","value":0}]|{"k":"B","x":0}|null|{"next":"{\"v\":0,\"next\":null}","v":1}`,
				`7000000000000000|-7|false|3.5|1.75|text 7|B/8=|2024-01-08|2024-01-01T00:00:00.000007Z|-7.05|B|BwcHBw==|["t0"]|[{"key":"a","value":7}]|{"k":"B","x":7}|[1,7]|{"next":"{\"v\":7,\"next\":null}","v":1}`,
			})
			skips(t, content, Options{Format: Avro, Rows: 7}, g)
			bytewise, err := readFrom(iotest.OneByteReader(bytes.NewReader(content)), nil, 0, Options{Format: Avro, Rows: 3})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, bytewise.rows, g.rows)
		})
	}
}

func TestBrokenAvro(t *testing.T) {
	whole := avroFile(t, "null")
	rows := read(t, whole, Options{Format: Avro}).rows
	sync := []byte("0123456789abcdef")
	second := bytes.Index(whole, sync) + 16
	second += bytes.Index(whole[second:], sync) + 16 // the second block begins
	g := read(t, whole[:second+100], Options{Format: Avro})
	n := len(g.rows) - 1
	equal(t, g.rows[:n], rows[:n])
	if n < 1 || !strings.HasPrefix(g.rows[n], "!") || !strings.Contains(g.rows[n], "malformed avro: block: unexpected EOF") {
		t.Errorf("cut: %.300q", g.rows[n:])
	}

	odd := bytes.Clone(whole)
	odd[second+3] = 0xff // the id of its first row
	odd[second+40] = 0xff
	g = read(t, odd, Options{Format: Avro})
	bad := 0
	for _, r := range g.rows {
		if strings.HasPrefix(r, "!") {
			bad++
			if !strings.Contains(r, "rows of its block are lost") {
				t.Errorf("block: %.300q", r)
			}
		}
	}
	if bad > 1 || !slices.Contains(g.rows, rows[len(rows)-1]) || g.next != 40 {
		t.Errorf("block: %d bad, next %d, last %.200q", bad, g.next, g.rows[len(g.rows)-1])
	}

	for name, c := range map[string]string{
		"no magic":   "PAR1",
		"no schema":  "Obj\x01\x00" + string(sync),
		"cut header": string(whole[:20]),
		"codec":      "Obj\x01\x02\x14avro.codec\x06lzw\x00" + string(sync),
		"huge":       "Obj\x01\x02\x14avro.codec\xfe\xff\xff\xff\xff\xff\xff\x7f",
	} {
		g := read(t, []byte(c), Options{Format: Avro})
		if len(g.rows) != 1 || !strings.HasPrefix(g.rows[0], "!0 malformed avro: ") {
			t.Errorf("%s: %.300q", name, g.rows)
		}
	}
	equal(t, read(t, nil, Options{Format: Avro}).rows, nil)
}

func TestAvroSchemaRefused(t *testing.T) {
	twice := `{"type":"record","name":"R0","fields":[{"name":"x","type":"int"}]}`
	for i := range 20 {
		name := string(rune('A' + i))
		twice = `{"type":"record","name":"` + name + `","fields":[{"name":"a","type":` + twice + `},{"name":"b","type":"` + map[bool]string{true: "R0", false: string(rune('A' + i - 1))}[i == 0] + `"}]}`
	}
	for _, s := range []string{
		`"int"`, `{}`, `[]`, `{"type":"record","fields":[{"name":"a b","type":"int"}]}`, `{"type":"record","name":"R","fields":[{"name":"a","type":"X"}]}`,
		`{"type":"fixed","name":"F","size":-1}`, `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}`,
		strings.Repeat(`{"type":"array","items":`, 200) + `"int"` + strings.Repeat("}", 200), twice,
	} {
		if n, err := parseAvroSchema([]byte(s)); err == nil {
			t.Errorf("%.200s is %+v", s, n)
		}
	}
}
