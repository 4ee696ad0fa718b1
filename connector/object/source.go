package object

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode/records"
)

// Source reads a connection. It implements tidemill.Source and
// tidemill.Drainer. Its tokens are nil, but for messages of a queue, which
// Ack deletes.
type Source struct {
	opts    Options
	events  Events
	connect func(context.Context) (bucket, error)
	queue   func(context.Context) (queue, error) // nil where objects are listed
	log     *slog.Logger

	bucket  bucket
	pattern *pattern
	dialect records.Dialect
	marks   ledger
	finder  finder
	feed    *feed // of the object that is being read
	life    context.Context
	end     context.CancelFunc
	hangUps []func() // close connections that are idle
}

// finder finds what is to be read next.
type finder interface {
	// next waits for the next object; io.EOF says that there is none.
	next(ctx context.Context) (*task, error)

	// drain makes next end when what is there now was found.
	drain()

	// token returns what Ack is called with after the batch that is handed
	// over now.
	token() any

	// done says that all of t was handed over, with the last token.
	done(t *task)

	ack(ctx context.Context, token any) error
	close()
}

var (
	_ tidemill.Source  = (*Source)(nil)
	_ tidemill.Drainer = (*Source)(nil)
)

// NewFolderSource returns a source of a folder that has not looked at it yet.
func NewFolderSource(conn Folder, opts Options, env tidemill.Env) *Source {
	return &Source{
		opts: opts, log: env.Log,
		connect: func(context.Context) (bucket, error) { return newFolder(conn, env), nil },
	}
}

// NewS3Source returns a source of a bucket that has not connected yet.
func NewS3Source(conn S3, opts S3Options, env tidemill.Env) *Source {
	s := &Source{
		opts: opts.Options, events: opts.Events, log: env.Log,
	}
	s.connect = func(ctx context.Context) (bucket, error) {
		b, err := newS3(ctx, conn, env)
		if err != nil {
			return nil, err
		}
		s.hangUps = append(s.hangUps, b.hangUp)
		return b, nil
	}
	if opts.Events.Queue != "" {
		s.queue = func(ctx context.Context) (queue, error) {
			q, err := newSQS(ctx, conn, opts.Events, env)
			if err != nil {
				return nil, err
			}
			s.hangUps = append(s.hangUps, q.hangUp)
			return q, nil
		}
	}
	return s
}

// MaxMessage is the size in bytes above which rows are dead letters.
func (s *Source) MaxMessage() int { return s.opts.maxMessage() }

// Open looks whether objects can be listed, or messages received.
func (s *Source) Open(ctx context.Context, from []tidemill.Mark) error {
	var err error
	if s.pattern, err = parsePattern(s.opts.Path); err != nil {
		return &tidemill.Error{Code: tidemill.Invalid, Op: "read path", Err: err, Hint: "write it as events/{year}/{month}/*.csv"}
	}
	if s.dialect, err = s.opts.CSV.dialect(); err != nil {
		return &tidemill.Error{Code: tidemill.Invalid, Op: "read source", Err: err}
	}
	if s.marks, err = newLedger(from, s.opts.inOrder()); err != nil {
		return err
	}
	if s.bucket, err = s.connect(ctx); err != nil {
		return err
	}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	if s.queue != nil {
		q, err := s.queue(ctx)
		if err != nil {
			return err
		}
		f := newEventFinder(s, q)
		s.finder = f
		return f.open(ctx)
	}
	s.finder = s.lister()
	if b, ok := s.bucket.(*s3Bucket); ok {
		b.opening = true
		defer func() { b.opening = false }()
	}
	_, _, err = s.bucket.list(ctx, s.pattern.prefix, "")
	return err
}

func (s *Source) lister() finder {
	l := &listing{s: s, bounded: !s.opts.Follow}
	if s.opts.Layout == cockroachdb && s.opts.Final {
		return &resolved{listing: l}
	}
	return l
}

// inOrder reports whether one mark stands for all objects.
func (o Options) inOrder() bool { return o.Ordered || o.Layout == cockroachdb && o.Final }

// Drain makes the source end when what is there now has been read: with a
// queue, when it twice had no message.
func (s *Source) Drain(context.Context) error {
	s.finder.drain()
	return nil
}

// Read returns rows of one object, with its mark.
func (s *Source) Read(ctx context.Context) (tidemill.Batch, error) {
	for {
		if s.feed == nil {
			t, err := s.finder.next(ctx)
			if err != nil {
				return tidemill.Batch{}, err
			}
			s.feed = &feed{s: s, t: t}
		}
		b, done, err := s.feed.read(ctx)
		if errors.Is(err, errChanged) || errors.Is(err, errGone) {
			b, done, err = s.lost(ctx, err)
		}
		if err != nil {
			s.feed.reset()
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return tidemill.Batch{}, err
		}
		t, full := s.feed.t, len(b.Messages)+len(b.Parts)+len(b.Dead)+len(b.Marks) > 0
		if full {
			b.Token = s.finder.token()
		}
		if done {
			s.feed.reset()
			s.feed = nil
			s.finder.done(t)
		}
		if full {
			return b, nil
		}
	}
}

// lost deals with an object that changed or went while it was read.
func (s *Source) lost(ctx context.Context, cause error) (b tidemill.Batch, done bool, err error) {
	f := s.feed
	f.reset()
	if errors.Is(cause, errChanged) {
		var e entry
		if e, cause = s.bucket.stat(ctx, f.t.key); cause == nil {
			t, err := s.progress(f.t.of(e))
			if t != nil {
				*f.t = *t
			}
			return b, t == nil, err
		}
	}
	switch {
	case !errors.Is(cause, errGone):
		return b, false, cause
	case f.t.pos.Row == 0:
		s.log.Warn("an object was removed before it was read", "object", s.bucket.scope(f.t.key))
		return b, true, nil
	}
	f.t.lost = "the object was removed"
	return b, false, nil
}

// Ack deletes the messages whose objects are committed.
func (s *Source) Ack(ctx context.Context, token any) error { return s.finder.ack(ctx, token) }

// Close ends what is under way.
func (s *Source) Close() error {
	if s.feed != nil {
		s.feed.reset()
	}
	if s.finder != nil {
		s.finder.close()
	}
	if s.end != nil {
		s.end()
	}
	for _, hangUp := range s.hangUps {
		hangUp()
	}
	return nil
}

// streamName is the stream where the source names none.
func (s *Source) streamName() string {
	if name := s.pattern.folderName(); name != "" {
		return name
	}
	switch b := s.bucket.(type) {
	case *s3Bucket:
		if name := filepath.Base(b.conn.Prefix); b.conn.Prefix != "" && name != "/" {
			return name
		}
		return b.conn.Bucket
	case *folder:
		return filepath.Base(b.root)
	}
	return "objects"
}
