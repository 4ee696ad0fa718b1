package object

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// TestSuite holds the source to the contract of all sources: messages and
// records, in folders and buckets, followed and not.
func TestSuite(t *testing.T) {
	conn := s3Conn(t)
	prefixes := 0
	for _, where := range []string{"folder", "s3"} {
		for _, opts := range []Options{
			{Path: "*.ndjson"},
			{Path: "*.csv", Follow: true, Interval: 30 * time.Millisecond},
			{Path: "*.csv", Ordered: true},
		} {
			t.Run(fmt.Sprintf("%s, %s, follow %t, ordered %t", where, opts.Path, opts.Follow, opts.Ordered), func(t *testing.T) {
				tidetest.Source(t, func(t testing.TB) tidetest.Origin {
					o := tidetest.Origin{
						MessageID: messageID, Positioned: true, Ordered: true, Ends: !opts.Follow,
						Schedules: 5, Quiet: 100 * time.Millisecond,
					}
					ext := filepath.Ext(opts.Path)
					if where == "folder" {
						dir := t.TempDir()
						o.Source = func() tidemill.Source { return NewFolderSource(Folder{Path: dir}, opts, env) }
						o.Put = func(_ context.Context, ids ...string) error {
							return eachObject(ids, ext, func(key, content string) error {
								hidden := filepath.Join(dir, "."+key)
								if err := os.WriteFile(hidden, []byte(content), 0o644); err != nil {
									return err
								}
								return os.Rename(hidden, filepath.Join(dir, key))
							})
						}
						return o
					}
					conn := conn
					prefixes++
					conn.Prefix = fmt.Sprintf("origin%d/", prefixes)
					b, err := newS3(t.Context(), conn, env)
					if err != nil {
						t.Fatal(err)
					}
					o.Source = func() tidemill.Source { return NewS3Source(conn, S3Options{Options: opts}, env) }
					o.Put = func(_ context.Context, ids ...string) error {
						return eachObject(ids, ext, func(key, content string) error {
							put(t, b, key, content)
							return nil
						})
					}
					return o
				})
			})
		}
	}
}

// messageID finds the id in a line of JSON.
func messageID(m tidemill.Message) string {
	var row struct{ ID json.Number }
	if err := json.Unmarshal(m.Value, &row); err != nil {
		return err.Error()
	}
	return row.ID.String()
}

// eachObject makes objects of up to 30 rows, which sort in the order of ids.
func eachObject(ids []string, ext string, put func(key, content string) error) error {
	for len(ids) > 0 {
		n := min(30, len(ids))
		var b strings.Builder
		if ext == ".csv" {
			b.WriteString("id,name\n")
		}
		for _, id := range ids[:n] {
			if ext == ".csv" {
				fmt.Fprintf(&b, "%s,x\n", id)
			} else {
				fmt.Fprintf(&b, "{\"id\":%s}\n", id)
			}
		}
		if err := put(fmt.Sprintf("%09s%s", ids[0], ext), b.String()); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}
