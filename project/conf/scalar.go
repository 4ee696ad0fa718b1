package conf

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/internal/redact"
)

// scalar reads a single value into v. Messages show what the file says, never
// what a variable holds nor what is meant for a Secret.
func (d *Decoder) scalar(n *Node, v reflect.Value, f field, path string) bool {
	if n.Kind == List || n.Kind == Map || n.Kind == Null {
		d.Errs.Add(n.Pos, "", "%s wants %s, got %s", path, describe(v.Type()), n.Kind)
		return false
	}
	text, expanded, ok := d.text(n, path)
	if !ok {
		return false
	}
	if expanded && d.Vars == nil {
		return false
	}
	shown := strconv.Quote(n.Text)
	if n.Kind != Text {
		shown = n.Text
	}
	if expanded {
		shown = "the value of " + n.Text
	}
	if v.Type() == secretType {
		shown = "the value"
	}
	if err := assign(n, text, expanded, v, f); err != nil {
		var r remedy
		_ = errors.As(err, &r)
		d.Errs.Add(n.Pos, r.hint, "%s: %s %w", path, shown, err)
		return false
	}
	return true
}

// text returns the text of n with its variables replaced.
func (d *Decoder) text(n *Node, path string) (text string, expanded, ok bool) {
	if n.Kind != Text || !strings.Contains(n.Text, "$") {
		return n.Text, false, true
	}
	text, expanded, err := d.Vars.Expand(n.Text)
	if err != nil {
		var r remedy
		_ = errors.As(err, &r)
		d.Errs.Add(n.Pos, r.hint, "%s: %w", path, err)
		return "", false, false
	}
	return text, expanded, true
}

// describe names what a type wants, for messages and tables.
func describe(t reflect.Type) string {
	t = deref(t)
	switch {
	case t == secretType:
		return "a secret"
	case t == durationType:
		return "a duration"
	case isText(t):
		if d, ok := reflect.New(t).Interface().(Describer); ok {
			name, _ := d.Describe()
			return name
		}
		return "text"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}

// assign parses text into v. An error continues a sentence whose subject is
// the value.
func assign(n *Node, text string, expanded bool, v reflect.Value, f field) error {
	if n.Kind != Text {
		if err := wantsText(n, v); err != nil {
			return err
		}
	}
	switch {
	case v.Type() == secretType:
		register(text)
		v.Set(reflect.ValueOf(redact.New(text)))
		return nil
	case v.Type() == durationType:
		return setDuration(v, text)
	case isText(v.Type()):
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	case v.Kind() == reflect.String:
		return setString(v, text, f)
	}
	if n.Kind == Text && n.Quoted && !expanded {
		return remedy{fmt.Errorf("is text, wanted is %s", describe(v.Type())), "take the quotes away"}
	}
	switch v.Kind() {
	case reflect.Bool:
		yes := strings.EqualFold(text, "true")
		if !yes && !strings.EqualFold(text, "false") {
			return errors.New("is not true or false")
		}
		v.SetBool(yes)
		return nil
	case reflect.Float32, reflect.Float64:
		return setFloat(v, text, f)
	}
	return setInt(n, v, text, f)
}

const durationHint = "write a number with its unit: 500ms, 10s, 5m, 1h"

// register keeps a secret out of all that is printed. Of the address of a
// server it is the password alone, so that messages can say which server.
func register(text string) {
	redact.RegisterURL(text)
	u, err := url.Parse(text)
	address := err == nil && u.Host != "" && u.RawQuery == "" && !strings.HasPrefix(u.Scheme, "http")
	if !address {
		redact.Register(text)
	}
}

// wantsText returns an error where v is made from text and n is none.
func wantsText(n *Node, v reflect.Value) error {
	hint := "put it in quotes"
	switch {
	case v.Type() == durationType:
		hint = durationHint
	case isText(v.Type()):
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Text)); err != nil {
			return err
		}
	case v.Type() != secretType && v.Kind() != reflect.String:
		return nil
	}
	return remedy{fmt.Errorf("is %s, wanted is %s", n.Kind, describe(v.Type())), hint}
}

// durationPattern leaves out what ParseDuration takes and nobody means:
// signs, nanoseconds, a bare 0.
const durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`

var durationForm = regexp.MustCompile(durationPattern)

func setDuration(v reflect.Value, text string) error {
	dur, err := time.ParseDuration(text)
	if err != nil || !durationForm.MatchString(text) {
		return remedy{errors.New("is not a duration"), durationHint}
	}
	v.SetInt(int64(dur))
	return nil
}

func setString(v reflect.Value, text string, f field) error {
	if len(f.enum) > 0 && !slices.Contains(f.enum, text) {
		r := remedy{errors.New("is none of " + strings.Join(f.enum, ", ")), ""}
		if near := Nearest(text, f.enum); near != "" {
			r.hint = "did you mean " + near + "?"
		}
		return r
	}
	redact.RegisterURL(text)
	v.SetString(text)
	return nil
}

func setFloat(v reflect.Value, text string, f field) error {
	x, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return errors.New("is not a number")
	}
	if f.min != nil && x < float64(*f.min) {
		return fmt.Errorf("is less than %d", *f.min)
	}
	v.SetFloat(x)
	return nil
}

func setInt(n *Node, v reflect.Value, text string, f field) error {
	var x int64
	switch number := n.Number.(type) {
	case int64:
		x = number
	case uint64:
		return errors.New("is out of range")
	case nil:
		var err error
		x, err = strconv.ParseInt(text, 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			return errors.New("is out of range")
		}
		if err != nil {
			return errors.New("is not a whole number")
		}
	default:
		return errors.New("is not a whole number")
	}
	if f.min != nil && x < *f.min {
		return fmt.Errorf("is less than %d", *f.min)
	}
	if v.CanUint() {
		if x < 0 || v.OverflowUint(uint64(x)) {
			return errors.New("is out of range")
		}
		v.SetUint(uint64(x))
		return nil
	}
	if v.OverflowInt(x) {
		return errors.New("is out of range")
	}
	v.SetInt(x)
	return nil
}

// plain returns n as string, bool, int64, float64, []any and
// map[string]any, for fields of type any.
func (d *Decoder) plain(n *Node, path string) (value any, whole bool) {
	switch n.Kind {
	case Text:
		text, expanded, ok := d.text(n, path)
		if !ok || expanded && d.Vars == nil {
			return nil, false
		}
		redact.RegisterURL(text)
		return text, true
	case Number:
		return n.Number, true
	case Bool:
		return strings.EqualFold(n.Text, "true"), true
	case List:
		list, whole := make([]any, len(n.Items)), true
		for i, item := range n.Items {
			v, ok := d.plain(item, path+"["+strconv.Itoa(i)+"]")
			list[i], whole = v, whole && ok
		}
		return list, whole
	case Map:
		m, whole := make(map[string]any, len(n.Entries)), true
		for _, e := range n.Entries {
			v, ok := d.plain(e.Value, join(path, e.Key))
			m[e.Key], whole = v, whole && ok
		}
		return m, whole
	default:
		return nil, true
	}
}
