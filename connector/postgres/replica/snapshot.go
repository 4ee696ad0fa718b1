package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
)

// snapshot reads the rows that are there already.
type snapshot struct {
	source tidemill.Source
	holder *pgconn.PgConn       // keeps the server's snapshot; nil where there is none
	tables map[string]published // by stream
	prefix string               // of the scopes of its marks
	began  bool
	done   bool
	after  func() // starts the stream
}

// snapshotToken is the token of a batch of the snapshot.
type snapshotToken struct{ inner any }

// newSnapshot opens the snapshot where it stopped.
func (s *Source) newSnapshot(ctx context.Context, tables []published, id string, holder *pgconn.PgConn, from []tidemill.Mark) (*snapshot, error) {
	var all []tidemill.TableName
	byStream := map[string]published{}
	for _, t := range tables {
		all = append(all, t.TableName)
		byStream[t.String()] = t
	}
	p := &snapshot{
		source: s.config.Snapshot(all, id), holder: holder, tables: byStream,
		// A later epoch begins with other marks than the one before.
		prefix: fmt.Sprintf("%s epoch %d ", s.scope(), s.pending.at.Epoch),
	}
	var marks []tidemill.Mark
	for _, m := range from {
		if scope, ok := strings.CutPrefix(m.Scope, p.prefix); ok {
			m.Scope = scope
			marks = append(marks, m)
		}
	}
	if err := p.source.Open(ctx, marks); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *snapshot) ack(ctx context.Context, t snapshotToken) error {
	if t.inner == nil || p.done {
		return nil
	}
	return p.source.Ack(ctx, t.inner)
}

// close ends the snapshot. The server forgets its own.
func (p *snapshot) close() error {
	if p.source == nil {
		return nil
	}
	err := p.source.Close()
	p.source = nil
	if p.holder != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.holder.Close(ctx) // nothing is under way
	}
	return err
}

// readSnapshot returns the next rows of the snapshot and, after the last, a
// batch that notes its end. Then it starts the stream and returns io.EOF.
func (s *Source) readSnapshot(ctx context.Context) (tidemill.Batch, error) {
	p := s.snapshot
	if p.source == nil {
		p.done = true
		p.after()
		return tidemill.Batch{}, io.EOF
	}
	b, err := p.source.Read(ctx)
	if errors.Is(err, io.EOF) {
		return s.endSnapshot(ctx)
	}
	if err != nil {
		return b, err
	}
	for i := range b.Marks {
		b.Marks[i].Scope = p.prefix + b.Marks[i].Scope
	}
	for i, part := range b.Parts {
		t := p.tables[part.Stream]
		b.Parts[i].Records, b.Parts[i].Key = s.stamp(part.Records, t.columns), t.key
	}
	if !p.began {
		p.began = true
		b.Parts = append(s.clearing(), b.Parts...)
		b.Marks = append(s.mark(), b.Marks...)
	}
	b.Token = snapshotToken{b.Token}
	return b, nil
}

// endSnapshot notes where the log was when the last table had been read:
// when the stream has passed that, the tables agree with each other.
func (s *Source) endSnapshot(ctx context.Context) (tidemill.Batch, error) {
	at, err := s.now(ctx)
	if err != nil {
		return tidemill.Batch{}, err
	}
	if err := s.snapshot.close(); err != nil {
		return tidemill.Batch{}, err
	}
	s.pending.at.Snapshot, s.pending.at.Consistent = false, at
	b := tidemill.Batch{Marks: s.mark(), Token: snapshotToken{}}
	if !s.snapshot.began {
		b.Parts = s.clearing()
	}
	s.log.Info("all tables are read, following their changes", "slot", s.config.Slot, "consistent_at", at.String())
	return b, nil
}

// mark returns the mark of the position, if it is a new one.
func (s *Source) mark() []tidemill.Mark {
	to := s.pending.at.encode()
	if string(to) == string(s.marked) {
		return nil
	}
	m := tidemill.Mark{Scope: s.scope(), From: s.marked, To: to}
	s.marked = to
	return []tidemill.Mark{m}
}

// stamp makes change records of rows: of operation snapshot, and of the
// version of the slot's beginning. Columns that the stream will not have are
// left out. It releases rec.
func (s *Source) stamp(rec arrow.RecordBatch, names []string) arrow.RecordBatch {
	defer rec.Release()
	n := int(rec.NumRows())
	columns := changeColumns(tidemill.OpSnapshot, version(s.pending.at.Epoch, s.pending.at.LSN, 0), n)
	lead := columns
	var fields []arrow.Field
	for i, f := range rec.Schema().Fields() {
		if slices.Contains(names, f.Name) {
			fields, columns = append(fields, f), append(columns, rec.Column(i))
		}
	}
	out := array.NewRecordBatch(changeSchema(arrow.NewSchema(fields, nil)), columns, int64(n))
	for _, a := range lead {
		a.Release()
	}
	return out
}

// changeColumns returns the leading columns of n rows that are alike.
func changeColumns(op tidemill.Op, v [versionSize]byte, n int) []arrow.Array {
	ops := array.NewStringBuilder(memory.DefaultAllocator)
	versions := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	defer ops.Release()
	defer versions.Release()
	for range n {
		ops.Append(string(op))
		versions.Append(v[:])
	}
	fields := tidemill.ChangeFields()
	return []arrow.Array{
		ops.NewArray(), versions.NewArray(),
		array.MakeArrayOfNull(memory.DefaultAllocator, fields[2].Type, n),
		array.MakeArrayOfNull(memory.DefaultAllocator, fields[3].Type, n),
	}
}

// clearing returns what removes the rows of an earlier epoch: those that were
// deleted while nobody looked are in no snapshot.
func (s *Source) clearing() []tidemill.Part {
	if s.pending.at.Epoch == 1 || s.config.Message.Value != "" {
		return nil
	}
	var parts []tidemill.Part
	v := version(s.pending.at.Epoch, 0, 0)
	for _, stream := range slices.Sorted(maps.Keys(s.snapshot.tables)) {
		lead := changeColumns(tidemill.OpTruncate, v, 1)
		rec := array.NewRecordBatch(arrow.NewSchema(tidemill.ChangeFields(), nil), lead, 1)
		for _, a := range lead {
			a.Release()
		}
		parts = append(parts, tidemill.Part{Stream: stream, Key: s.snapshot.tables[stream].key, Records: rec})
	}
	return parts
}
