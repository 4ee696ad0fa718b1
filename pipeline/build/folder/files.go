package folder

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

// File is a file of the project, not yet read.
type File struct {
	Path string // relative to the project, with slashes
	Root string // the folder of its kind that it was found in, as models
}

// Below is the path within the folder of its kind.
func (f File) Below() string { return strings.TrimPrefix(f.Path, f.Root+"/") }

// Stem is the name without folder and extension.
func (f File) Stem() string {
	base := path.Base(f.Path)
	return strings.TrimSuffix(base, path.Ext(base))
}

// Dirs are the folders between Root and the file.
func (f File) Dirs() []string {
	dir := path.Dir(f.Below())
	if dir == "." {
		return nil
	}
	return strings.Split(dir, "/")
}

// Read returns the text of the file in the project at dir.
func (f File) Read(dir string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Path, err)
	}
	return data, nil
}

// Files are the files of a project by what they are, each list sorted.
type Files struct {
	Models, Seeds, Macros, Singular, GenericTests, Properties []File
}

// List walks the folders of the project.
func (p *Project) List(dir string) (*Files, error) {
	out := &Files{}
	var errs []error
	scan := func(roots []string, take func(File) error) {
		for _, root := range roots {
			errs = append(errs, walk(dir, path.Clean(filepath.ToSlash(root)), take))
		}
	}
	properties := func(f File) bool {
		if ext := path.Ext(f.Path); ext != ".yml" && ext != ".yaml" {
			return false
		}
		out.Properties = append(out.Properties, f)
		return true
	}
	scan(p.ModelPaths, func(f File) error {
		switch {
		case properties(f):
		case strings.HasSuffix(f.Path, ".sql"):
			out.Models = append(out.Models, f)
		case strings.HasSuffix(f.Path, ".py"):
			return notYet(f, "models in Python are")
		}
		return nil
	})
	scan(p.SeedPaths, func(f File) error {
		if !properties(f) && strings.HasSuffix(f.Path, ".csv") {
			out.Seeds = append(out.Seeds, f)
		}
		return nil
	})
	scan(p.MacroPaths, func(f File) error {
		if !properties(f) && strings.HasSuffix(f.Path, ".sql") {
			out.Macros = append(out.Macros, f)
		}
		return nil
	})
	scan(p.TestPaths, func(f File) error {
		if properties(f) || !strings.HasSuffix(f.Path, ".sql") {
			return nil
		}
		if slices.Contains(f.Dirs(), "generic") {
			out.GenericTests = append(out.GenericTests, f)
		} else {
			out.Singular = append(out.Singular, f)
		}
		return nil
	})
	scan(p.SnapshotPaths, func(f File) error {
		if path.Ext(f.Path) == ".sql" || path.Ext(f.Path) == ".yml" {
			return notYet(f, "snapshots are")
		}
		return nil
	})
	return out, errors.Join(errs...)
}

func notYet(f File, what string) error {
	return &tidemill.Error{Code: tidemill.Invalid, Pos: tidemill.Pos{File: f.Path}, Err: fmt.Errorf("%s not supported yet", what), Hint: "move the file out of the project"}
}

// walk calls take for each file below root, in order. A missing root is an
// empty one.
func walk(dir, root string, take func(File) error) error {
	top := filepath.Join(dir, filepath.FromSlash(root))
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if name == top && errors.Is(err, fs.ErrNotExist) {
				return fs.SkipAll
			}
			return err
		}
		if strings.HasPrefix(d.Name(), ".") && name != top {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		return take(File{Path: filepath.ToSlash(rel), Root: root})
	})
	if err != nil {
		return fmt.Errorf("read folder %s: %w", root, err)
	}
	return nil
}
