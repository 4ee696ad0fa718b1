package project

import (
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseEnv(t *testing.T) {
	src := "\ufeff# comment\n\nA=1\r\nexport B = two words  # comment\nC='single # \"quoted\" \\n'\n" +
		"D=\"double \\\"q\\\" \\n \\$x \\\\ \\z\" # comment\nE=\"line 1\nline 2\r\n  line 3\"\nF=\nG=a#b\nH==x=\nA=again\nexportX=1\nI=#nothing\n"
	got, err := parseEnv(".env", src)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"A": "again", "B": "two words", "C": `single # "quoted" \n`, "D": "double \"q\" \n $x \\ \\z",
		"E": "line 1\nline 2\n  line 3", "F": "", "G": "a#b", "H": "=x=", "exportX": "1", "I": "",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestParseEnvErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"A=1\nhunter2", ".env:2:1: the line has no = [invalid]"},
		{"hunter2 hunter2=1", ".env:1:1: what stands before = is no name [invalid]"},
		{"A='hunter2\nB=1", ".env:1:3: the value of A begins with ' and has no second one [invalid]"},
		{"A=1\nB=\"hunter2\n\n", ".env:2:3: the value of B has no closing quote [invalid]"},
		{"A=\"x\ny\"  hunter2", ".env:2:5: text follows the quoted value of A [invalid]"},
		{"é='x' hunter2", ".env:1:1: what stands before = is no name [invalid]"},
		{"A='é' hunter2", ".env:1:7: text follows the quoted value of A [invalid]"},
	} {
		_, err := parseEnv(".env", c.src)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.src, err, c.want)
		}
	}
}

// TestParseEnvRoundTrip writes any values in each style and reads them back.
func TestParseEnvRoundTrip(t *testing.T) {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`, "\t", `\t`, "$", `\$`)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOf(rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,8}`), rapid.String()).Draw(t, "vars")
		var b strings.Builder
		for name, v := range want {
			switch {
			case !strings.ContainsAny(v, "'\n\r") && rapid.Bool().Draw(t, "single"):
				b.WriteString("export " + name + "='" + v + "'\n")
			default:
				b.WriteString(name + ` = "` + escape.Replace(v) + "\" # note\n")
			}
		}
		got, err := parseEnv(".env", b.String())
		if err != nil || !maps.Equal(got, want) {
			t.Fatalf("%v\ngot  %q\nwant %q\nfrom\n%s", err, got, want, b.String())
		}
	})
}

func FuzzParseEnv(f *testing.F) {
	for _, s := range []string{"A=1\n", "export B='x' # y", "C=\"a\\n\nb\"", "=", "D=\"", "\ufeffE=#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		_, err := parseEnv(".env", src)
		for _, e := range Split(err) {
			if e.Pos.Line < 1 || e.Pos.Column < 1 || e.Pos.Line > strings.Count(src, "\n")+1 {
				t.Errorf("%v has no place in %q", e, src)
			}
		}
	})
}
