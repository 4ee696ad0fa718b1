// Package tidemill is the vocabulary of Tidemill: what moves through the line
// from a source to a tested table, and the contracts of its two ends.
//
// A pipeline reads one [Source], decodes its messages and commits them to
// tables of a [Warehouse]. The package promises one thing, and every
// implementation is held to it by the suites of package tidetest: no ack
// before the commit, and rows, dead letters and marks commit together.
//
// It imports the standard library and Arrow only, so that every layer can
// speak it.
package tidemill

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Position is a place in a source. It is opaque to all but the source that
// made it; an empty one is the beginning.
type Position []byte

// Mark says that a source has been read from From to To within Scope: a slot,
// a file, a chunk, a cursor. A warehouse stores To only where the stored
// position equals From, so that of two writers one is fenced.
type Mark struct {
	Scope    string
	From, To Position
}

// ID is a 128-bit identity, stored as a UUID. Its bytes are the leading half
// of a SHA-256 sum; package internal/canon says what is hashed.
type ID [16]byte

// String returns id in the usual form of a UUID.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// ParseID reads the form that String writes.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, fmt.Errorf("parse id %q: want the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", s)
	}
	raw, err := hex.DecodeString(s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if err != nil {
		return id, fmt.Errorf("parse id %q: %w", s, err)
	}
	copy(id[:], raw)
	return id, nil
}

// Message is one undecoded unit: a queue message, a webhook element, a line
// of a file. Value and Meta belong to whoever holds the message; the source
// does not touch them again.
type Message struct {
	Source      string            // queue, folder or topic within the source; the `source` column of an envelope
	ID          string            // the producer's id; "" where it gives none
	Redelivered bool              // the source says that it may have been delivered before
	Type        string            // message type, as the source knows it; "" where it does not
	Value       []byte            // the body as it came
	Meta        map[string]string // publisher properties, headers, file and line; may be nil
	Time        time.Time         // when the source committed it; zero if unknown
}

// Part holds decoded records of one stream, of a source whose marks alone keep
// them from landing twice. Its receiver must Release Records.
type Part struct {
	Stream  string            // the table in the source, as schema.name where it has schemas
	Key     []string          // columns that identify a row; nil where the source tells none
	Records arrow.RecordBatch // begins with ChangeFields in a change stream; no other column has the name of one of ours
}

// DeadLetter is a message that could not land, with its bytes and the reason.
// It is committed in the transaction of the rows around it.
type DeadLetter struct {
	Message  Message
	Delivery ID     // the message's identity; letters are unique by it
	Code     Code   // the kind of failure, see the Code constants
	Reason   string // one line for people, secrets redacted

	// Protected says that Message.Value is not what the source sent but the
	// canonical payload after columns were dropped, hashed or masked. Key and
	// PayloadHash then keep the identities of the original.
	Protected   bool
	Key         ID
	PayloadHash ID
}

// Batch is what one Read returns and what must be committed together with
// its marks. A source gives Messages, which the pipeline decodes, or Parts.
type Batch struct {
	Messages []Message
	Parts    []Part
	Dead     []DeadLetter
	Marks    []Mark // empty for sources that only acknowledge
	Token    any    // the source's handle for Ack; nil where nothing is to be acknowledged
}
