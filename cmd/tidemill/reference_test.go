package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/project"
)

var update = flag.Bool("update", false, "write the pages of docs/reference")

// TestReferenceIsTrue holds the pages of docs/reference to the code that they
// derive from.
func TestReferenceIsTrue(t *testing.T) {
	for name, want := range map[string]string{
		"tidemill.yml.md":      project.Reference(kinds()),
		"tidemill.schema.json": string(project.Schema(kinds())),
		"commands.md":          commandPages(),
	} {
		page := filepath.Join("..", "..", "docs", "reference", name)
		if *update {
			if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(page); err != nil || string(got) != want {
			t.Errorf("%s is out of date (%v): go test ./cmd/tidemill -run Reference -update", page, err)
		}
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	walk((&app{}).root(), func(c *cobra.Command) {
		if c.Runnable() && c.HasParent() && c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
	})
}

func commandPages() string {
	var b bytes.Buffer
	root := (&app{}).root()
	fmt.Fprintf(&b, "# Commands\n\n%s\n\nGlobal flags:\n\n```\n%s```\n\nExit codes: 0 done, 1 the work failed, 2 wrong use of the command line.\n",
		root.Long, root.PersistentFlags().FlagUsages())
	walk(root, func(c *cobra.Command) {
		if !c.HasParent() || c.Name() == "help" || c.Name() == "completion" {
			return
		}
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```\n%s\n```\n", strings.TrimPrefix(c.CommandPath(), "tidemill "), text, c.Example)
		if flags := c.LocalNonPersistentFlags().FlagUsages(); flags != "" {
			fmt.Fprintf(&b, "\n```\n%s\n\n%s```\n", c.UseLine(), flags)
		}
	})
	return b.String()
}

func walk(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		walk(sub, visit)
	}
}

// TestTablesAreDescribed holds reference/tables.md to the schema tidemill as
// a project has it that has landed and built.
func TestTablesAreDescribed(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "tables.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tidemill := func(args ...string) string {
		var out, log bytes.Buffer
		if code := run(append([]string{"-C", dir}, args...), nil, &out, &log); code != 0 {
			t.Fatalf("tidemill %v: exit code %d\n%s", args, code, log.String())
		}
		return out.String()
	}
	tidemill("init", "empty")
	tidemill("land", "--once")
	tidemill("build")
	columns := tidemill("query", "--format", "csv", `select table_name, column_name from information_schema.columns
		where table_schema = 'tidemill' and table_name not in ('migrations') and table_name not like 'seen\_%' escape '\'`)
	lines := strings.Split(strings.TrimSpace(columns), "\n")[1:]
	if len(lines) < 30 {
		t.Errorf("there are only %d columns", len(lines))
	}
	for _, line := range lines {
		table, column, _ := strings.Cut(strings.TrimSpace(line), ",")
		_, section, found := strings.Cut(string(page), "## `tidemill."+table+"`")
		section, _, _ = strings.Cut(section, "\n## ")
		if !found || !strings.Contains(section, "`"+column+"`") {
			t.Errorf("tables.md does not describe tidemill.%s.%s", table, column)
		}
	}
}
