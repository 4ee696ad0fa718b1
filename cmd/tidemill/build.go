package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build"
	"github.com/tidemill/tidemill/project"
)

// buildFlags are those that build, run, test, seed, compile and ls share, as
// dbt spells them.
type buildFlags struct {
	include, exclude []string
	vars             string
	fullRefresh      bool
	failFast         bool
	threads          int
	runID            string
	format           string
}

// words takes what stands alone: dbt has names after --select a b.
func (f *buildFlags) words(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
	case len(f.include) == 0 && len(f.exclude) == 0:
		return nodesByFlag(c, args)
	case len(f.exclude) == 0:
		f.include = append(f.include, args...)
	case len(f.include) == 0:
		f.exclude = append(f.exclude, args...)
	default:
		return fmt.Errorf("%q may belong to --select or to --exclude: put the names of each in quotes", args[0])
	}
	return nil
}

// modelCommand makes one of the commands on models.
func (a *app) modelCommand(command build.Command, short, long, example string, run func(context.Context, build.Command, buildFlags) error) *cobra.Command {
	var f buildFlags
	c := &cobra.Command{
		Use: string(command), Short: short, Long: long, Example: example, Args: f.words,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.format != "text" && f.format != "json" {
				return usagef("--format %q: want text or json", f.format)
			}
			if command != build.ListCommand && f.threads < 1 {
				return usagef("--threads %d: want 1 or more", f.threads)
			}
			return run(c.Context(), command, f)
		},
	}
	flags := c.Flags()
	flags.StringArrayVarP(&f.include, "select", "s", nil, "nodes: NAME, +NAME+, tag:T, path:P, source:S; a comma intersects, a space unites")
	flags.StringArrayVar(&f.exclude, "exclude", nil, "nodes to leave out, in the same form")
	flags.StringVar(&f.vars, "vars", "", "variables for var(), as YAML: '{since: 2026-01-01}'")
	flags.StringVar(&f.format, "format", "text", "text or json")
	if command == build.ListCommand {
		return c
	}
	flags.IntVar(&f.threads, "threads", 4, "nodes that are built at the same time")
	flags.BoolVar(&f.failFast, "fail-fast", false, "begin nothing more after the first failure")
	if command != build.CompileCommand && command != build.TestCommand {
		flags.BoolVar(&f.fullRefresh, "full-refresh", false, "build incremental models and seeds anew")
		flags.StringVar(&f.runID, "run-id", "", "repeat the run of this id: what it has done is not done twice")
	}
	return c
}

// nodesByFlag answers a node that is named without --select.
func nodesByFlag(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &tidemill.Error{
		Err:  fmt.Errorf("%s takes no argument %q", c.CommandPath(), args[0]),
		Hint: fmt.Sprintf("to choose nodes: %s --select %s", c.CommandPath(), args[0]),
	}
}

func (a *app) buildCommand() *cobra.Command {
	return a.modelCommand(build.BuildCommand, "Build models and seeds, each tested before it is published", `Build seeds and models in dependency order and run their tests. Each table is
written and tested inside one transaction: readers see the last version whose
tests passed. What depends on a failure is skipped; nothing else is.`,
		`  tidemill build
  tidemill build --select +fct_orders
  tidemill build --select tag:daily --exclude stg_orders`, a.models)
}

func (a *app) runCommand() *cobra.Command {
	return a.modelCommand(build.RunCommand, "Build models, without tests", "", "  tidemill run --select path:models/staging", a.models)
}

func (a *app) testCommand() *cobra.Command {
	return a.modelCommand(build.TestCommand, "Run data tests on what is built", "", "  tidemill test --select fct_orders", a.models)
}

func (a *app) seedCommand() *cobra.Command {
	return a.modelCommand(build.SeedCommand, "Load the CSV files of seeds/", "", "  tidemill seed --select currencies", a.models)
}

func (a *app) compileCommand() *cobra.Command {
	return a.modelCommand(build.CompileCommand, "Render the SQL of models to target/compiled", "", "  tidemill compile --select fct_orders", a.models)
}

func (a *app) lsCommand() *cobra.Command {
	return a.modelCommand(build.ListCommand, "List nodes", "", `  tidemill ls --select +fct_orders
  tidemill ls --format json`, a.ls)
}

// loadModels reads the dbt project of p.
func (a *app) loadModels(ctx context.Context, p *project.Project, f buildFlags) (*build.Project, error) {
	target := build.Target{Name: p.Target, Schema: p.Schema, Threads: f.threads}
	if c, ok := p.Warehouse().Config.(interface{ Database() string }); ok {
		target.Database = c.Database()
	}
	return build.Load(ctx, build.Options{
		Dir: p.Dir, Name: p.Name, Dialect: tidemill.DuckDB, Target: target,
		Vars: f.vars, Env: p.Lookup, RunID: f.runID,
		Log: func(pos tidemill.Pos, level, message string) {
			if level == "info" {
				a.log.Info(message, "at", pos.String())
				return
			}
			a.log.Warn(message, "at", pos.String())
		},
	})
}

func (a *app) ls(ctx context.Context, command build.Command, f buildFlags) error {
	p, err := a.loadProject()
	if err != nil {
		return err
	}
	models, err := a.loadModels(ctx, p, f)
	if err != nil {
		return err
	}
	plan, err := models.Select(command, f.include, f.exclude)
	if err != nil {
		return err
	}
	for _, n := range plan.Nodes {
		if f.format == "text" {
			fmt.Fprintln(a.stdout, strings.Join(n.FQN, "."))
			continue
		}
		line, err := json.Marshal(map[string]any{
			"unique_id": n.ID, "name": n.Name, "resource_type": n.Kind, "materialized": n.Materialized(),
			"file": n.File, "tags": n.Config.Tags, "depends_on": n.DependsOn,
		})
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		fmt.Fprintf(a.stdout, "%s\n", line)
	}
	return nil
}

func (a *app) models(ctx context.Context, command build.Command, f buildFlags) error {
	p, err := a.loadProject()
	if err != nil {
		return err
	}
	wh, err := a.openWarehouse(ctx, p)
	if err != nil {
		return err
	}
	var show func(build.Event)
	if f.format == "text" {
		show = a.showNode
	}
	results, err := a.runModels(ctx, p, wh, command, f, show)
	if results != nil {
		a.printResults(results, f.format)
	}
	if err == nil && results.Failed() {
		err = quietError{errors.New("models failed")}
	}
	return err
}

func (a *app) runModels(ctx context.Context, p *project.Project, wh tidemill.Warehouse, command build.Command, f buildFlags, show func(build.Event)) (*build.Results, error) {
	models, err := a.loadModels(ctx, p, f)
	if err != nil {
		return nil, err
	}
	plan, err := models.Select(command, f.include, f.exclude)
	if err != nil {
		return nil, err
	}
	if len(plan.Nodes) == 0 {
		return nil, &tidemill.Error{
			Code: tidemill.NotFound, Op: string(command), Err: errors.New("nothing is selected"),
			Hint: "tidemill ls lists what there is",
		}
	}
	o := build.RunOptions{Threads: f.threads, FullRefresh: f.fullRefresh, FailFast: f.failFast, OnEvent: show}
	if command == build.CompileCommand {
		return build.Compile(ctx, wh, plan, o)
	}
	return build.Run(ctx, wh, plan, o)
}
