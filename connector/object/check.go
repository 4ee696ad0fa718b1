package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode/records"
)

// CheckFolder looks at what pipelines with these options would read of a
// folder, without reading it.
func CheckFolder(ctx context.Context, conn Folder, readers []Options, env tidemill.Env) []tidemill.Finding {
	b := newFolder(conn, env)
	if len(readers) == 0 {
		readers = []Options{{}}
	}
	return checkReaders(ctx, b, readers, env)
}

// CheckS3 looks whether the bucket can be listed and its objects read, as
// pipelines with these options would. Of those that read events it walks the
// way from the bucket's notifications to the queue. It changes nothing and
// receives no message.
func CheckS3(ctx context.Context, conn S3, readers []S3Options, env tidemill.Env) []tidemill.Finding {
	b, err := newS3(ctx, conn, env)
	if err != nil {
		return []tidemill.Finding{failed("read the connection", err)}
	}
	defer b.hangUp()
	b.once = true
	var plain []Options
	for _, r := range readers {
		plain = append(plain, r.Options)
	}
	if len(plain) == 0 {
		plain = []Options{{}}
	}
	found := checkReaders(ctx, b, plain, env)
	for _, r := range readers {
		if r.Events.Queue != "" {
			found = append(found, checkEvents(ctx, b, r, env)...)
		}
	}
	return found
}

func checkReaders(ctx context.Context, b bucket, readers []Options, env tidemill.Env) []tidemill.Finding {
	var found []tidemill.Finding
	for _, opts := range readers {
		s := &Source{opts: opts, bucket: b, log: env.Log}
		var err error
		if s.pattern, err = parsePattern(opts.Path); err == nil {
			s.dialect, err = opts.CSV.dialect()
		}
		if err != nil {
			found = append(found, failed("path "+opts.Path, err))
			continue
		}
		page, last, err := b.list(ctx, s.pattern.prefix, "")
		what := "list " + b.name() + s.pattern.text
		if err != nil {
			found = append(found, failed(what, err))
			continue
		}
		found = append(found, s.checkPage(ctx, what, page, last != "")...)
	}
	return found
}

// checkPage looks at the first page of a listing.
func (s *Source) checkPage(ctx context.Context, what string, page []entry, more bool) []tidemill.Finding {
	formats := map[records.Format]int{}
	var first *task
	var others []string
	for _, e := range page {
		t, err := s.task(e)
		if err != nil {
			return []tidemill.Finding{failed(what, err)}
		}
		if t == nil {
			others = append(others, e.key)
			continue
		}
		formats[t.records.Format]++
		if first == nil {
			first = t
		}
	}
	counts := ""
	for _, f := range records.Formats() {
		if formats[f] > 0 {
			counts += fmt.Sprintf(", %d %s", formats[f], f)
		}
	}
	if more {
		counts += ", and more behind them"
	}
	found := []tidemill.Finding{{OK: true, What: what + counts}}
	if first == nil {
		found[0].Warn, found[0].Why = true, "nothing there is read"
		found[0].Hint = "objects are read if path names them and their names end in .ndjson, .json, .csv, .parquet or .avro, plain, .gz or .zst; or set format"
	} else {
		found = append(found, s.checkGet(ctx, first))
	}
	if len(others) > 0 {
		const most = 3
		found[0].Why = strings.TrimPrefix(found[0].Why+fmt.Sprintf("; %d others are passed over, as %s", len(others), strings.Join(others[:min(len(others), most)], ", ")), "; ")
	}
	return found
}

// checkGet reads one byte of an object.
func (s *Source) checkGet(ctx context.Context, t *task) tidemill.Finding {
	f := tidemill.Finding{OK: true, What: "read " + t.meta["object"]}
	c, err := s.bucket.open(ctx, t.entry)
	if err == nil {
		_, err = c.ReadAt(make([]byte, 1), 0)
		_ = c.Close() // it was only read
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errChanged) && !errors.Is(err, errGone) {
		return failed(f.What, err)
	}
	return f
}

// failed puts the reason and remedy of err into a finding.
func failed(what string, err error) tidemill.Finding {
	f := tidemill.Finding{What: what, Why: err.Error()}
	if hints := tidemill.Hints(err); len(hints) > 0 {
		f.Hint = hints[0]
	}
	return f
}
