package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
)

// The formats, as Meta["format"] tells them to the decoder.
const (
	formatJSON     = "json"
	formatProtobuf = "protobuf"
)

// entry is a file that holds messages.
type entry struct {
	scope    string // slash-separated path within the connection's folder
	path     string
	queue    string
	typ      string
	format   string
	compress string // "", "gz" or "zst"
}

// parseName tells type, format and compression from a file's name; ok is
// false for a file that holds no messages.
func parseName(name string) (typ, format, compress string, ok bool) {
	if strings.HasPrefix(name, ".") {
		return "", "", "", false
	}
	if rest, found := strings.CutSuffix(name, ".gz"); found {
		name, compress = rest, "gz"
	} else if rest, found := strings.CutSuffix(name, ".zst"); found {
		name, compress = rest, "zst"
	}
	if rest, found := strings.CutSuffix(name, ".ndjson"); found {
		typ, format = rest, formatJSON
	} else if rest, found := strings.CutSuffix(name, ".pb"); found {
		typ, format = rest, formatProtobuf
	}
	return typ, format, compress, typ != ""
}

// listing is what a folder held when it was looked at.
type listing struct {
	entries []entry  // in reading order
	folders []string // paths of all folders that were walked
	ignored []string // scopes of files whose names say nothing of messages
	queues  []string // all that are there, also those not asked for
}

// list walks root, which is a folder of queues or one file. With queues only
// those are listed.
func list(root string, queues []string) (listing, error) {
	info, err := os.Stat(root)
	if err != nil {
		return listing{}, notFound(root, err)
	}
	var l listing
	if !info.IsDir() {
		return listFile(root, queues)
	}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // it went while we walked
			}
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		return l.visit(root, filepath.ToSlash(rel), p, d, queues)
	})
	if err != nil {
		return listing{}, notFound(root, err)
	}
	l.sort(queues)
	return l, nil
}

func (l *listing) visit(root, scope, p string, d fs.DirEntry, queues []string) error {
	if d.IsDir() {
		if scope != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if scope != "." && !strings.Contains(scope, "/") {
			l.queues = append(l.queues, scope)
			if len(queues) > 0 && !slices.Contains(queues, scope) {
				return fs.SkipDir
			}
		}
		l.folders = append(l.folders, p)
		return nil
	}
	queue, _, nested := strings.Cut(scope, "/")
	if !nested {
		queue = folderName(root)
	}
	if len(queues) > 0 && !slices.Contains(queues, queue) {
		return nil
	}
	l.add(entry{scope: scope, path: p, queue: queue})
	return nil
}

func (l *listing) add(e entry) {
	var ok bool
	if e.typ, e.format, e.compress, ok = parseName(path.Base(e.scope)); ok {
		l.entries = append(l.entries, e)
	} else if !strings.HasPrefix(path.Base(e.scope), ".") {
		l.ignored = append(l.ignored, e.scope)
	}
}

func listFile(p string, queues []string) (listing, error) {
	folder := filepath.Dir(p)
	l := listing{folders: []string{folder}, queues: []string{folderName(folder)}}
	if len(queues) == 0 || slices.Contains(queues, l.queues[0]) {
		l.add(entry{scope: filepath.Base(p), path: p, queue: l.queues[0]})
	}
	if len(l.ignored) > 0 {
		return l, &tidemill.Error{
			Code: tidemill.Invalid, Op: "read " + p, Err: errors.New("its name does not say what it holds"),
			Hint: "name it TYPE.ndjson or TYPE.pb, with .gz or .zst after it if it is compressed",
		}
	}
	return l, nil
}

// folderName is the queue of files that stand in no folder of their own.
func folderName(folder string) string {
	if abs, err := filepath.Abs(folder); err == nil {
		folder = abs
	}
	return filepath.Base(folder)
}

// sort puts entries in reading order.
func (l *listing) sort(queues []string) {
	slices.SortFunc(l.entries, func(a, b entry) int {
		if a.queue != b.queue {
			if d := slices.Index(queues, a.queue) - slices.Index(queues, b.queue); d != 0 {
				return d
			}
			return strings.Compare(a.queue, b.queue)
		}
		return strings.Compare(a.scope, b.scope)
	})
}

// missing returns an error for the first of queues that is not there.
func (l *listing) missing(root string, queues []string) error {
	for _, q := range queues {
		if slices.Contains(l.queues, q) || slices.ContainsFunc(l.entries, func(e entry) bool { return e.queue == q }) {
			continue
		}
		there := "it has no folders"
		if len(l.queues) > 0 {
			there = "it has " + strings.Join(l.queues, ", ")
		}
		return &tidemill.Error{
			Code: tidemill.NotFound, Op: "read " + root, Err: fmt.Errorf("queue %q has no folder; %s", q, there),
			Hint: "make " + filepath.Join(root, q) + ", or correct queues in the pipeline's source",
		}
	}
	return nil
}

// notFound gives an error on the folder itself its code and hint.
func notFound(root string, err error) error {
	e := &tidemill.Error{Op: "read " + root, Err: err}
	var p *fs.PathError
	if errors.As(err, &p) {
		e.Err = p.Err
		if p.Path != root {
			e.Op = "read " + p.Path
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Code, e.Hint = tidemill.NotFound, "make the folder, or correct path in the connection; it starts at the project folder"
	case errors.Is(err, fs.ErrPermission):
		e.Code, e.Hint = tidemill.Denied, "give the user that runs tidemill the right to read it"
	}
	return e
}
