package columnar_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/canon"
	"github.com/tidemill/tidemill/internal/columnar"
)

var values = rapid.SampledFrom([]string{
	`null`, `true`, `false`, `0`, `-1`, `1.5`, `0.1`, `9007199254740993`, `9223372036854775807`, `9223372036854775808`,
	`-99999999999999999999999999999999999999`, `123456789012345678901234567890123456789`, `0.1000000000000000055511151231257827`, `1e300`, `5e-324`,
	`""`, `"1"`, `"2024-01-01T00:00:00Z"`, `"ä\n"`, `[]`, `[1,null]`, `{}`, `{"x":{"y":[1.0]}}`,
})

func genPayload(t *rapid.T) []byte {
	members := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "A", "x-y", "1", "_key", "_unknown", "ä"}), values, 0, 5).Draw(t, "members")
	var parts []string
	for name, value := range members {
		q, _ := json.Marshal(name)
		parts = append(parts, string(q)+":"+value)
	}
	text, err := canon.Append(nil, []byte("{"+strings.Join(parts, ",")+"}"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// back is what a row holds, as a canonical payload: each column under its
// member, and the members of UnknownColumn.
func back(t *rapid.T, r arrow.RecordBatch) []string {
	text, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if r.NumCols() == 0 {
		return slices.Repeat([]string{"{}"}, int(r.NumRows()))
	}
	member := map[string]string{}
	for _, f := range r.Schema().Fields() {
		name, ok := f.Metadata.GetValue(columnar.MetaName)
		if !ok {
			name = f.Name
		}
		member[f.Name] = name
	}
	var rows []map[string]json.RawMessage
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, row := range rows {
		all := map[string]json.RawMessage{}
		for column, value := range row {
			if column == columnar.UnknownColumn && string(value) != "null" {
				if err := json.Unmarshal(value, &all); err != nil {
					t.Fatal(err)
				}
			}
		}
		for column, value := range row {
			if column == columnar.UnknownColumn || string(value) == "null" {
				continue
			}
			i := r.Schema().FieldIndices(column)[0]
			if r.Schema().Field(i).Type.ID() == arrow.DECIMAL128 { // Arrow's JSON quotes them
				value = json.RawMessage(strings.Trim(string(value), `"`))
			}
			all[member[column]] = value
		}
		raw, _ := json.Marshal(all)
		c, err := canon.Append(nil, raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(c))
	}
	return out
}

// withoutNulls removes members that are null: a column does not tell them
// from absent ones.
func withoutNulls(t *rapid.T, payload []byte) string {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(payload, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range m {
		if string(v) == "null" {
			delete(m, k)
		}
	}
	raw, _ := json.Marshal(m)
	c, err := canon.Append(nil, raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(c)
}

// TestLossless: under every contract that keeps a row, its columns hold the
// payload exactly; Evolve and Variant come to an end.
func TestLossless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := genPayload(t)
		s, err := columnar.Infer(first)
		if err != nil {
			t.Fatal(err)
		}
		freeze := rapid.Bool().Draw(t, "freeze")
		if freeze {
			s = columnar.WithUnknown(s)
		}
		for _, p := range append([][]byte{first}, genPayload(t), genPayload(t), genPayload(t)) {
			for attempt := 0; ; attempt++ {
				if attempt > 4 {
					t.Fatalf("%s does not come to fit", p)
				}
				b := columnar.NewBuilder(memory.DefaultAllocator, s, false)
				err := b.Append(p)
				var d *columnar.Deviation
				if errors.As(err, &d) {
					if b.Len() != 0 || b.Record().NumRows() != 0 {
						t.Fatal("a refused row left something behind")
					}
					var left *columnar.Deviation
					if s, left = columnar.Evolve(s, d); left != nil {
						s = columnar.Variant(s, left)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				r := b.Record()
				if got, want := back(t, r)[0], withoutNulls(t, p); got != want {
					t.Fatalf("got %s\nwant %s", got, want)
				}
				r.Release()
				break
			}
		}
	})
}

// TestInferenceHolds: the schema that was inferred of payloads takes each of
// them exactly.
func TestInferenceHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in columnar.Inference
		payloads := [][]byte{genPayload(t), genPayload(t), genPayload(t)}
		for _, p := range payloads {
			if err := in.Add(p); err != nil {
				t.Fatal(err)
			}
		}
		b := columnar.NewBuilder(memory.DefaultAllocator, in.Schema(), true)
		for _, p := range payloads {
			if err := b.Append(p); err != nil {
				t.Fatalf("%s: %v", p, err)
			}
		}
		r := b.Record()
		defer r.Release()
		for i, got := range back(t, r) {
			if want := withoutNulls(t, payloads[i]); got != want {
				t.Fatalf("got %s\nwant %s", got, want)
			}
		}
	})
}

// FuzzAppend: whatever the payload, a row lands whole or not at all.
func FuzzAppend(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[1,{"c":"x"}],"d":"2024-01-01T00:00:00Z"}`), []byte(`{"a":1.5,"b":{},"e":null}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		s, err := columnar.Infer(first)
		if err != nil {
			return
		}
		b := columnar.NewBuilder(memory.DefaultAllocator, columnar.WithUnknown(s), false)
		defer b.Release()
		n := 0
		for _, p := range [][]byte{first, second, first} {
			if c, err := canon.Append(nil, p); err == nil && b.Append(c) == nil {
				n++
			}
		}
		r := b.Record()
		defer r.Release()
		if int(r.NumRows()) != n {
			t.Fatalf("%d rows, want %d", r.NumRows(), n)
		}
		for _, c := range r.Columns() {
			if c.Len() != n {
				t.Fatalf("a column has %d rows, want %d", c.Len(), n)
			}
		}
	})
}
