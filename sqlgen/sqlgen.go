// Package sqlgen turns typed statements into SQL. Each statement is a struct
// whose fields are names, columns and options, never SQL text that came from
// outside; its text per dialect stands in templates/<dialect>/<name>.sql.tmpl
// and an example of its output in golden/<dialect>/<name>.sql. It promises
// that identifiers and literals reach the SQL only through package ident.
//
// In a template these functions are there: ident (one quoted identifier),
// table (a quoted tidemill.TableName), columns (a comma-separated list of
// quoted names), prefixed (the same with a qualifier: t."a", t."b"), match (two
// aliases have the same values in columns), literal (a string literal) and type
// (the column type of an Arrow type). What is known only when the statement
// runs is a parameter: $1, $2, ...
package sqlgen

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"
	"text/template"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

//go:embed templates
var files embed.FS

// Statement is one SQL statement, or several that belong together.
type Statement interface {
	// Template is the name of its template, without folder and extension.
	Template() string
}

// Render returns the SQL of s in dialect d. It fails where the dialect has no
// template for s, or s holds a name that the dialect cannot.
func Render(d tidemill.Dialect, s Statement) (string, error) {
	set, err := templates(d)
	if err != nil {
		return "", err
	}
	t := set.Lookup(s.Template() + extension)
	if t == nil {
		return "", fmt.Errorf("render %s: dialect %s has no such statement", s.Template(), d)
	}
	var b strings.Builder
	if err := t.Execute(&b, s); err != nil {
		return "", fmt.Errorf("render %s for %s: %w", s.Template(), d, err)
	}
	return strings.TrimSpace(b.String()), nil
}

const extension = ".sql.tmpl"

// parsed holds a *template.Template or an error per dialect: parsing costs
// more than rendering.
var parsed sync.Map

func templates(d tidemill.Dialect) (*template.Template, error) {
	v, ok := parsed.Load(d)
	if !ok {
		set, err := template.New(string(d)).Funcs(functions(d)).Option("missingkey=error").ParseFS(files, path.Join("templates", string(d), "*"+extension))
		if err != nil {
			return nil, fmt.Errorf("templates of dialect %s: %w", d, err)
		}
		v, _ = parsed.LoadOrStore(d, set)
	}
	return v.(*template.Template), nil
}

// match returns the condition that a and b have the same values, nulls too.
func match(d tidemill.Dialect, a, b string, names []string) (string, error) {
	terms := make([]string, len(names))
	for i, n := range names {
		q, err := ident.Quote(d, n)
		if err != nil {
			return "", err
		}
		terms[i] = a + "." + q + " IS NOT DISTINCT FROM " + b + "." + q
	}
	return strings.Join(terms, " AND "), nil
}

func functions(d tidemill.Dialect) template.FuncMap {
	prefixed := func(qualifier string, names []string) (string, error) {
		quoted := make([]string, len(names))
		for i, n := range names {
			q, err := ident.Quote(d, n)
			if err != nil {
				return "", err
			}
			quoted[i] = qualifier + q
		}
		return strings.Join(quoted, ", "), nil
	}
	return template.FuncMap{
		"ident":    func(name string) (string, error) { return ident.Quote(d, name) },
		"table":    func(n tidemill.TableName) (string, error) { return ident.Table(d, n) },
		"literal":  func(text string) (string, error) { return ident.Literal(d, text) },
		"type":     func(t arrow.DataType) (string, error) { return ColumnType(d, t) },
		"columns":  func(names []string) (string, error) { return prefixed("", names) },
		"match":    func(a, b string, names []string) (string, error) { return match(d, a, b, names) },
		"prefixed": func(alias string, names []string) (string, error) { return prefixed(alias+".", names) },
	}
}
