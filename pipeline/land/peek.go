package land

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/internal/tabular"
)

// Waiting is a message or a row that has not been read yet, as its pipeline
// would land it: decoded and protected, or dead. Whether it fits its table is
// not looked at.
type Waiting struct {
	// Message has the payload as its Value, in JSON; where it is dead, the
	// bytes, unless they are withheld. Of a row Source is the stream.
	tidemill.Message
	Size   int           // bytes of the message as it came; 0 of a row
	Code   tidemill.Code // why it is dead; "" if it is not
	Reason string
}

// silence is how long Peek waits for more from a source that cannot tell how
// much it holds.
const silence = time.Second

// Peek returns at most limit of what cfg.Source would give next, after the
// marks of the pipeline, and leaves it there. It closes the source. The
// warehouse may be nil where the source is a tidemill.Peeker.
func Peek(ctx context.Context, cfg Config, limit int) ([]Waiting, error) {
	l := &Lander{cfg: cfg, name: cfg.Pipeline.Name, log: slog.New(slog.DiscardHandler)}
	if l.cfg.MaxMessage <= 0 {
		l.cfg.MaxMessage = MaxMessage
	}
	var err error
	if l.rules, err = l.newRules(); err != nil {
		return nil, errors.Join(err, cfg.Source.Close())
	}
	p := &peek{Lander: l, limit: limit, decoder: cfg.Decoder}
	if source, ok := cfg.Source.(tidemill.Peeker); ok {
		var b tidemill.Batch
		if b, err = source.Peek(ctx, limit); err == nil {
			err = p.take(b)
		}
	} else {
		err = p.read(ctx)
	}
	if err = errors.Join(err, cfg.Source.Close()); err != nil {
		return nil, &tidemill.Error{Op: "peek", Pipeline: l.name, Err: err}
	}
	return p.found, nil
}

// peek collects what waits.
type peek struct {
	*Lander
	limit   int
	decoder func() decode.Decoder
	found   []Waiting
}

// read opens the source where the pipeline stands, and acknowledges nothing.
func (p *peek) read(ctx context.Context) error {
	ledger, err := p.cfg.Warehouse.Ledger(ctx, p.name)
	if err != nil {
		return err
	}
	source := p.cfg.Source
	if err := source.Open(ctx, ledger.Marks); err != nil {
		return err
	}
	drainer, bounded := source.(tidemill.Drainer)
	if bounded {
		if err := drainer.Drain(ctx); err != nil {
			return err
		}
	}
	for len(p.found) < p.limit {
		reading, stop := ctx, func() {}
		if !bounded {
			reading, stop = context.WithTimeout(ctx, silence)
		}
		b, err := source.Read(reading)
		quiet := ctx.Err() == nil && reading.Err() != nil
		stop()
		if errors.Is(err, io.EOF) || err != nil && quiet {
			return nil
		}
		if err == nil {
			err = p.take(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take adds a read up to the limit.
func (p *peek) take(b tidemill.Batch) error {
	defer release(b.Parts)
	decoder := p.decoder()
	for i := range b.Messages {
		if len(p.found) == p.limit {
			return nil
		}
		e := event{msg: &b.Messages[i]}
		p.decode(decoder, &e, nil)
		p.found = append(p.found, p.waiting(&e))
	}
	for _, d := range b.Dead {
		if len(p.found) == p.limit {
			return nil
		}
		p.found = append(p.found, Waiting{storable(d.Message), len(d.Message.Value), d.Code, oneLine(d.Reason)})
	}
	for _, part := range b.Parts {
		if err := p.rows(part); err != nil {
			return err
		}
	}
	return nil
}

func (p *peek) waiting(e *event) Waiting {
	size := len(e.msg.Value)
	if e.code != "" {
		d := p.rules.letter(e)
		return Waiting{d.Message, size, d.Code, d.Reason}
	}
	m := storable(*e.msg)
	m.Type, m.Value = valid(e.Type), bytes.Clone(e.Payload)
	return Waiting{Message: m, Size: size}
}

// rows adds the rows of a part, each as a JSON object.
func (p *peek) rows(part tidemill.Part) error {
	n := min(int64(p.limit-len(p.found)), part.Records.NumRows())
	first := part.Records.NewSlice(0, n)
	defer first.Release()
	r, err := array.NewRecordReader(first.Schema(), []arrow.RecordBatch{first})
	if err != nil {
		return fmt.Errorf("read rows of %s: %w", part.Stream, err)
	}
	defer r.Release()
	var text bytes.Buffer
	if _, err := tabular.Write(&text, tabular.NDJSON, r); err != nil {
		return err
	}
	for line := range bytes.Lines(text.Bytes()) {
		payload, err := p.rules.protect.Append(nil, bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return fmt.Errorf("protect a row of %s: %w", part.Stream, err)
		}
		p.found = append(p.found, Waiting{Message: tidemill.Message{Source: part.Stream, Value: payload}})
	}
	return nil
}
