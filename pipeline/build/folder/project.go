// Package folder reads the files of a dbt project as they are written: the
// project file, the properties, and the texts of models, seeds, tests and
// macros. It resolves nothing and knows no Jinja; what it promises is that
// each key has been checked and each value knows its place.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// ProjectFile is the name of the project file.
const ProjectFile = "dbt_project.yml"

// Project is dbt_project.yml.
type Project struct {
	Name    string
	Version string
	Profile string
	Target  string // the folder of what is written, "target" by default

	ModelPaths, SeedPaths, MacroPaths, TestPaths, SnapshotPaths []string
	CleanTargets                                                []string

	Vars *yml.Node // nil or a map

	// The trees of configuration: keys with + are config, others are folders.
	Models, Seeds, Tests, Sources *yml.Node
}

type projectKey func(p *Project, v *yml.Node) error

var projectKeys = map[string]projectKey{
	"name":           func(p *Project, v *yml.Node) (err error) { p.Name, err = v.Text(); return err },
	"version":        func(p *Project, v *yml.Node) (err error) { p.Version, err = v.Text(); return err },
	"profile":        func(p *Project, v *yml.Node) (err error) { p.Profile, err = v.Text(); return err },
	"target-path":    func(p *Project, v *yml.Node) (err error) { p.Target, err = v.Text(); return err },
	"model-paths":    func(p *Project, v *yml.Node) (err error) { p.ModelPaths, err = v.Strings(); return err },
	"seed-paths":     func(p *Project, v *yml.Node) (err error) { p.SeedPaths, err = v.Strings(); return err },
	"macro-paths":    func(p *Project, v *yml.Node) (err error) { p.MacroPaths, err = v.Strings(); return err },
	"test-paths":     func(p *Project, v *yml.Node) (err error) { p.TestPaths, err = v.Strings(); return err },
	"clean-targets":  func(p *Project, v *yml.Node) (err error) { p.CleanTargets, err = v.Strings(); return err },
	"vars":           func(p *Project, v *yml.Node) error { p.Vars = v; return v.WantMap() },
	"models":         func(p *Project, v *yml.Node) error { p.Models = v; return v.WantMap() },
	"seeds":          func(p *Project, v *yml.Node) error { p.Seeds = v; return v.WantMap() },
	"tests":          func(p *Project, v *yml.Node) error { p.Tests = v; return v.WantMap() },
	"data_tests":     func(p *Project, v *yml.Node) error { p.Tests = v; return v.WantMap() },
	"sources":        func(p *Project, v *yml.Node) error { p.Sources = v; return v.WantMap() },
	"config-version": configVersion,

	"snapshot-paths":      func(p *Project, v *yml.Node) (err error) { p.SnapshotPaths, err = v.Strings(); return err },
	"require-dbt-version": requireVersion,

	// Analyses are compiled only, and no command needs them.
	"analysis-paths": func(_ *Project, v *yml.Node) error { _, err := v.Strings(); return err },
}

var laterProject = []string{
	"on-run-start", "on-run-end", "snapshots", "dispatch", "query-comment", "quoting", "exposures", "flags", "docs-paths",
	"asset-paths", "packages-install-path", "function-paths", "unit_tests", "metrics", "semantic-models", "saved-queries", "log-path", "restrict-access",
}

func configVersion(_ *Project, v *yml.Node) error {
	if n, err := v.Int(); err != nil || n != 2 {
		return v.Errorf("config-version must be 2")
	}
	return nil
}

// Default returns the project of a folder without a project file.
func Default(name string) *Project {
	return &Project{
		Name: name, Target: "target",
		ModelPaths: []string{"models"}, SeedPaths: []string{"seeds"}, MacroPaths: []string{"macros"}, TestPaths: []string{"tests"},
		SnapshotPaths: []string{"snapshots"}, CleanTargets: []string{"target"},
	}
}

// ReadProject reads dbt_project.yml in dir. Where there is none, the folder
// must have models/, and the project is called name.
func ReadProject(dir, name string) (*Project, error) {
	data, err := os.ReadFile(filepath.Join(dir, ProjectFile))
	if errors.Is(err, fs.ErrNotExist) {
		if info, statErr := os.Stat(filepath.Join(dir, "models")); statErr != nil || !info.IsDir() {
			return nil, &tidemill.Error{
				Code: tidemill.NotFound, Op: "read project", Err: fmt.Errorf("%s has neither %s nor models/", dir, ProjectFile),
				Hint: "models are files models/NAME.sql; -C DIR names another project folder",
			}
		}
		return Default(name), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read project: %w", err)
	}
	root, err := yml.Parse(ProjectFile, data)
	if err != nil {
		return nil, err
	}
	if err := root.WantMap(); err != nil {
		return nil, err
	}
	p := Default("")
	for _, f := range root.Fields {
		set, ok := projectKeys[f.Name]
		if !ok {
			return nil, unknown(f, "key of "+ProjectFile, keys(projectKeys), laterProject)
		}
		if f.Value.IsNull() {
			continue
		}
		if err := set(p, f.Value); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if p.Name == "" {
		return nil, &tidemill.Error{Code: tidemill.Invalid, Pos: tidemill.Pos{File: ProjectFile}, Err: errors.New("the project has no name"), Hint: "add name: my_project"}
	}
	return p, nil
}

func keys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// unknown is the error for a key that is not read: one of dbt's that comes
// later says so, another gets the nearest name.
func unknown(f yml.Field, what string, known, later []string) error {
	if slices.Contains(later, f.Name) {
		return &tidemill.Error{
			Code: tidemill.Invalid, Pos: f.Pos, Err: fmt.Errorf("%s is not supported yet (%s)", f.Name, what),
			Hint: "remove it; what a key asks for is never left out in silence",
		}
	}
	return yml.Unknown(f, what, known)
}
