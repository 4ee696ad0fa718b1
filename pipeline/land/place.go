package land

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
)

// replayed is the token of a read that holds dead letters: one for each of
// its messages.
type replayed []tidemill.DeadLetter

// add decodes a read and places each of its messages in the open batch: as a
// row, a duplicate or a dead letter.
func (c *collector) add(ctx context.Context, r *intake) error {
	b := c.open
	c.moments.join()
	if err := b.join(r); err != nil {
		return err
	}
	b.bytes += size(&r.Batch)
	c.addParts(r.Parts)
	letters, _ := r.Token.(replayed)
	events := c.prepare(r.Messages, letters)
	for i := range events {
		e := &events[i]
		b.count(e)
		if err := c.place(ctx, e); err != nil {
			return err
		}
		switch {
		case e.code == "":
		case letters != nil:
			d := letters[i] // as it was stored, so that it is known as a repeat
			d.Code, d.Reason = e.code, e.reason
			b.bury(d)
		default:
			b.bury(c.rules.letter(e))
		}
	}
	for _, d := range r.Dead {
		b.messages++
		if d.Delivery == (tidemill.ID{}) {
			d.Delivery = canon.Delivery(d.Message.Source, d.Message.Type, d.Message.ID, d.Message.Value)
		}
		d.Message, d.Reason = storable(d.Message), oneLine(d.Reason)
		b.bury(d)
	}
	return nil
}

// addParts takes over the records of a read.
func (c *collector) addParts(parts []tidemill.Part) {
	b := c.open
	for _, p := range parts {
		n := int(p.Records.NumRows())
		b.messages, b.records = b.messages+n, b.records+n
		b.newest = later(b.newest, newestOf(p))
		b.parts = append(b.parts, p)
	}
}

// place puts a decoded event among the rows, unless the batch has it already,
// or says in e.code why it is dead.
func (c *collector) place(ctx context.Context, e *event) error {
	if e.code != "" {
		return nil
	}
	b := c.open
	dedupe := c.cfg.Pipeline.Land.Dedupe != string(tidemill.DedupeOff)
	if b.has(e, dedupe) {
		c.shape.duplicate(e)
		return nil
	}
	err := c.shape.add(ctx, e)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		e.code, e.reason = verdict(err)
		return nil
	}
	if err == nil {
		b.remember(e, dedupe)
	}
	return err
}

func (b *batch) count(e *event) {
	b.messages++
	b.bytes += int64(max(0, len(e.Payload)-len(e.msg.Value)))
	if e.msg.Redelivered {
		b.redelivered++
	}
	if e.msg.Time.After(b.newest) {
		b.newest = e.msg.Time
	}
}

// has says whether e is a duplicate within the batch: of equal keys the first
// wins, and a redelivery of a row that is here is dropped in every mode.
func (b *batch) has(e *event, dedupe bool) bool {
	if dedupe {
		if _, ok := b.keys[e.key]; ok {
			return true
		}
	}
	if e.msg.Redelivered {
		typ, ok := b.deliveries[e.delivery]
		return ok && typ == e.Type // which a header may tell: it is no part of the identity
	}
	return false
}

func (b *batch) remember(e *event, dedupe bool) {
	if dedupe {
		b.keys[e.key] = struct{}{}
	}
	b.deliveries[e.delivery] = e.Type
}

// refusal is why an event does not fit its table: it is a dead letter.
type refusal struct {
	code   tidemill.Code
	reason string
}

func (r *refusal) Error() string { return r.reason }

// verdict returns the code and the one line of reason with which the message
// of err is dead.
func verdict(err error) (tidemill.Code, string) {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r.code, oneLine(r.reason)
	}
	code := tidemill.CodeOf(err)
	if code == "" {
		code = tidemill.Malformed
	}
	if e := (*tidemill.Error)(nil); errors.As(err, &e) && e.Err != nil {
		err = e.Err // without the code, which has its own column
	}
	return code, oneLine(err.Error())
}

// storable returns m with the text that its publisher wrote as valid UTF-8:
// a warehouse refuses other text, and one wrong header would stop the line.
func storable(m tidemill.Message) tidemill.Message {
	m.Source, m.Type, m.ID = valid(m.Source), valid(m.Type), valid(m.ID)
	if len(m.Meta) > 0 {
		meta := make(map[string]string, len(m.Meta))
		for k, v := range m.Meta {
			meta[valid(k)] = valid(v)
		}
		m.Meta = meta
	}
	if !storableTime(m.Time) {
		m.Time = time.Time{}
	}
	return m
}

// maxReason bounds the reason of a dead letter, in bytes.
const maxReason = 500

// oneLine returns s without line breaks, bounded, as valid text.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxReason {
		s = s[:maxReason] + "…"
	}
	return valid(s)
}
