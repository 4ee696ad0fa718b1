// Package land reads a source, decodes its messages, batches them, commits
// the batches to a warehouse and only then acknowledges them.
//
// It promises what the line promises:
//
//  1. Never ack before the commit. A crash at any instant costs work, not
//     data: what was not acknowledged is delivered again and recognised.
//  2. Rows, dead letters and marks of a batch commit together.
//  3. No message vanishes: each is a row, a duplicate or a dead letter, and
//     the three add up to what was read.
//  4. Bad input stops nothing but, through the brake, its own pipeline.
//  5. Memory is bounded: one batch commits while the next is read and
//     decoded, and one read waits in hand; a slow warehouse slows the source.
//
// A run has four goroutines, which Run owns and waits for: the reader calls
// Source.Read; the collector decodes (on several workers, order kept) and
// fills the open batch; the committer commits one batch at a time and acks; the
// folder folds what was committed to change logs. Batches change hands over
// channels; the folder learns from the committer what there is to fold.
package land

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/internal/retry"
	"github.com/tidemill/tidemill/project"
)

// MaxMessage is the default of Config.MaxMessage.
const MaxMessage = 16 << 20

// Config is what a Lander works with.
type Config struct {
	Pipeline  project.Pipeline
	Source    tidemill.Source       // Run opens and closes it
	Warehouse tidemill.Warehouse    // shared; stays open
	Decoder   func() decode.Decoder // called once per worker
	Log       *slog.Logger          // nil discards; never receives payloads
	Mode      Mode                  // when Run ends by itself
	Progress  func(Progress)        // if set, called after each commit, from one goroutine
	Workers   int                   // decoding goroutines; 0 is one per core, 4 at most

	// MaxMessage is the size in bytes above which a message is not decoded
	// but becomes a dead letter whole; 0 is 16 MiB.
	MaxMessage int

	// Retry is how a commit that failed for a reason that may pass is tried
	// again; its zero value never gives up.
	Retry retry.Policy
}

// Mode says when a run ends by itself.
type Mode struct {
	once bool
	idle time.Duration
}

// The modes without a parameter.
var (
	Forever = Mode{}           // until Stop
	Once    = Mode{once: true} // when all that the source held at its start has landed; the source must be a tidemill.Drainer
)

// UntilIdle ends a run when all is committed and no message has come for d.
func UntilIdle(d time.Duration) Mode { return Mode{idle: max(d, 1)} }

// Lander runs one pipeline, once.
type Lander struct {
	cfg     Config
	name    string
	log     *slog.Logger
	stopped context.Context
	stop    context.CancelFunc

	workers []decode.Decoder
	rules   rules
	shape   shape
	records *records
	replay  bool // messages come from the dead letters: the brake does not count them

	brake   *brake
	figures figures
	moments moments
	reads   chan intake
	batches chan *batch
	done    chan struct{} // one for each batch that was committed
	events  []event       // of the collector, used again for each read
}

// New checks cfg and returns a Lander that has not touched source or
// warehouse yet.
func New(cfg Config) (*Lander, error) {
	l := &Lander{cfg: cfg, name: cfg.Pipeline.Name, log: cfg.Log}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.log = l.log.With("pipeline", l.name)
	if l.cfg.MaxMessage <= 0 {
		l.cfg.MaxMessage = MaxMessage
	}
	if l.cfg.Workers <= 0 {
		l.cfg.Workers = min(runtime.GOMAXPROCS(0), 4)
	}
	l.cfg.Pipeline.Land.Batch = withDefaults(cfg.Pipeline.Land.Batch)
	if cfg.Mode.once {
		if _, ok := cfg.Source.(tidemill.Drainer); !ok {
			return nil, l.invalid("the source cannot tell how much it holds", "use --until-idle 2s in place of --once")
		}
	}
	var err error
	if l.rules, err = l.newRules(); err != nil {
		return nil, err
	}
	if l.shape, err = l.newShape(); err != nil {
		return nil, err
	}
	if l.records, err = l.newRecords(); err != nil {
		return nil, err
	}
	for range l.cfg.Workers {
		l.workers = append(l.workers, cfg.Decoder())
	}
	l.stopped, l.stop = context.WithCancel(context.Background())
	return l, nil
}

// Stop ends the run in good order: nothing more is read, the batch in hand
// is committed and acknowledged, and Run returns without error. A commit
// that fails is then not tried again. It may be called at any time, from any
// goroutine, and more than once.
func (l *Lander) Stop() { l.stop() }

// Run lands until its mode or Stop ends it, or an error does. When ctx is
// cancelled it returns the cause at once; as after a crash, what was not
// committed stays with the source. The source is closed when Run returns.
// The Summary counts what was committed, also where there is an error.
func (l *Lander) Run(ctx context.Context) (Summary, error) {
	l.figures.start = time.Now()
	l.reads = make(chan intake)
	l.batches = make(chan *batch)
	l.done = make(chan struct{}, 1)
	err := l.run(ctx)
	if cerr := l.cfg.Source.Close(); cerr != nil {
		l.log.Warn("close source", "err", cerr)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		err = &tidemill.Error{Op: "land", Pipeline: l.name, Err: err}
	}
	return l.figures.summary(l.name), err
}

func (l *Lander) run(ctx context.Context) error {
	soft, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.stopped, cancel)()

	if l.stopped.Err() != nil { // the function above runs when it comes to it
		return nil
	}
	if err := l.open(soft); err != nil {
		if soft.Err() != nil && ctx.Err() == nil {
			return nil // stopped before anything was read
		}
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	defer context.AfterFunc(l.stopped, stopReading)()
	g.Go(func() error { return l.read(reading) })
	g.Go(func() error { return l.collect(ctx, reading, stopReading) })
	committed := make(chan struct{})
	g.Go(func() error {
		defer close(committed)
		return l.commitAll(ctx, soft)
	})
	g.Go(func() error { return l.records.foldAll(ctx, soft, committed) })
	return g.Wait()
}

// open readies the warehouse, then the source at the marks of the ledger.
func (l *Lander) open(ctx context.Context) error {
	var ledger tidemill.Ledger
	if err := l.shape.open(ctx); err != nil {
		return err
	}
	err := retry.Do(ctx, l.retries("read ledger"), func(ctx context.Context) (err error) {
		ledger, err = l.cfg.Warehouse.Ledger(ctx, l.name)
		return err
	})
	if err != nil {
		return err
	}
	l.records.add(ledger.Unfolded) // what a run that died has left
	l.brake = newBrake(l.cfg.Pipeline.Dead.StopAt, ledger)
	if err := l.cfg.Source.Open(ctx, ledger.Marks); err != nil {
		return fmt.Errorf("open source: %w", err)
	}
	if d, ok := l.cfg.Source.(tidemill.Drainer); ok && l.cfg.Mode.once {
		if err := d.Drain(ctx); err != nil {
			return fmt.Errorf("measure source: %w", err)
		}
	}
	return nil
}

// retries returns the retry policy, which tells the log of each failure.
func (l *Lander) retries(what string) retry.Policy {
	p := l.cfg.Retry
	p.Notify = func(err error, attempt int, wait time.Duration) {
		args := []any{"what", what, "attempt", attempt, "wait", wait.Round(time.Millisecond), "err", err}
		if hints := tidemill.Hints(err); len(hints) > 0 { // it may take a person to end this
			args = append(args, "hint", strings.Join(hints, "; "))
		}
		l.log.Warn("try again", args...)
	}
	return p
}

func (l *Lander) invalid(reason, hint string) error {
	return &tidemill.Error{
		Code: tidemill.Invalid, Pos: l.cfg.Pipeline.Pos, Op: "land", Pipeline: l.name,
		Err: errors.New(reason), Hint: hint,
	}
}

func withDefaults(b project.BatchLimits) project.BatchLimits {
	if b.Rows <= 0 {
		b.Rows = 10_000
	}
	if b.Records <= 0 {
		b.Records = 100_000
	}
	if b.Bytes <= 0 {
		b.Bytes = 16 << 20
	}
	if b.Wait <= 0 {
		b.Wait = time.Second
	}
	return b
}
