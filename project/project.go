package project

import (
	"fmt"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project/conf"
)

// FieldError is what the Validate of a connector's configuration returns to
// say which key is wrong.
type FieldError = conf.FieldError

// Kind is a type of connections, as its connector declares it.
type Kind struct {
	Type       string     // the `type:` of a connection
	Doc        string     // one sentence for the schema and the reference
	Connection func() any // makes a pointer to the struct of its keys; see package conf for the tags
	Source     func() any // makes a pointer to the struct of the keys beside `connection:` in a pipeline's source; nil: it is no source
	Warehouse  bool       // it can be the connection named warehouse
}

// Project is a project folder as one target sees it. Nothing in it prints a
// secret.
type Project struct {
	Dir         string // absolute
	File        string // the file that makes the folder a project, as messages name it
	Name        string
	Target      string
	Targets     []string     // the first is the default
	Connections []Connection // of the target, in the order of the file
	Pipelines   []Pipeline   // in the order of the file
	DBT         bool         // the folder is a dbt project too
	Schema      string       // where models go by default, if dbt's profile says so; else ""

	env func(string) (string, bool)
}

// Connection is one of the target's `connections:`.
type Connection struct {
	Name   string
	Type   string
	Pos    tidemill.Pos
	Config any // the pointer that Kind.Connection made, filled and validated
}

// warehouseName is the connection that pipelines land in and models run on.
const warehouseName = "warehouse"

// Lookup returns a variable of the process, else of .env.
func (p *Project) Lookup(name string) (string, bool) { return p.env(name) }

// Connection returns the connection of that name, or nil.
func (p *Project) Connection(name string) *Connection {
	for i := range p.Connections {
		if p.Connections[i].Name == name {
			return &p.Connections[i]
		}
	}
	return nil
}

// Warehouse returns the connection that pipelines land in and models run on.
// A loaded project has one.
func (p *Project) Warehouse() *Connection { return p.Connection(warehouseName) }

// Select returns the pipelines of these names, once each and in the order of
// the file; all of them where no name is given.
func (p *Project) Select(names ...string) ([]*Pipeline, error) {
	all := make([]string, len(p.Pipelines))
	wanted := make(map[string]bool)
	for i := range p.Pipelines {
		all[i] = p.Pipelines[i].Name
		wanted[all[i]] = len(names) == 0
	}
	for _, name := range names {
		if _, ok := wanted[name]; !ok {
			return nil, &tidemill.Error{
				Code: tidemill.NotFound, Pos: tidemill.Pos{File: p.File},
				Err: fmt.Errorf("there is no pipeline %q", name), Hint: conf.Suggest(name, all),
			}
		}
		wanted[name] = true
	}
	var out []*Pipeline
	for i := range p.Pipelines {
		if wanted[p.Pipelines[i].Name] {
			out = append(out, &p.Pipelines[i])
		}
	}
	return out, nil
}

// At returns the place of a key of the pipeline, as in At("decode.files[0]"),
// or of the nearest key around it that is written.
func (p *Pipeline) At(path string) tidemill.Pos {
	if p.at == nil {
		return p.Pos
	}
	return p.at(path)
}

// Split returns the findings that Load has joined into err, in their order.
func Split(err error) []*tidemill.Error {
	var out []*tidemill.Error
	switch e := err.(type) { //nolint:errorlint // it takes apart what errors.Join made
	case *tidemill.Error:
		out = append(out, e)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			out = append(out, Split(inner)...)
		}
	}
	return out
}
