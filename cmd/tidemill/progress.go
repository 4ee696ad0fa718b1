package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
)

// How often progress is shown: redrawn on a terminal, a line elsewhere.
const (
	redraw    = 200 * time.Millisecond
	plainline = 10 * time.Second
)

// progress shows the figures of running pipelines on standard error. It owns
// one goroutine from newProgress to stop.
type progress struct {
	w     io.Writer
	live  bool
	names []string

	mu     sync.Mutex
	latest map[string]land.Progress
	drawn  int // lines that are on the terminal

	quit chan struct{}
	done chan struct{}
}

func (a *app) newProgress(pipelines []project.Pipeline) *progress {
	p := &progress{
		w: a.stderr, live: terminal(a.stderr), latest: map[string]land.Progress{},
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	for _, pl := range pipelines {
		p.names = append(p.names, pl.Name)
	}
	if a.quiet {
		close(p.done)
		return p
	}
	go p.run()
	return p
}

// update takes the figures of one pipeline; it is called from its goroutine.
func (p *progress) update(now land.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest[now.Pipeline] = now
}

// stop draws the last figures and waits for the goroutine.
func (p *progress) stop() {
	close(p.quit)
	<-p.done
}

func (p *progress) run() {
	defer close(p.done)
	every := plainline
	if p.live {
		every = redraw
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.quit:
			p.erase()
			return
		case <-tick.C:
			p.draw()
		}
	}
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	for _, name := range p.names {
		now, ok := p.latest[name]
		if !ok {
			continue
		}
		fmt.Fprintln(p.w, line(now))
		p.drawn++
	}
}

// erase takes back what is drawn on a terminal; the summary follows it.
func (p *progress) erase() {
	if p.live && p.drawn > 0 {
		fmt.Fprintf(p.w, "\x1b[%dA\x1b[J", p.drawn)
	}
	p.drawn = 0
}

func line(n land.Progress) string {
	s := fmt.Sprintf("%s: %d messages, %d rows, %d duplicates, %d dead letters, %.0f/s", n.Pipeline, n.Messages, n.Rows, n.Duplicates, n.DeadLetters, n.Rate)
	if n.Lag > 0 {
		s += fmt.Sprintf(", %s behind", n.Lag.Round(time.Millisecond))
	}
	return s
}
