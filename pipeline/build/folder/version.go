package folder

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// bound is one condition of require-dbt-version; pre-releases count as their
// version.
var bound = regexp.MustCompile(`^(>=|<=|>|<|=)?\s*v?(\d+)\.(\d+)\.(\d+)(?:[-.]?[a-z]+\d*)?$`)

// requireVersion holds the project's demand against the version of dbt whose
// behaviour it gets.
func requireVersion(_ *Project, v *yml.Node) error {
	texts, err := v.Strings()
	if err != nil {
		return err
	}
	for _, text := range texts {
		for _, one := range strings.Split(text, ",") {
			m := bound.FindStringSubmatch(strings.TrimSpace(one))
			if m == nil {
				return v.Errorf("%q is no version: write it as \">=1.8.0\"", one)
			}
			if !holds(m[1], slices.Compare(numbers(render.DBTVersion), numbers(strings.Join(m[2:5], ".")))) {
				return &tidemill.Error{
					Code: tidemill.Invalid, Pos: v.Pos, Err: fmt.Errorf("the project wants dbt %s, and Tidemill behaves as dbt %s", strings.TrimSpace(one), render.DBTVersion),
					Hint: "widen require-dbt-version if the project also works with that version",
				}
			}
		}
	}
	return nil
}

func numbers(version string) []int {
	var out []int
	for _, part := range strings.Split(version, ".") {
		n, _ := strconv.Atoi(part) // digits; one too long for an int is as high as they get
		out = append(out, n)
	}
	return out
}

// holds reports whether a comparison came out as op wants it.
func holds(op string, compared int) bool {
	switch cmp.Or(op, "=") {
	case ">=":
		return compared >= 0
	case "<=":
		return compared <= 0
	case ">":
		return compared > 0
	case "<":
		return compared < 0
	}
	return compared == 0
}
