package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemill/tidemill"
)

// stalled is how long a body may give nothing before it is asked for again.
const stalled = 60 * time.Second

func (b *s3Bucket) open(ctx context.Context, e entry) (content, error) {
	ctx, cancel := context.WithCancel(ctx)
	return &s3Content{b: b, e: e, ctx: ctx, cancel: cancel}, nil
}

// s3Content is an object that is read by ranges, all of one version.
type s3Content struct {
	b      *s3Bucket
	e      entry
	ctx    context.Context // of what is open, until Close
	cancel context.CancelFunc
}

// Close ends what is under way.
func (c *s3Content) Close() error {
	c.cancel()
	return nil
}

// get asks for the bytes from..to-1. stop ends the call and its body.
func (c *s3Content) get(ctx context.Context, from, to int64) (io.ReadCloser, error) {
	rng := fmt.Sprintf("bytes=%d-%d", from, to-1)
	out, err := c.b.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &c.b.conn.Bucket, Key: c.b.key(c.e.key), Range: &rng, IfMatch: c.e.match(),
	})
	if err != nil {
		return nil, c.b.explain("read "+c.e.key, "s3:GetObject on its objects", err)
	}
	return out.Body, nil
}

// ReadAt reads one range.
func (c *s3Content) ReadAt(p []byte, off int64) (int, error) {
	if off >= c.e.size {
		return 0, io.EOF
	}
	want := min(int64(len(p)), c.e.size-off)
	n := int64(0)
	err := c.b.try(c.ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		watch := time.AfterFunc(stalled, cancel)
		defer watch.Stop()
		body, err := c.get(ctx, off+n, off+want)
		if err != nil {
			return c.passing(ctx, err)
		}
		defer func() { _ = body.Close() }() // what matters was read
		for n < want {
			k, err := body.Read(p[n:want])
			n += int64(k)
			watch.Reset(stalled)
			if err != nil && n < want {
				return c.passing(ctx, err)
			}
		}
		return nil
	})
	if err == nil && want < int64(len(p)) {
		err = io.EOF
	}
	return int(n), err
}

// passing marks an error of a connection as worth another try, unless it is
// we who ended it.
func (c *s3Content) passing(ctx context.Context, err error) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("no byte came within %s", stalled)
	}
	var known *tidemill.Error
	if errors.As(err, &known) || errors.Is(err, errChanged) || errors.Is(err, errGone) {
		return err
	}
	return tidemill.Transient(&tidemill.Error{
		Code: tidemill.Unavailable, Op: "read " + c.e.key + " in " + c.b.name(), Err: err,
		Hint: "check endpoint and region, and that this machine reaches them",
	})
}

func (c *s3Content) stream(from int64) io.Reader { return &s3Stream{c: c, off: from} }

// s3Stream is a body that is asked for again, from where it broke.
type s3Stream struct {
	c     *s3Content
	off   int64
	body  io.ReadCloser
	stop  context.CancelFunc
	watch *time.Timer
}

func (s *s3Stream) Read(p []byte) (n int, err error) {
	if s.off >= s.c.e.size {
		s.drop()
		return 0, io.EOF
	}
	err = s.c.b.try(s.c.ctx, func(ctx context.Context) error {
		if s.body == nil {
			if err := s.ask(ctx); err != nil {
				return err
			}
		}
		s.watch.Reset(stalled)
		n, err = s.body.Read(p)
		s.watch.Stop()
		s.off += int64(n)
		if err != nil {
			s.drop()
		}
		if n > 0 || err == nil {
			return nil
		}
		return s.c.passing(ctx, err)
	})
	return n, err
}

func (s *s3Stream) ask(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(ctx)
	s.watch = time.AfterFunc(stalled, s.stop)
	var err error
	if s.body, err = s.c.get(ctx, s.off, s.c.e.size); err != nil {
		err = s.c.passing(ctx, err)
		s.drop()
	}
	return err
}

// drop lets go of the body.
func (s *s3Stream) drop() {
	if s.body != nil {
		_ = s.body.Close() // what matters was read
		s.body = nil
	}
	if s.stop != nil {
		s.stop()
		s.watch.Stop()
	}
}
