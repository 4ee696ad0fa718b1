package replica

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
)

// position is how far a slot has been read. It holds all that a new process
// needs, so that nothing is kept beside the ledger.
type position struct {
	// Epoch grows with each new beginning, so that all versions after it are
	// greater than all before.
	Epoch uint32

	// System and Timeline name the history that the LSNs belong to.
	System   string
	Timeline int32

	// LSN is where the server begins again; all that it holds before was
	// handed over. It stays before transactions that are prepared.
	LSN pgoutput.LSN
	// Done is the commit LSN of the last transaction that was handed over.
	Done pgoutput.LSN
	// Tx is the commit LSN of the transaction of which the first Changes were
	// handed over, 0 if there is none.
	Tx      pgoutput.LSN
	Changes uint64

	// Snapshot says that tables are still being read. LSN is then the slot's
	// consistent point.
	Snapshot bool
	// Consistent is the LSN that was current when the last table had been
	// read: once LSN has passed it, the tables agree with each other.
	Consistent pgoutput.LSN
}

// encode returns p as text, so that the ledger can be read by people.
func (p position) encode() tidemill.Position {
	s := fmt.Sprintf("v1 epoch=%d system=%s timeline=%d lsn=%s", p.Epoch, p.System, p.Timeline, p.LSN)
	if p.Done != 0 {
		s += " done=" + p.Done.String()
	}
	if p.Tx != 0 {
		s += fmt.Sprintf(" tx=%s changes=%d", p.Tx, p.Changes)
	}
	if p.Snapshot {
		s += " snapshot=true"
	}
	if p.Consistent != 0 {
		s += " consistent=" + p.Consistent.String()
	}
	return tidemill.Position(s)
}

// decodePosition reads what encode wrote.
func decodePosition(at tidemill.Position) (position, error) {
	var p position
	fields := strings.Fields(string(at))
	if len(fields) == 0 || fields[0] != "v1" {
		return p, fmt.Errorf("parse position %q: unknown version", at)
	}
	for _, f := range fields[1:] {
		name, value, _ := strings.Cut(f, "=")
		if err := p.set(name, value); err != nil {
			return position{}, fmt.Errorf("parse position %q: %s: %w", at, name, err)
		}
	}
	if p.Epoch == 0 || p.System == "" {
		return position{}, fmt.Errorf("parse position %q: it names no epoch or system", at)
	}
	return p, nil
}

func (p *position) set(name, value string) (err error) {
	switch name {
	case "epoch":
		_, err = fmt.Sscan(value, &p.Epoch)
	case "system":
		p.System = value
	case "timeline":
		_, err = fmt.Sscan(value, &p.Timeline)
	case "lsn":
		p.LSN, err = pgoutput.ParseLSN(value)
	case "done":
		p.Done, err = pgoutput.ParseLSN(value)
	case "tx":
		p.Tx, err = pgoutput.ParseLSN(value)
	case "changes":
		_, err = fmt.Sscan(value, &p.Changes)
	case "snapshot":
		_, err = fmt.Sscan(value, &p.Snapshot)
	case "consistent":
		p.Consistent, err = pgoutput.ParseLSN(value)
	default:
		err = fmt.Errorf("unknown field")
	}
	return err
}

// versionSize is the length of a version in bytes.
const versionSize = 20

// version orders the changes of a row: the epoch, the LSN of the commit, and
// the place within the transaction, big endian.
func version(epoch uint32, commit pgoutput.LSN, sequence uint64) [versionSize]byte {
	var v [versionSize]byte
	binary.BigEndian.PutUint32(v[:], epoch)
	binary.BigEndian.PutUint64(v[4:], uint64(commit))
	binary.BigEndian.PutUint64(v[12:], sequence)
	return v
}
