package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// Config is the configuration of a node, merged from the project's tree, the
// properties and the node's own text, in this order: the later wins, but tags
// add up and meta is merged key by key.
type Config struct {
	Enabled      bool
	Materialized string
	Database     string
	Schema       string // the custom schema; the node's Relation has the one that follows from it
	Alias        string
	Tags         []string
	Meta         *yml.Node

	// Of incremental models.
	UniqueKey           []string
	Strategy            string
	OnSchemaChange      string
	MergeUpdateColumns  []string
	MergeExcludeColumns []string
	Predicates          []string
	FullRefresh         *bool

	// Of seeds.
	ColumnTypes  []yml.Field
	QuoteColumns bool
	Delimiter    string

	// Of tests.
	Severity string // error or warn
	WarnIf   string
	ErrorIf  string
	Where    string
	FailCalc string
	Limit    int64

	// Values holds what was set, merged, in order: what config.get answers.
	Values []yml.Field
}

// NewConfig returns the configuration that a node of kind begins with.
func NewConfig(kind Kind) Config {
	c := Config{Enabled: true}
	switch kind {
	case Model:
		c.Materialized, c.OnSchemaChange = "view", "ignore"
	case Seed:
		c.Delimiter = ","
	case Test:
		c.Severity, c.WarnIf, c.ErrorIf, c.FailCalc = "error", "!= 0", "!= 0", "count(*)"
	}
	return c
}

type setter func(c *Config, v *yml.Node) error

// setters lists the keys that nodes of each kind understand.
var setters = map[Kind]map[string]setter{
	Model: with(common, map[string]setter{
		"materialized":          oneOf(func(c *Config) *string { return &c.Materialized }, "view", "table", "incremental", "ephemeral"),
		"unique_key":            texts(func(c *Config) *[]string { return &c.UniqueKey }),
		"incremental_strategy":  oneOf(func(c *Config) *string { return &c.Strategy }, "append", "merge", "delete+insert"),
		"on_schema_change":      oneOf(func(c *Config) *string { return &c.OnSchemaChange }, "ignore", "append_new_columns", "fail", "sync_all_columns"),
		"merge_update_columns":  texts(func(c *Config) *[]string { return &c.MergeUpdateColumns }),
		"merge_exclude_columns": texts(func(c *Config) *[]string { return &c.MergeExcludeColumns }),
		"incremental_predicates": texts(func(c *Config) *[]string {
			return &c.Predicates
		}),
		"full_refresh": fullRefresh,
	}),
	Seed: with(common, map[string]setter{
		"column_types":  columnTypes,
		"quote_columns": flag(func(c *Config) *bool { return &c.QuoteColumns }),
		"delimiter":     text(func(c *Config) *string { return &c.Delimiter }),
		"full_refresh":  fullRefresh,
	}),
	Test: {
		"enabled":   flag(func(c *Config) *bool { return &c.Enabled }),
		"tags":      tags,
		"meta":      meta,
		"severity":  severity,
		"warn_if":   text(func(c *Config) *string { return &c.WarnIf }),
		"error_if":  text(func(c *Config) *string { return &c.ErrorIf }),
		"where":     text(func(c *Config) *string { return &c.Where }),
		"fail_calc": text(func(c *Config) *string { return &c.FailCalc }),
		"limit":     limit,
	},
	Source: {
		"enabled": flag(func(c *Config) *bool { return &c.Enabled }),
		"tags":    tags,
		"meta":    meta,
	},
}

var common = map[string]setter{
	"enabled":  flag(func(c *Config) *bool { return &c.Enabled }),
	"database": text(func(c *Config) *string { return &c.Database }),
	"schema":   text(func(c *Config) *string { return &c.Schema }),
	"alias":    text(func(c *Config) *string { return &c.Alias }),
	"tags":     tags,
	"meta":     meta,
}

// later holds keys of dbt that have a meaning which is not carried out yet;
// to accept them in silence would change what a project does.
var later = []string{
	"pre-hook", "post-hook", "pre_hook", "post_hook", "contract", "grants", "store_failures", "store_failures_as",
	"batch_size", "begin", "lookback", "event_time", "concurrent_batches", "persist_docs", "docs", "group", "access",
	"packages", "sql_header", "freshness", "loaded_at_field", "snapshot_meta_column_names", "database_comment",
}

// Known returns the keys that nodes of kind understand, sorted.
func Known(kind Kind) []string {
	keys := make([]string, 0, len(setters[kind]))
	for k := range setters[kind] {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Apply sets the fields of a map over those that c has. An unknown key and a
// value of the wrong form are errors at their place.
func (c *Config) Apply(kind Kind, fields []yml.Field) error {
	for _, f := range fields {
		set, ok := setters[kind][f.Name]
		if !ok {
			return UnknownKey(kind, f)
		}
		if f.Value.IsNull() {
			c.reset(kind, f.Name)
			continue
		}
		if err := set(c, f.Value); err != nil {
			return fmt.Errorf("config %s: %w", f.Name, err)
		}
		c.remember(f)
	}
	return nil
}

// UnknownKey is the error for a config key that nodes of kind do not have.
func UnknownKey(kind Kind, f yml.Field) error {
	if slices.Contains(later, f.Name) {
		return &tidemill.Error{
			Code: tidemill.Invalid, Pos: f.Pos, Err: fmt.Errorf("config key %q is not supported yet", f.Name),
			Hint: "remove it; what a config key asks for is never left out in silence",
		}
	}
	e := yml.Unknown(f, "config key of a "+string(kind), Known(kind))
	if !strings.HasPrefix(e.Hint, "did you mean") {
		e.Hint += "; keys of your own stand under meta"
	}
	return e
}

// reset gives a key that is set to null the value that it began with.
func (c *Config) reset(kind Kind, key string) {
	fresh := NewConfig(kind)
	switch key {
	case "materialized":
		c.Materialized = fresh.Materialized
	case "schema":
		c.Schema = ""
	case "database":
		c.Database = ""
	case "alias":
		c.Alias = ""
	case "unique_key":
		c.UniqueKey = nil
	case "where":
		c.Where = ""
	case "full_refresh":
		c.FullRefresh = nil
	case "limit":
		c.Limit = 0
	}
	c.Values = slices.DeleteFunc(c.Values, func(f yml.Field) bool { return f.Name == key })
}

func (c *Config) remember(f yml.Field) {
	switch f.Name {
	case "tags":
		list := &yml.Node{Kind: yml.List}
		for _, t := range c.Tags {
			list.Items = append(list.Items, yml.String(t))
		}
		f.Value = list
	case "meta":
		f.Value = c.Meta
	}
	// Copied, because configs of many nodes begin with the same tree.
	values := slices.DeleteFunc(slices.Clone(c.Values), func(old yml.Field) bool { return old.Name == f.Name })
	c.Values = append(values, f)
}

// Get returns a value that was set, or one of meta, or nil.
func (c *Config) Get(key string) *yml.Node {
	for _, f := range c.Values {
		if f.Name == key {
			return f.Value
		}
	}
	return c.Meta.Get(key)
}
