package hostile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/e2e/internal/cli"
)

const lettersConfig = `
name: hostile
connections:
  warehouse: {type: duckdb, path: hostile.duckdb}
  events: {type: amqp, url: %q}
targets:
  dev: {}
pipelines:
  typed:
    source: {connection: events, queues: [typed]}
    decode: {format: protobuf, files: [proto/events.proto]}
    land: {table: raw.typed}
  headed:
    source: {connection: events, queues: [headed]}
    decode: {format: protobuf, files: [proto/events.proto], message: "header:x-type"}
    land: {table: raw.headed}
  columns:
    source: {connection: events, queues: [columns]}
    land: {table: "raw.{type}", shape: columns, contract: evolve}
`

// card is a CardCatalogCreated with an id and a name.
func card(id string) []byte {
	b := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), id)
	return protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), "Card "+id)
}

// bad is a message and what must become of it.
type bad struct {
	name   string
	m      tidemill.Message
	code   tidemill.Code
	reason string // a part of it
}

func hostiles() []bad {
	meta := map[string]string{"app_id": "shop", "correlation_id": "c-1", "header.trace": "t-1"}
	at := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	typed := func(name, typ string, body []byte, code tidemill.Code, reason string) bad {
		return bad{name, tidemill.Message{Source: "typed", ID: name, Type: typ, Value: body, Meta: meta, Time: at}, code, reason}
	}
	headed := func(name, header string, code tidemill.Code, reason string) bad {
		m := maps.Clone(meta)
		if header != "" {
			m["header.x-type"] = header
		}
		return bad{name, tidemill.Message{Source: "headed", ID: name, Type: "CardCatalogCreated", Value: card(name), Meta: m, Time: at}, code, reason}
	}
	whole := card("cut")
	return []bad{
		typed("truncated", "CardCatalogCreated", whole[:len(whole)-3], tidemill.Malformed, ""),
		typed("text", "CardCatalogCreated", []byte("hello?"), tidemill.Malformed, ""),
		typed("unknown", "CardRetired", card("retired"), tidemill.UnknownType, "CardRetired"),
		typed("untyped", "", card("untyped"), tidemill.UnknownType, "names no type"),
		typed("empty", "CardCatalogCreated", nil, tidemill.Empty, "empty"),
		typed("large", "CardCatalogCreated", bytes.Repeat([]byte("x"), 20<<20), tidemill.TooLarge, fmt.Sprint(20<<20)),
		headed("no-header", "", tidemill.UnknownType, "no header x-type"),
		headed("wrong-header", "CardRetired", tidemill.UnknownType, "CardRetired"),
		{"changed", tidemill.Message{Source: "columns", ID: "changed", Type: "Visit", Value: []byte(`{"page":"/","seconds":"many"}`), Meta: meta, Time: at}, tidemill.SchemaIncompatible, "seconds"},
		{"no-json", tidemill.Message{Source: "columns", ID: "no-json", Type: "Visit", Value: []byte(`{"page":"/"`), Meta: meta, Time: at}, tidemill.Malformed, ""},
	}
}

// between puts good messages before, between and after bad ones, and returns
// all with the ids of the good ones by queue.
func between(bads []bad) (all []tidemill.Message, good map[string][]string) {
	good = map[string][]string{}
	n := 0
	add := func(queue string) {
		n++
		m := tidemill.Message{Source: queue, ID: fmt.Sprint("good-", n), Type: "CardCatalogCreated", Value: card(fmt.Sprint(n))}
		switch queue {
		case "headed":
			m.Type, m.Meta = "", map[string]string{"header.x-type": "cards.v1.CardCatalogCreated"}
		case "columns":
			m.Type, m.Value = "Visit", fmt.Appendf(nil, `{"page":"/%d","seconds":%d}`, n, n)
		}
		all, good[queue] = append(all, m), append(good[queue], fmt.Sprint(n))
	}
	for _, b := range bads {
		add(b.m.Source)
		all = append(all, b.m)
	}
	for _, queue := range []string{"typed", "headed", "columns"} {
		add(queue)
	}
	return all, good
}

// letter is what dead list and dead show print.
type letter struct {
	Delivery  string            `json:"delivery"`
	Pipeline  string            `json:"pipeline"`
	Status    string            `json:"status"`
	Code      tidemill.Code     `json:"code"`
	Reason    string            `json:"reason"`
	Source    string            `json:"source"`
	Type      string            `json:"type"`
	MessageID string            `json:"message_id"`
	Meta      map[string]string `json:"meta"`
	Size      int               `json:"size"`
	Time      time.Time         `json:"source_time"`
}

// letters returns the dead letters of a status by message id.
func letters(t *testing.T, p *cli.Project, status string) map[string]letter {
	t.Helper()
	got := map[string]letter{}
	for line := range strings.Lines(p.Must("dead", "list", "--status", status, "--format", "json")) {
		var l letter
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if _, twice := got[l.MessageID]; twice {
			t.Errorf("message %s is dead twice", l.MessageID)
		}
		got[l.MessageID] = l
	}
	return got
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	p := cli.New(t, fmt.Sprintf(lettersConfig, broker.URL()))
	bads := hostiles()
	all, good := between(bads)
	publish(t, all...)
	p.Must("land", "--once")
	empty(t, "typed", "headed", "columns")

	dead := letters(t, p, "dead")
	if len(dead) != len(bads) {
		t.Errorf("%d letters, want %d", len(dead), len(bads))
	}
	for _, b := range bads {
		b.check(t, p, dead[b.name])
	}
	landed(t, p, good)

	// Mended: the schema knows the type, and the column takes both types.
	p.Replace("proto/events.proto", "enum Rarity {", "message CardRetired {\n  string card_id = 1;\n  string name = 2;\n}\n\nenum Rarity {")
	p.Replace("tidemill.yml", "contract: evolve", "contract: variant")
	mended := []string{"changed", "unknown", "wrong-header"}
	for range 2 {
		p.Must("dead", "replay")
		good["typed"] = append(good["typed"], "retired")
		good["headed"] = append(good["headed"], "wrong-header")
		good["columns"] = append(good["columns"], "-")
		landed(t, p, good)
		for queue, ids := range good {
			good[queue] = slices.Delete(ids, len(ids)-1, len(ids))
		}
		if got := slices.Sorted(maps.Keys(letters(t, p, "landed"))); !slices.Equal(got, mended) {
			t.Errorf("landed letters are %v, want %v", got, mended)
		}
		if n := len(letters(t, p, "dead")); n != len(bads)-len(mended) {
			t.Errorf("%d letters are still dead, want %d", n, len(bads)-len(mended))
		}
	}
}

// check holds a letter to the message that it was.
func (b bad) check(t *testing.T, p *cli.Project, l letter) {
	t.Helper()
	if l.Code != b.code || l.Reason == "" || strings.Contains(l.Reason, "\n") || !strings.Contains(l.Reason, b.reason) ||
		l.Pipeline != b.m.Source || l.Source != b.m.Source || l.Type != b.m.Type || l.Size != len(b.m.Value) || !l.Time.Equal(b.m.Time) {
		t.Errorf("%s: %+v, want %s about %q", b.name, l, b.code, b.reason)
		return
	}
	for name, v := range b.m.Meta {
		if l.Meta[name] != v {
			t.Errorf("%s: meta %s is %q, want %q", b.name, name, l.Meta[name], v)
		}
	}
	p.Must("dead", "show", l.Delivery, "--output", b.name+".bin")
	got, err := os.ReadFile(filepath.Join(p.Dir, b.name+".bin"))
	if err != nil || !bytes.Equal(got, b.m.Value) {
		t.Errorf("%s: %d bytes are kept, want %d, %v", b.name, len(got), len(b.m.Value), err)
	}
}

// landed compares the rows of each queue with the ids wanted.
func landed(t *testing.T, p *cli.Project, want map[string][]string) {
	t.Helper()
	for queue, sql := range map[string]string{
		"typed":   "select payload->>'cardId', count(*) from raw.typed group by all",
		"headed":  "select payload->>'cardId', count(*) from raw.headed group by all",
		"columns": "select coalesce(seconds::varchar, '-'), count(*) from raw.visit group by all",
	} {
		once := map[string]int{}
		for _, id := range want[queue] {
			once[id] = 1
		}
		cli.Compare(t, queue, once, p.Counts(sql))
	}
}
