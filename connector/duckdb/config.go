package duckdb

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

// inMemory is the path of a database that no file holds.
const inMemory = ":memory:"

// Connection is the configuration of a connection of type duckdb.
type Connection struct {
	Path        string            `yaml:"path" doc:"The database file, relative to the project folder; :memory: keeps nothing." required:"true"`
	MemoryLimit string            `yaml:"memory_limit" doc:"Memory that the engine may use for models and queries, as 2GiB; beyond it, it spills to disk. By default 80% of the machine. While it only lands it begins with 64MiB, and uses one thread."`
	Threads     int               `yaml:"threads" doc:"Threads of the engine. By default one for each core."`
	Settings    map[string]string `yaml:"settings" doc:"Other settings of the engine, by name, for all its connections."`
}

// Database is the name that the engine gives the database in the file.
func (c Connection) Database() string {
	if c.Path == inMemory {
		return "memory"
	}
	return databaseName(c.Path)
}

// databaseName is the name of the file at path up to its first dot, unless
// the engine has a meaning for it.
func databaseName(path string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(filepath.Base(path), "."), ".")
	if slices.Contains([]string{"main", "memory", "temp", "system", views}, name) {
		name += "_db"
	}
	return name
}

// Files are what a clean-up must leave.
func (c Connection) Files() []string {
	if c.Path == inMemory {
		return nil
	}
	return []string{c.Path}
}

// options are the settings that the engine wants before it opens the file.
func (c Connection) options(path string) map[string]string {
	o := map[string]string{}
	if path != inMemory {
		o["temp_directory"] = path + ".tmp" // what does not fit in memory
	}
	if c.MemoryLimit != "" {
		o["memory_limit"] = c.MemoryLimit
	}
	if c.Threads > 0 {
		o["threads"] = strconv.Itoa(c.Threads)
	}
	return o
}

// statements set up an instance.
func (c Connection) statements() []string {
	all := []string{
		"ATTACH ':memory:' AS " + views,
		// Days and hours must not depend on the machine a model runs on.
		"SET GLOBAL TimeZone = 'UTC'",
	}
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		value, err := ident.Literal(tidemill.DuckDB, c.Settings[name])
		quoted, err2 := ident.Quote(tidemill.DuckDB, name)
		if err == nil && err2 == nil { // Validate has said why not
			all = append(all, "SET GLOBAL "+quoted+" = "+value)
		}
	}
	return all
}

// rowGroup is the number of rows that a file keeps together. Each checkpoint
// writes the last, unfinished group again: with the engine's 122,880 rows that
// cost more than landing itself, and twice the memory.
const rowGroup = "20480"

// attachment returns the statements that open the file at path as a database
// of that name, and that begin to work in it.
func attachment(path, database string) (attach, use string, err error) {
	name, err := ident.Quote(tidemill.DuckDB, database)
	if err != nil {
		return "", "", err
	}
	file, err := ident.Literal(tidemill.DuckDB, path)
	if err != nil {
		return "", "", err
	}
	return "ATTACH " + file + " AS " + name + " (ROW_GROUP_SIZE " + rowGroup + ")", "USE " + name, nil
}

// Validate says what is wrong with the configuration itself.
func (c Connection) Validate() error {
	if c.Path == "" {
		return &tidemill.Error{Code: tidemill.Invalid, Op: "duckdb", Err: errors.New("path is empty"), Hint: "set path to a file such as .tidemill/warehouse.duckdb"}
	}
	if c.Threads < 0 {
		return &tidemill.Error{Code: tidemill.Invalid, Op: "duckdb", Err: fmt.Errorf("threads is %d", c.Threads), Hint: "leave threads out to use every core"}
	}
	for name, value := range c.Settings {
		_, err := ident.Quote(tidemill.DuckDB, name)
		_, err2 := ident.Literal(tidemill.DuckDB, value)
		if err := errors.Join(err, err2); err != nil {
			return &tidemill.Error{Code: tidemill.Invalid, Op: "duckdb", Err: fmt.Errorf("settings: %w", err)}
		}
	}
	return nil
}

// resolve returns the absolute path of the database with symlinks followed,
// so that every process gives one file one name. It makes the folder.
func (c Connection) resolve(dir string) (string, error) {
	if c.Path == inMemory {
		return inMemory, nil
	}
	path := c.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", &tidemill.Error{Code: tidemill.Invalid, Op: "duckdb", Err: err}
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return "", &tidemill.Error{
			Code: tidemill.Invalid, Op: "duckdb", Err: fmt.Errorf("path %s is a folder", path),
			Hint: "name a file in it, such as " + filepath.Join(c.Path, "warehouse.duckdb"),
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", &tidemill.Error{Code: tidemill.Denied, Op: "duckdb", Err: err, Hint: "set path to a place where this user may write"}
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real, nil
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path)) // the file is not there yet
	if err != nil {
		return "", &tidemill.Error{Code: tidemill.Invalid, Op: "duckdb", Err: err}
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}
