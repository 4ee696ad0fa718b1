package file

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/tidemill/tidemill"
)

// Check looks at what a pipeline with opts would read, without reading it.
func Check(_ context.Context, conn Connection, opts Options, env tidemill.Env) []tidemill.Finding {
	root := resolve(conn.Path, env)
	l, err := list(root, opts.Queues)
	if err == nil && !opts.Follow {
		err = l.missing(root, opts.Queues)
	}
	if err != nil {
		f := tidemill.Finding{What: "read " + root, Why: err.Error()}
		if hints := tidemill.Hints(err); len(hints) > 0 {
			f.Hint = hints[0]
		}
		return []tidemill.Finding{f}
	}
	sums := map[string]string{}
	var order []string
	files, size := 0, int64(0)
	for i, e := range l.entries {
		f, err := os.Open(e.path)
		if err != nil {
			err = notFound(e.path, err)
			return []tidemill.Finding{{What: "read " + e.path, Why: err.Error(), Hint: strings.Join(tidemill.Hints(err), "; ")}}
		}
		if info, err := f.Stat(); err == nil {
			size += info.Size()
		}
		_ = f.Close() // it was not written
		files++
		if last := i+1 == len(l.entries) || l.entries[i+1].queue != e.queue; last {
			order = append(order, e.queue)
			sums[e.queue] = fmt.Sprintf("queue %s: %s, %d bytes", e.queue, plural(files, "file"), size)
			files, size = 0, 0
		}
	}
	found := []tidemill.Finding{{OK: true, What: "read " + root}}
	if len(order) == 0 {
		found[0].Warn, found[0].Why = true, "it holds no events yet"
		found[0].Hint = "events are read from QUEUE/TYPE.ndjson or .pb below it, plain, .gz or .zst"
	}
	for _, q := range order {
		found = append(found, tidemill.Finding{OK: true, What: sums[q]})
	}
	if len(l.ignored) > 0 {
		found = append(found, tidemill.Finding{
			OK: true, Warn: true, What: plural(len(l.ignored), "other file"),
			Why:  "not read: " + some(l.ignored),
			Hint: "files of events are named TYPE.ndjson or TYPE.pb, with .gz or .zst after it if they are compressed",
		})
	}
	return found
}

// plural counts things: "1 file", "2 files".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// some lists the first few names.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}
