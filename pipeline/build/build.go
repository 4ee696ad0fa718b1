// Package build runs a dbt project natively: it reads models, seeds, sources
// and tests, orders them, renders their SQL and builds them in a warehouse.
//
// Load reads a project, Project.Select makes a Plan of a part of it, Run
// carries the plan out. What Run promises:
//
//   - A node runs after all that it depends on; what depends on a failure is
//     skipped, and nothing else is.
//   - Tables, incremental models and seeds are written, audited and published
//     in one transaction: while `build` runs, readers see the last version
//     whose tests of severity error passed, or nothing yet.
//   - A node and its line in the ledger tidemill.models commit together, so
//     that a run which is repeated under its id does no node twice.
//
// Package manifest holds what is known of a project, selector chooses,
// render gives Jinja its names, folder and yml read files, seed reads CSV.
package build

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/uuid"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/folder"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
)

// Target is the place that models are built in.
type Target = render.Target

// Options say what to load, and for what.
type Options struct {
	Dir     string // the project folder
	Name    string // of the project where it has no dbt_project.yml; "" is the folder's name
	Dialect tidemill.Dialect
	Target  Target
	Vars    string // YAML, as --vars takes it
	Env     func(name string) (string, bool)

	// RunID identifies the run in the ledger; a run that is repeated under
	// its id skips what it has done. "" makes a new one.
	RunID string

	// Log hears what macros say; it may be called from several goroutines.
	Log func(pos tidemill.Pos, level, message string)
}

// Project is a project that was read without errors. It may be used from
// several goroutines.
type Project struct {
	*manifest.Manifest
	Folder *folder.Project
	RunID  string

	dir       string
	inv       *render.Invocation
	templates map[string]*jinja.Template // of models and tests, by id
	byName    map[string]string          // what ref means: name to id
	bySource  map[[2]string]string       // what source means: source and table to id
}

// Load reads the project in o.Dir. The error holds all that is wrong with it,
// in the order of the files, each with its place.
func Load(ctx context.Context, o Options) (*Project, error) {
	name := o.Name
	if name == "" {
		abs, err := filepath.Abs(o.Dir)
		if err != nil {
			return nil, fmt.Errorf("load project: %w", err)
		}
		name = filepath.Base(abs)
	}
	root, err := folder.ReadProject(o.Dir, name)
	if err != nil {
		return nil, err
	}
	l := &loader{Options: o, folder: root, workers: runtime.GOMAXPROCS(0)}
	return l.load(ctx)
}

func newInvocation(o Options, root *folder.Project, lib *render.Library) (*render.Invocation, error) {
	vars, err := render.NewVars(o.Vars, root.Name, root.Vars)
	if err != nil {
		return nil, err
	}
	if o.Target.Type == "" {
		o.Target.Type = string(o.Dialect)
	}
	if o.Target.Schema == "" {
		o.Target.Schema = "main"
	}
	id := o.RunID
	if id == "" {
		id = uuid.NewString()
	}
	return &render.Invocation{
		Library: lib, Target: o.Target, Vars: vars, Env: o.Env, ID: id, Started: time.Now().UTC(), Log: o.Log,
	}, nil
}
