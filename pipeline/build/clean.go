package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/folder"
)

// Clean deletes the folders that clean-targets names, target/ where it says
// nothing, and returns those that were there. Only what is inside the project
// is deleted, and nothing that holds its sources or one of the files in keep;
// then nothing is deleted at all.
func Clean(dir, name string, keep []string) ([]string, error) {
	p, err := folder.ReadProject(dir, name)
	if err != nil {
		return nil, err
	}
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("clean: %w", err)
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, fmt.Errorf("clean: %w", err)
	}
	for _, list := range [][]string{p.ModelPaths, p.SeedPaths, p.MacroPaths, p.TestPaths, p.SnapshotPaths, {folder.ProjectFile, "tidemill.yml", ".env", ".git"}} {
		keep = slices.Concat(keep, list)
	}
	var remove []string
	for _, target := range p.CleanTargets {
		at, err := cleanable(root, target, keep)
		if err != nil {
			return nil, err
		}
		if at != "" {
			remove = append(remove, at)
		}
	}
	var removed []string
	for _, at := range remove {
		if err := os.RemoveAll(at); err != nil {
			return removed, fmt.Errorf("clean: %w", err)
		}
		rel, _ := filepath.Rel(root, at) // both are absolute
		removed = append(removed, rel)
	}
	return removed, nil
}

// cleanable returns the folder to delete for a target, "" where there is none.
func cleanable(root, target string, keep []string) (string, error) {
	refuse := func(why string) error {
		return &tidemill.Error{
			Code: tidemill.Denied, Pos: tidemill.Pos{File: folder.ProjectFile}, Op: "clean", Err: fmt.Errorf("%s %s", target, why),
			Hint: "take it out of clean-targets; nothing was deleted",
		}
	}
	if !filepath.IsLocal(target) {
		return "", refuse("is not inside the project")
	}
	at, err := filepath.EvalSymlinks(filepath.Join(root, target))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("clean: %w", err)
	}
	switch {
	case at == root:
		return "", refuse("is not inside the project")
	case at != filepath.Join(root, target):
		return "", refuse("is a link, or below one")
	}
	for _, k := range keep {
		path := k
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, path)
		}
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if within(at, path) || within(path, at) {
			return "", refuse("holds, or is in, " + k + ", which is to stay")
		}
	}
	return at, nil
}

// within reports whether path is dir or below it.
func within(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}
