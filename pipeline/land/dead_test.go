package land_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/sqlgen"
	"github.com/tidemill/tidemill/tidetest"
)

// answerLetters lets w answer the statements of dead letters.
func answerLetters(t *testing.T, w *tidetest.FakeWarehouse) {
	w.SQL = func(sql string, args []any) (arrow.RecordBatch, error) {
		for _, q := range []sqlgen.SelectLetters{{Prefix: true}, {Prefix: true, Value: true}, {Range: true}, {Range: true, Value: true}} {
			if text, err := sqlgen.Render(tidemill.DuckDB, q); err != nil {
				return nil, err
			} else if text == sql {
				return letterRecords(selected(w, q, args), q.Value), nil
			}
		}
		if text, err := sqlgen.Render(tidemill.DuckDB, sqlgen.RecordedLetters{}); err != nil || text == sql {
			return recordedLetters(w, args), err
		}
		return nil, fmt.Errorf("no answer to %s", sql)
	}
}

func recordedLetters(w *tidetest.FakeWarehouse, args []any) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "delivery", Type: arrow.BinaryTypes.String}}, nil))
	defer b.Release()
	asked := strings.Split(args[1].(string), ",")
	for _, d := range w.Letters() {
		if d.Pipeline == args[0] && slices.Contains(asked, d.Delivery.String()) {
			b.Field(0).(*array.StringBuilder).Append(d.Delivery.String())
		}
	}
	return b.NewRecordBatch()
}

func selected(w *tidetest.FakeWarehouse, q sqlgen.SelectLetters, args []any) (found []tidetest.FakeLetter) {
	for _, d := range w.Letters() {
		id, status := d.Delivery.String(), "dead"
		if d.Settled {
			status = "landed"
		}
		ok := true
		for i, v := range []string{d.Pipeline, string(d.Code), d.Message.Type, status} {
			ok = ok && (args[i] == "" || args[i] == v)
		}
		if q.Prefix {
			ok = ok && strings.HasPrefix(id, args[5].(string))
		} else {
			ok = ok && id > args[5].(string) && id <= args[6].(string)
		}
		if ok {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b tidetest.FakeLetter) int {
		return cmp.Compare(a.Delivery.String(), b.Delivery.String())
	})
	return found[:min(len(found), int(args[4].(int64)))]
}

func letterRecords(letters []tidetest.FakeLetter, value bool) arrow.RecordBatch {
	var fields []arrow.Field
	for _, n := range []string{"delivery", "pipeline", "source", "type", "message_id", "code", "reason", "meta", "key", "payload_hash", "status", "batch"} {
		fields = append(fields, arrow.Field{Name: n, Type: arrow.BinaryTypes.String})
	}
	fields = append(fields, arrow.Field{Name: "protected", Type: arrow.FixedWidthTypes.Boolean},
		arrow.Field{Name: "source_time", Type: tidemill.Timestamp()}, arrow.Field{Name: "size", Type: arrow.PrimitiveTypes.Int64})
	if value {
		fields = append(fields, arrow.Field{Name: "value", Type: arrow.BinaryTypes.Binary})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, d := range letters {
		meta, _ := json.Marshal(d.Message.Meta)
		for i, v := range []string{
			d.Delivery.String(), d.Pipeline, d.Message.Source, d.Message.Type, d.Message.ID, string(d.Code),
			d.Reason, string(meta), d.Key.String(), d.PayloadHash.String(), "dead", "b",
		} {
			b.Field(i).(*array.StringBuilder).Append(v)
		}
		b.Field(12).(*array.BooleanBuilder).Append(d.Protected)
		if d.Message.Time.IsZero() {
			b.Field(13).AppendNull()
		} else {
			b.Field(13).(*array.TimestampBuilder).AppendTime(d.Message.Time)
		}
		b.Field(14).(*array.Int64Builder).Append(int64(len(d.Message.Value)))
		if value {
			b.Field(15).(*array.BinaryBuilder).Append(d.Message.Value)
		}
	}
	return b.NewRecordBatch()
}

func replay(t *testing.T, cfg land.Config, f land.Filter) land.Summary {
	t.Helper()
	l, err := land.NewReplay(cfg, f)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(w *tidetest.FakeWarehouse) (n int) {
	for _, d := range w.Letters() {
		if !d.Settled {
			n++
		}
	}
	return n
}

// Letters land once after what was wrong is mended; those that fail again
// stay, and the brake does not mind.
func TestReplay(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	answerLetters(t, w)
	p := pipeline()
	p.Dead.StopAt.Window = 0
	var broken []tidemill.Message
	for i := range 2500 {
		m := message(i)
		m.Type, m.Meta = "", map[string]string{"header.kind": "Order", "n": fmt.Sprint(i)}
		broken = append(broken, m)
	}
	q.Publish(broken...)
	q.Publish(bad(30)...)
	want(t, mustRun(t, config(t, p, q.Source(), w)), 0, 0, 2530)

	p.Decode.Message, p.Dead.StopAt = "header:kind", pipeline().Dead.StopAt
	want(t, replay(t, config(t, p, nil, w), land.Filter{Code: tidemill.Malformed}), 0, 30, 0)
	want(t, replay(t, config(t, p, nil, w), land.Filter{}), 2500, 30, 0)
	want(t, replay(t, config(t, p, nil, w), land.Filter{}), 0, 30, 0)
	if open(w) != 30 || len(w.Rows("raw.events")) != 2500 {
		t.Errorf("%d letters are open and %d rows landed, want 30 and 2500", open(w), len(w.Rows("raw.events")))
	}
	if m := w.Rows("raw.events")[7].Values["meta"]; !strings.Contains(m, `"header.kind":"Order"`) {
		t.Errorf("a replayed row has meta %s, without that of its message", m)
	}
	// What the source delivers again, once more, is a duplicate.
	for _, m := range broken[:10] {
		m.Redelivered = true
		q.Publish(m)
	}
	want(t, mustRun(t, config(t, p, q.Source(), w)), 0, 10, 0)
}

func TestReplayOne(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	answerLetters(t, w)
	for i := range 20 {
		q.Publish(tidemill.Message{Source: "q", Value: fmt.Appendf(nil, `{"n":%d}`, i), Meta: map[string]string{"header.kind": "T"}})
	}
	p := pipeline()
	mustRun(t, config(t, p, q.Source(), w))
	p.Decode.Message = "header:kind"
	id := w.Letters()[3].Delivery
	want(t, replay(t, config(t, p, nil, w), land.Filter{Delivery: id.String()[:13]}), 1, 0, 0)
	if r := w.Rows("raw.events"); r[0].Delivery != id {
		t.Errorf("landed %v, want %v", r[0].Delivery, id)
	}
	if _, err := land.NewReplay(config(t, p, nil, w), land.Filter{Delivery: "xyz"}); tidemill.CodeOf(err) != tidemill.Invalid {
		t.Errorf("an id that is none gave %v", err)
	}
}

// A protected letter keeps the identities of what the producer sent; one
// whose bytes were withheld cannot be replayed.
func TestReplayProtected(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	answerLetters(t, w)
	p := pipeline()
	p.Land.Mask, p.Land.Salt, p.Dead.Undecodable = []string{"card"}, redact.New("pepper"), "withhold"
	p.Land.Write, p.Land.UniqueKey = "upsert", []string{"message_id"}
	sent := tidemill.Message{Source: "orders", Type: "T", Value: []byte(`{"card":"4111"}`)}
	broken := tidemill.Message{Source: "orders", Type: "T", Value: []byte(`{"card":"4111"`)}
	q.Publish(sent, broken)
	want(t, mustRun(t, config(t, p, q.Source(), w)), 0, 0, 2)

	p.Land.Write, p.Land.UniqueKey = "append", nil
	want(t, replay(t, config(t, p, nil, w), land.Filter{}), 1, 0, 0)
	row := w.Rows("raw.events")[0]
	if row.Values["payload"] != `{"card":"***"}` || row.Values["type"] != "T" {
		t.Errorf("the letter landed as %v", row.Values)
	}
	q.Publish(sent) // the same event again: its key was that of the original
	want(t, mustRun(t, config(t, p, q.Source(), w)), 0, 1, 0)
	if open(w) != 1 {
		t.Errorf("%d letters are open, want the one that was withheld", open(w))
	}
}

func TestFindLetter(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	answerLetters(t, w)
	for i := range 20 {
		q.Publish(tidemill.Message{Source: "q", ID: fmt.Sprint(i), Value: []byte("x"), Type: "T"})
	}
	mustRun(t, config(t, pipeline(), q.Source(), w))
	all, err := land.Letters(t.Context(), w, land.Filter{Pipeline: "events", Code: tidemill.Malformed}, land.StatusDead, 5)
	if err != nil || len(all) != 5 || all[0].Size != 1 || all[0].Message.Value != nil {
		t.Fatalf("listed %+v, %v; want five without bytes", all, err)
	}
	l, err := land.FindLetter(t.Context(), w, "", strings.ToUpper(all[2].Delivery.String()[:20]))
	if err != nil || l.Delivery != all[2].Delivery || !bytes.Equal(l.Message.Value, []byte("x")) {
		t.Errorf("found %+v, %v", l, err)
	}
	if _, err := land.FindLetter(t.Context(), w, "", "zz"); tidemill.CodeOf(err) != tidemill.NotFound {
		t.Errorf("an id that is not there gave %v", err)
	}
	if _, err := land.FindLetter(t.Context(), w, "", ""); tidemill.CodeOf(err) != tidemill.Invalid {
		t.Errorf("a prefix of all gave %v", err)
	}
}
