package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/yml"
	"github.com/tidemill/tidemill/project/conf"
)

func with(base, more map[string]setter) map[string]setter {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}

func text(field func(*Config) *string) setter {
	return func(c *Config, v *yml.Node) (err error) {
		*field(c), err = v.Text()
		return err
	}
}

func texts(field func(*Config) *[]string) setter {
	return func(c *Config, v *yml.Node) (err error) {
		*field(c), err = v.Strings()
		return err
	}
}

func flag(field func(*Config) *bool) setter {
	return func(c *Config, v *yml.Node) (err error) {
		*field(c), err = v.Bool()
		return err
	}
}

func oneOf(field func(*Config) *string, allowed ...string) setter {
	return func(c *Config, v *yml.Node) error {
		s, err := v.Text()
		if err != nil {
			return err
		}
		if !slices.Contains(allowed, s) {
			return choice(v, s, allowed)
		}
		*field(c) = s
		return nil
	}
}

func choice(v *yml.Node, s string, allowed []string) error {
	e := &tidemill.Error{
		Code: tidemill.Invalid, Pos: v.Pos,
		Err:  fmt.Errorf("%q is not one of %s", s, strings.Join(allowed, ", ")),
		Hint: "choose one of them",
	}
	if near := conf.Nearest(s, allowed); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

func severity(c *Config, v *yml.Node) error {
	s, err := v.Text()
	if err != nil {
		return err
	}
	lower := strings.ToLower(s)
	if lower != "error" && lower != "warn" {
		return choice(v, s, []string{"error", "warn"})
	}
	c.Severity = lower
	return nil
}

func limit(c *Config, v *yml.Node) error {
	n, err := v.Int()
	if err != nil {
		return err
	}
	if n < 1 {
		return v.Errorf("limit %d is not positive", n)
	}
	c.Limit = n
	return nil
}

func fullRefresh(c *Config, v *yml.Node) error {
	b, err := v.Bool()
	c.FullRefresh = &b
	return err
}

func tags(c *Config, v *yml.Node) error {
	more, err := v.Strings()
	if err != nil {
		return err
	}
	all := slices.Clone(c.Tags)
	for _, t := range more {
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	c.Tags = all
	return nil
}

func meta(c *Config, v *yml.Node) error {
	if err := v.WantMap(); err != nil {
		return err
	}
	c.Meta = MergeMaps(c.Meta, v)
	return nil
}

func columnTypes(c *Config, v *yml.Node) error {
	if err := v.WantMap(); err != nil {
		return err
	}
	for _, f := range v.Fields {
		if _, err := f.Value.Text(); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	old := &yml.Node{Kind: yml.Map, Fields: c.ColumnTypes}
	c.ColumnTypes = MergeMaps(old, v).Fields
	return nil
}

// MergeMaps returns a new map of the fields of both; over wins.
func MergeMaps(base, over *yml.Node) *yml.Node {
	out := &yml.Node{Kind: yml.Map, Pos: over.Pos}
	if base != nil {
		for _, f := range base.Fields {
			if over.Get(f.Name) == nil {
				out.Fields = append(out.Fields, f)
			}
		}
	}
	out.Fields = append(out.Fields, over.Fields...)
	return out
}
