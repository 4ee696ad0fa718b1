package object

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/tidemill/tidemill/internal/retry"
)

// listing finds objects by listing them, page by page.
type listing struct {
	s       *Source
	bounded bool // the end of the pass is the end of the source

	begun bool
	page  []entry
	after string
	last  bool // page is the last of the pass
	found bool // this pass has found something to read
}

func (l *listing) next(ctx context.Context) (*task, error) {
	for {
		if !l.begun {
			if t, err := l.begin(ctx); t != nil || err != nil {
				return t, err
			}
		}
		for len(l.page) > 0 {
			e := l.page[0]
			l.page = l.page[1:]
			t, err := l.s.task(e)
			if err != nil {
				return nil, err
			}
			if t != nil {
				l.found = true
				return t, nil
			}
		}
		if !l.last {
			if err := l.fetch(ctx); err != nil {
				return nil, err
			}
			continue
		}
		if l.bounded {
			return nil, io.EOF
		}
		if !l.found {
			if err := retry.Sleep(ctx, l.s.opts.interval()); err != nil {
				return nil, err
			}
		}
		l.begun = false
	}
}

// begin begins a pass: where one mark stands for all objects, behind its
// object, which comes first if it was read in part.
func (l *listing) begin(ctx context.Context) (*task, error) {
	l.begun, l.page, l.after, l.last, l.found = true, nil, "", false, false
	key, ok := l.s.cursorKey()
	if !ok {
		return nil, nil
	}
	l.after = key
	if l.s.marks.at.Done {
		return nil, nil
	}
	e, err := l.s.bucket.stat(ctx, key)
	if errors.Is(err, errGone) {
		e = entry{key: key, etag: l.s.marks.at.ETag}
		t, err := l.s.task(e)
		if t != nil {
			t.lost = "the object was removed"
		}
		return t, err
	}
	if err != nil {
		return nil, err
	}
	return l.s.task(e)
}

// cursorKey is the key of the object that the one mark stands at.
func (s *Source) cursorKey() (string, bool) {
	if !s.marks.ordered || s.marks.at.Key == "" {
		return "", false
	}
	return strings.TrimPrefix(s.marks.at.Key, s.bucket.scope("")), true
}

func (l *listing) fetch(ctx context.Context) error {
	page, last, err := l.s.bucket.list(ctx, l.s.pattern.prefix, l.after)
	if err != nil {
		return err
	}
	l.page, l.after, l.last = page, last, last == ""
	return nil
}

func (l *listing) drain() {
	l.bounded, l.begun = true, false
}

func (l *listing) token() any { return nil }

func (l *listing) done(*task) {}

func (l *listing) ack(context.Context, any) error { return nil }

func (l *listing) close() {}
