package duckdb

import "testing"

// TestResultTypes: what the engine marks by metadata comes as Arrow has it,
// also within other values.
func TestResultTypes(t *testing.T) {
	w := open(t, inMemory)
	for sql, want := range map[string]string{
		"SELECT true":                                "bool|true",
		"SELECT [true, NULL, false]":                 "list<l: bool, nullable>|[true,null,false]",
		"SELECT sum(x) FROM (VALUES (1), (-3)) t(x)": "decimal(38, 0)|-2",
		"SELECT {'a': true, 'b': '00000000-0000-0000-0000-000000000001'::UUID, 'c': '{}'::JSON}": `struct<a: bool nullable, b: extension<arrow.uuid> nullable, c: extension<arrow.json[storage_type=utf8]> nullable>|{"a":true,"b":"00000000-0000-0000-0000-000000000001","c":{}}`,
		"SELECT [uuid()::UUID][1] IS NULL": "bool|false",
		"SELECT 'a'::ENUM('b', 'a')":       "dictionary<values=utf8, indices=uint8, ordered=false>|a",
		"SELECT NULL::UUID":                "extension<arrow.uuid>|(null)",
		"SELECT x FROM (VALUES (true), (NULL), (false)) t(x) LIMIT 1 OFFSET 2": "bool|false",
		"SELECT array_value(true, false)":                                      "fixed_size_list<: bool, nullable>[2]|[true,false]",
		"SELECT '1-2-3'::VARCHAR":                                              "utf8|1-2-3",
		"SELECT DATE '2026-01-02'":                                             "date32|2026-01-02",
	} {
		s, err := w.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Query(t.Context(), sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if !r.Next() {
			t.Errorf("%s: %v", sql, r.Err())
		}
		if got := r.Schema().Field(0).Type.String() + "|" + r.RecordBatch().Column(0).ValueStr(0); got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
		r.Release()
		s.Close()
	}
}
