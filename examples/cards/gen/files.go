package gen

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tidemill/tidemill"
)

// Report counts what was written or published.
type Report struct {
	Summary
	Backfill *BackfillSummary `json:"backfill,omitempty"` // nil where none was written
}

// WriteFiles writes the stream of o to dir/events and its backfill to
// dir/backfill, in the layout of Tidemill's file source: the folder is the
// queue, the stem of the file the type. It does not touch what is there: a
// folder that holds files already is an error.
func WriteFiles(ctx context.Context, dir string, o Options) (Report, error) {
	g, err := New(o)
	if err != nil {
		return Report{}, err
	}
	if err := WriteStream(ctx, filepath.Join(dir, "events"), g); err != nil {
		return Report{}, err
	}
	b, err := WriteBackfill(ctx, filepath.Join(dir, "backfill"), o)
	if err != nil {
		return Report{}, err
	}
	return Report{Summary: g.Summary(), Backfill: &b}, nil
}

// WriteStream writes what is left of g to dir/<queue>/<Type>.pb: each body
// after its length as a varint.
func WriteStream(ctx context.Context, dir string, g *Generator) error {
	return writeFolder(dir, ".pb", func(f *folder) error {
		for e := range g.All() {
			if err := ctx.Err(); err != nil {
				return err
			}
			f.buf = binary.AppendUvarint(f.buf[:0], uint64(len(e.Body)))
			f.buf = append(f.buf, e.Body...)
			if err := f.write(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// WriteBackfill writes the backfill of o to dir/<queue>/<Type>.ndjson.
func WriteBackfill(ctx context.Context, dir string, o Options) (BackfillSummary, error) {
	b, err := NewBackfill(o)
	if err != nil {
		return BackfillSummary{}, err
	}
	err = writeFolder(dir, ".ndjson", func(f *folder) error {
		for e := range b.All() {
			if err := ctx.Err(); err != nil {
				return err
			}
			f.buf, _ = e.AppendJSON(f.buf[:0])
			f.buf = append(f.buf, '\n')
			if err := f.write(e); err != nil {
				return err
			}
		}
		return nil
	})
	return b.Summary(), err
}

// folder holds one open file for each queue and type.
type folder struct {
	dir, ext string
	open     map[string]*file
	buf      []byte
}

type file struct {
	*os.File
	w *bufio.Writer
}

func writeFolder(dir, ext string, fill func(*folder) error) error {
	if err := refuseFull(dir); err != nil {
		return err
	}
	f := &folder{dir: dir, ext: ext, open: map[string]*file{}}
	if err := errors.Join(fill(f), f.close()); err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	return nil
}

// refuseFull keeps a second stream from being mixed into the first.
func refuseFull(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	if len(entries) > 0 {
		return &tidemill.Error{
			Code: tidemill.Invalid, Op: "write " + dir,
			Err:  errors.New("the folder is not empty"),
			Hint: "remove it, or give another folder",
		}
	}
	return nil
}

// write appends f.buf to the file of e.
func (f *folder) write(e Event) error {
	name := filepath.Join(f.dir, e.Queue, e.Type+f.ext)
	out, ok := f.open[name]
	if !ok {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		raw, err := os.Create(name)
		if err != nil {
			return err
		}
		out = &file{raw, bufio.NewWriterSize(raw, 1<<16)}
		f.open[name] = out
	}
	_, err := out.w.Write(f.buf)
	return err
}

func (f *folder) close() error {
	var errs []error
	for _, out := range f.open {
		errs = append(errs, out.w.Flush(), out.Close())
	}
	return errors.Join(errs...)
}
