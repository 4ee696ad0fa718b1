package land

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tidemill/tidemill"
)

// batch is what will be committed together. The collector fills it; after
// the hand-over it belongs to the committer.
type batch struct {
	id    string
	first time.Time // when its first read was added
	since time.Time // when the source gave that read
	made  time.Time // when it was closed: _landed_at

	reads       int
	messages    int   // records too
	records     int   // rows of parts
	bytes       int64 // of the messages; of their payloads where those are larger
	redelivered int
	newest      time.Time // latest source time, zero if none is known

	parts      []tidemill.Part // of the open batch, in the order of reading
	rows       []tidemill.TableRows
	dead       []tidemill.DeadLetter
	deaths     []death         // in the order of the messages, also of letters that came twice
	duplicates int64           // dead letters that came twice
	folds      []tidemill.Fold // of change logs among rows
	marks      []tidemill.Mark
	tokens     []any

	keys       map[tidemill.ID]struct{} // of rows, where duplicates are looked for
	deliveries map[tidemill.ID]string   // of rows, with their types
	letters    map[tidemill.ID]struct{}
}

// death says which message of a batch became which letter.
type death struct {
	at       int // among the messages
	delivery tidemill.ID
}

func newBatch() *batch {
	return &batch{
		id:         uuid.Must(uuid.NewV7()).String(), // ordered by time; fails only without a random source
		keys:       map[tidemill.ID]struct{}{},
		deliveries: map[tidemill.ID]string{},
		letters:    map[tidemill.ID]struct{}{},
	}
}

// empty says whether nothing was read into b, not even a mark.
func (b *batch) empty() bool { return b.reads == 0 }

// join notes the token and marks of a read. Marks of one scope are merged
// into one; that they join without a gap is the source's promise.
func (b *batch) join(r *intake) error {
	if b.reads == 0 {
		b.first, b.since = time.Now(), r.taken
	}
	b.reads++
	if r.Token != nil {
		b.tokens = append(b.tokens, r.Token)
	}
	for _, m := range r.Marks {
		if err := b.mark(m); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) mark(m tidemill.Mark) error {
	for i := range b.marks {
		last := &b.marks[i]
		if last.Scope != m.Scope {
			continue
		}
		if string(last.To) != string(m.From) {
			return fmt.Errorf("source skipped in %q: a read ends at %q, the next begins at %q", m.Scope, last.To, m.From)
		}
		last.To = m.To
		return nil
	}
	b.marks = append(b.marks, m)
	return nil
}

// bury adds a dead letter, unless it came before in this batch. The letter
// belongs to the message last counted.
func (b *batch) bury(d tidemill.DeadLetter) {
	_, again := b.letters[d.Delivery]
	if !again || !d.Message.Redelivered { // a redelivery is the same message, which has died once
		b.deaths = append(b.deaths, death{b.messages - 1, d.Delivery})
	}
	if again {
		b.duplicates++
		return
	}
	b.letters[d.Delivery] = struct{}{}
	b.dead = append(b.dead, d)
}

// landing returns what the warehouse is asked to commit.
func (b *batch) landing(pipeline string) tidemill.Landing {
	return tidemill.Landing{
		Pipeline: pipeline, Batch: b.id,
		Rows: b.rows, Dead: b.dead, Marks: b.marks, Since: b.since, Duplicates: b.duplicates,
	}
}

func (b *batch) release() {
	for _, r := range b.rows {
		r.Records.Release()
	}
	release(b.parts)
	b.rows, b.parts = nil, nil
}
