package land

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A note keeps how many of the last messages were dead, and where: exactly in
// windows up to maxSteps, never too old in larger ones.
func TestWindowNote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.Int64Range(1, 300), rapid.Int64Range(4000, 9000)).Draw(t, "size")
		w := window{size: size}
		rate := rapid.IntRange(1, 200).Draw(t, "one in")
		for i := range rapid.IntRange(0, 12_000).Draw(t, "messages") {
			w.push(i*i%rate == 0)
		}
		back := window{size: size}
		back.restore(w.note())
		if len(back.dead) != len(w.dead) {
			t.Fatalf("%d of %d letters came back", len(back.dead), len(w.dead))
		}
		for i, at := range w.dead {
			was, is := w.seen-at, back.seen-back.dead[i]
			if is > was || was-is >= stepOf(size) {
				t.Fatalf("letter %d of %d was %d messages ago, and is %d", i, len(w.dead), was, is)
			}
		}
	})
}

// A window that became smaller drops what is no longer in it.
func TestWindowOfAnotherSize(t *testing.T) {
	w := window{size: 100}
	for i := range 100 {
		w.push(i%10 == 0)
	}
	for size, want := range map[int64]int{0: 0, 9: 0, 10: 1, 50: 5, 100: 10, 1000: 10} {
		back := window{size: size}
		back.restore(w.note())
		if len(back.dead) != want {
			t.Errorf("a window of %d has %d letters, want %d", size, len(back.dead), want)
		}
	}
}

func FuzzWindowRestore(f *testing.F) {
	w := window{size: 1000}
	for i := range 500 {
		w.push(i%20 == 0)
	}
	f.Add(w.note())
	f.Add([]byte{0, 0, 0, 0, 0})
	f.Add([]byte{100, 0, 255, 255, 3})
	f.Fuzz(func(t *testing.T, note []byte) {
		w := window{size: 1000}
		w.restore(note)
		if len(w.dead) > 1000 || !slices.IsSorted(w.dead) {
			t.Errorf("%d letters, sorted: %v", len(w.dead), slices.IsSorted(w.dead))
		}
		for _, at := range w.dead {
			if age := w.seen - at; age < 0 || age >= 1000 {
				t.Errorf("a letter of %d messages ago", age)
			}
		}
	})
}
