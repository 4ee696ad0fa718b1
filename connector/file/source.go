package file

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/tidemill/tidemill"
)

// Source reads a Connection. It implements tidemill.Source and
// tidemill.Drainer. Its tokens are nil: Ack does nothing, because what is
// committed is known by the marks.
//
// With Follow it holds one descriptor for each file that is not compressed.
// Memory is one read, of about 1 MiB or one record, and the buffers of the
// file being read.
type Source struct {
	root string
	opts Options
	log  *slog.Logger

	marks   map[string]tidemill.Position // of files that have not been seen yet
	known   map[string]*feed             // by scope
	feeds   []*feed                      // in reading order
	next    int                          // the one of feeds to read
	got     bool                         // this pass has read something
	bounded bool                         // the end of the pass is the end of the source
	watch   *watcher                     // nil where nothing is followed
}

var (
	_ tidemill.Source  = (*Source)(nil)
	_ tidemill.Drainer = (*Source)(nil)
)

// NewSource returns a source that has not touched the disk yet.
func NewSource(conn Connection, opts Options, env tidemill.Env) *Source {
	return &Source{
		root: resolve(conn.Path, env), opts: opts, log: env.Log,
		known: map[string]*feed{}, bounded: !opts.Follow,
	}
}

func resolve(path string, env tidemill.Env) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(env.Dir, path)
}

// MaxMessage is the size in bytes above which messages are dead letters. The
// source hands such messages over all the same, so that the pipeline, which
// must be told this limit, treats them as those of any source.
func (s *Source) MaxMessage() int { return s.opts.maxMessage() }

// Open looks at the folder and takes the sizes of its files: without Follow
// they are where the source ends.
func (s *Source) Open(_ context.Context, from []tidemill.Mark) error {
	s.marks = make(map[string]tidemill.Position, len(from))
	for _, m := range from {
		s.marks[m.Scope] = m.To
	}
	l, err := list(s.root, s.opts.Queues)
	if err != nil {
		return err
	}
	if !s.opts.Follow {
		if err := l.missing(s.root, s.opts.Queues); err != nil {
			return err
		}
	} else if s.watch, err = newWatcher(); err != nil {
		s.log.Warn("watch folder; it will be looked at twice a second", "path", s.root, "err", err)
	}
	return s.pass(l)
}

// Drain makes the source end where its files end now.
func (s *Source) Drain(context.Context) error {
	s.bounded = true
	return s.look()
}

// look lists the folder again and begins a pass over it.
func (s *Source) look() error {
	l, err := list(s.root, s.opts.Queues)
	if err != nil {
		return err
	}
	return s.pass(l)
}

// pass begins to visit the listed files, and those that are gone but open.
func (s *Source) pass(l listing) error {
	feeds := make([]*feed, 0, len(l.entries))
	for _, e := range l.entries {
		f, err := s.feed(e)
		if err != nil {
			return err
		}
		feeds = append(feeds, f)
	}
	for _, f := range s.feeds {
		if f.s != nil && !slices.Contains(feeds, f) {
			feeds = append(feeds, f)
		}
	}
	for _, f := range feeds {
		if err := f.visit(); err != nil {
			return f.wrap(err)
		}
	}
	s.feeds, s.next, s.got = feeds, 0, false
	s.watch.add(l.folders)
	return nil
}

// feed returns the feed of e, made at its mark if it is new.
func (s *Source) feed(e entry) (*feed, error) {
	if f := s.known[e.scope]; f != nil {
		return f, nil
	}
	f := newFeed(e, s.opts)
	f.mark = s.marks[e.scope]
	var err error
	if f.pos, err = decodePosition(f.mark); err != nil {
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Op: "read " + e.path, Err: err,
			Hint: "the ledger was written by a newer tidemill, or by another kind of source: use that, or name the pipeline anew",
		}
	}
	s.known[e.scope] = f
	return f, nil
}

// Read returns records of one file, at most about 1 MiB of them, with the
// mark of that file.
func (s *Source) Read(ctx context.Context) (tidemill.Batch, error) {
	for {
		for s.next < len(s.feeds) {
			if err := ctx.Err(); err != nil {
				return tidemill.Batch{}, err
			}
			b, more, err := s.feeds[s.next].read()
			if err != nil {
				return tidemill.Batch{}, err
			}
			if !more {
				s.next++
			}
			if len(b.Messages)+len(b.Dead) > 0 {
				s.got = true
				return b, nil
			}
		}
		if s.bounded {
			return tidemill.Batch{}, io.EOF
		}
		if !s.got {
			if err := s.watch.wait(ctx); err != nil {
				return tidemill.Batch{}, err
			}
		}
		if err := s.look(); err != nil {
			return tidemill.Batch{}, err
		}
	}
}

// Ack does nothing.
func (s *Source) Ack(context.Context, any) error { return nil }

// Close closes the files.
func (s *Source) Close() error {
	for _, f := range s.known {
		f.close()
	}
	return s.watch.close()
}
