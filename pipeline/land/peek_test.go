package land_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/tidetest"
)

// peeked returns what waits, a line each.
func peeked(t *testing.T, cfg land.Config, limit int) string {
	t.Helper()
	found, err := land.Peek(t.Context(), cfg, limit)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, w := range found {
		line := w.Source + " " + string(w.Value)
		if w.Code != "" {
			line = fmt.Sprintf("%s %s dead %s: %s", w.Source, w.Value, w.Code, w.Reason)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestPeekGoesOnAtTheMarks(t *testing.T) {
	w := tidetest.NewFakeWarehouse()
	log := &tidetest.FakeLog{Scope: "log", ReadSize: 3}
	log.Append(messages(0, 4)...)
	mustRun(t, config(t, pipeline(), log.Source(), w))
	if got := peeked(t, config(t, pipeline(), log.Source(), w), 10); got != "" {
		t.Errorf("all has landed, and it shows\n%s", got)
	}
	log.Append(event(4), event(9), event(10), event(11))
	for range 2 {
		got := peeked(t, config(t, pipeline(), log.Source(), w), 3)
		lines := strings.Split(got, "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], string(event(4).Value)) || !strings.Contains(lines[1], "dead malformed: json: ") {
			t.Errorf("it shows\n%s", got)
		}
	}
	want(t, mustRun(t, config(t, pipeline(), log.Source(), w)), 3, 0, 1)
}

// endlessSource cannot tell how much it holds.
type endlessSource struct{ tidemill.Source }

func TestPeekOfAQueueGivesBack(t *testing.T) {
	w := tidetest.NewFakeWarehouse()
	q := &tidetest.FakeQueue{}
	q.Publish(messages(0, 4)...)
	p := pipeline()
	p.Land.Mask = []string{"n"}
	p.Dead.Undecodable = "withhold"
	q.Publish(event(9))
	got := peeked(t, config(t, p, endlessSource{q.Source()}, w), 10)
	if lines := strings.Split(got, "\n"); len(lines) != 5 || !strings.Contains(lines[0], `"n":"***"`) || !strings.HasSuffix(lines[4], "its bytes are withheld") {
		t.Errorf("it shows\n%s", got)
	}
	if q.Left() != 5 || q.Unacked() != 0 {
		t.Errorf("%d messages are left, %d unacknowledged", q.Left(), q.Unacked())
	}
}

// rowSource shows records without being opened.
type rowSource struct {
	tidemill.Source
	parts []tidemill.Part
}

func (s rowSource) Peek(context.Context, int) (tidemill.Batch, error) {
	return tidemill.Batch{Parts: s.parts}, nil
}

func (s rowSource) Close() error { return nil }

func TestPeekOfRows(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewRecordBuilder(mem, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "card", Type: arrow.BinaryTypes.String},
	}, nil))
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 2, 3}, nil)
	b.Field(1).(*array.StringBuilder).AppendValues([]string{"4111", "4112", "4113"}, nil)
	p := pipeline()
	p.Land.Drop, p.Land.Salt = []string{"card"}, redact.New("s")
	cfg := config(t, p, rowSource{parts: []tidemill.Part{{Stream: "public.cards", Records: b.NewRecordBatch()}}}, nil)
	if got := peeked(t, cfg, 2); got != "public.cards {\"id\":1}\npublic.cards {\"id\":2}" {
		t.Errorf("it shows\n%s", got)
	}
}
