package pgoutput

import "fmt"

// Decoder decodes the messages of one connection in their order. The zero
// value is ready. It is not safe for concurrent use.
type Decoder struct {
	// Streaming says that the message is within a streamed run, where changes
	// begin with the id of their transaction. Decode keeps it up by
	// StreamStart and StreamStop; set it to decode messages out of line.
	Streaming bool

	c        cursor
	old, new []Value

	begin    Begin
	commit   Commit
	insert   Insert
	update   Update
	delete   Delete
	truncate Truncate
	logical  Logical
	start    StreamStart
}

// Decode decodes one message. It and what it points to are valid until the
// next call, and while b is not changed; a Relation stays valid.
func (d *Decoder) Decode(b []byte) (Message, error) {
	d.c = cursor{b: b}
	kind := d.c.byte("message type")
	m := d.message(kind)
	if d.c.err == nil && d.c.at != len(b) {
		d.c.fail("%d bytes too many", len(b)-d.c.at)
	}
	if d.c.err != nil {
		return nil, fmt.Errorf("pgoutput message %q: %w", kind, d.c.err)
	}
	switch m.(type) {
	case *StreamStart:
		d.Streaming = true
	case *StreamStop:
		d.Streaming = false
	}
	return m, nil
}

func (d *Decoder) message(kind byte) Message {
	c := &d.c
	switch kind {
	case 'I':
		d.insert = Insert{XID: d.xid(), Relation: c.uint32("relation")}
		d.expect('N')
		d.new = d.row(d.new)
		d.insert.New = d.new
		return &d.insert
	case 'U':
		return d.updated()
	case 'D':
		d.delete = Delete{XID: d.xid(), Relation: c.uint32("relation"), OldKind: OldKind(c.byte("kind of old row"))}
		if k := d.delete.OldKind; k != OldKey && k != OldRow {
			c.fail("unknown kind %q of old row", byte(k))
		}
		d.old = d.row(d.old)
		d.delete.Old = d.old
		return &d.delete
	case 'B':
		d.begin = Begin{Commit: c.lsn("commit LSN"), Time: c.time("commit time"), XID: c.uint32("transaction id")}
		return &d.begin
	case 'C':
		c.byte("flags")
		d.commit = Commit{Commit: c.lsn("commit LSN"), End: c.lsn("end LSN"), Time: c.time("commit time")}
		return &d.commit
	case 'T':
		return d.truncated()
	case 'R':
		return d.relation()
	case 'Y':
		return &Type{XID: d.xid(), ID: c.uint32("type"), Namespace: string(c.text("namespace")), Name: string(c.text("name"))}
	case 'O':
		return &Origin{Commit: c.lsn("LSN"), Name: c.text("name")}
	case 'M':
		return d.emitted()
	}
	return d.transaction(kind)
}

// transaction decodes what streams and two-phase commits are made of.
func (d *Decoder) transaction(kind byte) Message {
	c := &d.c
	switch kind {
	case 'S':
		d.start = StreamStart{XID: c.uint32("transaction id"), First: c.byte("first segment") == 1}
		return &d.start
	case 'E':
		return &StreamStop{}
	case 'c':
		m := &StreamCommit{XID: c.uint32("transaction id")}
		c.byte("flags")
		m.Commit, m.End, m.Time = c.lsn("commit LSN"), c.lsn("end LSN"), c.time("commit time")
		return m
	case 'A':
		m := &StreamAbort{XID: c.uint32("transaction id"), SubXID: c.uint32("subtransaction id")}
		if c.at < len(c.b) { // version 4 with streaming parallel
			c.lsn("abort LSN")
			c.time("abort time")
		}
		return m
	case 'b':
		return &BeginPrepare{Prepare: c.lsn("prepare LSN"), End: c.lsn("end LSN"), Time: c.time("prepare time"), XID: c.uint32("transaction id"), GID: c.text("gid")}
	case 'P', 'p':
		c.byte("flags")
		return &Prepare{
			Streamed: kind == 'p', Prepare: c.lsn("prepare LSN"), End: c.lsn("end LSN"), Time: c.time("prepare time"),
			XID: c.uint32("transaction id"), GID: c.text("gid"),
		}
	case 'K':
		c.byte("flags")
		return &CommitPrepared{Commit: c.lsn("commit LSN"), End: c.lsn("end LSN"), Time: c.time("commit time"), XID: c.uint32("transaction id"), GID: c.text("gid")}
	case 'r':
		c.byte("flags")
		return &RollbackPrepared{
			PrepareEnd: c.lsn("prepare LSN"), End: c.lsn("end LSN"), Prepared: c.time("prepare time"), Time: c.time("rollback time"),
			XID: c.uint32("transaction id"), GID: c.text("gid"),
		}
	}
	c.fail("unknown message type")
	return nil
}

func (d *Decoder) xid() uint32 {
	if !d.Streaming {
		return 0
	}
	return d.c.uint32("transaction id")
}

func (d *Decoder) expect(kind byte) {
	if got := d.c.byte("kind of row"); got != kind {
		d.c.fail("kind of row is %q, not %q", got, kind)
	}
}

func (d *Decoder) updated() Message {
	c := &d.c
	d.update = Update{XID: d.xid(), Relation: c.uint32("relation")}
	switch kind := c.byte("kind of row"); kind {
	case byte(OldKey), byte(OldRow):
		d.update.OldKind = OldKind(kind)
		d.old = d.row(d.old)
		d.update.Old = d.old
		d.expect('N')
	case 'N':
	default:
		c.fail("unknown kind %q of row", kind)
	}
	d.new = d.row(d.new)
	d.update.New = d.new
	return &d.update
}

func (d *Decoder) truncated() Message {
	c := &d.c
	xid, n, flags := d.xid(), c.uint32("number of relations"), c.byte("flags")
	d.truncate = Truncate{XID: xid, Cascade: flags&1 != 0, RestartIdentity: flags&2 != 0, Relations: d.truncate.Relations[:0]}
	if uint64(n)*4 > uint64(len(c.b)-c.at) {
		c.fail("%d relations in %d bytes", n, len(c.b)-c.at)
		return nil
	}
	for range n {
		d.truncate.Relations = append(d.truncate.Relations, c.uint32("relation"))
	}
	return &d.truncate
}

func (d *Decoder) emitted() Message {
	c := &d.c
	d.logical = Logical{XID: d.xid(), Transactional: c.byte("flags")&1 != 0, LSN: c.lsn("LSN"), Prefix: c.text("prefix")}
	d.logical.Content = c.take(int(int32(c.uint32("length"))), "content")
	return &d.logical
}

func (d *Decoder) relation() Message {
	c := &d.c
	r := &Relation{
		XID: d.xid(), ID: c.uint32("relation"), Namespace: string(c.text("namespace")), Name: string(c.text("name")),
		Identity: Identity(c.byte("replica identity")),
	}
	n := int(int16(c.uint16("number of columns")))
	const least = 10 // bytes of a column
	if n < 0 || n*least > len(c.b)-c.at {
		c.fail("%d columns in %d bytes", n, len(c.b)-c.at)
		return nil
	}
	r.Columns = make([]Column, 0, n)
	for range n {
		r.Columns = append(r.Columns, Column{
			Key: c.byte("flags")&1 != 0, Name: string(c.text("column name")), Type: c.uint32("column type"), Typmod: int32(c.uint32("type modifier")),
		})
	}
	return r
}

// row decodes a row into the space of into.
func (d *Decoder) row(into []Value) []Value {
	c := &d.c
	n := int(int16(c.uint16("number of columns")))
	if n < 0 || n > len(c.b)-c.at {
		c.fail("%d columns in %d bytes", n, len(c.b)-c.at)
		return nil
	}
	into = into[:0]
	for range n {
		v := Value{Kind: Kind(c.byte("kind of value"))}
		switch v.Kind {
		case Null, Unchanged:
		case Text, Binary:
			v.Data = c.take(int(int32(c.uint32("length"))), "value")
		default:
			c.fail("unknown kind %q of value", byte(v.Kind))
		}
		if c.err != nil {
			return nil
		}
		into = append(into, v)
	}
	return into
}
