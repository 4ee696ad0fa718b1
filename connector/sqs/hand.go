package sqs

import (
	"context"
	"sync"
	"time"

	"github.com/tidemill/tidemill"
)

const (
	// overhead is what a held message costs beside its texts, in bytes.
	overhead = 512

	// leastRows lets a receive of ten be under way while ten are held.
	leastRows = 2 * perCall
)

// held is a message that was received and neither deleted nor given up.
type held struct {
	queue   *queue
	id      string // the service's
	size    int64
	message tidemill.Message // until Read hands it over
	dead    *tidemill.DeadLetter

	// guarded by hand.mu
	handle string    // the newest
	until  time.Time // when it becomes visible to others
	lost   bool      // it cannot be extended any more
}

type heldKey struct {
	queue *queue
	id    string
}

// hand is what the source holds, which is bounded.
type hand struct {
	mu      sync.Mutex
	changed sync.Cond // of mu: there is more room
	rows    int       // limits
	bytes   int64

	held    map[heldKey]*held
	size    int64
	asked   int   // messages that receives of helpers may bring
	typical int64 // size of a message of late
}

func newHand(rows int, bytes int64) *hand {
	h := &hand{rows: max(2*rows, leastRows), bytes: 2 * bytes, held: map[heldKey]*held{}}
	h.changed.L = &h.mu
	return h
}

// room waits until there is room for a receive, and with helper set keeps it
// free until arrived is called. The first receiver of a queue keeps none, so
// that quiet queues do not hold up busy ones.
func (h *hand) room(ctx context.Context, helper bool) error {
	defer context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.changed.Broadcast()
	})()
	h.mu.Lock()
	defer h.mu.Unlock()
	for ctx.Err() == nil {
		coming := 0
		if helper {
			coming = h.asked + perCall
		}
		if len(h.held) == 0 && !helper || len(h.held)+coming <= h.rows-1 && h.size+int64(coming)*h.typical < h.bytes {
			if helper {
				h.asked += perCall
			}
			return nil
		}
		h.changed.Wait()
	}
	return context.Cause(ctx)
}

// arrived takes what a receive brought, and returns what was not in hand
// already: of that only the handle is taken.
func (h *hand) arrived(all []*held, helper bool) []*held {
	h.mu.Lock()
	defer h.mu.Unlock()
	if helper {
		h.asked -= perCall
		h.changed.Broadcast() // it may have brought less
	}
	fresh := all[:0]
	var size int64
	for _, m := range all {
		key := heldKey{m.queue, m.id}
		if had := h.held[key]; had != nil {
			had.handle, had.until, had.lost = m.handle, m.until, false
			continue
		}
		h.held[key] = m
		size += m.size
		fresh = append(fresh, m)
	}
	h.size += size
	if n := int64(len(fresh)); n > 0 {
		h.typical = max(size/n, h.typical-h.typical/16)
	}
	return fresh
}

// gone forgets messages: they are deleted, or given up.
func (h *hand) gone(all []*held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range all {
		key := heldKey{m.queue, m.id}
		if h.held[key] == m {
			delete(h.held, key)
			h.size -= m.size
		}
	}
	h.changed.Broadcast()
}

// holds reports whether any message of q is held.
func (h *hand) holds(q *queue) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.held {
		if key.queue == q {
			return true
		}
	}
	return false
}

// expiring returns the messages that become visible before t, and can still
// be extended.
func (h *hand) expiring(t time.Time) []*held {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*held
	for _, m := range h.held {
		if !m.lost && m.until.Before(t) {
			all = append(all, m)
		}
	}
	return all
}

// handles returns the newest handles of messages.
func (h *hand) handles(all []*held) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]string, len(all))
	for i, m := range all {
		list[i] = m.handle
	}
	return list
}

// extended notes that m stays hidden until t; lost, that it does not. It
// reports whether m is still in hand under that handle.
func (h *hand) extended(m *held, handle string, t time.Time, lost bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[heldKey{m.queue, m.id}] != m || m.handle != handle {
		return false
	}
	if m.lost = lost; !lost {
		m.until = t
	}
	return true
}
