package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidemill/tidemill/examples/cards/gen"
)

// database is that of the target dev of the cards project.
const database = ".tidemill/cards.duckdb"

// model is one line of tidemill ls.
type model struct {
	Name         string `json:"name"`
	Kind         string `json:"resource_type"`
	Materialized string `json:"materialized"`
	File         string `json:"file"`
}

// benchMarts builds the marts of a million events, and beside it runs the
// same SQL, as tidemill compile writes it, over one bare connection. Both
// begin with a copy of the landed database and end with it closed.
func benchMarts(ctx context.Context, b *bench) error {
	n := b.n(1_000_000)
	dir, err := b.landed(ctx, n)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	models, tests, err := b.compiled(ctx, dir)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, database)
	if err := os.Rename(path, path+".landed"); err != nil {
		return err
	}
	anew := func(run func() error) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			if err := copyFile(path, path+".landed"); err != nil {
				return 0, err
			}
			return timed(run)
		}
	}
	command := func(args ...string) func() error {
		return func() error {
			_, err := b.tidemill(ctx, dir, args...)
			return err
		}
	}
	took, err := alternate(b.rounds,
		anew(func() error { return bare(ctx, path, models) }), anew(command("run")),
		anew(func() error { return bare(ctx, path, models, tests...) }), anew(command("build")))
	if err != nil {
		return err
	}
	for i, what := range []string{"tidemill run", "tidemill build, with all tests"} {
		floor, subject := took[2*i], took[2*i+1]
		ratio := subject.Seconds() / floor.Seconds()
		b.add(figure{
			bench: "marts", what: fmt.Sprintf("%s, of %d events", what, n),
			subject: millis(subject), floor: millis(floor), ratio: ratio, need: "<= 3", ok: ratio <= 3,
		})
	}
	return nil
}

// landed makes a cards project whose database holds n events, and the seeds.
func (b *bench) landed(ctx context.Context, n int) (string, error) {
	dir, err := b.cards()
	if err != nil {
		return "", err
	}
	for _, name := range []string{"events", "backfill"} { // what init makes
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	if _, err := gen.WriteFiles(ctx, dir, gen.Options{Events: n, Seed: 1, Duplicates: 0.02, Malformed: fewMalformed / float64(n)}); err != nil {
		return "", err
	}
	for _, args := range [][]string{{"land", "--once"}, {"seed"}, {"compile"}} {
		if _, err := b.tidemill(ctx, dir, args...); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// compiled returns the models as statements in the order of their
// dependencies, and the queries of the tests.
func (b *bench) compiled(ctx context.Context, dir string) (models, tests []string, err error) {
	out, err := b.tidemill(ctx, dir, "ls", "--format", "json")
	if err != nil {
		return nil, nil, err
	}
	root := filepath.Join(dir, "target", "compiled", "cards")
	seen := map[string]bool{}
	for line := range strings.Lines(out) {
		var m model
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			return nil, nil, err
		}
		if m.Kind != "model" {
			continue
		}
		file := filepath.Join(root, m.File)
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, err
		}
		seen[file] = true
		kind := "TABLE"
		if m.Materialized == "view" {
			kind = "VIEW"
		}
		schema := strings.Split(m.File, "/")[1] // the project names schemas by folder
		models = append(models, fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s; CREATE %s %s.%s AS %s", schema, kind, schema, m.Name, text))
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || seen[path] || filepath.Ext(path) != ".sql" {
			return err
		}
		text, err := os.ReadFile(path)
		tests = append(tests, fmt.Sprintf("SELECT count(*) FROM (%s\n)", bytes.TrimRight(text, "; \n")))
		return err
	})
	if err == nil && (len(models) == 0 || len(tests) == 0) {
		err = fmt.Errorf("%d models and %d tests were compiled", len(models), len(tests))
	}
	return models, tests, err
}

// bare runs statements and queries one after the other.
func bare(ctx context.Context, path string, statements []string, queries ...string) error {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // again only after an error
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%w in %s", err, s)
		}
	}
	for _, q := range queries {
		var n int
		if err := db.QueryRowContext(ctx, q).Scan(&n); err != nil {
			return fmt.Errorf("%w in %s", err, q)
		}
	}
	return db.Close()
}

// copyFile replaces the file to, and what a database has beside it.
func copyFile(to, from string) error {
	if err := os.RemoveAll(to + ".wal"); err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}
