package land

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/tidemill/tidemill"
)

// read hands over what the source gives until it ends or ctx does. A read
// that nobody takes any more is left to the source, which delivers it again.
func (l *Lander) read(ctx context.Context) error {
	defer close(l.reads)
	for {
		b, err := l.cfg.Source.Read(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, io.EOF):
			release(b.Parts)
			return nil
		case err != nil:
			return err
		}
		select {
		case l.reads <- intake{b, l.moments.take()}:
		case <-ctx.Done():
			release(b.Parts)
			return nil
		}
	}
}

func release(parts []tidemill.Part) {
	for _, p := range parts {
		p.Records.Release()
	}
}

// collector is the state of the goroutine that fills batches.
type collector struct {
	*Lander
	open  *batch  // being filled
	held  *intake // a read that no longer fits; it begins the next batch
	pace  pace
	busy  bool      // the committer has a batch
	quiet time.Time // since when nothing has come and nothing was committed
	last  bool      // no more is read: what is in hand is committed, then the run ends
}

// collect decodes reads into the open batch and hands it over when it is due
// and the committer is free; until then it goes on growing to its limits. It
// ends when the source has ended, soft is done, or all is idle.
func (l *Lander) collect(ctx, soft context.Context, stopReading func()) error {
	defer close(l.batches)
	c := &collector{Lander: l, pace: newPace(l.cfg.Pipeline.Land.Batch), quiet: time.Now()}
	c.open = newBatch()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	stop := soft.Done()
	for {
		now := time.Now()
		switch {
		case !c.busy && c.due(now):
			if err := c.handOver(ctx); err != nil {
				return err
			}
			continue
		case c.last && c.open.empty():
			return nil
		case c.idle(now):
			c.last = true
			stopReading()
			continue
		}
		in := l.reads
		if c.last || c.held != nil || c.pace.full(c.open) {
			in = nil
		}
		timer.Reset(c.untilNext(now))
		select {
		case b, ok := <-in:
			if !ok {
				c.last = true
			} else if err := c.take(ctx, &b); err != nil {
				return err
			}
		case <-l.done:
			c.busy, c.quiet = false, time.Now()
		case <-timer.C:
		case <-stop:
			c.last, stop = true, nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take adds a read to the open batch, or holds it for the next one where it
// does not fit: what a source gave at once is never divided, because it has
// one token and one set of marks.
func (c *collector) take(ctx context.Context, b *intake) error {
	c.quiet = time.Now()
	if !c.open.empty() && (!c.pace.fits(c.open, &b.Batch) || retyped(c.open.parts, b.Parts)) {
		c.held = b
		return nil
	}
	return c.add(ctx, b)
}

// due says whether the open batch should be committed as soon as it can be.
func (c *collector) due(now time.Time) bool {
	return !c.open.empty() &&
		(c.last || c.held != nil || c.pace.full(c.open) || now.Sub(c.open.first) >= c.pace.limits.Wait)
}

// handOver closes the open batch, gives it to the committer, which waits for
// it, and begins the next.
func (c *collector) handOver(ctx context.Context) error {
	b := c.open
	if err := c.shape.close(ctx, b); err != nil {
		return err
	}
	if err := c.records.close(ctx, b); err != nil {
		return err
	}
	select {
	case c.batches <- b:
	case <-ctx.Done():
		b.release()
		return context.Cause(ctx)
	}
	c.busy, c.open, c.quiet = true, newBatch(), time.Now()
	c.pace.grow()
	if c.held == nil {
		return nil
	}
	held := c.held
	c.held = nil
	return c.add(ctx, held)
}

// idle says whether the mode ends the run now. A batch under way keeps it
// from that: until it is acknowledged, a source with a prefetch may be silent
// and still full.
func (c *collector) idle(now time.Time) bool {
	return c.cfg.Mode.idle > 0 && !c.busy && !c.last && c.open.empty() && now.Sub(c.quiet) >= c.cfg.Mode.idle
}

// untilNext returns how long nothing needs to be done if nothing comes.
func (c *collector) untilNext(now time.Time) time.Duration {
	switch {
	case c.busy:
		return time.Hour // the committer will say
	case !c.open.empty():
		return c.open.first.Add(c.pace.limits.Wait).Sub(now)
	case c.cfg.Mode.idle > 0:
		return c.quiet.Add(c.cfg.Mode.idle).Sub(now)
	}
	return time.Hour
}
