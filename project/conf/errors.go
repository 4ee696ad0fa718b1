package conf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
)

// Errors gathers what is wrong with files. One finding is kept once, however
// often it is added.
type Errors struct {
	list []*tidemill.Error
	seen map[string]bool
}

// Add records a finding with its place and remedy; hint may be "".
func (e *Errors) Add(pos tidemill.Pos, hint, format string, args ...any) {
	err := &tidemill.Error{Code: tidemill.Invalid, Pos: pos, Err: fmt.Errorf(format, args...), Hint: hint}
	if e.seen[err.Error()] {
		return
	}
	if e.seen == nil {
		e.seen = map[string]bool{}
	}
	e.seen[err.Error()] = true
	e.list = append(e.list, err)
}

// Has reports whether a finding of the same place and words is there.
func (e *Errors) Has(err *tidemill.Error) bool { return e.seen[err.Error()] }

// Err returns the findings in the order of the file: nil, one
// *tidemill.Error, or several joined.
func (e *Errors) Err() error {
	slices.SortStableFunc(e.list, func(a, b *tidemill.Error) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	if len(e.list) == 1 {
		return e.list[0]
	}
	all := make([]error, len(e.list))
	for i, err := range e.list {
		all[i] = err
	}
	return errors.Join(all...)
}

// FieldError is what a Validate returns, alone or joined with others, to say
// which key is wrong.
type FieldError struct {
	Field string // path below the struct, as in YAML: "tls.ca", "queues[1]"; "" is the struct
	Err   error
	Hint  string // what to write instead
}

// Error names the field and what is wrong with it.
func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Err.Error()
	}
	return e.Field + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Validator is a struct that checks itself once all its fields are read
// without error. Its errors are FieldErrors where one key is at fault.
type Validator interface{ Validate() error }

// Nearest returns the name that s is most likely meant to be, or "".
func Nearest(s string, names []string) string {
	best, at := "", max(1, min(3, len(s)/3))+1
	for _, n := range names {
		if d := distance(strings.ToLower(s), strings.ToLower(n)); d < at {
			best, at = n, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours between a and b.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range y {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}

// suggest returns the hint for a wrong name: the nearest, then all there are.
func suggest(s string, names []string, what string) string {
	all := what + strings.Join(names, ", ")
	if n := Nearest(s, names); n != "" {
		return fmt.Sprintf("did you mean %s? %s", n, all)
	}
	return all
}

// Suggest returns the hint for a wrong name; names may be empty.
func Suggest(s string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return suggest(s, names, "there is: ")
}
