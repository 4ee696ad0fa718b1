package replica

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// held keeps the messages of transactions that may not be handed over yet,
// because they run or are prepared. They lie in files, one a transaction,
// which have no name any more, so that they go with the process.
type held struct {
	dir string
	all map[uint32]*heldTx
}

// heldTx is one such transaction.
type heldTx struct {
	file     *os.File
	out      *bufio.Writer
	aborted  map[uint32]bool // its subtransactions that were taken back
	prepared lsn             // where its prepare stands, 0 if it is not prepared
}

// write adds a message of a transaction or of its subtransaction sub.
func (h *held) write(xid, sub uint32, streamed bool, message []byte) error {
	tx, err := h.open(xid)
	if err != nil {
		return err
	}
	var head [9]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(message)))
	binary.BigEndian.PutUint32(head[4:], sub)
	if streamed {
		head[8] = 1
	}
	if _, err := tx.out.Write(head[:]); err != nil {
		return fmt.Errorf("keep a large transaction in %s: %w", h.dir, err)
	}
	if _, err := tx.out.Write(message); err != nil {
		return fmt.Errorf("keep a large transaction in %s: %w", h.dir, err)
	}
	return nil
}

// open returns a transaction, which it begins where it is new.
func (h *held) open(xid uint32) (*heldTx, error) {
	if tx := h.all[xid]; tx != nil {
		return tx, nil
	}
	f, err := os.CreateTemp(h.dir, "tidemill-transaction-")
	if err != nil {
		return nil, fmt.Errorf("keep a large transaction: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("keep a large transaction: %w", err), f.Close())
	}
	tx := &heldTx{file: f, out: bufio.NewWriterSize(f, 64<<10), aborted: map[uint32]bool{}}
	if h.all == nil {
		h.all = map[uint32]*heldTx{}
	}
	h.all[xid] = tx
	return tx, nil
}

// abort takes a transaction back, or its subtransaction sub.
func (h *held) abort(xid, sub uint32) {
	tx := h.all[xid]
	switch {
	case tx == nil:
	case xid == sub:
		h.drop(xid)
	default:
		tx.aborted[sub] = true
	}
}

// replay gives the messages of a transaction in order, without those that
// were taken back, and forgets it. A message is valid until each returns.
func (h *held) replay(xid uint32, each func(message []byte, streamed bool) error) error {
	tx := h.all[xid]
	if tx == nil {
		return fmt.Errorf("the server committed transaction %d, which it has not sent", xid)
	}
	defer h.drop(xid)
	if err := tx.out.Flush(); err != nil {
		return fmt.Errorf("keep a large transaction in %s: %w", h.dir, err)
	}
	if _, err := tx.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(tx.file, 256<<10)
	var head [9]byte
	var message []byte
	for {
		if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a kept transaction: %w", err)
		}
		n := int(binary.BigEndian.Uint32(head[:]))
		if cap(message) < n {
			message = make([]byte, n)
		}
		message = message[:n]
		if _, err := io.ReadFull(in, message); err != nil {
			return fmt.Errorf("read a kept transaction: %w", err)
		}
		if tx.aborted[binary.BigEndian.Uint32(head[4:])] {
			continue
		}
		if err := each(message, head[8] == 1); err != nil {
			return err
		}
	}
}

// bound returns lsn, or the beginning of the oldest prepared transaction
// where that is earlier: the server sends those again only from there.
func (h *held) bound(at lsn) lsn {
	for _, tx := range h.all {
		if tx.prepared != 0 {
			at = min(at, tx.prepared)
		}
	}
	return at
}

func (h *held) drop(xid uint32) {
	if tx := h.all[xid]; tx != nil {
		_ = tx.file.Close() // nothing in it is needed any more
		delete(h.all, xid)
	}
}

// clear forgets all.
func (h *held) clear() {
	for xid := range h.all {
		h.drop(xid)
	}
}

// prepare notes that a transaction is prepared, at a place in the log.
func (h *held) prepare(xid uint32, at lsn) error {
	tx, err := h.open(xid)
	if err != nil {
		return err
	}
	tx.prepared = at
	return tx.out.Flush()
}
