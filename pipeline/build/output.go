package build

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tidemill/tidemill/pipeline/build/manifest"
)

// output writes SQL for people to read, in the folders of dbt:
// target/compiled is what the templates gave, target/run what was executed.
type output struct {
	project *Project
	dir     string // "" is the project's target folder, "-" none
}

// path is the file of n below the target folder.
func (o output) path(part string, n *manifest.Node) string {
	target := o.dir
	if target == "" {
		target = o.project.Folder.Target
	}
	file := n.File
	if n.Kind == manifest.Test && n.Test.Generic != "" {
		file = path.Join(n.File, n.Path)
	}
	if n.Kind == manifest.Seed {
		file = strings.TrimSuffix(file, path.Ext(file)) + ".sql"
	}
	return filepath.Join(target, part, n.Package, filepath.FromSlash(file))
}

// write stores the SQL of n; part is compiled or run.
func (o output) write(part string, n *manifest.Node, sql string) error {
	if o.dir == "-" {
		return nil
	}
	file := o.path(part, n)
	if !filepath.IsAbs(file) {
		file = filepath.Join(o.project.dir, file)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("write %s SQL: %w", part, err)
	}
	if err := os.WriteFile(file, []byte(sql+"\n"), 0o644); err != nil {
		return fmt.Errorf("write %s SQL: %w", part, err)
	}
	return nil
}
