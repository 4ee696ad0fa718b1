package object

import (
	"fmt"
	"maps"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode/records"
)

// task is an object that is to be read.
type task struct {
	entry
	scope   string            // of its mark
	from    tidemill.Position // as it is stored
	pos     position          // where to read on
	records records.Options
	stream  string
	typ     string
	meta    map[string]string    // of each message
	lost    string               // why the object cannot be read on; "" if it can
	held    *held                // the queue's message that told of it
	refused *tidemill.DeadLetter // the message itself, where it tells of nothing to read
}

// of returns the task for what the object is now.
func (t *task) of(e entry) *task {
	now := *t
	now.entry, now.pos = e, position{}
	return &now
}

// ledger is what is known of the objects that were read.
type ledger struct {
	ordered bool
	byScope map[string]tidemill.Position
	cursor  tidemill.Position
	at      position // of cursor
}

// newLedger takes marks of both kinds, so that a source may become ordered,
// or cease to be, and reads nothing twice.
func newLedger(from []tidemill.Mark, ordered bool) (ledger, error) {
	l := ledger{ordered: ordered, byScope: map[string]tidemill.Position{}}
	for _, m := range from {
		if m.Scope == cursorScope {
			l.cursor = m.To
			continue
		}
		l.byScope[m.Scope] = m.To
	}
	var err error
	if l.at, err = decodePosition(l.cursor); err != nil || !ordered {
		return l, err
	}
	for scope, at := range l.byScope {
		p, err := decodePosition(at)
		if err != nil {
			return l, err
		}
		if !p.Done {
			return l, &tidemill.Error{
				Code: tidemill.Invalid, Op: "read marks", Err: fmt.Errorf("object %s was read in part, by a source that was not ordered", scope),
				Hint: "set ordered: false, run once until all is read, then set ordered: true",
			}
		}
		if p.Key = scope; scope > l.at.Key {
			l.at = p
		}
	}
	l.byScope = nil
	return l, nil
}

// task returns the task for an entry, or nil where it is not to be read: its
// key is of another kind, or all of it was read.
func (s *Source) task(e entry) (*task, error) {
	columns, ok := s.pattern.match(e.key)
	if !ok {
		return nil, nil
	}
	if s.opts.Partitions != "none" {
		columns = append(columns, hive(e.key)...)
	}
	t := &task{entry: e, meta: map[string]string{"object": s.bucket.scope(e.key)}}
	stream, typ := s.opts.Stream, s.opts.Type
	if s.opts.Layout == cockroachdb {
		name, ok := parseDataName(e.key)
		if !ok {
			return nil, nil
		}
		columns = append(columns, records.Column{Name: "schema_id", Value: name.schema})
		if stream == "" {
			stream = name.topic
		}
	} else if stream == "" {
		stream = s.streamName()
	}
	format, compression, ok := s.opts.formatOf(e.key)
	if !ok {
		return nil, nil
	}
	if typ == "" {
		typ = stream
	}
	t.stream, t.typ = fill(stream, columns), fill(typ, columns)
	t.records = records.Options{
		Format: format, Compression: compression, CSV: s.dialect, MaxRow: s.opts.maxMessage(), Columns: columns,
	}
	if t.records.CSV.Delimiter == 0 && format == records.CSV && tabbed(e.key) {
		t.records.CSV.Delimiter = '\t'
	}
	for _, c := range columns {
		if !c.Null {
			t.meta[c.Name] = c.Value
		}
	}
	return s.progress(t)
}

// progress sets where t is read on, by what is known of its object; it
// returns nil where there is nothing to read.
func (s *Source) progress(t *task) (*task, error) {
	scope := s.bucket.scope(t.key)
	l := &s.marks
	var pos position
	if l.ordered {
		t.scope, t.from = cursorScope, l.cursor
		if l.at.Key > scope {
			return nil, nil
		}
		if l.at.Key == scope {
			pos = l.at
		}
	} else {
		t.scope, t.from = scope, l.byScope[scope]
		var err error
		if pos, err = decodePosition(t.from); err != nil {
			return nil, err
		}
		if len(t.from) == 0 && l.at.Key != "" && l.at.Key >= scope {
			pos = l.at // from the time when the source was ordered
			if l.at.Key > scope {
				return nil, nil
			}
		}
	}
	switch {
	case pos == position{}: // it was not read before
	case pos.ETag == t.etag && pos.Done:
		return nil, nil
	case pos.ETag == t.etag:
	case s.opts.OnChange == onChangeReload:
		s.log.Warn("an object was changed; it is read again", "object", scope)
		pos = position{}
	case s.opts.OnChange == onChangeIgnore && pos.Done:
		return nil, nil
	case s.opts.OnChange == onChangeIgnore:
		t.lost, t.etag = "the object was changed", pos.ETag
	default:
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Op: "read " + scope, Err: fmt.Errorf("the object was changed after %d rows of it were read", pos.Row),
			Hint: "set on_change: reload on the source to read it again from its first row, or on_change: ignore to leave it; and write changed data to new objects",
		}
	}
	t.pos = position{ETag: t.etag, Row: pos.Row, Offset: pos.Offset}
	t.meta = maps.Clone(t.meta)
	return t, nil
}

// mark notes that t was read up to row, which is read on at offset.
func (s *Source) mark(t *task, row, offset int64, done bool) tidemill.Mark {
	t.pos.Row, t.pos.Offset, t.pos.Done = row, offset, done
	if done {
		t.pos.Offset = 0
	}
	l := &s.marks
	if l.ordered {
		p := t.pos
		p.Key = s.bucket.scope(t.key)
		m := tidemill.Mark{Scope: cursorScope, From: l.cursor, To: p.encode()}
		l.cursor, l.at = m.To, p
		return m
	}
	m := tidemill.Mark{Scope: t.scope, From: t.from, To: t.pos.encode()}
	t.from = m.To
	l.byScope[t.scope] = m.To
	return m
}
