// Package cards runs the cards example as its user does, from files and from a
// real RabbitMQ: publish, land, build, ask. The marts must show what the
// generator says that they must, card by card; a stream that lands in two
// halves must give the same tables as one that lands at once; and a run
// without news must change nothing.
package cards

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/amqp"
	"github.com/tidemill/tidemill/e2e/internal/cli"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest/postgres"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

var options = gen.Options{Events: 50_000, Seed: 1, Duplicates: 0.02, Malformed: 0.003}

// line is a project and the part of the stream that was published to it.
type line struct {
	*cli.Project
	t    *testing.T
	want cli.Expected
	gen  *gen.Generator
	past gen.BackfillSummary
	all  gen.Marts
}

func newLine(t *testing.T) *line {
	t.Helper()
	l := &line{Project: cli.Cards(t), t: t, want: cli.NewExpected("")}
	var err error
	if l.gen, err = gen.New(options); err != nil {
		t.Fatal(err)
	}
	if l.all, err = gen.Expect(options, true); err != nil {
		t.Fatal(err)
	}
	if l.past, err = gen.WriteBackfill(t.Context(), filepath.Join(l.Dir, "backfill"), options); err != nil {
		t.Fatal(err)
	}
	return l
}

// next returns up to n events of the stream.
func (l *line) next(n int) (events []gen.Event) {
	next := l.want.Watch(l.gen)
	for range n {
		e, ok := next()
		if !ok {
			break
		}
		events = append(events, e)
	}
	return events
}

// figures are those that land and build print with --format json.
type figures struct {
	Pipeline    string `json:"pipeline"`
	Rows        int    `json:"rows"`
	Duplicates  int    `json:"duplicates"`
	DeadLetters int    `json:"dead_letters"`
}

// land runs the command and returns its figures by pipeline.
func (l *line) land(how ...string) map[string]figures {
	l.t.Helper()
	got := map[string]figures{}
	for row := range strings.Lines(l.Must(append([]string{"land", "--format", "json"}, how...)...)) {
		var f figures
		if err := json.Unmarshal([]byte(row), &f); err != nil {
			l.t.Fatal(err)
		}
		got[f.Pipeline] = f
	}
	return got
}

// landed holds what one run of land says against what was published since
// before.
func (l *line) landed(got figures, before gen.Summary) {
	l.t.Helper()
	now := l.gen.Summary()
	want := figures{
		Pipeline: "events", Rows: now.Unique - before.Unique, Duplicates: now.Duplicates - before.Duplicates,
		DeadLetters: now.Malformed - before.Malformed,
	}
	if got != want || got.Rows+got.Duplicates+got.DeadLetters != now.Published-before.Published {
		l.t.Errorf("landed %+v, want %+v", got, want)
	}
}

// build runs the models; the oversold card must be named as a warning once it
// is there, and nothing else may be wrong.
func (l *line) build() {
	l.t.Helper()
	var r struct {
		Results []struct {
			Name    string `json:"name"`
			Status  string `json:"status"`
			Message string `json:"message"`
		} `json:"results"`
	}
	text := l.Must("build", "--format", "json")
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		l.t.Fatal(err)
	}
	counts := map[string]int{}
	warned := ""
	for _, n := range r.Results {
		counts[n.Status]++
		if n.Status == "warn" {
			warned += n.Name
		}
	}
	want := ""
	if l.gen.Summary().Oversold != nil {
		want = "cards_sold_never_exceed_produced"
	}
	if warned != want || counts["success"] < 10 || counts["pass"] < 30 || counts["fail"]+counts["error"]+counts["skipped"] > 0 {
		l.t.Errorf("build: %v, warned %q, want %q\n%s", counts, warned, want, text)
	}
}

// check compares the marts with the figures of what was published.
func (l *line) check() {
	l.t.Helper()
	l.want.Check(l.Project)
	want := l.all
	cli.Compare(l.t, "rows of marts", map[string]int{
		"dim_card": want.Cards, "fct_orders": want.OrderLines, "orders": want.Orders, "fct_batch_performance": want.Batches,
		"events_backfill": l.past.Rows,
	}, l.Counts(`
		select 'dim_card', count(*) from marts.dim_card union all
		select 'fct_orders', count(*) from marts.fct_orders union all
		select 'orders', count(distinct order_id) from marts.fct_orders union all
		select 'fct_batch_performance', count(*) from marts.fct_batch_performance union all
		select 'events_backfill', count(*) from raw.events_backfill`))

	cards := map[string]int{}
	for _, c := range want.ByCard {
		cards[fmt.Sprintf("%s %s made %d broke %d sold %d for %d", c.CardID, c.Name, c.Produced, c.Defects, c.Sold, c.Revenue)]++
	}
	cli.Compare(l.t, "cards", cards, l.Counts(`
		with made as (select card_id, sum(produced) as produced, sum(defects) as defects from marts.fct_batch_performance group by all),
		sold as (select card_id, sum(quantity_sold) as sold, sum(revenue_eur) as revenue from marts.fct_orders group by all)
		select format('{} {} made {} broke {} sold {} for {}', card_id, card_name, coalesce(produced, 0)::bigint,
			coalesce(defects, 0)::bigint, coalesce(sold, 0)::bigint, (coalesce(revenue, 0) * 10000)::bigint), 1
		from marts.dim_card left join made using (card_id) left join sold using (card_id)`))

	over := l.gen.Summary().Oversold
	got := l.Must("query", "--format", "csv", "--file", "queries/oversold_cards.sql")
	if line := fmt.Sprintf("%s,Second Dawn,%d,%d,%d\n", over.Name, over.Sold, over.Produced, over.Sold-over.Produced); !strings.HasSuffix(got, "\n"+line) || strings.Count(got, "\n") != 2 {
		l.t.Errorf("oversold cards are\n%swant %s", got, line)
	}
}

// content is all that the marts hold, but when and where each row landed.
func (l *line) content(columns string) string {
	l.t.Helper()
	var all strings.Builder
	for _, mart := range []string{"dim_card", "fct_orders", "fct_batch_performance"} {
		all.WriteString(l.Must("query", "--format", "csv", "select "+columns+" from marts."+mart+" order by all"))
	}
	return all.String()
}

// everything is the whole of every mart and of the landed tables by size.
func (l *line) everything() string {
	return l.content("*") + l.Must("query", "--format", "csv", `
		select (select count(*) from raw.events), (select count(*) from raw.events_backfill),
			(select count(*) from tidemill.dead_letters), (select max(_landed_at) from raw.events)`)
}

// again lands and builds what has no news.
func (l *line) again(how ...string) {
	l.t.Helper()
	before := l.everything()
	for name, f := range l.land(how...) {
		if f != (figures{Pipeline: name}) {
			l.t.Errorf("a run without news landed %+v", f)
		}
	}
	l.build()
	if after := l.everything(); after != before {
		l.t.Error("a run without news changed the tables")
	}
}

func TestFromFilesInTwoHalves(t *testing.T) {
	t.Parallel()
	halves := newLine(t)
	halves.write(halves.next(options.Events / 2))
	halves.landed(halves.land("--once")["events"], gen.Summary{})
	halves.build()
	first := halves.gen.Summary()
	halves.write(halves.next(options.Events))
	halves.landed(halves.land("--once")["events"], first)
	halves.build()
	halves.check()

	whole := newLine(t)
	whole.write(whole.next(options.Events))
	whole.landed(whole.land("--once")["events"], gen.Summary{})
	whole.build()
	whole.check()
	// Which of stream and backfill brings an event first that is in both is
	// a matter of time, too.
	const untimed = "columns(c -> c not in ('landed_at', 'origin'))"
	if halves.content(untimed) != whole.content(untimed) {
		t.Error("two halves give other marts than the whole")
	}
	whole.again("--once")
	if left, err := filepath.Glob(filepath.Join(whole.Dir, "events", "*", "*")); err != nil || len(left) < 3 {
		t.Errorf("the files of the source are gone: %v, %v", left, err)
	}
}

// write appends events to the files of the source.
func (l *line) write(events []gen.Event) {
	l.t.Helper()
	files := map[string][]byte{}
	for _, e := range events {
		name := filepath.Join(l.Dir, "events", e.Queue, e.Type+".pb")
		files[name] = append(binary.AppendUvarint(files[name], uint64(len(e.Body))), e.Body...)
	}
	for name, b := range files {
		if err := appendFile(name, b); err != nil {
			l.t.Fatal(err)
		}
	}
}

// publisher returns what publishes the next n events of the stream.
func (l *line) publisher(url string) func(n int) {
	t := l.t
	t.Helper()
	pub, err := amqp.NewPublisher(t.Context(), amqp.Connection{URL: redact.New(url)}, tidemill.Env{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pub.Close() })
	for _, queue := range gen.Queues() {
		if err := pub.Declare(queue, amqp.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	return func(n int) {
		for _, e := range l.next(n) {
			if err := pub.Publish(t.Context(), tidemill.Message{Source: e.Queue, Type: e.Type, Value: e.Body, Time: e.Time}); err != nil {
				t.Fatal(err)
			}
		}
		if err := pub.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFromRabbitMQ(t *testing.T) {
	t.Parallel()
	broker := rabbitmq.Start(t, rabbitmq.Options{})
	l := newLine(t)
	l.Flags, l.Env = []string{"--target", "rabbitmq"}, []string{"AMQP_URL=" + broker.URL()}
	publish := l.publisher(broker.URL())
	publish(options.Events / 2)
	l.landed(l.land("--once")["events"], gen.Summary{})
	l.build()
	first := l.gen.Summary()
	publish(options.Events)
	l.landed(l.land("--until-idle", "1s")["events"], first)
	l.build()
	l.check()
	l.again("--once")
}

// TestBackfillFromPostgres takes the backfill from a table, and follows it: the
// services write to it too what they publish. An event that comes both ways is
// one event in the marts.
func TestBackfillFromPostgres(t *testing.T) {
	t.Parallel()
	broker := rabbitmq.Start(t, rabbitmq.Options{})
	server := postgres.Start(t, postgres.Options{Settings: map[string]string{"wal_level": "logical"}})
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l := newLine(t)
	l.Flags, l.Env = []string{"--target", "postgres"}, []string{"AMQP_URL=" + broker.URL(), "POSTGRES_URL=" + url}
	toTable := func(more ...string) {
		t.Helper()
		args := []string{"run", "../../examples/cards/publish", "-postgres", url, "-events", fmt.Sprint(options.Events), "-seed", fmt.Sprint(options.Seed),
			"-duplicates", fmt.Sprint(options.Duplicates), "-malformed", fmt.Sprint(options.Malformed)}
		if out, err := exec.CommandContext(t.Context(), "go", append(args, more...)...).CombinedOutput(); err != nil {
			t.Fatalf("publish: %v\n%s", err, out)
		}
	}
	toTable()
	l.publisher(broker.URL())(options.Events)
	got := l.land("--once")
	l.landed(got["events"], gen.Summary{})
	if want := (figures{Pipeline: "backfill", Rows: l.past.Rows}); got["backfill"] != want {
		t.Errorf("backfill: %+v, want %+v", got["backfill"], want)
	}
	l.build()
	l.check()

	const untimed = "columns(c -> c not in ('landed_at', 'origin'))"
	before := l.content(untimed)
	toTable("-live")
	unique := l.gen.Summary().Unique
	want := figures{Pipeline: "backfill", Rows: unique - l.past.Overlap, Duplicates: l.past.Overlap}
	if got := l.land("--once")["backfill"]; got != want {
		t.Errorf("captured %+v, want %+v", got, want)
	}
	l.build()
	if l.content(untimed) != before {
		t.Error("events that came by the table too changed the marts")
	}
	l.again("--once")
}

func appendFile(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Close()
}
