package build

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/result"
	"github.com/tidemill/tidemill/sqlgen"
)

// audit runs the tests of the step over what was made, and counts its rows.
func (b *builder) audit(ctx context.Context, m made) error {
	instead := map[string]manifest.Relation{}
	if m.publish {
		instead[b.node.ID] = manifest.Relation{Database: b.inv.Target.Database, Schema: m.at.Schema, Identifier: m.at.Name}
	}
	t := &tester{runner: b.runner, session: b.session, instead: instead, inTx: true, noSamples: b.noSamples}
	b.tests = t.run(ctx, b.step.tests, b.unread)
	if err := t.lost; err != nil {
		return err
	}
	if i := slices.IndexFunc(b.tests, func(res Result) bool { return res.Status.Bad() }); i >= 0 {
		b.blocked = &b.tests[i]
	}
	if !m.count || b.blocked != nil {
		return nil
	}
	if n, ok := t.counts[b.node.ID]; ok {
		b.rows = n
		return nil
	}
	n, err := b.number(ctx, sqlgen.RowCount{Table: m.at})
	b.rows = n
	return err
}

// testsAlone runs the tests of a step that builds nothing.
func (r *runner) testsAlone(ctx context.Context, l *lease, s *step, unread map[string]string) []Result {
	session, err := l.open(ctx)
	if err != nil {
		return r.allBroken(s, err)
	}
	t := &tester{runner: r, session: session}
	out := t.run(ctx, s.tests, unread)
	if t.lost != nil {
		l.drop()
	}
	return out
}

// unread returns, for tests of the step, the reason why they cannot run: what
// they read is not there, or was not built.
func (r *runner) unread(s *step) map[string]string {
	out := map[string]string{}
	for _, t := range s.tests {
		if why := r.absent[t.ID]; why != "" {
			out[t.ID] = why
			continue
		}
		for _, step := range r.graph.reads[t.ID] {
			if step != s.id && r.failed[step] {
				out[t.ID] = r.because(step)
			}
		}
	}
	return out
}

// tester runs tests on one session.
type tester struct {
	*runner
	session tidemill.Session
	instead map[string]manifest.Relation

	inTx      bool             // an error ends the transaction, and with it the tests
	noSamples bool             // what tests find is not to be read
	counts    map[string]int64 // rows of nodes that were scanned

	failedScan error // why a scan could not be done; the test it is due to is found among those that follow
	lost       error // an error by which the whole transaction is to be run again
	broken     bool  // the transaction takes no more statements
}

// run runs tests: first those that one scan of a table can answer, then those
// that are left, or that the scan found wanting, one by one.
func (t *tester) run(ctx context.Context, tests []*manifest.Node, unread map[string]string) []Result {
	results := make([]Result, len(tests))
	t.counts = map[string]int64{}
	var todo []int
	for i, n := range tests {
		results[i] = resultOf(n)
		if why := unread[n.ID]; why != "" {
			results[i].Status, results[i].Message = Skipped, why
			continue
		}
		todo = append(todo, i)
	}
	for _, i := range t.scan(ctx, tests, results, todo) {
		t.one(ctx, tests[i], &results[i])
	}
	return results
}

// one runs a single test.
func (t *tester) one(ctx context.Context, n *manifest.Node, res *Result) {
	if t.broken {
		res.Status, res.Message = Skipped, "another test ended the transaction"
		return
	}
	begun := time.Now()
	err := t.judge(ctx, n, res)
	res.Seconds += time.Since(begun).Seconds()
	if err == nil {
		return
	}
	if tidemill.Retryable(err) {
		if t.failedScan != nil {
			err = t.failedScan // which had ended the transaction
		} else {
			t.lost = err
		}
	}
	t.broken = t.inTx
	res.Status, res.Err, res.Message = Errored, err, err.Error()
}

// judge executes a test and compares what it counts with its limits.
func (t *tester) judge(ctx context.Context, n *manifest.Node, res *Result) error {
	c, err := t.compile(ctx, n, t.instead)
	if err != nil {
		return err
	}
	shown, err := t.show(ctx, n)
	if err != nil {
		return err
	}
	res.SQL = shown
	cfg := n.Config
	sql, err := sqlgen.Render(t.dialect(), sqlgen.DataTest{Query: c.SQL, FailCalc: cfg.FailCalc, WarnIf: cfg.WarnIf, ErrorIf: cfg.ErrorIf, Limit: cfg.Limit})
	if err != nil {
		return err
	}
	if err := t.out.write("run", n, sql); err != nil {
		return err
	}
	table, err := result.Read(ctx, t.session, sql)
	if err != nil {
		return t.sqlError(n, c, sql, err)
	}
	if len(table.Rows) != 1 || len(table.Rows[0]) != 3 {
		return fmt.Errorf("test %s: want one verdict", n.Name)
	}
	row := table.Rows[0]
	if res.Failures, err = result.Int(row[0]); err != nil {
		return fmt.Errorf("test %s: %w", n.Name, err)
	}
	warn, _ := row[1].(bool)
	fail, _ := row[2].(bool)
	verdict(n, res, warn, fail)
	if res.Status == Pass || t.noSamples {
		return nil
	}
	if res.Found, err = t.sample(ctx, n, c); err != nil {
		return t.sampleFailed(res, err)
	}
	return nil
}

// sampleFailed keeps an error of what is only for show from failing anything.
// A transaction that it ended is run again without samples.
func (t *tester) sampleFailed(res *Result, err error) error {
	if t.inTx {
		return tidemill.Transient(errSample{err})
	}
	res.Message += "; its rows cannot be shown: " + err.Error()
	return nil
}

// errSample is an error of reading a sample.
type errSample struct{ error }

func (e errSample) Unwrap() error { return e.error }

// verdict sets the status as dbt does: severity warn never fails.
func verdict(n *manifest.Node, res *Result, warn, fail bool) {
	limit := n.Config.WarnIf
	switch {
	case fail && n.Config.Severity == "error":
		res.Status, limit = Fail, n.Config.ErrorIf
	case warn:
		res.Status = Warn
	default:
		res.Status = Pass
		return
	}
	res.Message = fmt.Sprintf("found %d", res.Failures)
	if limit != "!= 0" {
		res.Message += ", which is " + limit
	}
}

// show compiles a test as people should read it, over published relations,
// and writes that.
func (t *tester) show(ctx context.Context, n *manifest.Node) (string, error) {
	c, err := t.compile(ctx, n, nil)
	if err != nil {
		return "", err
	}
	return c.SQL, t.out.write("compiled", n, c.SQL)
}

func (t *tester) compile(ctx context.Context, n *manifest.Node, instead map[string]manifest.Relation) (Compiled, error) {
	c := &compiler{p: t.plan.Project, inv: t.inv, warehouse: asker{t.session, t.catalog, t.inv.Target.Database}, instead: instead}
	return c.compile(ctx, n)
}

// relation is the SQL name of what a test is declared on.
func (t *tester) relation(id string) (string, error) {
	at := t.plan.Project.Nodes[id].Relation
	if other, ok := t.instead[id]; ok {
		at = other
	}
	return render.NewRelation(t.dialect(), t.inv.Target.Database, at, "").SQL()
}
