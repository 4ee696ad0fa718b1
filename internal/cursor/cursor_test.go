package cursor_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/cursor"
)

// row of the table that the tests read. A cursor of 0 is NULL.
type row struct{ at, id int64 }

// table runs the statements that the package makes, and no others.
type table struct {
	rows []row
	size int   // rows of a record
	fail error // of the next statement, in its middle
	sql  []string
}

var (
	schema = arrow.NewSchema([]arrow.Field{{Name: "at", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	from   = regexp.MustCompile(`q\."at" >= '(\d+)'`)
	within = regexp.MustCompile(`q\."at" > '(\d+)'`)
	behind = regexp.MustCompile(`\(q\."id"\) > \('(\d+)'\)`)
)

func number(re *regexp.Regexp, sql string) int64 {
	m := re.FindStringSubmatch(sql)
	if m == nil {
		return -1
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	return n
}

func (t *table) run(_ context.Context, sql string) (array.RecordReader, error) {
	t.sql = append(t.sql, sql)
	nulls := regexp.MustCompile(`is null`).MatchString(sql)
	var found []row
	for _, r := range t.rows {
		at, after, key := number(from, sql), number(within, sql), number(behind, sql)
		switch {
		case (r.at == 0) != nulls, nulls && r.id <= key, at >= 0 && r.at < at, after >= 0 && (r.at < after || r.at == after && r.id <= key):
		default:
			found = append(found, r)
		}
	}
	slices.SortStableFunc(found, func(a, b row) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	var records []arrow.RecordBatch
	for part := range slices.Chunk(found, t.size) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for _, r := range part {
			if r.at == 0 {
				b.Field(0).AppendNull()
			} else {
				b.Field(0).(*array.Int64Builder).Append(r.at)
			}
			b.Field(1).(*array.Int64Builder).Append(r.id)
		}
		records = append(records, b.NewRecordBatch())
	}
	r := &reader{records: records, err: t.fail}
	t.fail = nil
	return r, nil
}

// reader gives records, or breaks off after the first.
type reader struct {
	records []arrow.RecordBatch
	at      int
	err     error
}

func (r *reader) Next() bool {
	r.at++
	return r.at <= len(r.records) && (r.err == nil || r.at == 1)
}
func (r *reader) RecordBatch() arrow.RecordBatch { return r.records[r.at-1] }
func (r *reader) Record() arrow.RecordBatch      { return r.RecordBatch() }
func (r *reader) Schema() *arrow.Schema          { return schema }
func (r *reader) Err() error                     { return r.err }
func (r *reader) Retain()                        {}
func (r *reader) Release()                       {}

func query(key ...string) cursor.Query {
	return cursor.Query{Dialect: tidemill.Postgres, From: `"t" as q`, Cursor: "at", Key: key}
}

// scan reads at most n records and returns how often each row came, and the
// position behind them.
func scan(t *testing.T, r *cursor.Reader, n int, at tidemill.Position, got map[row]int) (tidemill.Position, bool) {
	t.Helper()
	for range n {
		rec, to, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return at, true
		}
		if err != nil {
			continue // the next call goes on
		}
		for i := range int(rec.NumRows()) {
			got[row{rec.Column(0).(*array.Int64).Value(i), rec.Column(1).(*array.Int64).Value(i)}]++
		}
		at = to
		rec.Release()
	}
	return at, false
}

// TestRandomly adds rows, of the last value too, between readers that end at
// any record.
func TestRandomly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var key []string
		if rapid.Bool().Draw(rt, "key") {
			key = []string{"id"}
		}
		tab := &table{size: rapid.IntRange(1, 9).Draw(rt, "size")}
		got := map[row]int{}
		var at tidemill.Position
		high := int64(1)
		for step := range 12 {
			for i := range rapid.IntRange(0, 12).Draw(rt, "rows") {
				high += rapid.Int64Range(0, 1).Draw(rt, "grow")
				r := row{at: high, id: int64(1000*rapid.IntRange(0, 9).Draw(rt, "id") + 20*step + i)}
				if rapid.IntRange(0, 4).Draw(rt, "null") == 0 {
					r.at = 0
				}
				tab.rows = append(tab.rows, r)
			}
			if rapid.IntRange(0, 3).Draw(rt, "fails") == 0 {
				tab.fail = errors.New("broken")
			}
			r, err := cursor.NewReader(query(key...), tab.run, at)
			if err != nil {
				rt.Fatal(err)
			}
			at, _ = scan(t, r, rapid.IntRange(0, 6).Draw(rt, "reads"), at, got)
			r.Close()
		}
		r, err := cursor.NewReader(query(key...), tab.run, at)
		if err != nil {
			rt.Fatal(err)
		}
		if _, ended := scan(t, r, 1000, at, got); !ended {
			rt.Fatal("the scan does not end")
		}
		for _, want := range tab.rows {
			if got[want] != 1 {
				rt.Fatalf("row %v came %d times", want, got[want])
			}
		}
		if len(got) != len(tab.rows) {
			rt.Fatalf("%d rows came, want %d", len(got), len(tab.rows))
		}
	})
}

// TestTies: the order of the key tells rows apart where there are many of one
// value, also those that a scan before had read.
func TestTies(t *testing.T) {
	for _, at := range []int64{0, 7} {
		tab := &table{size: 100}
		for i := range 4000 {
			tab.rows = append(tab.rows, row{at, int64(2*i + 1)})
		}
		got := map[row]int{}
		var pos tidemill.Position
		for more := 0; more < 3; more++ {
			// Every reader ends after few records, in the middle of the value.
			for ended := false; !ended; {
				r, err := cursor.NewReader(query("id"), tab.run, pos)
				if err != nil {
					t.Fatal(err)
				}
				if len(pos) > 200_000 {
					t.Fatalf("a position of %d bytes", len(pos))
				}
				pos, ended = scan(t, r, 9, pos, got)
			}
			if more == 0 {
				for i := range 3000 { // among and behind the others
					tab.rows = append(tab.rows, row{at, int64(2*i + 2)})
				}
			}
		}
		for _, want := range tab.rows {
			if got[want] != 1 {
				t.Fatalf("row %v came %d times", want, got[want])
			}
		}
		r, err := cursor.NewReader(query(), tab.run, nil)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, _, err = r.Next(context.Background())
		}
		if !errors.Is(err, cursor.ErrTies) {
			t.Errorf("without key: %v", err)
		}
	}
}

// TestSQL pins the statements.
func TestSQL(t *testing.T) {
	tab := &table{size: 10, rows: []row{{5, 1}}}
	q := query("id")
	q.Lag, q.List = 90*time.Second, `q."at", q."id"`
	r, err := cursor.NewReader(q, tab.run, nil)
	if err != nil {
		t.Fatal(err)
	}
	scan(t, r, 3, nil, map[row]int{})
	scan(t, r, 3, nil, map[row]int{})
	const head = `select q."at", q."id" from "t" as q where `
	for i, want := range []string{
		head + `q."at" is null order by q."id"`,
		head + `q."at" is not null and q."at" <= now() - interval '90000000 microseconds' order by q."at", q."id"`,
		head + `q."at" is null order by q."id"`,
		head + `q."at" >= '5' and q."at" <= now() - interval '90000000 microseconds' order by q."at", q."id"`,
	} {
		if i >= len(tab.sql) || tab.sql[i] != want {
			t.Fatalf("statement %d of %d: %s", i, len(tab.sql), fmt.Sprint(tab.sql))
		}
	}
}

func TestPosition(t *testing.T) {
	if _, err := cursor.NewReader(query(), nil, tidemill.Position("no position")); err == nil {
		t.Error("a position that is none was taken")
	}
}
