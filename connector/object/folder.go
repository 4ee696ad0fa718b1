package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
)

// Folder is a connection to a local folder.
type Folder struct {
	Path string `yaml:"path" doc:"Folder in which, and below which, files are read." required:"true"`
}

// Files are what a clean-up must leave.
func (f Folder) Files() []string { return []string{f.Path} }

// listed is how many entries one page of a folder has.
const listed = 1000

// folder is a bucket on disk. A file's ETag is its size and the time of its
// last change.
type folder struct{ root string }

func newFolder(conn Folder, env tidemill.Env) *folder {
	if filepath.IsAbs(conn.Path) {
		return &folder{root: conn.Path}
	}
	return &folder{root: filepath.Join(env.Dir, conn.Path)}
}

func (f *folder) name() string { return strings.TrimSuffix(f.root, "/") + "/" }

func (f *folder) scope(key string) string { return key }

func (f *folder) list(ctx context.Context, prefix, after string) ([]entry, string, error) {
	if info, err := os.Stat(f.root); err != nil {
		return nil, "", f.explain(err)
	} else if !info.IsDir() {
		return nil, "", &tidemill.Error{Code: tidemill.Invalid, Op: "read " + f.root, Err: errors.New("it is a file"), Hint: "name its folder in the connection, and the file as path in the source"}
	}
	w := walk{f: f, prefix: prefix, after: after}
	err := w.folder(ctx, "")
	if err != nil && !errors.Is(err, fs.SkipAll) {
		return nil, "", f.explain(err)
	}
	last := ""
	if len(w.page) == listed {
		last = w.page[listed-1].key
	}
	return w.page, last, nil
}

// walk gathers one page.
type walk struct {
	f             *folder
	prefix, after string
	page          []entry
}

// folder visits what is in the folder of a key, which is empty or ends in /,
// in the order of whole keys: there a folder's name has its slash.
func (w *walk) folder(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(w.f.root, filepath.FromSlash(key)))
	if errors.Is(err, fs.ErrNotExist) && key != "" {
		return nil // it went while we walked
	}
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(entries))
	for _, e := range entries {
		k := key + e.Name()
		if e.IsDir() {
			k += "/"
		}
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err := w.visit(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) visit(ctx context.Context, key string) error {
	if strings.HasSuffix(key, "/") {
		if !strings.HasPrefix(key, w.prefix) && !strings.HasPrefix(w.prefix, key) || w.after > key && !strings.HasPrefix(w.after, key) {
			return nil
		}
		return w.folder(ctx, key)
	}
	if key <= w.after || !strings.HasPrefix(key, w.prefix) {
		return nil
	}
	e, err := w.f.stat(ctx, key)
	switch {
	case errors.Is(err, errGone):
		return nil
	case err != nil:
		return err
	}
	if w.page = append(w.page, e); len(w.page) == listed {
		return fs.SkipAll
	}
	return nil
}

func (f *folder) stat(_ context.Context, key string) (entry, error) {
	info, err := os.Stat(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return entry{}, errGone
	}
	if err != nil {
		return entry{}, f.explain(err)
	}
	if !info.Mode().IsRegular() {
		return entry{}, errGone // a link to a folder, a pipe
	}
	return entryOf(key, info), nil
}

func entryOf(key string, info fs.FileInfo) entry {
	return entry{key: key, etag: fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano()), size: info.Size(), modified: info.ModTime()}
}

func (f *folder) path(key string) string { return filepath.Join(f.root, filepath.FromSlash(key)) }

func (f *folder) open(_ context.Context, e entry) (content, error) {
	h, err := os.Open(f.path(e.key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	}
	if err != nil {
		return nil, f.explain(err)
	}
	c := &fileContent{File: h, entry: e}
	if err := c.same(); err != nil {
		_ = h.Close() // it was only read
		return nil, err
	}
	return c, nil
}

// fileContent is an open file.
type fileContent struct {
	*os.File
	entry entry
}

// same looks whether the file is still as it was listed.
func (c *fileContent) same() error {
	info, err := c.Stat()
	if err != nil {
		return err
	}
	if entryOf(c.entry.key, info).etag != c.entry.etag {
		return errChanged
	}
	return nil
}

func (c *fileContent) stream(from int64) io.Reader {
	return &fileStream{r: io.NewSectionReader(c.File, from, 1<<62), c: c}
}

// fileStream ends only where the file has not changed meanwhile.
type fileStream struct {
	r *io.SectionReader
	c *fileContent
}

func (s *fileStream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if errors.Is(err, io.EOF) {
		if changed := s.c.same(); changed != nil {
			return n, changed
		}
	}
	return n, err
}

// explain gives an error on the folder its code and hint.
func (f *folder) explain(err error) error {
	var done *tidemill.Error
	if errors.As(err, &done) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &tidemill.Error{Op: "read " + f.root, Err: err}
	var p *fs.PathError
	if errors.As(err, &p) {
		e.Op, e.Err = "read "+p.Path, p.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Code, e.Hint = tidemill.NotFound, "make the folder, or correct path in the connection; it starts at the project folder"
	case errors.Is(err, fs.ErrPermission):
		e.Code, e.Hint = tidemill.Denied, "give the user that runs tidemill the right to read it"
	}
	return e
}
