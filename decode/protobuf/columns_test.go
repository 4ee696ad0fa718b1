package protobuf

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/canon"
	"github.com/tidemill/tidemill/internal/columnar"
)

// landed returns the row of one payload as Arrow writes it in JSON.
func landed(t *testing.T, s *arrow.Schema, payload []byte) (string, error) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	b := columnar.NewBuilder(mem, s, false)
	err := b.Append(payload)
	r := b.Record()
	text, jerr := r.MarshalJSON()
	if jerr != nil {
		t.Fatal(jerr)
	}
	r.Release()
	b.Release()
	mem.AssertSize(t, 0)
	return strings.TrimSpace(string(text)), err
}

func TestColumns(t *testing.T) {
	s, _ := rich(t)
	var got []string
	for _, f := range find(t, s, "Order").Columns.Fields() {
		got = append(got, f.Name+" "+f.Type.String())
	}
	want := []string{
		"order_id utf8", "customer int64", "lines list", "placed_at timestamp[us, tz=UTC]", "paid bool",
		"currency utf8", "labels map", "total float64", "ship_to struct", "_unknown extension",
	}
	for i := range min(len(got), len(want)) {
		if g, _, _ := strings.Cut(got[i], "<"); g != want[i] {
			t.Errorf("got %s\nwant %s", g, want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d columns: %s", len(got), got)
	}
}

func TestRows(t *testing.T) {
	s, _ := rich(t)
	for _, c := range []struct{ typ, payload, want string }{
		{
			"Order", `{"customer":"9007199254740993","labels":{"a":"b"},"lines":[{"card":"x","color":"RED","price":0.1},{"color":77,"quantity":3}],"orderId":"o","paid":true,"placedAt":"2024-01-02T03:04:05.123456Z","shipTo":{"country":"DE"},"total":"NaN"}`,
			`[{"_unknown":null,"currency":"","customer":9007199254740993,"labels":[{"key":"a","value":"b"}],"lines":[{"card":"x","color":"RED","price":0.1,"quantity":0},{"card":"","color":"77","price":0,"quantity":3}],"order_id":"o","paid":true,"placed_at":"2024-01-02T03:04:05.123456Z","ship_to":{"country":"DE","street":""},"total":"NaN"}` + "\n]",
		},
		{
			"Order", `{}`,
			`[{"_unknown":null,"currency":"","customer":0,"labels":[],"lines":[],"order_id":"","paid":false,"placed_at":null,"ship_to":null,"total":0}` + "\n]",
		},
		{ // what no column holds keeps its place
			"Order", `{"_unknown":"mAYH","extra":{"b":null},"lines":[{"card":"x"},{"_unknown":"eA==","card":"y"}],"placedAt":"2024-01-02T03:04:05.123456789Z","shipTo":{"zip":1}}`,
			`[{"_unknown":{"_unknown":"mAYH","extra":{"b":null},"lines":[null,{"_unknown":"eA=="}],"placedAt":"2024-01-02T03:04:05.123456789Z","shipTo":{"zip":1}},"currency":"","customer":0,"labels":[],"lines":[{"card":"x","color":"COLOR_UNSPECIFIED","price":0,"quantity":0},{"card":"y","color":"COLOR_UNSPECIFIED","price":0,"quantity":0}],"order_id":"","paid":false,"placed_at":"2024-01-02T03:04:05.123456Z","ship_to":{"country":"","street":""},"total":0}` + "\n]",
		},
	} {
		got, err := landed(t, find(t, s, c.typ).Columns, []byte(c.payload))
		if err != nil || got != c.want {
			t.Errorf("%s\n got %s, %v\nwant %s", c.payload, got, err, c.want)
		}
	}
}

// TestMismatch: a value that its form could not carry names its place, and
// leaves no row.
func TestMismatch(t *testing.T) {
	s, _ := rich(t)
	columns := find(t, s, "Order").Columns
	got, err := landed(t, columns, []byte(`{"lines":[{"card":"x"},{"price":"much"}],"orderId":"o","placedAt":{"nanos":-1}}`))
	var d *columnar.Deviation
	if !errors.As(err, &d) || len(d.Changed) != 2 || got != "[]" {
		t.Fatalf("%s %v", got, err)
	}
	if want := `column "lines[].price" is float64, the value is string; column "placed_at" is timestamp, the value is json`; err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	variant := columnar.Variant(columns, d)
	got, err = landed(t, variant, []byte(`{"placedAt":{"nanos":-1}}`))
	if err != nil || !strings.Contains(got, `"placed_at":null,"placed_at__json":{"nanos":-1}`) {
		t.Errorf("%s %v", got, err)
	}
}

// TestVariantKeepsOnce: what a variant column holds is not also unknown.
func TestVariantKeepsOnce(t *testing.T) {
	s, _ := rich(t)
	columns := find(t, s, "Order").Columns
	payload := []byte(`{"more":1,"shipTo":{"street":7,"zip":1}}`)
	_, err := landed(t, columns, payload)
	var d *columnar.Deviation
	if !errors.As(err, &d) {
		t.Fatal(err)
	}
	got, err := landed(t, columnar.Variant(columns, d), payload)
	if err != nil || !strings.Contains(got, `"_unknown":{"more":1},`) || !strings.Contains(got, `"ship_to__json":{"street":7,"zip":1}`) {
		t.Errorf("%s %v", got, err)
	}
}

// TestProtected: the schema follows what protection does to values.
func TestProtected(t *testing.T) {
	s, _ := rich(t)
	p, err := canon.NewProtect([]string{"ship_to.street", "labels"}, []string{"customer", "lines.card"}, []string{"placed_at", "lines.price"}, "salt")
	if err != nil {
		t.Fatal(err)
	}
	payload, err := p.Append(nil, []byte(`{"customer":"7","labels":{"a":"b"},"lines":[{"card":"x","price":2}],"placedAt":"2024-01-02T03:04:05Z","shipTo":{"country":"DE","street":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := landed(t, columnar.Protect(find(t, s, "Order").Columns, p), payload)
	if err != nil || strings.Contains(got, "labels") || strings.Contains(got, "street") || strings.Count(got, "***") != 2 {
		t.Errorf("%s %v", got, err)
	}
}

// TestEveryMessageFits: whatever a described message holds, its columns take
// it.
func TestEveryMessageFits(t *testing.T) {
	s, _ := rich(t)
	typ := find(t, s, "Rich")
	wire := s.NewWire()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	b := columnar.NewBuilder(mem, typ.Columns, false)
	rapid.Check(t, func(t *rapid.T) {
		m := generator{t, s.plans}.message(typ.plan.desc, 3)
		if rapid.Bool().Draw(t, "unknown") {
			m.SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 900, protowire.VarintType), 1))
		}
		payload, err := wire.Append(nil, typ, marshal(t, m))
		if err != nil {
			t.Fatal(err)
		}
		before := b.Len()
		if err := b.Append(payload); err != nil || b.Len() != before+1 {
			t.Fatalf("%s: %v", payload, err)
		}
	})
	r := b.Record()
	if int(r.NumRows()) < 100 {
		t.Errorf("%d rows", r.NumRows())
	}
	r.Release()
	b.Release()
	mem.AssertSize(t, 0)
}
