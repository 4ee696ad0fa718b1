package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project/conf"
)

// File is the name of the file that makes a folder a project.
const File = "tidemill.yml"

// Options say how Load sees a project.
type Options struct {
	Target string // "" is the default target
	Kinds  []Kind // in the order in which messages list them
	// Env returns a variable of the process; nil asks the process itself.
	Env func(name string) (value string, ok bool)
}

// Load reads the project in the folder dir: its tidemill.yml, or, where there
// is none, its dbt_project.yml. It opens no connection. Its error is nil, a
// *tidemill.Error, or several that Split takes apart; all that is wrong with
// the file is in it.
func Load(dir string, opts Options) (*Project, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, &tidemill.Error{Code: tidemill.Invalid, Op: "find project", Err: err}
	}
	if opts.Env == nil {
		opts.Env = os.LookupEnv
	}
	l := &loader{dir: dir, opts: opts, errs: &conf.Errors{}}
	l.project = &Project{Dir: abs, File: filepath.Join(dir, File), DBT: exists(filepath.Join(dir, dbtFile))}
	src, err := os.ReadFile(l.project.File)
	switch {
	case errors.Is(err, fs.ErrNotExist) && l.project.DBT:
		l.readEnv()
		l.dbt()
	case errors.Is(err, fs.ErrNotExist):
		return nil, noProject(dir)
	case err != nil:
		l.errs.Add(startOf(l.project.File), "make it a file that this user may read", "read project: %w", err)
	default:
		l.readEnv()
		l.file(src)
	}
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	return l.project, nil
}

// startOf is the place of an error about a file as a whole.
func startOf(file string) tidemill.Pos { return tidemill.Pos{File: file, Line: 1, Column: 1} }

func noProject(dir string) error {
	if !exists(dir) {
		err := fmt.Errorf("there is no folder %s", filepath.Clean(dir))
		return &tidemill.Error{Code: tidemill.NotFound, Op: "find project", Err: err, Hint: "mend the path after -C"}
	}
	hint := "go to the project's folder, name it with -C, or make one: tidemill init"
	if exists(filepath.Join(dir, "tidemill.yaml")) {
		hint = "rename tidemill.yaml to " + File
	}
	err := fmt.Errorf("there is no %s and no %s in %s", File, dbtFile, filepath.Clean(dir))
	return &tidemill.Error{Code: tidemill.NotFound, Op: "find project", Err: err, Hint: hint}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// loader carries what the steps of one Load share.
type loader struct {
	dir     string
	opts    Options
	errs    *conf.Errors
	vars    *conf.Vars
	project *Project
}

// readEnv puts .env behind the variables of the process.
func (l *loader) readEnv() {
	local := readEnv(filepath.Join(l.dir, ".env"), l.errs)
	l.project.env = func(name string) (string, bool) {
		if v, ok := l.opts.Env(name); ok {
			return v, true
		}
		v, ok := local[name]
		return v, ok
	}
	l.vars = &conf.Vars{Lookup: l.project.env, Dir: l.project.Dir}
}
