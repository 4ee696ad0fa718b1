package land_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
	"github.com/tidemill/tidemill/tidetest"
)

func columnsPipeline(contract string) project.Pipeline {
	p := pipeline()
	p.Land.Table, p.Land.Shape, p.Land.Contract = "raw.{type}", "columns", contract
	p.Dead.StopAt = project.StopAt{}
	return p
}

func typed(typ, payload string) tidemill.Message {
	return tidemill.Message{Source: "q", Type: typ, Value: []byte(payload)}
}

// cells returns a column of a table as text, null as -.
func cells(w *tidetest.FakeWarehouse, table, column string) string {
	var all []string
	for _, r := range w.Rows(table) {
		v, ok := r.Values[column]
		if !ok {
			v = "-"
		}
		all = append(all, v)
	}
	return strings.Join(all, " ")
}

func TestOneTablePerType(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	commits := 0
	w.Fault = func(_ context.Context, at tidetest.Point, l tidemill.Landing) error {
		if at == tidetest.BeforeCommit {
			commits++
		}
		return nil
	}
	for i, typ := range []string{"OrderCreated", "HTTPRequest", "cards.v1.CardCatalog", "order-created", "Ünï", "日本"} {
		q.Publish(typed(typ, fmt.Sprintf(`{"n":%d}`, i)))
	}
	want(t, mustRun(t, config(t, columnsPipeline("evolve"), q.Source(), w)), 6, 0, 0)
	got := strings.Join(w.Tables(), " ")
	for _, name := range []string{"raw.cards_v1_card_catalog", "raw.http_request", "raw.order_created"} {
		if !strings.Contains(got, name) {
			t.Errorf("tables are %s, without %s", got, name)
		}
	}
	if n := cells(w, "raw.order_created", "n"); n != "0 3" {
		t.Errorf("two types of one name landed %s, want both", n)
	}
	if commits != 1 {
		t.Errorf("%d commits, want one for all tables", commits)
	}
}

func TestContracts(t *testing.T) {
	first := []string{`{"a":1,"b":"x"}`}
	then := []string{`{"a":2,"b":"y","c":true}`, `{"a":3.5,"b":"z"}`, `{"a":4,"b":5}`, `{"a":6}`}
	for _, c := range []struct {
		contract   string
		rows, dead int64
		columns    map[string]string
	}{
		{"evolve", 3, 1, map[string]string{"a": "1 2 3.5 6", "b": "x y z -", "c": "- true - -"}},
		{"variant", 4, 0, map[string]string{"a": "1 2 3.5 4 6", "b": "x y z - -", "b__int64": "- - - 5 -"}},
		{"freeze", 2, 2, map[string]string{"a": "1 2 6", "b": "x y -", "_unknown": `- {"c":true} -`}},
		{"dead_letter", 1, 3, map[string]string{"a": "1 6", "b": "x -"}},
	} {
		for _, restart := range []bool{true, false} {
			t.Run(fmt.Sprint(c.contract, " restart ", restart), func(t *testing.T) {
				q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
				publish := func(payloads []string) {
					for _, p := range payloads {
						q.Publish(typed("T", p))
					}
				}
				publish(first)
				rows := c.rows
				if restart {
					want(t, mustRun(t, config(t, columnsPipeline(c.contract), q.Source(), w)), 1, 0, 0)
				} else {
					rows++
				}
				publish(then)
				want(t, mustRun(t, config(t, columnsPipeline(c.contract), q.Source(), w)), rows, 0, c.dead)
				for column, value := range c.columns {
					if got := cells(w, "raw.t", column); trimZeros(got) != value {
						t.Errorf("%s holds %s, want %s", column, got, value)
					}
				}
				for _, d := range w.Letters() {
					if d.Code != tidemill.SchemaIncompatible || !strings.Contains(d.Reason, "column") {
						t.Errorf("letter says %s %q", d.Code, d.Reason)
					}
				}
			})
		}
	}
}

// trimZeros writes decimals as short as they can be.
func trimZeros(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		if strings.Contains(w, ".") {
			words[i] = strings.TrimRight(strings.TrimRight(w, "0"), ".")
		}
	}
	return strings.Join(words, " ")
}

func TestUpsertOfColumns(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	for _, p := range []string{
		`{"id":1,"v":"a"}`, `{"id":2,"v":"b"}`, `{"id":1,"v":"c"}`, `{"id":null,"v":"d"}`, `{"v":"e"}`,
	} {
		q.Publish(typed("T", p))
	}
	p := columnsPipeline("evolve")
	p.Land.Write, p.Land.UniqueKey = "upsert", []string{"id"}
	want(t, mustRun(t, config(t, p, q.Source(), w)), 3, 0, 2)
	if got := cells(w, "raw.t", "v"); got != "c b" {
		t.Errorf("the table holds %s, want the last of each id", got)
	}
	for _, d := range w.Letters() {
		if !strings.Contains(d.Reason, `"id"`) {
			t.Errorf("letter says %q, want the column", d.Reason)
		}
	}
}

const orderProto = `syntax = "proto3";
package shop;
message Order { string id = 1; int64 total = 2; string card = 3; int32 lines = 4; }
`

// Described types make their table from the descriptor, protected.
func TestColumnsOfADescriptor(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "order.proto"), []byte(orderProto), 0o600); err != nil {
		t.Fatal(err)
	}
	p := columnsPipeline("evolve")
	p.Decode = project.Decode{Format: "protobuf", Files: []string{"order.proto"}, Message: "type"}
	p.Land.Drop = []string{"card"}
	decoder, err := decode.New(p.Decode, dir)
	if err != nil {
		t.Fatal(err)
	}
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	for range 2 { // the second run finds the table, without the metadata of its columns
		q.Publish(tidemill.Message{
			Source: "q", Type: "Order", ID: fmt.Sprint(len(w.Rows("raw.order"))),
			Value: []byte("\x0a\x02o1\x10\x96\x01\x1a\x044111"),
		})
		want(t, mustRun(t, land.Config{Pipeline: p, Source: q.Source(), Warehouse: w, Decoder: decoder, Mode: land.Once}), 1, 0, 0)
	}
	for column, value := range map[string]string{"id": "o1 o1", "total": "150 150", "lines": "0 0", "card": "- -"} {
		if got := cells(w, "raw.order", column); got != value {
			t.Errorf("%s holds %s, want %s", column, got, value)
		}
	}
}

// Whatever comes, each message is a row, a duplicate or a letter, in every
// contract, and no run fails.
func TestColumnsTakeAnything(t *testing.T) {
	value := rapid.OneOf(
		rapid.SampledFrom([]string{"null", "true", "1", "-7", "1.5", "1e300", "9007199254740993", `"x"`, `"2026-11-21"`, "[]", "[1,2]", `["a",1]`, "{}", `{"a":1}`, `{"a":"b"}`}),
		rapid.Map(rapid.Int64(), func(n int64) string { return fmt.Sprint(n) }),
	)
	rapid.Check(t, func(rt *rapid.T) {
		q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
		p := columnsPipeline(rapid.SampledFrom([]string{"evolve", "variant", "freeze", "dead_letter"}).Draw(rt, "contract"))
		n := int64(0)
		for range rapid.IntRange(1, 3).Draw(rt, "runs") {
			now := rapid.IntRange(1, 8).Draw(rt, "messages")
			for range now {
				name := rapid.SampledFrom([]string{"a", "b", "A", "_key", "x y", "_unknown", "a__int64"})
				members := rapid.MapOfN(name, value, 0, 4).Draw(rt, "members")
				var parts []string
				for k, v := range members {
					parts = append(parts, fmt.Sprintf("%q:%s", k, v))
				}
				q.Publish(typed(rapid.SampledFrom([]string{"T", "U"}).Draw(rt, "type"), "{"+strings.Join(parts, ",")+"}"))
			}
			n += int64(now)
			if _, err := run(t, config(t, p, q.Source(), w)); err != nil {
				rt.Fatal(err)
			}
		}
		var sum int64
		for _, r := range w.Receipts("events") {
			sum += r.Rows + r.Duplicates + r.Dead
		}
		for _, d := range w.Letters() {
			if strings.Contains(d.Reason, "the rows before it") {
				rt.Fatalf("a schema did not hold what it grew from: %s", d.Reason)
			}
		}
		if sum != n {
			rt.Fatalf("%d messages are accounted for, of %d", sum, n)
		}
	})
}

// A member whose name looks like that of a variant column keeps its column
// when the one before it in the name appears.
func TestColumnsKeepTheirMembers(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	q.Publish(typed("T", `{"a__int64":1}`))
	want(t, mustRun(t, config(t, columnsPipeline("evolve"), q.Source(), w)), 1, 0, 0)
	q.Publish(typed("T", `{"a__int64":2}`), typed("T", `{"a":true}`), typed("T", `{"a":"x"}`))
	want(t, mustRun(t, config(t, columnsPipeline("evolve"), q.Source(), w)), 2, 0, 1)
	if got := cells(w, "raw.t", "a__int64"); got != "1 2 -" {
		t.Errorf("a__int64 holds %s", got)
	}
}

// The batch itself is free of what is twice in it: a warehouse need not look.
func TestDuplicatesAreRemovedBeforeCommit(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	w.Fault = func(_ context.Context, at tidetest.Point, l tidemill.Landing) error {
		if at != tidetest.BeforeCommit {
			return nil
		}
		if r := l.Rows[0]; r.Records.NumRows() != 2 || r.Duplicates != 1 || fmt.Sprint(r.Redelivered) != "[1]" {
			t.Errorf("the landing has %d rows, %d duplicates, redelivered %v", r.Records.NumRows(), r.Duplicates, r.Redelivered)
		}
		if len(l.Dead) != 1 || l.Duplicates != 1 {
			t.Errorf("the landing has %d letters and %d twice", len(l.Dead), l.Duplicates)
		}
		return nil
	}
	again, broken := message(2), bad(1)[0]
	again.Redelivered = true
	q.Publish(message(1), again, again, broken, broken)
	p := pipeline()
	p.Land.Dedupe = "off"
	mustRun(t, config(t, p, q.Source(), w))
}

// Equal bytes are two events where a routing key tells two types: also
// redelivered in one batch each lands in its table.
func TestTypeBesideTheBytes(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	p := columnsPipeline("evolve")
	p.Decode.Message = "routing_key"
	for _, key := range []string{"order.paid", "order.sent", "order.sent"} {
		q.Publish(tidemill.Message{
			Source: "q", Value: []byte(`{"id":1}`), Redelivered: true,
			Meta: map[string]string{decode.MetaRoutingKey: key},
		})
	}
	want(t, mustRun(t, config(t, p, q.Source(), w)), 2, 1, 0)
}

// An upsert whose version no event has told would be refused by the warehouse,
// and stop the pipeline.
func TestUpsertWithoutVersion(t *testing.T) {
	for contract, dead := range map[string]int64{"evolve": 1, "dead_letter": 2} {
		q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
		p := columnsPipeline(contract)
		p.Land.Write, p.Land.UniqueKey, p.Land.Version = "upsert", []string{"id"}, "v"
		q.Publish(typed("A", `{"id":1}`), typed("B", `{"id":1,"v":1}`))
		q.Publish(typed("A", `{"id":2,"v":1}`))
		want(t, mustRun(t, config(t, p, q.Source(), w)), 3-dead, 0, dead)
		for _, d := range w.Letters() {
			if !strings.Contains(d.Reason, `"v"`) {
				t.Errorf("%s: %s", contract, d.Reason)
			}
		}
	}
}

// A table that cannot be made does not keep a process from ending.
func TestStopWhileEvolving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
		w.Fault = func(_ context.Context, at tidetest.Point, _ tidemill.Landing) error {
			if at == tidetest.AtEvolve {
				return tidemill.Transient(errors.New("no space left on device"))
			}
			return nil
		}
		q.Publish(typed("A", `{"id":1}`))
		cfg := config(t, columnsPipeline("evolve"), q.Source(), w)
		l, err := land.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := l.Run(t.Context())
			ended <- err
		}()
		time.Sleep(time.Minute)
		l.Stop()
		select {
		case err := <-ended:
			if !tidemill.Retryable(err) {
				t.Errorf("it ended with %v", err)
			}
		case <-time.After(time.Hour):
			t.Fatal("it is tried again for ever")
		}
		if q.Left() != 1 {
			t.Error("the message was acknowledged")
		}
	})
}
