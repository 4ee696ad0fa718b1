package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/project"
)

// demoStream appends the events of the cards example to files, a part at a
// time, as a producer would that writes to a folder.
type demoStream struct {
	*gen.Generator
	dir string
	buf []byte
}

// newDemoStream writes the backfill, which goes with the whole stream.
func newDemoStream(ctx context.Context, folder string, f demoFlags) (*demoStream, error) {
	whole := f.events
	if !f.once {
		whole.Events *= 4
	}
	g, err := gen.New(whole)
	if err != nil {
		return nil, usageError{err}
	}
	if _, err := gen.WriteBackfill(ctx, filepath.Join(folder, "backfill"), whole); err != nil {
		return nil, err
	}
	return &demoStream{Generator: g, dir: filepath.Join(folder, "events")}, nil
}

// publish appends the next n events, or as many as there are.
func (s *demoStream) publish(n int) (err error) {
	open := map[string]*bufio.Writer{}
	var files []*os.File
	defer func() {
		for _, w := range open {
			err = errors.Join(err, w.Flush())
		}
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
	}()
	for range n {
		e, ok := s.Next()
		if !ok {
			return nil
		}
		name := filepath.Join(s.dir, e.Queue, e.Type+".pb")
		w := open[name]
		if w == nil {
			f, err := appendTo(name)
			if err != nil {
				return err
			}
			files = append(files, f)
			w = bufio.NewWriterSize(f, 1<<16)
			open[name] = w
		}
		s.buf = append(binary.AppendUvarint(s.buf[:0], uint64(len(e.Body))), e.Body...)
		if _, err := w.Write(s.buf); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

func appendTo(name string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return f, nil
}

// demoOn publishes, lands and builds until ctx or the stream ends.
func (a *app) demoOn(ctx context.Context, p *project.Project, wh tidemill.Warehouse, stream *demoStream) error {
	fmt.Fprintln(a.stderr, "\nnew events come every second; interrupt to stop")
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		before := stream.Summary().Published
		if err := stream.publish(1000); err != nil || stream.Summary().Published == before {
			return err
		}
		var report demoReport
		if err := a.demoLine(ctx, p, wh, &report); err != nil && ctx.Err() == nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s  %s landed, %s, %s; %s passed\n", time.Now().Format(time.TimeOnly), plural(report.Landed, "row"),
			plural(report.Duplicates, "duplicate"), plural(report.DeadLetters, "dead letter"), plural(report.TestsPassed, "test"))
	}
}
