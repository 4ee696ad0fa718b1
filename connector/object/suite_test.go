package object

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// leaks are the connections that the SDK keeps for the next call.
var leaks = []goleak.Option{
	goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
}

// suiteCase is one way in which the source can be used.
type suiteCase struct {
	name  string
	opts  Options
	pack  func(id []string) string // the content of one object
	where string                   // of the nth object
}

var suiteCases = []suiteCase{
	{"ndjson", Options{Path: "q/"}, func(ids []string) string { return strings.Join(ids, "\n") + "\n" }, "q/%06d.ndjson"},
	{"csv", Options{Path: "q/*.csv", Ordered: true, CSV: CSV{Types: map[string]string{"id": "text"}}}, func(ids []string) string { return "id,x\n" + strings.Join(ids, ",1\n") + ",1\n" }, "q/%06d.csv"},
	{"final", Options{Path: "q/", Layout: cockroachdb, Final: true}, func(ids []string) string { return strings.Join(ids, "\n") + "\n" }, "q/2020-04-02/2020040220%08d000000000000000-5-1-72-00000000-t-1.ndjson"},
}

// TestSuiteOfLargeObjects holds the source to the contract of all sources
// where an object takes several reads, and where it waits to become final.
func TestSuiteOfLargeObjects(t *testing.T) {
	prefixes := 0
	for _, c := range suiteCases {
		t.Run("folder, "+c.name, func(t *testing.T) {
			tidetest.Source(t, func(t testing.TB) tidetest.Origin {
				dir := t.TempDir()
				o := c.origin(func(key, content string) error { write(t, dir, key, content); return nil })
				o.Source = func() tidemill.Source { return NewFolderSource(Folder{Path: dir}, o.opts, env) }
				return o.Origin
			})
		})
	}
	conn := s3Conn(t)
	t.Run("s3", func(t *testing.T) {
		tidetest.Source(t, func(t testing.TB) tidetest.Origin {
			prefixes++
			conn := conn
			conn.Prefix = fmt.Sprintf("%d/", prefixes)
			b, err := newS3(t.Context(), conn, env)
			if err != nil {
				t.Fatal(err)
			}
			o := suiteCases[1].origin(func(key, content string) error { put(t, b, key, content); return nil })
			o.Source = func() tidemill.Source { return NewS3Source(conn, S3Options{Options: o.opts}, env) }
			o.Leaks = leaks
			return o.Origin
		})
	})
}

// caseOrigin is an Origin with the options of its sources.
type caseOrigin struct {
	tidetest.Origin
	opts Options
}

func (c suiteCase) origin(put func(key, content string) error) caseOrigin {
	objects := 0
	o := caseOrigin{opts: c.opts}
	o.opts.Follow, o.opts.Interval = true, 10*time.Millisecond
	o.Origin = tidetest.Origin{
		Put: func(_ context.Context, ids ...string) error {
			objects++
			key := fmt.Sprintf(c.where, objects)
			if err := put(key, c.pack(ids)); err != nil || !c.opts.Final {
				return err
			}
			name, _, _ := strings.Cut(key, "-5-1-72")
			return put(name+".RESOLVED", "{}")
		},
		MessageID:  func(m tidemill.Message) string { return string(m.Value) },
		Positioned: true, Ordered: true,
		Many: 20_000, Schedules: 5, Patience: 10 * time.Second, Quiet: 60 * time.Millisecond,
	}
	return o
}

// TestEventSuite holds events to the contract. Marks keep rows from landing
// twice, and no message goes before its rows are committed.
func TestEventSuite(t *testing.T) {
	n := 0
	tidetest.Source(t, func(t testing.TB) tidetest.Origin {
		n++
		c := newCloudNamed(t, fmt.Sprintf("event-suite-%d", n))
		c.opts.Events.Visibility = time.Second
		c.notify()
		objects := 0
		return tidetest.Origin{
			Source: func() tidemill.Source { return c.source() },
			Put: func(_ context.Context, ids ...string) error {
				objects++
				put(t, c.b, fmt.Sprintf("%06d.ndjson", objects), strings.Join(ids, "\n")+"\n")
				return nil
			},
			MessageID:  func(m tidemill.Message) string { return string(m.Value) },
			Positioned: true, Many: 20_000, Schedules: 1, Quiet: 60 * time.Millisecond, Leaks: leaks,
		}
	})
}
