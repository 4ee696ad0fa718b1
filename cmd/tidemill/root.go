package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tidemill/tidemill"
)

// app is one run of the command line: its streams, global flags and what the
// commands open.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	dir, target        string
	logFormat, logFile string
	verbose, quiet     bool
	logSQL, noColor    bool

	idle    atomic.Bool // there is no work that a signal would leave unfinished
	log     *slog.Logger
	sqlLog  *slog.Logger // nil without --log-sql
	closers []io.Closer
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tidemill",
		Short: "Events into tested tables, exactly once",
		Long: `Tidemill brings events into a warehouse exactly once and turns them into
tested tables. One folder is one project; without a server it runs on DuckDB.

Start with:
  tidemill demo              a whole project in a minute
  tidemill init cards        the same project as files of yours
  tidemill check             what is wrong, and how to mend it`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.openLog() },
		Args:              a.noCommand,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{&tidemill.Error{Err: err, Hint: "tidemill " + helpPath(c) + "--help"}}
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2

	flags := root.PersistentFlags()
	flags.StringVarP(&a.dir, "dir", "C", ".", "project folder")
	flags.StringVar(&a.target, "target", "", "target of tidemill.yml (default: its first)")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log more (as TIDEMILL_LOG_LEVEL=debug)")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "log errors only, show no progress")
	flags.StringVar(&a.logFormat, "log-format", "text", "text or json")
	flags.StringVar(&a.logFile, "log-file", "", "append the log to this file instead of standard error")
	flags.BoolVar(&a.logSQL, "log-sql", false, "log each SQL statement with its duration")
	flags.BoolVar(&a.noColor, "no-color", false, "no colors (NO_COLOR is heeded too)")

	for _, g := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Projects:", []*cobra.Command{a.demoCommand(), a.initCommand(), a.checkCommand()}},
		{"Events:", []*cobra.Command{a.landCommand(), a.peekCommand(), a.deadCommand()}},
		{"Models:", []*cobra.Command{
			a.buildCommand(), a.runCommand(), a.testCommand(), a.seedCommand(), a.compileCommand(), a.lsCommand(), a.cleanCommand(),
		}},
		{"More:", []*cobra.Command{a.queryCommand(), a.schemaCommand(), a.versionCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.title
			root.AddCommand(c)
		}
	}
	root.SetHelpCommandGroupID("More:")
	for _, c := range root.Commands() {
		usageArgs(c)
	}
	return root
}

// self is how the user can call this binary from another folder: by its name
// where that is found, else by its path.
func self() string {
	exe, err := os.Executable()
	if err != nil {
		return "tidemill"
	}
	if found, err := exec.LookPath("tidemill"); err == nil {
		a, err1 := os.Stat(exe)
		b, err2 := os.Stat(found)
		if err1 == nil && err2 == nil && os.SameFile(a, b) {
			return "tidemill"
		}
	}
	return exe
}

// noCommand answers a word that is no command, with the nearest one.
func (a *app) noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "tidemill --help lists the commands"
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean: tidemill " + strings.Join(near, ", tidemill ")
	}
	return usageError{&tidemill.Error{Err: usagef("unknown command %q", args[0]), Hint: hint}}
}

// usageArgs makes errors of argument counts wrong use, for c and what is
// below it.
func usageArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			switch {
			case err == nil:
				return nil
			case len(tidemill.Hints(err)) > 0:
				return usageError{err}
			}
			return usageError{&tidemill.Error{Err: err, Hint: "tidemill " + helpPath(c) + "--help"}}
		}
	}
	for _, sub := range c.Commands() {
		usageArgs(sub)
	}
}

// exactly takes one argument, which what names.
func exactly(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s wants %s", c.CommandPath(), what)
	}
}

// atMost takes up to n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		hint := ""
		if n == 1 {
			hint = "; quote it if it is one argument"
		}
		return fmt.Errorf("%s takes no argument %q%s", c.CommandPath(), args[n], hint)
	}
}

// helpPath returns the words between tidemill and --help.
func helpPath(c *cobra.Command) string {
	path := strings.TrimPrefix(c.CommandPath(), "tidemill")
	if path = strings.TrimSpace(path); path != "" {
		path += " "
	}
	return path
}

// terminal reports whether w is one, so that progress may be redrawn.
func terminal(w io.Writer) bool {
	if _, ok := w.(*screen); ok {
		return true
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colors reports whether w may get colors.
func (a *app) colors(w io.Writer) bool {
	return !a.noColor && os.Getenv("NO_COLOR") == "" && terminal(w)
}

// close frees what the commands opened, last first.
func (a *app) close() error {
	var first error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i].Close(); err != nil && first == nil {
			first = err
		}
	}
	a.closers = nil
	return first
}
