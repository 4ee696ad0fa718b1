package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tidemill/tidemill/project/conf"
)

const (
	dbtFile      = "dbt_project.yml"
	profilesFile = "profiles.yml"
	duckdbType   = "duckdb"
)

// dbt makes a project of a folder that has dbt_project.yml alone: its models
// run on the DuckDB file that profiles.yml names, else on one in .tidemill.
func (l *loader) dbt() {
	l.project.File = filepath.Join(l.dir, dbtFile)
	src, err := os.ReadFile(l.project.File)
	if err != nil {
		l.errs.Add(startOf(l.project.File), "make it readable", "read project: %w", err)
		return
	}
	root, err := conf.Parse(l.project.File, src)
	if err != nil {
		addAll(l.errs, err)
		return
	}
	name := root.Get("name")
	if name == nil || name.Kind != conf.Text || !nameForm.MatchString(name.Text) {
		l.errs.Add(root.At("name"), "write name: my_project", "a dbt project needs a name of letters, digits, _ and -")
		return
	}
	l.project.Name = name.Text
	profile := name.Text
	if p := root.Get("profile"); p != nil {
		profile = p.Text
	}
	out, ok := l.profile(profile)
	if !ok {
		return
	}
	if out == nil {
		l.project.Targets = []string{defaultTarget}
		if !l.choose(root.Pos) {
			return
		}
		pos := name.Pos
		out = &conf.Node{Kind: conf.Map, Pos: pos, Entries: []conf.Entry{
			{Key: "path", KeyPos: pos, Value: &conf.Node{Kind: conf.Text, Pos: pos, Text: ".tidemill/" + name.Text + ".duckdb"}},
		}}
	}
	kind := (&view{loader: l}).kind(duckdbType)
	if kind == nil || !kind.Warehouse {
		l.errs.Add(root.Pos, "", "a dbt project without tidemill.yml needs the connector duckdb")
		return
	}
	c := Connection{Name: warehouseName, Type: duckdbType, Pos: out.Pos, Config: kind.Connection()}
	dec := &conf.Decoder{Errs: l.errs, Vars: l.vars}
	dec.Decode(&conf.Node{Kind: conf.Map, Pos: out.Pos, Entries: []conf.Entry{{Key: "path", KeyPos: out.Pos, Value: out.Get("path")}}}, "warehouse", c.Config)
	l.project.Connections = []Connection{c}
	if schema := out.Get("schema"); schema != nil {
		l.project.Schema = schema.Text
	}
}

// profile returns the output of the chosen target, its variables replaced,
// and sets the project's targets. It is nil where no profiles.yml has the
// profile; ok is false after an error.
func (l *loader) profile(name string) (out *conf.Node, ok bool) {
	file, src, err := l.readProfiles()
	if file == "" {
		return nil, true
	}
	if err != nil {
		l.errs.Add(startOf(file), "make it readable, or remove it", "read profiles: %w", err)
		return nil, false
	}
	root, err := conf.Parse(file, src)
	if err != nil {
		addAll(l.errs, err)
		return nil, false
	}
	p := root.Get(name)
	if p == nil {
		return nil, true
	}
	outputs := p.Get("outputs")
	if outputs == nil || outputs.Kind != conf.Map || len(outputs.Entries) == 0 {
		l.errs.Add(p.Pos, "write outputs: {dev: {type: duckdb, path: FILE}}", "profile %s has no outputs", name)
		return nil, false
	}
	for _, e := range outputs.Entries {
		l.project.Targets = append(l.project.Targets, e.Key)
	}
	l.project.Target = defaultTarget
	pos := p.Pos
	if t := p.Get("target"); t != nil {
		pos = t.Pos
		if l.project.Target, ok = l.dbtText(t); !ok {
			return nil, false
		}
	}
	if l.opts.Target != "" {
		l.project.Target = l.opts.Target
	}
	out = outputs.Get(l.project.Target)
	if out == nil {
		l.errs.Add(pos, conf.Suggest(l.project.Target, l.project.Targets), "profile %s has no target %q", name, l.project.Target)
		return nil, false
	}
	return l.output(out)
}

// output replaces the variables of a profile's output and checks its type.
func (l *loader) output(out *conf.Node) (*conf.Node, bool) {
	resolved := &conf.Node{Kind: conf.Map, Pos: out.Pos}
	for _, key := range []string{"type", "path", "schema"} {
		v := out.Get(key)
		if v == nil {
			continue
		}
		text, ok := l.dbtText(v)
		if !ok {
			return nil, false
		}
		if key == "type" && text != duckdbType {
			l.errs.Add(v.Pos, "choose a target of type duckdb with --target, or write a tidemill.yml", "target %s is of type %s; without tidemill.yml models run on duckdb", l.project.Target, text)
			return nil, false
		}
		if key == "path" {
			text = strings.ReplaceAll(text, "$", "$$") // in dbt's files a dollar sign means nothing
		}
		n := &conf.Node{Kind: conf.Text, Pos: v.Pos, Text: text}
		resolved.Entries = append(resolved.Entries, conf.Entry{Key: key, KeyPos: v.Pos, Value: n})
	}
	for _, key := range []string{"type", "path"} {
		if resolved.Get(key) == nil {
			l.errs.Add(out.Pos, "write type: duckdb and path: FILE", "target %s has no %s", l.project.Target, key)
			return nil, false
		}
	}
	return resolved, true
}

// readProfiles finds profiles.yml where dbt looks for it: DBT_PROFILES_DIR,
// the project, ~/.dbt. The file is "" where there is none.
func (l *loader) readProfiles() (file string, src []byte, err error) {
	dirs := []string{l.dir}
	if dir, ok := l.project.env("DBT_PROFILES_DIR"); ok && dir != "" {
		dirs = []string{dir}
	} else if home, ok := l.project.env("HOME"); ok && home != "" {
		dirs = append(dirs, filepath.Join(home, ".dbt"))
	}
	for _, dir := range dirs {
		file = filepath.Join(dir, profilesFile)
		src, err = os.ReadFile(file)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return file, src, err
		}
	}
	return "", nil, nil
}

// envVar is the one expression that is understood in profiles.yml.
var envVar = regexp.MustCompile(`\{\{\s*env_var\(\s*(?:'([^']*)'|"([^"]*)")\s*(,\s*(?:'([^']*)'|"([^"]*)")\s*)?\)\s*\}\}`)

// dbtText returns the text of n with {{ env_var('NAME', 'default') }}
// replaced.
func (l *loader) dbtText(n *conf.Node) (string, bool) {
	var missing error
	text := envVar.ReplaceAllStringFunc(n.Text, func(s string) string {
		m := envVar.FindStringSubmatch(s)
		name, fallback := m[1]+m[2], m[4]+m[5]
		v, ok := l.project.env(name)
		if !ok && m[3] == "" {
			missing = fmt.Errorf("%s is not set", name)
		}
		if !ok {
			v = fallback
		}
		return v
	})
	switch {
	case n.Kind != conf.Text:
		l.errs.Add(n.Pos, "put it in quotes", "want text, got %s", n.Kind)
	case missing != nil:
		l.errs.Add(n.Pos, "export it, or write it into .env", "%w", missing)
	case strings.Contains(envVar.ReplaceAllString(n.Text, ""), "{{") || strings.Contains(n.Text, "{%"):
		l.errs.Add(n.Pos, "write the value itself, or {{ env_var('NAME', 'default') }}", "only env_var is understood in %s", profilesFile)
	default:
		return text, true
	}
	return "", false
}
