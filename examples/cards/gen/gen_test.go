package gen_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/examples/cards/gen"
)

var usual = gen.Options{Events: 20_000, Seed: 7, Duplicates: 0.03, Malformed: 0.01}

func TestSameOptionsSameBytes(t *testing.T) {
	// The sum pins the stream: files made by an older build of the example
	// stay the ones that its README describes.
	const want = "b120c3ab"
	if got := digest(t, usual); got != digest(t, usual) || !strings.HasPrefix(got, want) {
		t.Errorf("digest %s, want %s…", got, want)
	}
	other := usual
	other.Seed++
	if digest(t, other) == digest(t, usual) {
		t.Error("another seed gives the same stream")
	}
}

func digest(t *testing.T, o gen.Options) string {
	t.Helper()
	sum := sha256.New()
	for e := range stream(t, o).All() {
		fmt.Fprintln(sum, e.Seq, e.Queue, e.Type, e.Time, e.Key())
		sum.Write(e.Body)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func stream(t interface {
	Helper()
	Fatal(...any)
}, o gen.Options,
) *gen.Generator {
	t.Helper()
	g, err := gen.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestFiguresAddUp holds for streams of any size and mixture: the counts are
// exact, a key stands for one message, and repeats repeat.
func TestFiguresAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := gen.Options{
			Events:     rapid.IntRange(1, 600).Draw(t, "events"),
			Seed:       rapid.Uint64().Draw(t, "seed"),
			Duplicates: rapid.Float64Range(0, 0.49).Draw(t, "duplicates"),
			Malformed:  rapid.Float64Range(0, 0.49).Draw(t, "malformed"),
		}
		g := stream(t, o)
		bodies := map[string]string{}
		var unique, repeats, malformed int
		last := gen.Event{Seq: -1}
		for e := range g.All() {
			body, seen := bodies[e.Key()]
			if seen != e.Repeat || seen && body != string(e.Body) {
				t.Fatalf("event %d %s: seen %v, repeat %v", e.Seq, e.Key(), seen, e.Repeat)
			}
			bodies[e.Key()] = string(e.Body)
			if e.Seq != last.Seq+1 || e.Time.Before(last.Time) {
				t.Fatalf("event %d at %s follows %d at %s", e.Seq, e.Time, last.Seq, last.Time)
			}
			last = e
			switch {
			case e.Repeat:
				repeats++
			case e.Fault != "":
				malformed++
			default:
				unique++
			}
		}
		s := g.Summary()
		if s.Published != o.Events || s.Unique != unique || s.Duplicates != repeats || s.Malformed != malformed ||
			unique+repeats+malformed != o.Events || unique+malformed != len(bodies) {
			t.Fatalf("%+v, counted %d unique, %d repeats, %d malformed, %d keys", s, unique, repeats, malformed, len(bodies))
		}
		if want := int(float64(o.Events) * o.Duplicates); repeats != want {
			t.Fatalf("%d repeats, want %d", repeats, want)
		}
		if (s.Oversold != nil) != (unique >= 3) {
			t.Fatalf("oversold %v of %d unique events", s.Oversold, unique)
		}
	})
}

// TestSchema decodes every message with the schema, by reflection: valid ones
// carry the id they claim and no unknown field, and their JSON is the same
// event; malformed ones fail.
func TestSchema(t *testing.T) {
	types := schema(t)
	sizes := map[string][2]int{}
	for e := range stream(t, usual).All() {
		mt, known := types[e.Type]
		if e.Fault == gen.UnknownType || e.Fault == gen.Empty {
			if known != (e.Fault == gen.Empty) || (len(e.Body) == 0) != known {
				t.Fatalf("%s: type %s, %d bytes", e.Fault, e.Type, len(e.Body))
			}
			continue
		}
		m := dynamicpb.NewMessage(mt)
		err := proto.Unmarshal(e.Body, m)
		if (err != nil) != (e.Fault != "") {
			t.Fatalf("event %d (%s): %v", e.Seq, e.Fault, err)
		}
		if e.Fault != "" || e.Repeat {
			continue
		}
		sizes[e.Type] = [2]int{sizes[e.Type][0] + 1, sizes[e.Type][1] + len(e.Body)}
		if id := m.Get(mt.Fields().ByNumber(1)).String(); id != e.ID || len(m.GetUnknown()) > 0 {
			t.Fatalf("event %d carries id %q, claims %q; unknown fields %x", e.Seq, id, e.ID, m.GetUnknown())
		}
		line, ok := e.AppendJSON(nil)
		again := dynamicpb.NewMessage(mt)
		if err := protojson.Unmarshal(line, again); !ok || err != nil || !proto.Equal(m, again) {
			t.Fatalf("%s\nis not %v: %v", line, m, err)
		}
	}
	if mean := sizes["OrderCreated"][1] / sizes["OrderCreated"][0]; mean < 250 || mean > 350 {
		t.Errorf("an order has %d bytes on average, want about 300", mean)
	}
}

func schema(t *testing.T) map[string]protoreflect.MessageDescriptor {
	t.Helper()
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{"../proto"}})}
	files, err := c.Compile(context.Background(), "events.proto")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]protoreflect.MessageDescriptor{}
	for i := range files[0].Messages().Len() {
		m := files[0].Messages().Get(i)
		types[string(m.Name())] = m
	}
	return types
}

func TestEveryFaultOccurs(t *testing.T) {
	g := stream(t, usual)
	for range g.All() {
	}
	s := g.Summary()
	for _, f := range []gen.Fault{gen.Truncated, gen.Garbage, gen.JSON, gen.InvalidUTF8, gen.UnknownType, gen.Empty} {
		if s.Faults[f] == 0 {
			t.Errorf("no message is %s: %v", f, s.Faults)
		}
	}
	if s.Faults[gen.Empty] > 3 || s.Faults[gen.UnknownType] > 24 {
		t.Errorf("more than promised: %v", s.Faults)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []gen.Options{
		{Events: 0},
		{Events: 10, Duplicates: 1},
		{Events: 10, Malformed: -0.1},
		{Events: 10, Duplicates: 0.5, Malformed: 0.5},
	} {
		if _, err := gen.New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

// TestMemoryStaysFlat reads ten times as many events and looks at what is
// alive in the middle.
func TestMemoryStaysFlat(t *testing.T) {
	alive := func(n int) uint64 {
		g := stream(t, gen.Options{Events: n, Seed: 1, Duplicates: 0.02, Malformed: 0.002})
		for range n * 9 / 10 {
			g.Next()
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		runtime.KeepAlive(g)
		return m.HeapAlloc
	}
	if small, large := alive(30_000), alive(300_000); large > small+2<<20 {
		t.Errorf("%d bytes are alive in a stream of 30,000 events, %d of 300,000", small, large)
	}
}

func TestSummaryIsJSON(t *testing.T) {
	g := stream(t, usual)
	for range g.All() {
	}
	raw, err := json.Marshal(gen.Report{Summary: g.Summary()})
	if err != nil || !strings.Contains(string(raw), `"published":20000`) {
		t.Errorf("%s %v", raw, err)
	}
}

func BenchmarkNext(b *testing.B) {
	g := stream(b, gen.Options{Events: 1 << 30, Seed: 1, Duplicates: 0.02, Malformed: 0.002})
	b.ReportAllocs()
	var bytes int64
	for b.Loop() {
		e, _ := g.Next()
		bytes += int64(len(e.Body))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// TestNoBrake: in a folder, where one queue and type comes after the other,
// no thousand messages in a row have more malformed ones than the brake of
// the example's pipeline bears.
func TestNoBrake(t *testing.T) {
	for _, n := range []int{20_000, 500_000} {
		files := map[string][]bool{}
		for e := range stream(t, gen.Options{Events: n, Seed: 1, Duplicates: 0.02, Malformed: 0.002}).All() {
			name := e.Queue + "/" + e.Type
			files[name] = append(files[name], e.Fault != "")
		}
		var all []bool
		for _, name := range slices.Sorted(maps.Keys(files)) {
			all = append(all, files[name]...)
		}
		const window, limit = 1000, 50
		dead := 0
		for i, d := range all {
			if d {
				dead++
			}
			if i >= window && all[i-window] {
				dead--
			}
			if dead > limit {
				t.Fatalf("of %d: %d of the %d messages up to %d are malformed", n, dead, window, i)
			}
		}
	}
}
