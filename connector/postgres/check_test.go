package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/internal/redact"
)

func TestCheck(t *testing.T) {
	c, _ := database(t, manyTables...)
	for name, x := range map[string]struct {
		conn Connection
		opts Options
		want []string // one for each finding
	}{
		"connection":  {c, Options{}, []string{"true false connect to postgres"}},
		"tables":      {c, Options{Tables: []string{"s.ids", "s.bare"}}, []string{"true false connect", "true true table s.bare: about 1000 rows, 2 columns it has no key", "true false table s.ids: about 1000 rows"}},
		"query":       {c, Options{Query: "select 1 as a"}, []string{"true false connect", "true true query query: 1 columns it has no key"}},
		"no table":    {c, Options{Tables: []string{"s.nothing"}}, []string{"true false connect", "false false read tables"}},
		"no cursor":   {c, Options{Tables: []string{"s.ids"}, Mode: modeIncremental, Cursor: "at"}, []string{"true false connect", `false false read tables postgres`}},
		"bad options": {c, Options{Tables: []string{"s.ids"}, Mode: modeIncremental}, []string{"true false connect", "false false read source"}},
		"no database": {Connection{URL: redact.New(shared.URL("nothing"))}, Options{}, []string{"false false connect"}},
		"no host":     {Connection{}, Options{}, []string{"false false read connection"}},
	} {
		t.Run(name, func(t *testing.T) {
			found := Check(context.Background(), x.conn, x.opts, testEnv(t))
			if len(found) != len(x.want) {
				t.Fatalf("%+v", found)
			}
			for i, f := range found {
				if got := fmt.Sprint(f.OK, " ", f.Warn, " ", f.What, " ", f.Why); !strings.HasPrefix(got, x.want[i]) {
					t.Errorf("%s, want %s", got, x.want[i])
				}
				if (!f.OK || f.Warn) && (f.Hint == "" || f.Why == "") {
					t.Errorf("no remedy: %+v", f)
				}
			}
		})
	}
}
