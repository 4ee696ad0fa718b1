package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// screen is standard error where that is a terminal. The lines that are drawn
// on it stay below everything that is written, also by the log.
type screen struct {
	w     io.Writer
	width func() int // columns of the terminal

	mu    sync.Mutex
	lines []string // what is drawn now
}

func newScreen(f *os.File) *screen {
	return &screen{w: f, width: func() int {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
		return 80
	}}
}

// Write puts p above what is drawn.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.put(nil)
	n, err := s.w.Write(p)
	if len(p) > 0 && p[len(p)-1] == '\n' {
		s.put(lines)
	}
	return n, err
}

// draw replaces what is drawn; no lines take it away.
func (s *screen) draw(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(lines)
}

func (s *screen) put(lines []string) {
	var b strings.Builder
	if n := len(s.lines); n > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", n)
	}
	s.lines = s.lines[:0:0]
	most := max(s.width()-1, 1) // a line that wraps could not be taken back
	for _, line := range lines {
		if r := []rune(line); len(r) > most {
			line = string(r[:most])
		}
		b.WriteString(line + "\n")
		s.lines = append(s.lines, line)
	}
	_, _ = io.WriteString(s.w, b.String()) // nobody can be told that the terminal is gone
}
