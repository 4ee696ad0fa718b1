package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Positions are kept in ledgers: what is read of testdata/events, and the
// marks, stay as testdata/want.txt has them. UPDATE=1 writes it anew, which
// is right only where new positions were added.
func TestGolden(t *testing.T) {
	var b strings.Builder
	for _, batch := range land(t, filepath.Join("testdata", "events"), Options{}, map[string]string{}).batches {
		for _, m := range batch.Messages {
			fmt.Fprintf(&b, "%s %s offset=%s line=%s %q\n", m.Source, m.Type, m.Meta["offset"], m.Meta["line"], m.Value)
		}
		for _, d := range batch.Dead {
			fmt.Fprintf(&b, "dead %s %s offset=%s %q %s: %s\n", d.Message.Source, d.Message.Type, d.Message.Meta["offset"], d.Message.Value, d.Code, d.Reason)
		}
		fmt.Fprintf(&b, "mark %s %s\n", batch.Marks[0].Scope, batch.Marks[0].To)
	}
	const want = "testdata/want.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(want, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(text) {
		t.Errorf("got:\n%s", b.String())
	}
}
