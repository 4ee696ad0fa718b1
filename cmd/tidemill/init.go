package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/examples"
	"github.com/tidemill/tidemill/examples/cards/gen"
)

//go:embed all:empty
var emptyTemplate embed.FS

func (a *app) initCommand() *cobra.Command {
	var events gen.Options
	c := &cobra.Command{
		Use:   "init [cards|empty] [FOLDER]",
		Short: "Write a new project",
		Long: `Write a new project into FOLDER (default: the project folder of -C).

cards  the example: protobuf events of a card company, from files or RabbitMQ, to
       tested marts; with --events as many are written to events/ (0: none)
empty  a tidemill.yml to fill in, and a model (the default)

Files that are there already are never overwritten; a .gitignore gets the lines
that it lacks.`,
		Example: `  tidemill init cards shop --events 20000
  tidemill init`,
		Args:      atMost(2),
		ValidArgs: []string{"cards", "empty"},
		RunE: func(c *cobra.Command, args []string) error {
			template, folder := "empty", a.dir
			if len(args) > 0 {
				template = args[0]
			}
			if len(args) > 1 {
				folder = filepath.Join(a.dir, args[1])
			}
			if template != "cards" && c.Flags().Changed("events") {
				return usagef("--events goes with the template cards")
			}
			files, err := templateFiles(template)
			if err != nil {
				return err
			}
			ignore := ""
			if template == "cards" {
				ignore = ignoredCards
			}
			if err := writeProject(template, folder, files, ignore); err != nil {
				return err
			}
			if template == "cards" && events.Events > 0 {
				if _, err := gen.WriteFiles(c.Context(), folder, events); err != nil {
					return err
				}
			}
			a.printNext(template, folder)
			return nil
		},
	}
	eventFlags(c, &events, 20_000)
	return c
}

func templateFiles(name string) (fs.FS, error) {
	switch name {
	case "cards":
		return examples.Cards(), nil
	case "empty":
		return fs.Sub(emptyTemplate, "empty")
	}
	return nil, usagef("unknown template %q: want cards or empty", name)
}

// ignored is what git must not keep of any project: .env holds secrets,
// .tidemill/ the embedded database, target/ what build rendered.
const ignored = ".env\n.tidemill/\nlogs/\ntarget/\n"

// ignoredCards is what the generator of the cards example writes.
const ignoredCards = "events/\nbackfill/\n"

// writeProject copies files into folder, with a .gitignore of its own. It
// looks before it writes, so that a folder with one of the files in it is left
// as it was.
func writeProject(template, folder string, files fs.FS, ignore string) error {
	contents := map[string][]byte{}
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		contents[path], err = fs.ReadFile(files, path)
		return err
	})
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		target := filepath.Join(folder, filepath.FromSlash(name))
		if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
			return &tidemill.Error{
				Code: tidemill.Invalid, Op: "init", Err: fmt.Errorf("%s exists", target),
				Hint: fmt.Sprintf("name another folder: tidemill init %s NEW_FOLDER", template),
			}
		}
	}
	for name, content := range contents {
		target := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("init: %w", err)
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			return fmt.Errorf("init: %w", err)
		}
	}
	return ignoreFiles(filepath.Join(folder, ".gitignore"), ignored+ignore)
}

// ignoreFiles adds to a .gitignore the lines that it lacks.
func ignoreFiles(file, lines string) error {
	has, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("init: %w", err)
	}
	text := string(has)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	known := strings.Fields(text)
	for line := range strings.Lines(lines) {
		if !slices.Contains(known, strings.TrimSpace(line)) {
			text += line
		}
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	return nil
}

func (a *app) printNext(template, folder string) {
	steps := []string{"tidemill check", "tidemill land --once", "tidemill build"}
	if template == "cards" {
		steps = append(steps, "tidemill query 'from marts.fct_orders limit 5'")
	}
	if folder != "." {
		steps = append([]string{"cd " + folder}, steps...)
	}
	where := folder
	if where == "." {
		where = "this folder"
	}
	fmt.Fprintf(a.stdout, "A project is in %s. Next:\n", where)
	for _, step := range steps {
		fmt.Fprintln(a.stdout, "  "+strings.Replace(step, "tidemill", self(), 1))
	}
}
