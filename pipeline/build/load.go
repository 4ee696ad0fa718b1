package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/folder"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
)

// loader reads one project. Files are read and rendered side by side; what
// they say is put together in the order of their names.
type loader struct {
	Options
	folder  *folder.Project
	workers int
	files   *folder.Files
	lib     *render.Library
	inv     *render.Invocation
	props   properties
	out     *Project
	problem problems
}

func (l *loader) load(ctx context.Context) (*Project, error) {
	var err error
	if l.files, err = l.folder.List(l.Dir); err != nil {
		return nil, err
	}
	if l.lib, err = render.NewLibrary(l.folder.Name, l.Dialect); err != nil {
		return nil, err
	}
	if l.inv, err = newInvocation(l.Options, l.folder, l.lib); err != nil {
		return nil, err
	}
	l.out = &Project{
		Manifest: &manifest.Manifest{
			Project: l.folder.Name, Nodes: map[string]*manifest.Node{}, Off: map[string]*manifest.Node{}, Macros: map[string]*manifest.Macro{},
		},
		Folder: l.folder, RunID: l.inv.ID, dir: l.Dir, inv: l.inv,
		templates: map[string]*jinja.Template{}, byName: map[string]string{}, bySource: map[[2]string]string{},
	}
	// Each step needs all of the one before; problems within one are shown
	// together.
	for _, step := range []func(context.Context){
		l.renderProject, l.readMacros, l.readProperties, l.checkTrees, l.readModels, l.readSeeds, l.readSources, l.readTests,
		l.matchPatches, l.placeNodes, l.resolveRefs,
	} {
		step(ctx)
		if err := l.problem.err(); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if err := l.out.Link(); err != nil {
		return nil, err
	}
	return l.out, nil
}

func (l *loader) checkTrees(context.Context) {
	l.problem.add(folder.CheckTree(l.folder.Models, manifest.Model))
	l.problem.add(folder.CheckTree(l.folder.Seeds, manifest.Seed))
	l.problem.add(folder.CheckTree(l.folder.Tests, manifest.Test))
	l.problem.add(folder.CheckTree(l.folder.Sources, manifest.Source))
}

// readMacros takes all macros and generic tests of the project.
func (l *loader) readMacros(ctx context.Context) {
	files := append(append([]folder.File(nil), l.files.Macros...), l.files.GenericTests...)
	templates := parallel(ctx, l, files, func(f folder.File) (*jinja.Template, error) {
		data, err := f.Read(l.Dir)
		if err != nil {
			return nil, err
		}
		return l.lib.Parse(start(f.Path), string(data))
	})
	for i, t := range templates {
		if t == nil {
			continue
		}
		added, err := l.lib.Add(t)
		l.problem.add(err)
		for _, m := range added {
			id := "macro." + l.folder.Name + "." + m.Name
			l.out.Macros[id] = &manifest.Macro{ID: id, Name: m.Name, Package: l.folder.Name, File: files[i].Path, Pos: m.Pos}
		}
	}
}

// parallel calls do for all items on a few goroutines and waits for them. The
// result of an item that failed is the zero value; its error is kept.
func parallel[T, R any](ctx context.Context, l *loader, items []T, do func(T) (R, error)) []R {
	out := make([]R, len(items))
	errs := make([]error, len(items))
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(l.workers, len(items)) {
		wg.Go(func() {
			for i := range next {
				out[i], errs[i] = guarded(do, items[i])
			}
		})
	}
	for i := range items {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	for _, err := range errs {
		l.problem.add(err)
	}
	return out
}

// guarded calls do and makes a panic an error: a file of the project must not
// end what else this process does.
func guarded[T, R any](do func(T) (R, error), item T) (out R, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read project: panic: %v\n%s", p, debug.Stack())
		}
	}()
	return do(item)
}

func start(file string) tidemill.Pos { return tidemill.Pos{File: file, Line: 1, Column: 1} }

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// problems collects errors, up to a number that people read.
type problems struct {
	errs []error
	more int // those that were left out
}

const maxProblems = 20

func (p *problems) add(err error) {
	switch {
	case err == nil:
	case len(p.errs) < maxProblems:
		p.errs = append(p.errs, err)
	default:
		p.more++
	}
}

func (p *problems) err() error {
	if len(p.errs) == 1 {
		return p.errs[0]
	}
	if p.more > 0 {
		return errors.Join(append(p.errs, fmt.Errorf("and %d more", p.more))...)
	}
	return errors.Join(p.errs...)
}
