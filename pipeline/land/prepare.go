package land

import (
	"fmt"
	"maps"
	"sync"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/internal/canon"
)

// event is a message after the workers had it: a row to be, or dead.
type event struct {
	decode.Event
	msg      *tidemill.Message
	key      tidemill.ID
	delivery tidemill.ID
	hash     tidemill.ID // of the payload
	code     tidemill.Code
	reason   string // with code, why it is dead
	decoded  bool   // key and hash are known, and Payload is protected
	buf      []byte // behind the payload as decoded, used again by the next read
	spare    []byte // behind the payload as protected
}

// grain is the least number of messages that is worth another goroutine.
const grain = 32

// keepBuffer is the size up to which a buffer is kept for the next read.
const keepBuffer = 64 << 10

// prepare decodes messages and computes their identities, in parallel where
// that pays. The events stand in the order of the messages and are valid
// until the next call.
func (l *Lander) prepare(messages []tidemill.Message, letters []tidemill.DeadLetter) []event {
	for len(l.events) < len(messages) {
		l.events = append(l.events, event{})
	}
	events := l.events[:len(messages)]
	for i := range events {
		events[i].msg = &messages[i]
	}
	n := max(1, min(len(l.workers), len(events)/grain))
	part := (len(events) + n - 1) / n
	var wg sync.WaitGroup
	for w := 1; w < n; w++ {
		wg.Go(func() { l.decodeAll(l.workers[w], events, letters, w*part, min((w+1)*part, len(events))) })
	}
	l.decodeAll(l.workers[0], events, letters, 0, min(part, len(events)))
	wg.Wait()
	return events
}

func (l *Lander) decodeAll(d decode.Decoder, events []event, letters []tidemill.DeadLetter, from, to int) {
	for i := from; i < to; i++ {
		e := &events[i]
		*e = event{msg: e.msg, buf: reuse(e.buf), spare: reuse(e.spare)}
		var stored *tidemill.DeadLetter
		if letters != nil {
			stored = &letters[i]
		}
		l.decode(d, e, stored)
	}
}

// decode fills e. A letter that is replayed keeps the identity of its first
// delivery, and where it was protected its payload is already canonical.
func (l *Lander) decode(d decode.Decoder, e *event, stored *tidemill.DeadLetter) {
	m := e.msg
	if stored != nil {
		e.delivery = stored.Delivery
	} else {
		e.delivery = canon.Delivery(m.Source, m.Type, m.ID, m.Value)
	}
	switch {
	case len(m.Value) == 0:
		e.code, e.reason = tidemill.Empty, "the body is empty"
		return
	case len(m.Value) > l.cfg.MaxMessage:
		e.code = tidemill.TooLarge
		e.reason = fmt.Sprintf("the body has %d bytes, over the limit of %d", len(m.Value), l.cfg.MaxMessage)
		return
	}
	if stored != nil && stored.Protected {
		e.Event = describe(d, e)
		e.key, e.hash, e.decoded = stored.Key, stored.PayloadHash, true
		return
	}
	var err error
	if e.Event, err = decodeSafely(d, e.buf, m); err == nil {
		e.buf = e.Payload
		err = l.rules.apply(e)
	}
	if err != nil {
		e.code, e.reason = verdict(err)
		return
	}
	e.decoded = true
}

// describe returns the event of a protected letter, whose value is a payload
// already. The decoder knows the schema of its type; it tells it for an empty
// event.
func describe(d decode.Decoder, e *event) decode.Event {
	empty := *e.msg
	empty.Value = []byte("{}")
	empty.Meta = maps.Clone(empty.Meta)
	if empty.Meta == nil {
		empty.Meta = map[string]string{}
	}
	empty.Meta[decode.MetaFormat] = "json"
	ev, err := decodeSafely(d, nil, &empty)
	if err != nil {
		ev = decode.Event{}
	}
	ev.Type, ev.Payload = e.msg.Type, e.msg.Value
	return ev
}

// decodeSafely makes a dead letter of a message that makes its decoder
// panic: one message must not stop those around it.
func decodeSafely(d decode.Decoder, dst []byte, m *tidemill.Message) (e decode.Event, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decoder panicked: %v", p)
		}
	}()
	return d.Decode(dst, m)
}

// reuse returns b emptied, or nothing where one large message made it large.
func reuse(b []byte) []byte {
	if cap(b) > keepBuffer {
		return nil
	}
	return b[:0]
}
