package gen

import (
	"crypto/md5"
	"encoding/hex"
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fault is what makes a message impossible to decode.
type Fault string

// The faults. No Empty or UnknownType comes more often than a consumer with a
// brake on dead letters bears when it meets them in one row, as it does in a
// folder, where each type has a file of its own.
const (
	Truncated   Fault = "truncated"    // the end is missing
	Garbage     Fault = "garbage"      // random bytes
	JSON        Fault = "json"         // the right event, in the wrong encoding
	InvalidUTF8 Fault = "invalid_utf8" // a text in Latin-1
	UnknownType Fault = "unknown_type" // a type that the schema does not have; at most 24
	Empty       Fault = "empty"        // no bytes; once for each queue, because empty messages are all alike
)

const maxUnknown = 24

// maxBroken bounds the malformed messages of the queue cards, which has a few
// hundred valid ones in a stream of any length: a consumer with a brake would
// stop at more.
const maxBroken = 16

// Key identifies an event among all of a stream: its type, and the id that
// the body carries or, for a malformed message, the MD5 sum of the body in
// hex. Repeats have the key of the event that they repeat.
func (e Event) Key() string {
	if e.Fault == "" {
		return e.Type + "/" + e.ID
	}
	sum := md5.Sum(e.Body)
	return e.Type + "/" + hex.EncodeToString(sum[:])
}

// faults makes malformed messages out of events that never happened.
type faults struct {
	rnd     *rand.Rand
	world   *world
	unknown int
	cards   int // of the queue cards
	empty   map[string]bool
}

func (f *faults) next() Event {
	m := f.world.rumour()
	queue, typ, _ := m.head()
	for queue == queueCards && f.cards == maxBroken {
		m = f.world.rumour()
		queue, typ, _ = m.head()
	}
	if queue == queueCards {
		f.cards++
	}
	e := Event{Queue: queue, Type: typ}
	switch f.rnd.IntN(6) {
	case 0:
		e.Fault, e.Body = Garbage, f.garbage()
	case 1:
		e.Fault, e.Body = JSON, m.appendJSON(nil)
	case 2:
		m.spoilText()
		e.Fault, e.Body = InvalidUTF8, m.appendProto(nil)
	case 3:
		if f.unknown < maxUnknown {
			f.unknown++
			e.Fault, e.Type, e.Body = UnknownType, undeclared[queue], m.appendProto(nil)
		}
	case 4:
		if !f.empty[queue] {
			if f.empty == nil {
				f.empty = map[string]bool{}
			}
			f.empty[queue] = true
			e.Fault = Empty
		}
	}
	if e.Fault == "" {
		e.Fault, e.Body = Truncated, f.truncate(m.appendProto(nil))
	}
	return e
}

// undeclared are the types that other teams send without telling anybody.
var undeclared = map[string]string{
	queueCards:         "CardRetired",
	queueOrders:        "OrderRefunded",
	queueManufacturing: "MachineStopped",
}

// garbage returns bytes that no protobuf message begins with: wire type 7.
func (f *faults) garbage() []byte {
	b := make([]byte, 16+f.rnd.IntN(240))
	for i := range b {
		b[i] = byte(f.rnd.Uint32())
	}
	b[0] |= 0x07
	return b
}

// truncate cuts b at a random place that is not the border of two fields.
func (f *faults) truncate(b []byte) []byte {
	// The id at the start stays whole, so that no two truncated messages are
	// alike.
	_, _, first := protowire.ConsumeField(b)
	cut := first + 1 + f.rnd.IntN(len(b)-first-1)
	for wellFormed(b[:cut]) {
		cut--
	}
	return b[:cut]
}

func wellFormed(b []byte) bool {
	for len(b) > 0 {
		_, _, n := protowire.ConsumeField(b)
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}
