package cli

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/examples"
)

// patience bounds a command that is expected to end.
const patience = 2 * time.Minute

// Project is a folder that commands run in.
type Project struct {
	Dir   string
	Env   []string // NAME=value, beside PATH and HOME
	Wrap  []string // a command that the program is run by, such as prlimit with its flags
	Flags []string // before those of every command, such as --target

	t   testing.TB
	bin string
}

// New makes a project with the given tidemill.yml, and the schema of the
// cards example in proto/.
func New(t testing.TB, config string) *Project {
	t.Helper()
	p := &Project{Dir: t.TempDir(), t: t, bin: Binary(t)}
	p.copy("proto")
	p.Write("tidemill.yml", config)
	return p
}

// Cards makes a project of all that the cards example consists of.
func Cards(t testing.TB) *Project {
	t.Helper()
	p := &Project{Dir: t.TempDir(), t: t, bin: Binary(t)}
	p.copy(".")
	return p
}

// copy takes a folder over from the cards example.
func (p *Project) copy(folder string) {
	p.t.Helper()
	from, err := fs.Sub(examples.Cards(), folder)
	if err == nil {
		err = os.CopyFS(filepath.Join(p.Dir, folder), from)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Write makes or replaces a file.
func (p *Project) Write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.Dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Replace changes a text that a file holds, once.
func (p *Project) Replace(name, old, text string) {
	p.t.Helper()
	had, err := os.ReadFile(filepath.Join(p.Dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	if strings.Count(string(had), old) != 1 {
		p.t.Fatalf("%s holds %q %d times, want once", name, old, strings.Count(string(had), old))
	}
	p.Write(name, strings.Replace(string(had), old, text, 1))
}

// command prepares the program without running it.
func (p *Project) command(args ...string) *exec.Cmd {
	line := slices.Concat(p.Wrap, []string{p.bin}, p.Flags, args)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = p.Dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.Dir, "TMPDIR=" + os.TempDir()}, p.Env...)
	return cmd
}

// Result is how a command ended.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Output is all that was printed.
func (r Result) Output() string { return r.Stdout + r.Stderr }

// Run runs a command to its end.
func (p *Project) Run(args ...string) Result {
	p.t.Helper()
	return p.Start(args...).Wait(patience)
}

// Must runs a command that must succeed and returns its standard output.
func (p *Project) Must(args ...string) string {
	p.t.Helper()
	r := p.Run(args...)
	if r.Code != 0 {
		p.t.Fatalf("tidemill %s: exit code %d\n%s", strings.Join(args, " "), r.Code, r.Output())
	}
	return r.Stdout
}

// Query returns the rows of a result as text, null as the empty text.
func (p *Project) Query(sql string) [][]string {
	p.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(p.Must("query", "--format", "csv", sql))).ReadAll()
	if err != nil {
		p.t.Fatalf("query %s: %v", sql, err)
	}
	return rows[1:]
}

// Value returns the one value of a result.
func (p *Project) Value(sql string) string {
	p.t.Helper()
	rows := p.Query(sql)
	if len(rows) != 1 || len(rows[0]) != 1 {
		p.t.Fatalf("query %s: want one value, got %v", sql, rows)
	}
	return rows[0][0]
}

// Counts returns a result of two columns, a text and how often it is there.
func (p *Project) Counts(sql string) map[string]int {
	p.t.Helper()
	got := map[string]int{}
	for _, row := range p.Query(sql) {
		var n int
		if _, err := fmt.Sscan(row[1], &n); err != nil {
			p.t.Fatal(err)
		}
		got[row[0]] += n
	}
	return got
}

// Eventually waits until a query returns the value wanted.
func (p *Project) Eventually(sql, want string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		r := p.Run("query", "--format", "csv", sql)
		_, got, _ := strings.Cut(strings.TrimSpace(r.Stdout), "\n")
		if r.Code == 0 && got == want {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("query %s: %q after %s, want %q\n%s", sql, got, patience, want, r.Stderr)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
