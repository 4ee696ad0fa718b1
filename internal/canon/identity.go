package canon

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/tidemill/tidemill"
)

// The kinds of identity. A kind is part of its hash, so that identities of
// two kinds never meet.
const (
	kindDelivery   = "delivery"
	kindPayload    = "payload"
	kindKeyID      = "key.id"
	kindKeyPayload = "key.payload"
)

// Delivery identifies what a source delivered, by its raw bytes: the same
// message delivered again has the same Delivery, whatever decoder or schema
// is in use.
func Delivery(source, typ, id string, raw []byte) tidemill.ID {
	return sum(kindDelivery, raw, source, typ, id)
}

// PayloadHash identifies the content of an event of the given full type,
// never its message id. Payload must be canonical.
func PayloadHash(typ string, payload []byte) tidemill.ID {
	return sum(kindPayload, payload, typ)
}

// Key identifies an event among those that a producer may send twice: by its
// type and message id where it has one, else by its type and canonical
// payload.
func Key(typ, id string, payload []byte) tidemill.ID {
	if id != "" {
		return sum(kindKeyID, nil, typ, id)
	}
	return sum(kindKeyPayload, payload, typ)
}

type hasher struct {
	hash hash.Hash
	head []byte
}

var hashers = sync.Pool{New: func() any { return &hasher{hash: sha256.New()} }}

// sum hashes a tag, the version, the kind, then each field and last the body
// with its length before it, so that no two lists of fields give the same
// bytes.
func sum(kind string, body []byte, fields ...string) (id tidemill.ID) {
	h := hashers.Get().(*hasher)
	defer hashers.Put(h)
	h.hash.Reset()
	b := append(h.head[:0], "tidemill\x00"+Version+"\x00"...)
	b = append(b, kind...)
	b = append(b, 0)
	for _, f := range fields {
		b = binary.BigEndian.AppendUint64(b, uint64(len(f)))
		b = append(b, f...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(len(body)))
	h.hash.Write(b)
	h.hash.Write(body)
	h.head = h.hash.Sum(b[:0])
	copy(id[:], h.head)
	return id
}
