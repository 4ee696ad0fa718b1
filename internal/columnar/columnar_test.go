package columnar_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill/internal/canon"
	"github.com/tidemill/tidemill/internal/columnar"
)

// rows appends payloads and returns the record as JSON.
func rows(t *testing.T, s *arrow.Schema, strict bool, payloads ...string) (string, []error) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	b := columnar.NewBuilder(mem, s, strict)
	var errs []error
	for _, p := range payloads {
		text, err := canon.Append(nil, []byte(p))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Append(text); err != nil {
			errs = append(errs, err)
		}
	}
	r := b.Record()
	js, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(payloads) - len(errs); int(r.NumRows()) != n {
		t.Errorf("%d rows, want %d", r.NumRows(), n)
	}
	r.Release()
	b.Release()
	mem.AssertSize(t, 0)
	return string(js), errs
}

func infer(t *testing.T, payloads ...string) *arrow.Schema {
	t.Helper()
	var in columnar.Inference
	for _, p := range payloads {
		text, err := canon.Append(nil, []byte(p))
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Add(text); err != nil {
			t.Fatal(err)
		}
	}
	return in.Schema()
}

func describe(s *arrow.Schema) string {
	var parts []string
	for _, f := range s.Fields() {
		parts = append(parts, f.Name+" "+columnar.TypeName(f.Type))
	}
	return strings.Join(parts, ", ")
}

func TestInference(t *testing.T) {
	for _, c := range []struct {
		payloads []string
		want     string
	}{
		{[]string{`{"a":1,"b":"x","c":true,"d":1.5,"e":{},"f":[],"g":null}`}, "a int64, b string, c bool, d float64, e json, f json"},
		{[]string{`{"a":1}`, `{"a":1.5}`}, "a float64"},
		{[]string{`{"a":9007199254740993}`, `{"a":1.5}`}, "a json"},
		{[]string{`{"a":1.5}`, `{"a":9007199254740993}`}, "a json"},
		{[]string{`{"a":1}`, `{"a":9223372036854775808}`}, "a decimal"},
		{[]string{`{"a":1}`, `{"a":"x"}`}, "a json"},
		{[]string{`{"a":0.1000000000000000055511151231257827}`}, "a json"},
		{[]string{`{"a":123456789012345678901234567890123456789}`}, "a json"},
		{[]string{`{"a":null}`, `{"a":false}`}, "a bool"},
		{[]string{`{"aB":1,"ab":2}`}, "aB int64, ab_fb8e20fc int64"},
		{[]string{`{"order-id":1,"1x":2,"":3,"_key":4,"_unknown":5}`}, "__e3b0c442 int64, _1x_a048e640 int64, _key_6ce26c63 int64, _unknown_72c67438 int64, order_id_e3f2b5e8 int64"},
	} {
		if got := describe(infer(t, c.payloads...)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.payloads, got, c.want)
		}
	}
}

func TestAppend(t *testing.T) {
	s := infer(t, `{"id":1,"name":"x","price":1.5,"tags":["a"],"ok":true,"big":9223372036854775808}`)
	got, errs := rows(
		t, s, false,
		`{"id":9007199254740993,"name":"ä\"","price":2,"tags":[1,{"b":2,"a":1}],"ok":false,"big":-99999999999999999999999999999999999999}`,
		`{}`,
		`{"name":null,"id":"1"}`,
		`{"price":9007199254740993}`,
		`{"id":1.5,"name":3}`,
		`{"other":1}`,
		`{"other":null,"id":7}`,
	)
	want := `[{"big":"-99999999999999999999999999999999999999","id":9007199254740993,"name":"ä\"","ok":false,"price":2,"tags":[1,{"a":1,"b":2}]}
,{"big":null,"id":null,"name":null,"ok":null,"price":null,"tags":null}
,{"big":null,"id":7,"name":null,"ok":null,"price":null,"tags":null}
]`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	wantErrs := []string{
		`column "id" is int64, the value is string`,
		`column "price" is float64, the value is int64`,
		`column "id" is int64, the value is float64; column "name" is string, the value is int64`,
		`column "other" (int64) is new`,
	}
	for i, err := range errs {
		if i >= len(wantErrs) || err.Error() != wantErrs[i] {
			t.Errorf("error %d: %v", i, err)
		}
	}
	if len(errs) != len(wantErrs) {
		t.Errorf("%d errors", len(errs))
	}
}

func TestContracts(t *testing.T) {
	s := infer(t, `{"id":1,"name":"x"}`)
	deviation := func(s *arrow.Schema, strict bool, payload string) *columnar.Deviation {
		t.Helper()
		_, errs := rows(t, s, strict, payload)
		var d *columnar.Deviation
		if len(errs) == 1 && !errors.As(errs[0], &d) {
			t.Fatal(errs)
		}
		return d
	}

	t.Run("evolve", func(t *testing.T) {
		wide, left := columnar.Evolve(s, deviation(s, false, `{"id":1.5,"more":[1]}`))
		if got := describe(wide); left != nil || got != "id decimal, name string, more json" {
			t.Fatal(got, left)
		}
		got, errs := rows(t, wide, false, `{"id":-9223372036854775808.000000000000000001,"more":{}}`, `{"id":7}`)
		if want := `[{"id":"-9223372036854775808.000000000000000001","more":{},"name":null}
,{"id":"7","more":null,"name":null}
]`; len(errs) > 0 || got != want {
			t.Errorf("got %s %v", got, errs)
		}
		_, left = columnar.Evolve(s, deviation(s, false, `{"id":1,"name":{}}`))
		if left == nil || left.Changed[0].Column != "name" {
			t.Errorf("left %v", left)
		}
	})

	t.Run("variant", func(t *testing.T) {
		for _, meta := range []bool{true, false} {
			v := columnar.Variant(s, deviation(s, false, `{"id":{"a":1}}`))
			if !meta { // as a warehouse gives it back
				var fields []arrow.Field
				for _, f := range v.Fields() {
					f.Metadata = arrow.Metadata{}
					fields = append(fields, f)
				}
				v = arrow.NewSchema(fields, nil)
			}
			got, errs := rows(t, v, false, `{"id":{"a":1}}`, `{"id":2}`)
			if want := `[{"id":null,"id__json":{"a":1},"name":null}
,{"id":2,"id__json":null,"name":null}
]`; len(errs) > 0 || got != want {
				t.Errorf("got %s %v", got, errs)
			}
		}
	})

	t.Run("freeze", func(t *testing.T) {
		got, errs := rows(t, columnar.WithUnknown(s), false, `{"id":1,"a":[1],"z":{"x":null}}`, `{"id":2,"a":null}`, `{"id":"x"}`)
		if want := `[{"_unknown":{"a":[1],"z":{"x":null}},"id":1,"name":null}
,{"_unknown":null,"id":2,"name":null}
]`; len(errs) != 1 || got != want {
			t.Errorf("got %s %v", got, errs)
		}
	})

	t.Run("dead_letter", func(t *testing.T) {
		if d := deviation(columnar.WithUnknown(s), true, `{"id":1,"a":1}`); d == nil || len(d.New) != 1 {
			t.Errorf("%v", d)
		}
	})

	t.Run("hashed names", func(t *testing.T) {
		s := infer(t, `{"order-id":1}`)
		bare := arrow.NewSchema([]arrow.Field{{Name: s.Field(0).Name, Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
		if got, errs := rows(t, bare, false, `{"order-id":5}`); len(errs) > 0 || !strings.Contains(got, ":5}") {
			t.Errorf("%s %v", got, errs)
		}
	})
}
