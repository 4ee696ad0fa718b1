package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestScreen plays what a screen writes on a terminal of 20 columns: nothing
// that was printed is taken away, and what is drawn is there once, below it.
func TestScreen(t *testing.T) {
	var out strings.Builder
	s := &screen{w: &out, width: func() int { return 20 }}
	fmt.Fprintln(s, "first")
	s.draw("a: 1", "b: "+strings.Repeat("x", 40))
	fmt.Fprintln(s, "log")
	s.draw("a: 2", "b: 2")
	fmt.Fprintln(s, "more")
	if got, want := played(out.String(), 20), "first\nlog\nmore\na: 2\nb: 2\n"; got != want {
		t.Errorf("the terminal shows\n%s\nwant\n%s", got, want)
	}
	s.draw()
	if got, want := played(out.String(), 20), "first\nlog\nmore\n"; got != want {
		t.Errorf("at the end the terminal shows\n%s\nwant\n%s", got, want)
	}
}

// played interprets newlines, wrapping, and "up n lines, clear below".
func played(text string, width int) string {
	rows := []string{""}
	for text != "" {
		var n int
		switch text[0] {
		case '\x1b':
			if _, err := fmt.Sscanf(text, "\x1b[%dA\x1b[J", &n); err != nil {
				return err.Error()
			}
			rows = append(rows[:len(rows)-1-n], "")
			text = text[strings.Index(text, "J")+1:]
			continue
		case '\n':
			rows = append(rows, "")
		default:
			if len(rows[len(rows)-1]) == width {
				rows = append(rows, "")
			}
			rows[len(rows)-1] += text[:1]
		}
		text = text[1:]
	}
	return strings.Join(rows, "\n")
}
