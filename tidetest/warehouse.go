package tidetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

// Warehouse holds a warehouse to the contract of tidemill.Warehouse: landing
// and SQL. Open returns an empty one, which it closes at the end of the test.
func Warehouse(t *testing.T, open func(t testing.TB) tidemill.Warehouse) {
	t.Run("landing", func(t *testing.T) { Landing(t, open, sqlRows) })
	for name, test := range map[string]func(*testing.T, tidemill.Warehouse){
		"session types":        sessionTypes,
		"session transactions": sessionTransactions,
		"session errors":       sessionErrors,
		"upsert":               upsertRows,
		"letters":              letterStates,
		"widen":                widenColumns,
		"publish":              publishKinds,
		"publish rolled back":  publishRolledBack,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// Landing holds a warehouse to what Commit, Evolve and Ledger promise. Rows
// returns the values of column id in a table, sorted; a warehouse without SQL
// brings its own.
func Landing(t *testing.T, open func(t testing.TB) tidemill.Warehouse, rows func(testing.TB, tidemill.Warehouse, tidemill.TableName) []string) {
	for name, test := range map[string]func(*suite){
		"repeat":              (*suite).repeat,
		"dedupe in the batch": (*suite).inBatch,
		"dedupe modes":        (*suite).modes,
		"window":              (*suite).window,
		"redelivered":         (*suite).redelivered,
		"overtaken":           (*suite).overtaken,
		"letters":             (*suite).letters,
		"letters apart":       (*suite).lettersApart,
		"marks":               (*suite).marks,
		"together":            (*suite).together,
		"evolve":              (*suite).evolve,
		"recent":              (*suite).recent,
		"note":                (*suite).note,
		"concurrent":          (*suite).concurrent,
		"canceled":            (*suite).canceled,
		"empty":               (*suite).empty,
		"upsert redelivery":   (*suite).upsertRedelivery,
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			test(&suite{T: t, w: w, rows: func(n tidemill.TableName) []string { return rows(t, w, n) }})
		})
	}
}

type suite struct {
	*testing.T
	w    tidemill.Warehouse
	rows func(tidemill.TableName) []string
}

var suiteTable = tidemill.Table{
	TableName: tidemill.TableName{Schema: "raw", Name: "events"}, Write: tidemill.Append,
	Dedupe: tidemill.Dedupe{Mode: tidemill.DedupeWindow, Window: time.Hour},
}

// commit commits and holds the receipt to its arithmetic.
func (s *suite) commit(l tidemill.Landing) tidemill.Receipt {
	s.Helper()
	for _, r := range l.Rows {
		if _, err := s.w.Evolve(s.Context(), r.Table, r.Records.Schema()); err != nil {
			s.Fatal(err)
		}
	}
	r, err := s.w.Commit(s.Context(), l)
	if err != nil {
		s.Fatal(err)
	}
	if got, want := r.Rows+r.Duplicates+r.Dead, messages(l); got != want {
		s.Errorf("%+v adds up to %d, the landing has %d messages", r, got, want)
	}
	return r
}

func messages(l tidemill.Landing) int64 {
	n := int64(len(l.Dead)) + l.Duplicates
	for _, r := range l.Rows {
		n += r.Records.NumRows() + r.Duplicates
	}
	return n
}

func (s *suite) want(r, want tidemill.Receipt) {
	s.Helper()
	if r != want {
		s.Errorf("receipt %+v, want %+v", r, want)
	}
}

func (s *suite) wantRows(want ...string) {
	s.Helper()
	if got := s.rows(suiteTable.TableName); !slices.Equal(got, want) {
		s.Errorf("rows %v, want %v", got, want)
	}
}

func (s *suite) repeat() {
	l := landing("b1", suiteTable, ev("1"), ev("2"))
	l.Rows[0].Duplicates, l.Duplicates = 3, 2
	want := tidemill.Receipt{Rows: 2, Duplicates: 5}
	s.want(s.commit(l), want)
	want.Repeated = true
	s.want(s.commit(l), want)
	other := landing("b1", suiteTable, ev("3"))
	other.Pipeline = "another"
	s.want(s.commit(other), tidemill.Receipt{Rows: 1})
	s.wantRows("1", "2", "3")
}

func (s *suite) inBatch() {
	s.want(s.commit(landing("b1", suiteTable, ev("1"), ev("2"), ev("1").as("other bytes"), ev("1"))), tidemill.Receipt{Rows: 2, Duplicates: 2})
	s.wantRows("1", "2")
}

func (s *suite) modes() {
	for _, c := range []struct {
		mode tidemill.DedupeMode
		rows int64
	}{{tidemill.DedupeOff, 3}, {tidemill.DedupeWindow, 2}, {tidemill.DedupeForever, 1}} {
		t := suiteTable
		t.Name = "mode_" + string(c.mode)
		t.Dedupe.Mode = c.mode
		var rows int64
		for i, at := range []time.Duration{0, time.Minute, 10 * time.Hour} {
			l := landingAt(fmt.Sprint(t.Name, i), suiteEpoch.Add(at), t, ev("1").as(fmt.Sprint("bytes ", i)))
			rows += s.commit(l).Rows
		}
		if rows != c.rows {
			s.Errorf("dedupe %s landed %d, want %d", c.mode, rows, c.rows)
		}
	}
}

func (s *suite) window() {
	s.commit(landingAt("b1", suiteEpoch, suiteTable, ev("1")))
	s.want(s.commit(landingAt("b2", suiteEpoch.Add(time.Hour), suiteTable, ev("1").as("x"), ev("2"))), tidemill.Receipt{Rows: 1, Duplicates: 1})
	s.want(s.commit(landingAt("b3", suiteEpoch.Add(time.Hour+time.Second), suiteTable, ev("1").as("y"), ev("2").as("y"))), tidemill.Receipt{Rows: 1, Duplicates: 1})
	s.wantRows("1", "1", "2")
}

// redelivered messages are recognised in every mode, at any distance.
func (s *suite) redelivered() {
	for _, mode := range []tidemill.DedupeMode{tidemill.DedupeOff, tidemill.DedupeWindow, tidemill.DedupeForever} {
		t := suiteTable
		t.Name = "again_" + string(mode)
		t.Dedupe.Mode = mode
		s.commit(landingAt(t.Name+"1", suiteEpoch, t, ev("1"), ev("2")))
		r := s.commit(landingAt(t.Name+"2", suiteEpoch.Add(100*time.Hour), t, ev("1").again(), ev("3").again(), ev("3").again()))
		s.want(r, tidemill.Receipt{Rows: 1, Duplicates: 2})
	}
}

// overtaken: another reader has landed the message since this one read it.
func (s *suite) overtaken() {
	t := suiteTable
	t.Dedupe.Mode = tidemill.DedupeOff
	s.commit(landingAt("b1", suiteEpoch, t, ev("1")))
	s.commit(landingAt("b2", suiteEpoch.Add(2*time.Second), t, ev("2").again()))
	l := landingAt("b3", suiteEpoch.Add(3*time.Second), t, ev("1"), ev("2"), ev("3"))
	l.Since = suiteEpoch.Add(time.Second)
	s.want(s.commit(l), tidemill.Receipt{Rows: 2, Duplicates: 1})
	s.wantRows("1", "1", "2", "3")
}

func (s *suite) letters() {
	dead := func(delivery string) tidemill.DeadLetter {
		return tidemill.DeadLetter{Delivery: suiteID(delivery), Code: tidemill.Malformed, Reason: "no", Message: tidemill.Message{Source: "q", Value: []byte(delivery)}}
	}
	l := landing("b1", suiteTable, ev("1"))
	l.Dead = []tidemill.DeadLetter{dead("x"), dead("y")}
	s.want(s.commit(l), tidemill.Receipt{Rows: 1, Dead: 2})
	l = tidemill.Landing{Pipeline: "p", Batch: "b2", Dead: []tidemill.DeadLetter{dead("x"), dead("z")}, Duplicates: 1}
	s.want(s.commit(l), tidemill.Receipt{Dead: 1, Duplicates: 2})
	// The schema was mended: what was dead lands once.
	s.want(s.commit(landing("b3", suiteTable, ev("x").again())), tidemill.Receipt{Rows: 1})
	s.want(s.commit(landing("b4", suiteTable, ev("x").again())), tidemill.Receipt{Duplicates: 1})
	s.wantRows("1", "x")
}

// lettersApart: pipelines that read the same message each have their letter,
// and what one settles is still dead for the other.
func (s *suite) lettersApart() {
	dead := tidemill.DeadLetter{Delivery: suiteID("x"), Code: tidemill.Malformed, Reason: "no", Message: tidemill.Message{Source: "q"}}
	other := suiteTable
	other.Name = "others"
	for _, pipeline := range []string{"p", "another"} {
		s.want(s.commit(tidemill.Landing{Pipeline: pipeline, Batch: "b1", Dead: []tidemill.DeadLetter{dead}}), tidemill.Receipt{Dead: 1})
	}
	s.want(s.commit(landing("b2", suiteTable, ev("x").again())), tidemill.Receipt{Rows: 1})
	l := landing("b2", other, ev("x").again())
	l.Pipeline = "another"
	s.want(s.commit(l), tidemill.Receipt{Rows: 1})
	s.wantRows("x")
}

func (s *suite) marks() {
	mark := func(batch, scope, from, to string) error {
		_, err := s.w.Commit(s.Context(), tidemill.Landing{
			Pipeline: "p", Batch: batch,
			Marks: []tidemill.Mark{{Scope: scope, From: tidemill.Position(from), To: tidemill.Position(to)}},
		})
		return err
	}
	for i, step := range [][3]string{{"a", "", "1"}, {"a", "1", "2"}, {"b", "", "9"}} {
		if err := mark(fmt.Sprint("b", i), step[0], step[1], step[2]); err != nil {
			s.Fatal(err)
		}
	}
	for i, step := range [][3]string{{"a", "1", "3"}, {"a", "", "3"}, {"c", "1", "2"}} {
		if err := mark(fmt.Sprint("f", i), step[0], step[1], step[2]); tidemill.CodeOf(err) != tidemill.Fenced {
			s.Errorf("mark %v: %v, want it fenced", step, err)
		}
	}
	if err := mark("b1", "a", "1", "2"); err != nil {
		s.Errorf("a batch committed again: %v", err)
	}
	l, err := s.w.Ledger(s.Context(), "p")
	if err != nil {
		s.Fatal(err)
	}
	var got []string
	for _, m := range l.Marks {
		got = append(got, m.Scope+"="+string(m.To)+string(m.From))
	}
	slices.Sort(got)
	if want := "a=2 b=9"; strings.Join(got, " ") != want {
		s.Errorf("marks %v, want %s", got, want)
	}
	if l, err := s.w.Ledger(s.Context(), "another"); err != nil || len(l.Marks)+len(l.Recent) != 0 {
		s.Errorf("the ledger of another pipeline: %+v, %v", l, err)
	}
}

// together: a landing that is refused leaves nothing of it behind.
func (s *suite) together() {
	s.commit(landing("b1", suiteTable, ev("1")))
	l := landing("b2", suiteTable, ev("2"))
	l.Dead = []tidemill.DeadLetter{{Delivery: suiteID("x"), Code: tidemill.Empty}}
	l.Marks = []tidemill.Mark{{Scope: "a", From: tidemill.Position("elsewhere"), To: tidemill.Position("1")}}
	if _, err := s.w.Commit(s.Context(), l); tidemill.CodeOf(err) != tidemill.Fenced {
		s.Fatalf("%v, want it fenced", err)
	}
	s.wantRows("1")
	l.Marks[0].From = nil
	s.want(s.commit(l), tidemill.Receipt{Rows: 1, Dead: 1})
	s.wantRows("1", "2")

	missing := suiteTable
	missing.Name = "missing"
	l = landing("b3", suiteTable, ev("3"))
	l.Rows = append(l.Rows, landing("b3", missing, ev("4")).Rows...)
	if _, err := s.w.Commit(s.Context(), l); err == nil {
		s.Error("rows landed in a table that is not there")
	}
	s.wantRows("1", "2")
}

func (s *suite) evolve() {
	have, err := s.w.Evolve(s.Context(), suiteTable, nil)
	if err != nil || have != nil {
		s.Fatalf("a missing table: %v, %v", have, err)
	}
	want := landing("", suiteTable, ev("1")).Rows[0].Records.Schema()
	for range 2 {
		if have, err = s.w.Evolve(s.Context(), suiteTable, want); err != nil || !have.Equal(want) {
			s.Fatalf("%v, %v; want %v", have, err, want)
		}
	}
	s.commit(landing("b1", suiteTable, ev("1")))
	more := arrow.NewSchema(append(want.Fields(), arrow.Field{Name: "more", Type: arrow.PrimitiveTypes.Int32}), nil)
	if have, err = s.w.Evolve(s.Context(), suiteTable, more); err != nil || have.NumFields() != more.NumFields() || !have.Field(have.NumFields()-1).Nullable {
		s.Fatalf("a new column: %v, %v", have, err)
	}
	other := arrow.NewSchema(append(want.Fields(), arrow.Field{Name: "more", Type: arrow.BinaryTypes.String, Nullable: true}), nil)
	if _, err := s.w.Evolve(s.Context(), suiteTable, other); tidemill.CodeOf(err) != tidemill.SchemaIncompatible {
		s.Errorf("another type: %v", err)
	}
	if have, err = s.w.Evolve(s.Context(), suiteTable, nil); err != nil || have.NumFields() != more.NumFields() {
		s.Errorf("after a refusal: %v, %v", have, err)
	}
	s.commit(landing("b2", suiteTable, ev("2"))) // which lacks the column
	s.wantRows("1", "2")
}

// concurrent redeliveries of the same messages land once between them.
func (s *suite) concurrent() {
	t := suiteTable
	t.Dedupe.Mode = tidemill.DedupeOff
	s.commit(landing("b", t, ev("0")))
	receipts := make(chan tidemill.Receipt)
	for i := range 8 {
		go func() {
			var events []suiteEvent
			for n := range 20 {
				events = append(events, ev(fmt.Sprintf("%02d", 10+(n+i)%20)).again())
			}
			r, err := s.w.Commit(context.Background(), landing(fmt.Sprint("c", i/2), t, events...)) // each batch twice
			if err != nil {
				s.Error(err)
			}
			receipts <- r
		}()
	}
	rows := int64(0)
	for range 8 {
		if r := <-receipts; !r.Repeated {
			rows += r.Rows
		}
	}
	if got := s.rows(t.TableName); rows != 20 || len(got) != 21 {
		s.Errorf("%d rows by the receipts, %d in the table; want 20 and 21", rows, len(got))
	}
}

// canceled: a commit that ctx ends lands all or nothing, and lands once when
// it is tried again.
func (s *suite) canceled() {
	s.commit(landing("b0", suiteTable, ev("0")))
	for i := range 8 {
		var events []suiteEvent
		for n := range 500 {
			events = append(events, ev(fmt.Sprint(i, " ", n)))
		}
		l := landing(fmt.Sprint("b1 ", i), suiteTable, events...)
		ctx, cancel := context.WithTimeout(s.Context(), time.Duration(2*i)*time.Millisecond)
		r, err := s.w.Commit(ctx, l)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.Fatal(err)
		}
		again := s.commit(l)
		if again.Rows != 500 || err == nil && (r.Rows != 500 || !again.Repeated) {
			s.Errorf("%+v, %v; then %+v", r, err, again)
		}
	}
	if got := s.rows(suiteTable.TableName); len(got) != 8*500+1 {
		s.Errorf("%d rows", len(got))
	}
}

func (s *suite) empty() {
	s.want(s.commit(tidemill.Landing{Pipeline: "p", Batch: "b1"}), tidemill.Receipt{})
	s.want(s.commit(tidemill.Landing{Pipeline: "p", Batch: "b1"}), tidemill.Receipt{Repeated: true})
	s.want(s.commit(landing("b2", suiteTable)), tidemill.Receipt{})
	s.wantRows()
}

// upsertRedelivery: a message is known also after its row was overwritten, and
// a stale version is one that landed.
func (s *suite) upsertRedelivery() {
	t := suiteUpsert
	t.Name = suiteTable.Name
	t.Version = ""
	s.want(s.commit(landing("b1", t, ev("a").v(1).as("a1"), ev("b").as("b1"))), tidemill.Receipt{Rows: 2})
	s.want(s.commit(landing("b2", t, ev("a").v(2).as("a2"))), tidemill.Receipt{Rows: 1})
	s.want(s.commit(landing("b3", t, ev("a").v(1).as("a1").again())), tidemill.Receipt{Duplicates: 1})
	t.Version = "version"
	s.want(s.commit(landing("b4", t, ev("a").v(1).as("a3"))), tidemill.Receipt{Rows: 1})
	s.want(s.commit(landing("b5", t, ev("a").v(1).as("a3").again())), tidemill.Receipt{Duplicates: 1})
	s.wantRows("a", "b")
}
