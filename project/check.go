package project

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/tidemill/tidemill/project/conf"
)

// check returns what does not fit together in a pipeline whose keys are right
// one by one. It asks n whether a key that has a default was written: a key
// that would be read and ignored is a mistake of its author.
func check(p *Pipeline, n *conf.Node) error {
	if p.Source.Records() {
		return errors.Join(checkRecords(p, n), checkWrite(&p.Land, n), checkProtection(p, n))
	}
	return errors.Join(
		checkDecode(&p.Decode),
		checkTable(p),
		checkWrite(&p.Land, n),
		checkChanges(&p.Land, n),
		checkProtection(p, n),
	)
}

func wrong(field, hint, format string, args ...any) error {
	return &FieldError{Field: field, Err: fmt.Errorf(format, args...), Hint: hint}
}

var fullName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)

// The values of decode.message that are not the name of a type.
const (
	messageType       = "type"
	messageRoutingKey = "routing_key"
	messageAny        = "any"
	messageHeader     = "header:"
)

// Fixed reports whether every message is of the one type that Message names.
func (d *Decode) Fixed() bool {
	switch d.Message {
	case messageType, messageRoutingKey, messageAny:
		return false
	}
	return !strings.HasPrefix(d.Message, messageHeader)
}

func checkDecode(d *Decode) error {
	var errs []error
	schemas := len(d.Files) > 0 || d.Descriptors != ""
	if d.Format == "protobuf" && !schemas {
		errs = append(errs, wrong("decode", "add files: [proto/NAME.proto], or descriptors: FILE", "protobuf needs its schemas"))
	}
	if len(d.Files) > 0 && d.Descriptors != "" {
		errs = append(errs, wrong("decode.descriptors", "keep one of them", "files and descriptors exclude each other"))
	}
	if len(d.Imports) > 0 && len(d.Files) == 0 {
		errs = append(errs, wrong("decode.imports", "add files, or take imports out", "imports are of no use without files"))
	}
	if d.Message == messageHeader {
		errs = append(errs, wrong("decode.message", "write header:NAME", "the header has no name"))
	}
	if d.Fixed() && !fullName.MatchString(d.Message) {
		hint := "write type, header:NAME, routing_key, any, or the full name of a type such as cards.OrderCreated"
		if near := conf.Nearest(d.Message, []string{messageType, messageRoutingKey, messageAny}); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		errs = append(errs, wrong("decode.message", hint, "%q says of no message what its type is", d.Message))
	}
	return errors.Join(errs...)
}

// typePlaceholder stands for the message type in the name of a table.
const typePlaceholder = "{type}"

var tableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$`)

func checkTable(p *Pipeline) error {
	table := p.Land.Table
	per := strings.Contains(table, typePlaceholder)
	schema, _, _ := strings.Cut(table, ".")
	switch {
	case !tableForm.MatchString(strings.ReplaceAll(table, typePlaceholder, "_")) || strings.Contains(schema, typePlaceholder):
		return wrong("land.table", "write schema.name in letters, digits and _, as in raw.events", "%q is no name for a table", table)
	case strings.EqualFold(schema, "tidemill"):
		return wrong("land.table", "take another schema, such as raw", "the schema tidemill holds Tidemill's own tables")
	case p.Land.Shape == "envelope" && per:
		return wrong("land.table", "name one table, or set shape: columns", "shape envelope lands all types in one table, so {type} has no place in its name")
	case p.Land.Shape == "columns" && !per && !p.Decode.Fixed():
		return wrong("land.table", "write "+schema+".{type}, or name the one type in decode.message", "shape columns makes a table of each type, so its name needs {type}")
	}
	return nil
}

func checkWrite(l *Land, n *conf.Node) error {
	var errs []error
	written := func(key string) bool { return n.Get("land").Get(key) != nil }
	upsert, folded := l.Write == "upsert", l.Folded()
	if upsert && len(l.UniqueKey) == 0 {
		errs = append(errs, wrong("land.write", "add unique_key: [COLUMN]", "upsert needs unique_key"))
	}
	if !upsert && !folded && len(l.UniqueKey) > 0 {
		errs = append(errs, wrong("land.unique_key", "add write: upsert, or take unique_key out", "unique_key is of an upsert"))
	}
	if !upsert && l.Version != "" {
		errs = append(errs, wrong("land.version", "add write: upsert, or take version out", "version is of an upsert"))
	}
	if l.Dedupe != "window" && written("window") {
		errs = append(errs, wrong("land.window", "set dedupe: window, or take window out", "window is of dedupe: window, not of %s", l.Dedupe))
	}
	if l.Dedupe == "window" && l.Window <= 0 {
		errs = append(errs, wrong("land.window", "set dedupe: off if nothing is to be looked up", "the window has no length"))
	}
	for key, d := range map[string]time.Duration{"fold": l.Fold, "keep": l.Keep} {
		if !folded && written(key) {
			errs = append(errs, wrong("land."+key, "add write: mirror or history, or take "+key+" out", "%s is of a mirror or history", key))
		}
		if folded && d <= 0 {
			errs = append(errs, wrong("land."+key, "write a duration, as in 5s", "%s has no length", key))
		}
	}
	if l.Shape == "envelope" && written("contract") {
		errs = append(errs, wrong("land.contract", "set shape: columns, or take contract out", "contract is of shape columns: an envelope holds any payload"))
	}
	if l.Batch.Bytes < 1 {
		errs = append(errs, wrong("land.batch.bytes", "write a size, as in 16MiB", "a batch needs room"))
	}
	if l.Batch.Wait <= 0 {
		errs = append(errs, wrong("land.batch.wait", "write a duration, as in 1s", "a batch needs time"))
	}
	for i, c := range l.UniqueKey {
		if c == "" {
			errs = append(errs, wrong(fmt.Sprintf("land.unique_key[%d]", i), "name a column", "the name is empty"))
		}
	}
	return errors.Join(errs...)
}

// checkProtection checks what drop, hash and mask ask for.
func checkProtection(p *Pipeline, n *conf.Node) error {
	l := &p.Land
	var errs []error
	if len(l.Hash) > 0 && l.Salt.Empty() {
		errs = append(errs, wrong("land.hash", "add salt: ${SALT}", "hash needs salt"))
	}
	if len(l.Hash) == 0 && !l.Salt.Empty() {
		errs = append(errs, wrong("land.salt", "add hash: [FIELD], or take salt out", "salt is of hash"))
	}
	protected := len(l.Drop)+len(l.Hash)+len(l.Mask) > 0
	if protected && p.Dead.Undecodable == "" {
		at := "land"
		for _, key := range []string{"drop", "hash", "mask"} {
			if n.Get("land").Get(key) != nil {
				at = "land." + key
				break
			}
		}
		errs = append(errs, wrong(at, "add dead: {undecodable: withhold} to leave the bytes out of dead letters, or keep to have them there as they came",
			"a message that cannot be decoded cannot be protected: say what becomes of it"))
	}
	if !protected && p.Dead.Undecodable != "" {
		errs = append(errs, wrong("dead.undecodable", "take it out", "undecodable is of pipelines with drop, hash or mask"))
	}
	return errors.Join(append(errs, checkPaths(l)...)...)
}

// checkPaths checks the payload fields, none of which two rules may claim.
func checkPaths(l *Land) []error {
	var errs []error
	claimed := map[string]string{}
	for _, rule := range []struct {
		key   string
		paths []string
	}{{"key.exclude", l.Key.Exclude}, {"drop", l.Drop}, {"hash", l.Hash}, {"mask", l.Mask}} {
		for i, path := range rule.paths {
			at := fmt.Sprintf("land.%s[%d]", rule.key, i)
			if path == "" || strings.HasPrefix(path, ".") || strings.HasSuffix(path, ".") || strings.Contains(path, "..") {
				errs = append(errs, wrong(at, "write the names from the top with dots between, as in customer.email", "%q is no path", path))
				continue
			}
			if rule.key == "key.exclude" {
				continue
			}
			for other, key := range claimed {
				if other == path || strings.HasPrefix(other, path+".") || strings.HasPrefix(path, other+".") {
					errs = append(errs, wrong(at, "name each field once", "%s is claimed by %s of %s too", path, key, other))
				}
			}
			claimed[path] = rule.key
		}
	}
	return errs
}
