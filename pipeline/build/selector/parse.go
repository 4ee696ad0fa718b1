// Package selector reads and evaluates the node selection of dbt: names,
// +name, name+, 2+name, @name, methods such as tag: and path:, wildcards,
// unions by space and intersections by comma.
package selector

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project/conf"
)

// Expr is a union of intersections.
type Expr []Intersection

// Intersection holds for the nodes that all of its terms hold for.
type Intersection []Term

// Term is one method with its value and the steps to walk from what it finds.
type Term struct {
	Method string // name, path, file, tag, source, config, resource_type, package, test_name, test_type
	Key    string // of config: the dotted key
	Value  string

	Parents, Children int  // steps up and down; -1 is all of them
	Around            bool // @: descendants, and all that they need
}

var methods = []string{"name", "fqn", "path", "file", "tag", "source", "config", "resource_type", "package", "test_name", "test_type"}

// later are methods of dbt that need artifacts of other runs.
var later = []string{"state", "result", "source_status", "exposure", "metric", "semantic_model", "saved_query", "group", "access", "unit_test", "version", "selector"}

// Parse reads specs as they stand on a command line: each may hold several,
// separated by spaces.
func Parse(specs []string) (Expr, error) {
	var e Expr
	for _, spec := range specs {
		for _, union := range strings.Fields(spec) {
			var all Intersection
			for _, part := range strings.Split(union, ",") {
				t, err := parseTerm(part)
				if err != nil {
					return nil, &tidemill.Error{
						Code: tidemill.Invalid, Op: "select", Err: fmt.Errorf("%q: %w", union, err),
						Hint: "forms: NAME, +NAME, NAME+, 2+NAME, @NAME, tag:T, path:P, source:S.T, config.materialized:M, resource_type:R",
					}
				}
				all = append(all, t)
			}
			e = append(e, all)
		}
	}
	return e, nil
}

func parseTerm(s string) (Term, error) {
	var t Term
	rest := s
	if r, ok := strings.CutPrefix(rest, "@"); ok {
		t.Around, rest = true, r
	} else if n := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); n >= 0 && rest[n] == '+' {
		depth, err := steps(rest[:n])
		if err != nil {
			return t, err
		}
		t.Parents, rest = depth, rest[n+1:]
	}
	if at := strings.LastIndexByte(rest, '+'); at >= 0 && strings.Trim(rest[at+1:], "0123456789") == "" {
		depth, err := steps(rest[at+1:])
		if err != nil {
			return t, err
		}
		t.Children, rest = depth, rest[:at]
	}
	if t.Around && t.Children != 0 {
		return t, fmt.Errorf("@ takes the descendants already: leave the + out")
	}
	if strings.ContainsAny(rest, "+@") {
		return t, fmt.Errorf("misplaced + or @")
	}
	return t, t.setValue(rest)
}

// steps reads a number of steps; none given means all.
func steps(s string) (int, error) {
	if s == "" {
		return -1, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > 1_000_000 {
		return 0, fmt.Errorf("%s steps are too many", s)
	}
	return n, nil
}

func (t *Term) setValue(s string) error {
	method, value, ok := strings.Cut(s, ":")
	if !ok {
		t.Method, t.Value = byShape(s), s
		if s == "" {
			return fmt.Errorf("a name is missing")
		}
		return nil
	}
	method, t.Key, _ = strings.Cut(method, ".")
	t.Method, t.Value = method, value
	switch {
	case method == "fqn":
		t.Method = "name"
	case slices.Contains(later, method):
		return fmt.Errorf("method %s: is not supported yet", method)
	case !slices.Contains(methods, method):
		if near := conf.Nearest(method, methods); near != "" {
			return fmt.Errorf("unknown method %s:, did you mean %s:?", method, near)
		}
		return fmt.Errorf("unknown method %s:, known: %s", method, strings.Join(methods, ", "))
	}
	if (method == "config") != (t.Key != "") {
		return fmt.Errorf("method %s: config takes a key, as in config.materialized:view, and no other does", method)
	}
	if value == "" {
		return fmt.Errorf("method %s: has no value", method)
	}
	return nil
}

// byShape is the method of a value without one.
func byShape(s string) string {
	switch {
	case strings.Contains(s, "/"):
		return "path"
	case strings.HasSuffix(s, ".sql"), strings.HasSuffix(s, ".csv"), strings.HasSuffix(s, ".yml"), strings.HasSuffix(s, ".yaml"):
		return "file"
	}
	return "name"
}

// String returns the term as it would be written.
func (t Term) String() string {
	var b strings.Builder
	if t.Around {
		b.WriteByte('@')
	}
	if t.Parents != 0 {
		if t.Parents > 0 {
			b.WriteString(strconv.Itoa(t.Parents))
		}
		b.WriteByte('+')
	}
	if t.Method != byShape(t.Value) || strings.Contains(t.Value, ":") {
		b.WriteString(t.Method)
		if t.Key != "" {
			b.WriteString("." + t.Key)
		}
		b.WriteByte(':')
	}
	b.WriteString(t.Value)
	if t.Children != 0 {
		b.WriteByte('+')
		if t.Children > 0 {
			b.WriteString(strconv.Itoa(t.Children))
		}
	}
	return b.String()
}
