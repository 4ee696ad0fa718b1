package object

import (
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"time"

	"github.com/tidemill/tidemill/decode/records"
	"github.com/tidemill/tidemill/internal/retry"
)

// A changefeed writes files of rows, and files that only by their names say
// that all that sorts before them is there. Names sort as their times do, and
// the hyphen of a file of rows sorts before the point of the other.
var (
	dataName     = regexp.MustCompile(`^([0-9]{33})-([^-]+)-([^-]+)-([^-]+)-([^-]+)-(.+)-([0-9a-fA-F]+)\.(ndjson|json|csv|parquet)(\.gz|\.zst)?$`)
	resolvedName = regexp.MustCompile(`^([0-9]{33})\.RESOLVED$`)
)

// dataFile is what the name of a file of rows tells.
type dataFile struct{ topic, schema string }

func parseDataName(key string) (dataFile, bool) {
	m := dataName.FindStringSubmatch(path.Base(key))
	if m == nil {
		return dataFile{}, false
	}
	return dataFile{topic: m[6], schema: m[7]}, true
}

// parseResolved returns the time that a RESOLVED file stands for, as a
// changefeed writes it: nanoseconds, and a count within them.
func parseResolved(key string) (string, bool) {
	m := resolvedName.FindStringSubmatch(path.Base(key))
	if m == nil {
		return "", false
	}
	t, err := time.Parse("20060102150405.000000000", m[1][:14]+"."+m[1][14:23])
	if err != nil {
		return "", false
	}
	return fmt.Sprintf("%d.%s", t.UnixNano(), m[1][23:]), true
}

// resolved finds the files that a RESOLVED file makes final, in the order of
// their keys.
type resolved struct {
	*listing
	upTo    string  // the last RESOLVED that was there when the pass began
	pending []entry // that wait for the next RESOLVED
	ready   []entry // that have one, of time
	time    string
}

func (r *resolved) next(ctx context.Context) (*task, error) {
	for {
		for len(r.ready) > 0 {
			e := r.ready[0]
			r.ready = r.ready[1:]
			t, err := r.s.task(e)
			if err != nil {
				return nil, err
			}
			if t != nil {
				t.meta["resolved"] = r.time
				t.records.Columns = append(t.records.Columns, records.Column{Name: "resolved", Value: r.time})
				r.found = true
				return t, nil
			}
		}
		if !r.begun {
			if t, err := r.begin(ctx); t != nil || err != nil {
				return t, err
			}
			continue
		}
		if err := r.more(ctx); err != nil {
			return nil, err
		}
	}
}

// more takes the next page, or ends the pass.
func (r *resolved) more(ctx context.Context) error {
	for len(r.page) > 0 {
		e := r.page[0]
		if e.key > r.upTo {
			r.page, r.last = nil, true
			break
		}
		r.page = r.page[1:]
		if at, ok := parseResolved(e.key); ok {
			r.ready, r.pending, r.time = r.pending, nil, at
			return nil
		}
		if _, ok := parseDataName(e.key); ok {
			r.pending = append(r.pending, e)
		}
	}
	if !r.last {
		return r.fetch(ctx)
	}
	if r.bounded {
		return io.EOF
	}
	if !r.found {
		if err := retry.Sleep(ctx, r.s.opts.interval()); err != nil {
			return err
		}
	}
	r.begun = false
	return nil
}

// begin looks for the last RESOLVED, and lists again from the mark up to it:
// a file that was written while the first listing was under way is then seen.
// A file that was read in part comes first, as it was final before.
func (r *resolved) begin(ctx context.Context) (*task, error) {
	r.pending, r.ready, r.upTo = nil, nil, ""
	start, _ := r.s.cursorKey()
	for after := start; ; {
		page, last, err := r.s.bucket.list(ctx, r.s.pattern.prefix, after)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if _, ok := parseResolved(e.key); ok && e.key > r.upTo {
				r.upTo = e.key
			}
		}
		if last == "" {
			break
		}
		after = last
	}
	t, err := r.listing.begin(ctx)
	if err != nil {
		return nil, err
	}
	if t != nil && t.lost == "" && r.upTo != "" {
		r.pending = append(r.pending, t.entry)
		return nil, nil
	}
	return t, nil
}

// drain makes the source end with the last RESOLVED that is there now.
func (r *resolved) drain() {
	r.listing.drain()
	r.pending, r.ready = nil, nil
}
