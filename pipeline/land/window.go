package land

import (
	"encoding/binary"
	"slices"
)

// window knows which of the last messages were dead: it slides by message,
// and remembers the dead only.
type window struct {
	size int64   // messages; 0 remembers nothing
	seen int64   // messages so far
	dead []int64 // their numbers among seen, oldest first
}

// push slides w by a message.
func (w *window) push(dead bool) {
	w.seen++
	if dead && w.size > 0 {
		w.dead = append(w.dead, w.seen)
	}
	w.forget()
}

// forget drops what has left the window.
func (w *window) forget() {
	n := 0
	for n < len(w.dead) && w.dead[n] <= w.seen-w.size {
		n++
	}
	w.dead = w.dead[n:]
}

// unslide takes n of the messages since before back, of which none was
// dead: what was in the window then is as much nearer again.
func (w *window) unslide(before window, n int64) {
	dead := slices.Clone(before.dead)
	for i := range dead {
		dead[i] += n
	}
	for _, at := range w.dead {
		if at > before.seen {
			dead = append(dead, at)
		}
	}
	slices.Sort(dead)
	w.dead = dead
	w.forget()
}

// maxSteps bounds a note, and with it how finely it tells places: a window of
// up to so many messages is kept exactly.
const maxSteps = 4096

// note returns w for restore. It is a row of varints: the size, then for each
// step of the window that holds dead messages, newest first, how many steps
// it lies behind the one before and how many they are.
func (w *window) note() []byte {
	b := binary.AppendUvarint(nil, uint64(w.size))
	width := stepOf(w.size)
	last := int64(0)
	for i := len(w.dead) - 1; i >= 0; {
		step, n := (w.seen-w.dead[i])/width, uint64(0)
		for ; i >= 0 && (w.seen-w.dead[i])/width == step; i-- {
			n++
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(step-last)), n)
		last = step
	}
	return b
}

// restore puts the dead of a note at the newest place that each may have had,
// as far as they are in w. A note that is cut short or wrong in another way
// gives what can be read of it.
func (w *window) restore(note []byte) {
	next := func() (int64, bool) {
		v, n := binary.Uvarint(note)
		note = note[max(n, 0):]
		return int64(min(v, 1<<31)), n > 0 && v <= 1<<31 // so that no product overflows
	}
	size, _ := next()
	width := stepOf(size)
	for age := int64(0); ; {
		steps, ok := next()
		n, also := next()
		if age += steps * width; !ok || !also || age >= w.size {
			break
		}
		for range min(n, w.size-int64(len(w.dead))) {
			w.dead = append(w.dead, w.seen-age)
		}
	}
	slices.Reverse(w.dead)
}

// stepOf returns how many messages of a window a note takes for one.
func stepOf(size int64) int64 { return max(1, (size+maxSteps-1)/maxSteps) }
