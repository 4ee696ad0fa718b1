package build

import (
	"context"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/result"
	"github.com/tidemill/tidemill/pipeline/build/yml"
	"github.com/tidemill/tidemill/sqlgen"
)

// scan answers tests of one table in one pass, and returns the indexes of
// those that are to be run by themselves: others, and those that found
// something, whose figure is that of their own query.
func (t *tester) scan(ctx context.Context, tests []*manifest.Node, results []Result, todo []int) []int {
	groups := map[string][]int{}
	var order []string
	var rest []int
	for _, i := range todo {
		on := tests[i].Test.Attached
		if _, ok := t.check(tests[i]); !ok {
			rest = append(rest, i)
			continue
		}
		if groups[on] == nil {
			order = append(order, on)
		}
		groups[on] = append(groups[on], i)
	}
	for _, on := range order {
		rest = append(rest, t.scanOne(ctx, on, tests, results, groups[on])...)
	}
	return rest
}

// scanOne scans one relation. An error in it is found again, by the test that
// it belongs to, when all are run by themselves.
func (t *tester) scanOne(ctx context.Context, on string, tests []*manifest.Node, results []Result, group []int) []int {
	begun := time.Now()
	from, err := t.relation(on)
	if err != nil {
		return group
	}
	st := sqlgen.Scan{From: from}
	for _, i := range group {
		c, _ := t.check(tests[i])
		st.Checks = append(st.Checks, c)
	}
	sql, err := sqlgen.Render(t.dialect(), st)
	if err != nil {
		return group
	}
	table, err := result.Read(ctx, t.session, sql)
	if tidemill.Retryable(err) {
		t.lost, t.broken = err, t.inTx
		return group
	}
	if err != nil || len(table.Rows) != 1 || len(table.Rows[0]) != len(group)+1 {
		t.failedScan = err
		return group
	}
	row := table.Rows[0]
	if n, err := result.Int(row[len(group)]); err == nil {
		t.counts[on] = n
	}
	seconds := time.Since(begun).Seconds() / float64(len(group))
	var again []int
	for j, i := range group {
		n, err := result.Int(row[j])
		results[i].Seconds = seconds
		if err != nil || n != 0 {
			again = append(again, i)
			continue
		}
		if results[i].SQL, err = t.show(ctx, tests[i]); err != nil {
			again = append(again, i)
			continue
		}
		results[i].Status = Pass
	}
	return again
}

// check returns the check that a scan can answer in the place of n, if there
// is one: a builtin test that nobody replaced, with its usual limits.
func (t *tester) check(n *manifest.Node) (sqlgen.Check, bool) {
	c, fresh := n.Config, manifest.NewConfig(manifest.Test)
	if c.FailCalc != fresh.FailCalc || c.WarnIf != fresh.WarnIf || c.ErrorIf != fresh.ErrorIf {
		return sqlgen.Check{}, false
	}
	return t.builtin(n)
}

// builtin returns what n checks, whatever its limits, if it is one of the
// builtin tests of a column.
func (t *tester) builtin(n *manifest.Node) (sqlgen.Check, bool) {
	info := n.Test
	if info.Generic == "" {
		return sqlgen.Check{}, false
	}
	on := t.plan.Project.Nodes[info.Attached]
	if on == nil || on.Ephemeral() || !t.inv.Library.Builtin("test_"+info.Generic) || !t.inv.Library.Builtin("get_where_subquery") {
		return sqlgen.Check{}, false
	}
	check := sqlgen.Check{Where: n.Config.Where, Quote: true}
	for _, a := range info.Args {
		if !set(&check, info.Generic, a) {
			return sqlgen.Check{}, false
		}
	}
	kinds := map[string]sqlgen.CheckKind{"not_null": sqlgen.NotNull, "unique": sqlgen.Unique, "accepted_values": sqlgen.Accepted}
	check.Kind = kinds[info.Generic]
	return check, check.Kind != "" && check.Column != "" && (check.Kind != sqlgen.Accepted || len(check.Values) > 0)
}

// set takes an argument of a test into the check.
func set(c *sqlgen.Check, test string, a yml.Field) bool {
	s, text := a.Value.Value.(string)
	if text && expression.MatchString(s) {
		return false
	}
	switch {
	case a.Name == "column_name" && text:
		c.Column = s
		return true
	case a.Name == "values" && test == "accepted_values":
		for _, item := range a.Value.Items {
			v, err := item.Text()
			if err != nil || expression.MatchString(v) {
				return false
			}
			if b, ok := item.Value.(bool); ok {
				v = map[bool]string{true: "True", false: "False"}[b]
			}
			c.Values = append(c.Values, v)
		}
		return a.Value.Kind == yml.List
	case a.Name == "quote" && test == "accepted_values":
		b, ok := a.Value.Value.(bool)
		c.Quote = b
		return ok
	}
	return false
}
