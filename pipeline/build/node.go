package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/sqlgen"
)

// node builds, audits and publishes the node of a step. A transaction that
// lost against another is run again from its beginning.
func (r *runner) node(ctx context.Context, l *lease, s *step, unread map[string]string) []Result {
	begun := time.Now()
	if old, ok := r.done[s.node.ID]; ok {
		return r.repeated(s, old, unread)
	}
	var b *builder
	noSamples := false
	err := retry.Do(ctx, conflicts, func(ctx context.Context) error {
		session, err := l.open(ctx)
		if err != nil {
			return err
		}
		b = &builder{runner: r, session: session, step: s, node: s.node, unread: unread, begun: begun, noSamples: noSamples}
		if err = b.attempt(ctx); err != nil {
			l.drop()
			noSamples = noSamples || errors.As(err, new(errSample))
		}
		return err
	})
	res := resultOf(s.node)
	res.Seconds = time.Since(begun).Seconds()
	if b == nil || err != nil {
		return r.broken(s, b, res, err)
	}
	res.SQL, res.Rows, res.Status = b.compiled.SQL, b.rows, Success
	if b.blocked != nil {
		res.Status, res.Message = Errored, fmt.Sprintf("not published: test %s: %s", b.blocked.Name, b.blocked.Message)
		res.Err = &tidemill.Error{
			Code: tidemill.Failed, Pos: s.node.Pos, Op: "build " + s.node.Name, Err: errors.New(res.Message), Hint: b.blockedHint(),
		}
	}
	return append([]Result{res}, b.tests...)
}

// blockedHint says what readers have in the place of a node that a test
// blocked, and where the SQL of that test is.
func (b *builder) blockedHint() string {
	hint := "it has no version that readers could see yet"
	if b.catalog.get(b.node.Relation.Table()) != "" {
		hint = "readers keep the version that was there"
	}
	if b.blocked.SQL == "" || b.out.dir == "-" {
		return hint
	}
	return hint + "; the SQL of the test is in " + b.out.path("compiled", b.plan.Project.Nodes[b.blocked.Node])
}

// repeated is the result of a node that an earlier attempt of the run did.
func (r *runner) repeated(s *step, old Result, unread map[string]string) []Result {
	res := resultOf(s.node)
	res.Status, res.Rows, res.Seconds, res.Repeated = Success, old.Rows, old.Seconds, true
	res.Message = "done before, by an earlier attempt of this run"
	out := []Result{res}
	for _, t := range s.tests {
		tr := resultOf(t)
		tr.Status, tr.Repeated, tr.Message = Pass, true, "did not block "+s.node.Name+" in an earlier attempt of this run"
		if why := unread[t.ID]; why != "" {
			tr.Status, tr.Message = Skipped, why
		}
		out = append(out, tr)
	}
	return out
}

// broken is the result of a node that could not be built, and so not tested.
func (r *runner) broken(s *step, b *builder, res Result, err error) []Result {
	res.Status, res.Err, res.Message = Errored, err, err.Error()
	if b != nil {
		res.SQL = b.compiled.SQL
	}
	out := []Result{res}
	for _, t := range s.tests {
		tr := resultOf(t)
		tr.Status, tr.Message = Skipped, s.node.Name+" was not built"
		out = append(out, tr)
	}
	return out
}

// builder makes one attempt at a node on one session.
type builder struct {
	*runner
	session tidemill.Session
	step    *step
	node    *manifest.Node
	unread  map[string]string
	begun   time.Time

	noSamples bool // reading what tests found ended an attempt before

	compiled Compiled
	script   script
	rows     int64
	tests    []Result
	blocked  *Result // the test for which it was not published
}

// attempt runs the transaction. It returns nil also where tests blocked it.
func (b *builder) attempt(ctx context.Context) (err error) {
	m := materializations[b.node.Materialized()]
	if m == nil {
		return fmt.Errorf("build %s: no materialization %q", b.node.Name, b.node.Materialized())
	}
	if db := b.node.Relation.Database; db != b.inv.Target.Database {
		return &tidemill.Error{
			Code: tidemill.Invalid, Pos: b.node.Pos, Op: "build " + b.node.Name, Err: fmt.Errorf("database %s is not that of the target, %s", db, b.inv.Target.Database),
			Hint: "models are built in the database of the target: remove database from the config",
		}
	}
	if err := b.compile(ctx); err != nil {
		return err
	}
	if err := b.session.Begin(ctx); err != nil {
		return fmt.Errorf("build %s: %w", b.node.Name, err)
	}
	open := true
	defer func() {
		if open { // also where ctx has ended
			if rollback := b.session.Rollback(context.WithoutCancel(ctx)); rollback != nil && err == nil {
				err = fmt.Errorf("roll back %s: %w", b.node.Name, rollback)
			}
		}
		if write := b.out.write("run", b.node, b.script.String()); write != nil && err == nil {
			err = write
		}
	}()
	made, err := m(ctx, b)
	if err != nil {
		return err
	}
	if err := b.audit(ctx, made); err != nil || b.blocked != nil {
		return err
	}
	if made.publish {
		if err := b.wh.Publish(ctx, b.session, made.at, b.node.Relation.Table()); err != nil {
			return fmt.Errorf("publish %s: %w", b.node.Name, err)
		}
	}
	if err := b.log(ctx); err != nil {
		return err
	}
	open = false
	if err := b.session.Commit(ctx); err != nil && !b.recorded(ctx) {
		return fmt.Errorf("commit %s: %w", b.node.Name, err)
	}
	b.catalog.set(b.node.Relation.Table(), made.typ)
	return nil
}

// log writes the line in the ledger.
func (b *builder) log(ctx context.Context) error {
	sql, err := sqlgen.Render(b.dialect(), sqlgen.AddModelRun{})
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(b.compiled.SQL))
	_, err = b.session.Exec(ctx, sql, b.inv.ID, b.node.ID, string(Success), b.rows, time.Since(b.begun).Seconds(), hex.EncodeToString(sum[:]), time.Now().UTC())
	if err != nil {
		return fmt.Errorf("write %s to the ledger of models: %w", b.node.Name, err)
	}
	return nil
}

// recorded asks, after an error of COMMIT, whether the transaction is in the
// warehouse nevertheless: an error leaves that open.
func (b *builder) recorded(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	s, err := b.wh.Session(ctx)
	if err != nil {
		return false
	}
	defer func() { _ = s.Close() }() // it has only read
	done, err := b.readLedger(ctx, s)
	if err != nil {
		return false
	}
	_, ok := done[b.node.ID]
	return ok
}
