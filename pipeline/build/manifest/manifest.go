// Package manifest is what is known of a project of models once it is read:
// its nodes (models, seeds, sources, tests), their configuration, and the
// graph between them.
//
// A Manifest is immutable after Link and may be read by many goroutines. Ids
// and names are those that dbt gives, so that artifacts which its ecosystem
// reads can be written from it.
package manifest

import (
	"slices"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// Kind is the type of a node.
type Kind string

// The kinds.
const (
	Model  Kind = "model"
	Seed   Kind = "seed"
	Source Kind = "source"
	Test   Kind = "test"
)

// Relation is the place of a table or view in the warehouse, unquoted. An
// empty Database is the one that the session is in.
type Relation struct {
	Database   string `json:"database,omitempty"`
	Schema     string `json:"schema"`
	Identifier string `json:"identifier"`
}

// Table returns the name without its database.
func (r Relation) Table() tidemill.TableName {
	return tidemill.TableName{Schema: r.Schema, Name: r.Identifier}
}

// String joins the parts with dots, for people, not for SQL.
func (r Relation) String() string {
	if r.Database == "" {
		return r.Table().String()
	}
	return r.Database + "." + r.Table().String()
}

// Node is one thing that is selected, built, tested or read.
type Node struct {
	ID      string // kind.package.name, of tests with a hash
	Kind    Kind
	Name    string
	Package string
	FQN     []string // package, folders, name
	File    string   // relative to the project, with slashes
	Path    string   // as File, without the folder of its kind (models/, seeds/)
	Pos     tidemill.Pos
	Patch   string // the properties file that describes it, or ""

	Raw         string // the text before Jinja; "" of sources and seeds
	Checksum    string // SHA-256 of the file, in hex
	Description string
	Columns     []Column
	Config      Config
	Relation    Relation

	// Refs and SourceRefs are the calls that the text makes, in order;
	// DependsOn the ids of the nodes that they mean, without repeats.
	Refs       []Ref
	SourceRefs []Ref
	DependsOn  []string

	Test   *TestInfo
	Source *SourceInfo
}

// Column is a described column.
type Column struct {
	Name        string
	Description string
	DataType    string
	Quote       bool
	Tags        []string
	Meta        *yml.Node
}

// Ref is a call of ref or source. Of ref, Package is "" where one argument
// was given; of source, Package is the name of the source.
type Ref struct {
	Package, Name string
	Pos           tidemill.Pos

	// Maybe says that a dry run did not come by the call: it counts where it
	// means a node, and is no error where it means none.
	Maybe bool
}

// TestInfo is what a test node has beyond a Node.
type TestInfo struct {
	Generic  string      // the name of the generic test, without test_; "" of a singular one
	Package  string      // the package before the dot of the test's name, or ""
	Args     []yml.Field // as written, without model
	Column   string
	Attached string // id of the node that it was declared on; "" of a singular one
}

// SourceInfo is what a source table has beyond a Node.
type SourceInfo struct {
	Name        string // of the source
	Table       string
	Description string // of the source
	Loader      string
}

// Materialized returns how a node is stored; "" of nodes that are not.
func (n *Node) Materialized() string {
	switch n.Kind {
	case Model:
		return n.Config.Materialized
	case Seed:
		return "seed"
	}
	return ""
}

// Ephemeral reports whether n is a model that exists only inside of others.
func (n *Node) Ephemeral() bool { return n.Kind == Model && n.Config.Materialized == "ephemeral" }

// Macro is a macro with its documentation.
type Macro struct {
	ID          string // macro.package.name
	Name        string
	Package     string
	File        string
	Pos         tidemill.Pos
	Description string
	Arguments   []Argument
}

// Argument is a documented argument of a macro.
type Argument struct{ Name, Type, Description string }

// Manifest holds all of a project.
type Manifest struct {
	Project string
	Nodes   map[string]*Node // by id, those that are enabled
	Off     map[string]*Node // by id, those with enabled: false
	Macros  map[string]*Macro
	Order   []string // ids so that each stands after those that it depends on

	Children map[string][]string // the other direction of DependsOn, in order
}

// IDs returns the ids of all enabled nodes, sorted.
func (m *Manifest) IDs() []string {
	ids := make([]string, 0, len(m.Nodes))
	for id := range m.Nodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
