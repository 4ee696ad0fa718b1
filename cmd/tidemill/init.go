package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

Files that are there already are never overwritten.`,
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
			if err := writeProject(folder, files, ignore); err != nil {
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
func writeProject(folder string, files fs.FS, ignore string) error {
	contents := map[string][]byte{".gitignore": []byte(ignored + ignore)}
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
	for name := range contents {
		target := filepath.Join(folder, filepath.FromSlash(name))
		if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
			return &tidemill.Error{
				Code: tidemill.Invalid, Op: "init", Err: fmt.Errorf("%s exists", target),
				Hint: "name another folder: tidemill init cards NEW_FOLDER",
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
	fmt.Fprintf(a.stdout, "A project is in %s. Next:\n  %s\n", folder, strings.Join(steps, "\n  "))
}
