package land

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project"
)

// brake stops a pipeline whose messages are dead letters too often, so that
// a mistake in the configuration cannot drain a queue. It looks at a window
// of the last messages that slides one by one, and survives restarts.
type brake struct {
	limit project.StopAt
	most  int    // letters that the window may hold
	ring  []bool // whether each of the last messages was dead
	next  int    // where the next message goes
	dead  int    // in the ring
}

// newBrake restores the window from the figures of the last batches, newest
// first. Within a batch the letters are spread evenly: the ledger does not
// know where they were.
func newBrake(limit project.StopAt, recent []tidemill.Receipt) *brake {
	if limit.Window <= 0 {
		return &brake{}
	}
	k := &brake{limit: limit, ring: make([]bool, limit.Window)}
	k.most = int(limit.Percent*float64(limit.Window)/100 + 1e-6) // 64.6% of 500 are 323, which floats fall short of
	for _, r := range slices.Backward(recent) {
		total := r.Rows + r.Duplicates + r.Dead
		for i := max(0, total-int64(limit.Window)); i < total; i++ {
			k.push((i+1)*r.Dead/total > i*r.Dead/total)
		}
	}
	return k
}

// push slides the window by a message.
func (k *brake) push(dead bool) {
	if k.ring[k.next] {
		k.dead--
	}
	if dead {
		k.dead++
	}
	k.ring[k.next] = dead
	k.next = (k.next + 1) % len(k.ring)
}

// pass slides the window over the messages of b. The error, at the first
// message that is one too many, says that b must not be committed.
func (k *brake) pass(b *batch) error {
	if k.limit.Window <= 0 {
		return nil
	}
	at := b.deadAt
	for i := range b.messages {
		dead := len(at) > 0 && at[0] == i
		if dead {
			at = at[1:]
		}
		k.push(dead)
		if dead && k.dead > k.most {
			return k.stop(b)
		}
	}
	return nil
}

func (k *brake) stop(b *batch) error {
	return &tidemill.Error{
		Code: tidemill.Braked,
		Err: fmt.Errorf("%d of the last %d messages could not land, over the limit of %g%%; of this batch, with %d dead of %d messages, nothing was committed or acknowledged; most often: %s",
			k.dead, k.limit.Window, k.limit.Percent, len(b.deadAt), b.messages, reasons(b.dead)),
		Hint: "mend decode: in tidemill.yml or the schema it names, then start again: nothing is lost; if these messages are to become dead letters, raise dead.stop_at or set it to off",
	}
}

// reasons names the three most frequent reasons of letters, each with where
// one of them came from.
func reasons(letters []tidemill.DeadLetter) string {
	type reason struct {
		code tidemill.Code
		text string
	}
	count, example := map[reason]int{}, map[reason]tidemill.Message{}
	for _, d := range letters {
		r := reason{d.Code, d.Reason}
		if count[r]++; count[r] == 1 {
			example[r] = d.Message
		}
	}
	order := slices.SortedFunc(maps.Keys(count), func(a, b reason) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.text, b.text))
	})
	var parts []string
	for _, r := range order[:min(3, len(order))] {
		m := example[r]
		parts = append(parts, fmt.Sprintf("%d x %s: %s (such as from %s, type %q, id %q)", count[r], r.code, r.text, m.Source, m.Type, m.ID))
	}
	return strings.Join(parts, "; ")
}
