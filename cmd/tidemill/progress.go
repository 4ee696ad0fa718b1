package main

import (
	"fmt"
	"io"
	"strings"
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
	w      io.Writer
	screen *screen // w where it is a terminal, else nil
	names  []string

	mu     sync.Mutex
	latest map[string]land.Progress

	quit chan struct{}
	done chan struct{}
}

func (a *app) newProgress(pipelines []project.Pipeline) *progress {
	p := &progress{
		w: a.stderr, latest: map[string]land.Progress{},
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	p.screen, _ = a.stderr.(*screen)
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

// stop takes the figures away, for the summary that follows them, and waits
// for the goroutine.
func (p *progress) stop() {
	close(p.quit)
	<-p.done
}

func (p *progress) run() {
	defer close(p.done)
	every := plainline
	if p.screen != nil {
		every = redraw
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.quit:
			if p.screen != nil {
				p.screen.draw()
			}
			return
		case <-tick.C:
			p.draw()
		}
	}
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []string
	for _, name := range p.names {
		if now, ok := p.latest[name]; ok {
			lines = append(lines, line(now))
		}
	}
	switch {
	case p.screen != nil:
		p.screen.draw(lines...)
	case len(lines) > 0:
		fmt.Fprintln(p.w, strings.Join(lines, "\n"))
	}
}

func line(n land.Progress) string {
	s := fmt.Sprintf("%s: %s, %s, %s, %s, %.0f/s", n.Pipeline, plural(n.Messages, "message"), plural(n.Rows, "row"),
		plural(n.Duplicates, "duplicate"), plural(n.DeadLetters, "dead letter"), n.Rate)
	if n.Lag > 0 {
		s += ", the newest " + age(n.Lag) + " old"
	}
	return s
}

// age writes a duration as people say it.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
