package build

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
)

// RunOptions say how to carry a plan out.
type RunOptions struct {
	Threads     int  // nodes at the same time; 0 is 4
	FullRefresh bool // build incremental models anew
	FailFast    bool // begin nothing more after the first failure
	OnEvent     func(Event)

	// Output is the folder for compiled SQL; "" is the project's target
	// folder, "-" writes none.
	Output string
}

const defaultThreads = 4

// Run carries plan out in wh. The error says that it could not begin or was
// cancelled; what went wrong with single nodes is in the results, which are
// never nil.
func Run(ctx context.Context, wh tidemill.Warehouse, plan *Plan, o RunOptions) (*Results, error) {
	r := &runner{plan: plan, wh: wh, opts: o, out: output{project: plan.Project, dir: o.Output}}
	inv := *plan.Project.inv
	inv.FullRefresh, inv.Command = o.FullRefresh, string(plan.Command)
	r.inv = &inv
	r.results = &Results{RunID: inv.ID, Command: plan.Command, Started: time.Now().UTC(), Results: []Result{}}
	defer func() { r.results.Seconds = time.Since(r.results.Started).Seconds() }()
	g, err := plan.steps()
	if err != nil {
		return r.results, err
	}
	r.graph, r.total = g, g.size()
	if err := r.prepare(ctx); err != nil {
		return r.results, err
	}
	return r.results, r.schedule(ctx)
}

// runner carries one plan out. The results belong to the goroutine of
// schedule; what workers share is in catalog.
type runner struct {
	plan    *Plan
	graph   *graph
	wh      tidemill.Warehouse
	inv     *render.Invocation
	opts    RunOptions
	out     output
	catalog *catalog
	absent  map[string]string // of tests that cannot run for want of what they read, why
	done    map[string]Result // nodes that an earlier attempt of the run did
	results *Results
	total   int             // nodes that will have a result
	failed  map[string]bool // steps that failed or were skipped
}

// job is what a worker is given: a step, and the tests of it that cannot run
// with the reason.
type job struct {
	step   *step
	unread map[string]string
}

// finished is what a worker reports of a step.
type finished struct {
	step    *step
	results []Result
}

// schedule hands steps to workers as they become ready, until none is left.
// It waits for the workers before it returns.
func (r *runner) schedule(ctx context.Context) error {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	threads := r.opts.Threads
	if threads <= 0 {
		threads = defaultThreads
	}
	threads = max(1, min(threads, len(r.graph.order)))
	jobs, done := make(chan job), make(chan finished)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(jobs)
	for range threads {
		wg.Go(func() { r.worker(work, jobs, done) })
	}
	r.failed = map[string]bool{}
	wait := newWaiting(r.graph, r.graph.order)
	ready, running, stop := wait.first(), 0, ""
	for len(ready) > 0 || running > 0 {
		if ctx.Err() != nil && stop == "" {
			stop = "the run was cancelled"
		}
		if len(ready) > 0 && running < threads {
			s := r.graph.steps[ready[0]]
			ready = ready[1:]
			if why := r.obstacle(s); why != "" || stop != "" {
				r.skip(s, cmp.Or(why, stop))
				ready = append(ready, wait.end(s.id)...)
				continue
			}
			r.started(s)
			running++
			jobs <- job{s, r.unread(s)}
			continue
		}
		f := <-done
		running--
		ready = append(ready, wait.end(f.step.id)...)
		if r.record(f.step, f.results) && r.opts.FailFast && stop == "" {
			stop = "another node failed, and the run stops at the first failure"
			cancel()
		}
	}
	return ctx.Err()
}

// obstacle says why a step cannot run: what it depends on failed.
func (r *runner) obstacle(s *step) string {
	for _, need := range sortedKeys(s.needs) {
		if s.needs[need] && r.failed[need] {
			return r.because(need)
		}
	}
	return ""
}

func (r *runner) because(step string) string {
	if n := r.graph.steps[step].node; n != nil {
		return fmt.Sprintf("%s, which it depends on, was not built", n.Name)
	}
	return fmt.Sprintf("tests of %s, which it depends on, failed", r.graph.steps[step].tests[0].Name)
}

// record keeps the results of a step and reports whether it failed. A test
// that fails does not fail the nodes after its step unless it blocked them:
// then its node did not end in success.
func (r *runner) record(s *step, results []Result) bool {
	bad := false
	for _, res := range results {
		r.emit(res)
		bad = bad || res.Status.Bad()
		if s.node == nil && res.Status.Bad() || s.node != nil && res.Node == s.node.ID && res.Status != Success {
			r.failed[s.id] = true
		}
	}
	return bad
}

func (r *runner) skip(s *step, reason string) {
	r.failed[s.id] = true
	for _, n := range s.nodes() {
		res := resultOf(n)
		res.Status, res.Message = Skipped, reason
		r.emit(res)
	}
}

func (s *step) nodes() []*manifest.Node {
	if s.node == nil {
		return s.tests
	}
	return append([]*manifest.Node{s.node}, s.tests...)
}

func (r *runner) started(s *step) {
	if r.opts.OnEvent != nil {
		for _, n := range s.nodes() {
			r.opts.OnEvent(Event{Kind: Started, Node: n, Done: len(r.results.Results), Total: r.total})
		}
	}
}

func (r *runner) emit(res Result) {
	r.results.Results = append(r.results.Results, res)
	if r.opts.OnEvent != nil {
		r.opts.OnEvent(Event{Kind: Finished, Node: r.plan.Project.Nodes[res.Node], Result: res, Done: len(r.results.Results), Total: r.total})
	}
}

// size is the number of nodes in all steps.
func (g *graph) size() int {
	n := 0
	for _, s := range g.steps {
		n += len(s.nodes())
	}
	return n
}

// worker does steps on a session of its own until jobs is closed.
func (r *runner) worker(ctx context.Context, jobs <-chan job, done chan<- finished) {
	l := &lease{wh: r.wh}
	defer l.drop()
	for j := range jobs {
		done <- finished{j.step, r.do(ctx, l, j)}
	}
}

// do carries a step out. A panic becomes an error of the step: it must not end
// what else this process does, such as landing.
func (r *runner) do(ctx context.Context, l *lease, j job) (results []Result) {
	defer func() {
		if p := recover(); p != nil {
			l.drop() // which rolls back
			results = r.allBroken(j.step, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if j.step.node == nil {
		return r.testsAlone(ctx, l, j.step, j.unread)
	}
	return r.node(ctx, l, j.step, j.unread)
}

// allBroken is the result of a step of which nothing could be done.
func (r *runner) allBroken(s *step, err error) []Result {
	if s.node != nil {
		return r.broken(s, nil, resultOf(s.node), err)
	}
	out := make([]Result, len(s.tests))
	for i, n := range s.tests {
		out[i] = resultOf(n)
		out[i].Status, out[i].Err, out[i].Message = Errored, err, err.Error()
	}
	return out
}

// lease is a worker's session, opened when it is first needed and again after
// it was dropped.
type lease struct {
	wh      tidemill.Warehouse
	session tidemill.Session
}

func (l *lease) open(ctx context.Context) (tidemill.Session, error) {
	if l.session == nil {
		s, err := l.wh.Session(ctx)
		if err != nil {
			return nil, fmt.Errorf("open a session: %w", err)
		}
		l.session = s
	}
	return l.session, nil
}

// drop closes the session, which rolls back what is open on it.
func (l *lease) drop() {
	if l.session != nil {
		_ = l.session.Close() // nothing is lost: what counts was committed
		l.session = nil
	}
}
