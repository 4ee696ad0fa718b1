package land

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project"
)

// firstRows is the limit of the first batch. The limit doubles with each
// batch, so that a process that dies early again and again, of memory or of
// a deadline, still moves forward between two deaths.
const firstRows = 256

// leastMessage is what any message costs in memory, in bytes: empty ones must
// not fill it.
const leastMessage = 256

// pace says when a batch is full.
type pace struct {
	limits project.BatchLimits
	rows   int // limit of now, at most limits.Rows
}

func newPace(limits project.BatchLimits) pace {
	return pace{limits: limits, rows: min(firstRows, limits.Rows)}
}

// grow is called for each batch that was handed over.
func (p *pace) grow() { p.rows = min(2*p.rows, p.limits.Rows) }

// full says whether b has reached a limit.
func (p *pace) full(b *batch) bool {
	return b.messages-b.records >= p.maxRows(b) || b.records >= p.limits.Records || b.bytes >= int64(p.limits.Bytes)
}

// fits says whether b has room for all of r.
func (p *pace) fits(b *batch, r *tidemill.Batch) bool {
	return b.messages-b.records+messages(r) <= p.maxRows(b) && b.records+recordCount(r) <= p.limits.Records &&
		b.bytes+size(r) <= int64(p.limits.Bytes)
}

// maxRows returns how many messages b may hold. Redelivered messages are
// looked up in the whole table, at a cost per batch: where they are the
// greater part, the limit of bytes counts alone, so that one scan serves many.
func (p *pace) maxRows(b *batch) int {
	if p.rows == p.limits.Rows && 2*b.redelivered > b.messages {
		return max(p.rows, int(p.limits.Bytes)/leastMessage)
	}
	return p.rows
}

func messages(b *tidemill.Batch) int { return len(b.Messages) + len(b.Dead) }

func recordCount(b *tidemill.Batch) (n int) {
	for _, p := range b.Parts {
		n += int(p.Records.NumRows())
	}
	return n
}

// size returns the bytes of b that count against the limit.
func size(b *tidemill.Batch) (n int64) {
	for i := range b.Messages {
		n += int64(len(b.Messages[i].Value))
	}
	for i := range b.Dead {
		n += int64(len(b.Dead[i].Message.Value))
	}
	for _, p := range b.Parts {
		n += sizeOf(p.Records)
	}
	return n
}

// sizeOf returns the bytes of the buffers of a record, of which slices have
// their share.
func sizeOf(rec arrow.RecordBatch) (n int64) {
	for _, c := range rec.Columns() {
		n += dataSize(c.Data())
	}
	return n
}

func dataSize(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, c := range d.Children() {
		n += dataSize(c)
	}
	return n
}
