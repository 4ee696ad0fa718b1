package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// TestSuite holds the source to the contract of all sources, in each way that
// it can be used. What is put is appended to the files.
func TestSuite(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		pack  func(testing.TB, []byte) []byte
	}{
		{"plain", []string{"q/T.ndjson"}, func(_ testing.TB, b []byte) []byte { return b }},
		{"gz", []string{"q/T.ndjson.gz"}, gz},
		{"two queues", []string{"a/T.ndjson", "b/T.ndjson"}, func(_ testing.TB, b []byte) []byte { return b }},
	} {
		for _, follow := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, follow %t", c.name, follow), func(t *testing.T) {
				tidetest.Source(t, func(t testing.TB) tidetest.Origin {
					dir := t.TempDir()
					for _, f := range c.files {
						write(t, dir, f, nil)
					}
					return tidetest.Origin{
						Source: func() tidemill.Source {
							return NewSource(Connection{Path: dir}, Options{Follow: follow}, env)
						},
						Put: func(_ context.Context, ids ...string) error {
							return put(t, dir, c.files, c.pack, ids)
						},
						MessageID:  func(m tidemill.Message) string { return strings.TrimSpace(string(m.Value)) },
						Positioned: true, Ordered: len(c.files) == 1, Ends: !follow,
						Many: 3 * readBytes / padded, Schedules: 6, Quiet: 60 * time.Millisecond,
					}
				})
			})
		}
	}
}

// padded is the size of a record: large, so that a few take several reads.
const padded = 16 << 10

// put deals the ids out to files, and appends to each what it gets at once.
func put(t testing.TB, dir string, files []string, pack func(testing.TB, []byte) []byte, ids []string) error {
	content := make([][]byte, len(files))
	for i, id := range ids {
		f := i % len(files)
		content[f] = fmt.Appendf(content[f], "%-*s\n", padded, id)
	}
	for i, name := range files {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if _, err := f.Write(pack(t, content[i])); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
