package project

import (
	"errors"
	"regexp"
	"strings"

	"github.com/tidemill/tidemill/project/conf"
)

// Folded reports whether changes are folded into the table.
func (l Land) Folded() bool { return l.Write == "mirror" || l.Write == "history" }

// The placeholders in the name of a table for records, and what they may be.
const (
	schemaPlaceholder = "{schema}"
	tablePlaceholder  = "{table}"
)

var recordForm = regexp.MustCompile(`^[A-Za-z_{][A-Za-z0-9_{}]*\.[A-Za-z_{][A-Za-z0-9_{}]*$`)

// checkRecords checks a pipeline whose source gives typed rows: nothing is
// decoded, and rows have no identities.
func checkRecords(p *Pipeline, n *conf.Node) error {
	l := &p.Land
	var errs []error
	land := n.Get("land")
	for _, key := range []string{"dedupe", "window", "key"} {
		if land.Get(key) != nil {
			errs = append(errs, wrong("land."+key, "take it out: the positions of the source keep rows from landing twice", "%s is of messages, and the source gives records", key))
		}
	}
	if n.Get("decode") != nil {
		errs = append(errs, wrong("decode", "take it out, or have the source give messages", "the source gives records, which need no decoding"))
	}
	if land.Get("shape") != nil && l.Shape == "envelope" {
		errs = append(errs, wrong("land.shape", "take it out", "records land in columns"))
	}
	l.Shape = "columns"
	if l.Contract == "variant" {
		errs = append(errs, wrong("land.contract", "take evolve, freeze or dead_letter", "variant is of messages, and the source gives records"))
	}
	plain := strings.NewReplacer(schemaPlaceholder, "s", tablePlaceholder, "t").Replace(l.Table)
	schema, _, _ := strings.Cut(l.Table, ".")
	switch {
	case strings.Contains(l.Table, typePlaceholder):
		errs = append(errs, wrong("land.table", "write "+schema+"."+tablePlaceholder, "{type} stands for the type of a message, and the source gives records"))
	case !recordForm.MatchString(l.Table) || !tableForm.MatchString(plain):
		errs = append(errs, wrong("land.table", "write schema.name in letters, digits and _, as in raw.orders or raw.{table}", "%q is no name for a table", l.Table))
	case strings.EqualFold(schema, "tidemill"):
		errs = append(errs, wrong("land.table", "take another schema, such as raw", "the schema tidemill holds Tidemill's own tables"))
	}
	return errors.Join(errs...)
}

// checkChanges refuses of messages what is of change streams.
func checkChanges(l *Land, n *conf.Node) error {
	if l.Folded() {
		return wrong("land.write", "take append or upsert", "%s is of sources that give changes, and this one gives messages", l.Write)
	}
	if n.Get("land").Get("batch").Get("records") != nil {
		return wrong("land.batch.records", "write rows", "records is of sources that give typed rows, and this one gives messages")
	}
	return nil
}
