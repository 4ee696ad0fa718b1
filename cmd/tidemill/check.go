package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/pipeline/build"
	"github.com/tidemill/tidemill/project"
)

func (a *app) checkCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "check",
		Short: "Try every connection, and say how to mend what is wrong",
		Long: `Read the project, compile its schemas and models, and try each connection of
the target as its pipelines would use it. Nothing is changed or consumed.`,
		Example: `  tidemill check
  tidemill check --target rabbitmq`,
		Args: atMost(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usagef("--format %q: want text or json", format)
			}
			return a.check(c.Context(), format)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json (one object per finding)")
	return c
}

// checked is a finding with the part of the project that it is about.
type checked struct {
	About string `json:"about"`
	OK    bool   `json:"ok"`
	Warn  bool   `json:"warn,omitempty"`
	What  string `json:"what"`
	Why   string `json:"why,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

func (a *app) check(ctx context.Context, format string) error {
	p, err := a.loadProject()
	if err != nil {
		return err
	}
	bad := 0
	show := func(about string, findings ...tidemill.Finding) {
		for _, f := range findings {
			if !f.OK {
				bad++
			}
			a.printFinding(checked{about, f.OK, f.Warn, f.What, redact.Text(f.Why), redact.Text(f.Hint)}, format)
		}
	}
	show("project", tidemill.Finding{OK: true, What: fmt.Sprintf("%s, target %s", p.File, p.Target)})
	for _, conn := range p.Connections {
		show("connection "+conn.Name, connectors[conn.Type].check(ctx, conn.Config, readers(p, conn.Name), a.env(p.Dir))...)
	}
	for _, pl := range p.Pipelines {
		if !pl.Source.Records() { // records need no decoding
			show("pipeline "+pl.Name, checkDecode(p, pl))
		}
	}
	if p.DBT {
		show("models", a.checkModels(ctx, p))
	}
	if bad > 0 {
		return quietError{fmt.Errorf("%d findings", bad)}
	}
	return nil
}

// readers returns the pipelines that read a connection.
func readers(p *project.Project, connection string) []project.Pipeline {
	return slices.DeleteFunc(slices.Clone(p.Pipelines), func(pl project.Pipeline) bool {
		return pl.Source.Connection != connection
	})
}

func checkDecode(p *project.Project, pl project.Pipeline) tidemill.Finding {
	f := tidemill.Finding{What: "decode " + pl.Decode.Format}
	if _, err := decode.New(pl.Decode, p.Dir); err != nil {
		return failed(f, err)
	}
	f.OK = true
	return f
}

func (a *app) checkModels(ctx context.Context, p *project.Project) tidemill.Finding {
	g, err := a.loadModels(ctx, p, buildFlags{})
	if err != nil {
		return failed(tidemill.Finding{What: "models"}, err)
	}
	return tidemill.Finding{OK: true, What: strings.Join(counted(g), ", ")}
}

// counted says how many nodes of each kind there are: "8 models", "2 seeds".
func counted(g *build.Project) []string {
	n := map[string]int{}
	for _, node := range g.Nodes {
		n[string(node.Kind)]++
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		all = append(all, plural(n[kind], kind))
	}
	return all
}

// failed puts the reason and remedy of err into f.
func failed(f tidemill.Finding, err error) tidemill.Finding {
	f.OK, f.Why = false, err.Error()
	if hints := tidemill.Hints(err); len(hints) > 0 {
		f.Hint = hints[0]
	}
	return f
}

func (a *app) printFinding(c checked, format string) {
	if format == "json" {
		if text, err := json.Marshal(c); err == nil {
			fmt.Fprintf(a.stdout, "%s\n", text)
		}
		return
	}
	word := "ok  "
	switch {
	case !c.OK:
		word = "FAIL"
	case c.Warn:
		word = "warn"
	}
	fmt.Fprintf(a.stdout, "%s  %s: %s\n", word, c.About, c.What)
	if c.Why != "" {
		fmt.Fprintf(a.stdout, "      %s\n", c.Why)
	}
	if c.Hint != "" {
		fmt.Fprintf(a.stdout, "      hint: %s\n", c.Hint)
	}
}
