package land

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project"
)

// brake stops a pipeline whose messages are dead letters too often, so that
// a mistake in the configuration cannot drain a queue. It looks at a window
// of the last messages that slides one by one. Each batch commits the window
// as it is at its end, so that a restart goes on with it: a batch that was
// refused is refused again.
//
// A message that was committed and comes again, because its acknowledgement
// was lost, neither counts nor slides the window again. Of rows that is known
// only after their commit: where old and new messages share a batch, letters
// may leave the window by up to a batch too early.
type brake struct {
	limit  project.StopAt
	most   int // letters that the window may hold
	window window
	before window // the batch that passed last
	passed int    // redelivered messages of that batch that did not slide the window
	noted  bool   // the warehouse has a note of a window with letters
}

// newBrake restores the window from what the last batch noted of it, or from
// the figures of the last batches where none did, as when there was no brake.
func newBrake(limit project.StopAt, ledger tidemill.Ledger) *brake {
	k := &brake{limit: limit, noted: len(ledger.Note) > 0}
	k.window.size = int64(limit.Window)
	k.most = int(limit.Percent*float64(limit.Window)/100 + 1e-6) // 64.6% of 500 are 323, which floats fall short of
	if k.noted {
		k.window.restore(ledger.Note)
	} else {
		k.estimate(ledger.Recent)
	}
	return k
}

// estimate restores the window from the figures of the last batches, newest
// first. Within a batch the letters are spread evenly: the ledger does not
// know where they were.
func (k *brake) estimate(recent []tidemill.Receipt) {
	for _, r := range slices.Backward(recent) {
		total := r.Rows + r.Duplicates + r.Dead
		for i := max(0, total-k.window.size); i < total; i++ {
			k.window.push((i+1)*r.Dead/total > i*r.Dead/total)
		}
	}
}

// pass slides the window over the messages of b, of which those in recorded
// are dead letters of an earlier commit. The error, at the first message that
// is one too many, says that b must not be committed.
func (k *brake) pass(pipeline string, b *batch, recorded map[tidemill.ID]bool) error {
	k.passed = 0
	k.before = window{seen: k.window.seen, dead: slices.Clone(k.window.dead)}
	if k.limit.Off() {
		return nil
	}
	deaths, landed := b.deaths, b.landedBefore(recorded)
	for i := range b.messages {
		dead := false
		if len(deaths) > 0 && deaths[0].at == i {
			dead = !recorded[deaths[0].delivery]
			deaths = deaths[1:]
		}
		if !dead && i < landed {
			k.passed++
			continue
		}
		k.window.push(dead)
		if dead && len(k.window.dead) > k.most {
			return k.stop(pipeline, b)
		}
	}
	return nil
}

// landedBefore returns how many of the first messages of b were committed
// before, by what is known before the commit: a queue delivers again in its
// order, so what stands before a recorded letter came with it.
func (b *batch) landedBefore(recorded map[tidemill.ID]bool) int {
	for _, d := range slices.Backward(b.deaths) {
		if recorded[d.delivery] {
			return min(d.at+1, b.redelivered)
		}
	}
	return 0
}

// note returns what the batch that has passed is to leave in the ledger: the
// window, nothing in place of an older note, or nil where there is none.
func (k *brake) note() []byte {
	switch {
	case len(k.window.dead) > 0:
		k.noted = true
		return k.window.note()
	case k.noted:
		k.noted = false
		return []byte{}
	}
	return nil
}

// committed takes redelivered messages of b out of the window again that the
// commit found to have landed before.
func (k *brake) committed(b *batch, r tidemill.Receipt) {
	again := r.Duplicates - b.duplicates
	for _, t := range b.rows {
		again -= t.Duplicates
	}
	if again = min(again, int64(b.redelivered)) - int64(k.passed); again > 0 {
		k.window.unslide(k.before, again)
	}
}

func (k *brake) stop(pipeline string, b *batch) error {
	return &tidemill.Error{
		Code: tidemill.Braked,
		Err: fmt.Errorf("%d of the last %d messages could not land, over the limit of %g%%; of this batch nothing was committed or acknowledged\n%s",
			len(k.window.dead), k.limit.Window, k.limit.Percent, b.reasons()),
		Hint: fmt.Sprintf("mend decode: in tidemill.yml or the schema it names, then run: tidemill land %[1]s; or raise dead.stop_at, land, and look at them with: tidemill dead list --pipeline %[1]s", pipeline),
	}
}

// shownReason bounds a reason as the brake shows it, in characters.
const shownReason = 100

// details are what makes the reasons of one cause differ by message.
var details = regexp.MustCompile(`\b[0-9]+\b`)

// reasons tells the three most frequent reasons of dead messages in b, one in
// a line.
func (b *batch) reasons() string {
	died := map[tidemill.ID]int{}
	for _, d := range b.deaths {
		died[d.delivery]++
	}
	count := map[string]int{}
	for _, d := range b.dead {
		text := []rune(details.ReplaceAllString(d.Reason, "N"))
		if len(text) > shownReason {
			text = append(text[:shownReason], '…')
		}
		count[string(d.Code)+": "+string(text)] += died[d.Delivery]
	}
	order := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	var lines []string
	for _, r := range order[:min(3, len(order))] {
		lines = append(lines, fmt.Sprintf("  %d x %s", count[r], r))
	}
	return strings.Join(lines, "\n")
}
