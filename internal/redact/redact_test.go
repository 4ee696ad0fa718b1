package redact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/redact"
)

// holder keeps a Secret where fmt cannot call its methods.
type holder struct {
	Name   string
	hidden redact.Secret
	Shown  *redact.Secret
	List   []redact.Secret
}

func TestSecretPrintsAsMask(t *testing.T) {
	s := redact.New("hunter2-hunter2")
	h := holder{Name: "x", hidden: s, Shown: &s, List: []redact.Secret{s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		for _, v := range []any{s, &s, h, &h, []any{s}, map[string]any{"k": h}} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, "hunter2") {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
	j, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"Name":"x","Shown":"***","List":["***"]}`; string(j) != want {
		t.Errorf("json: %s, want %s", j, want)
	}
	if s.Reveal() != "hunter2-hunter2" || s.Empty() || !redact.New("").Empty() || redact.New("").Reveal() != "" {
		t.Error("Reveal or Empty is wrong")
	}
}

func TestText(t *testing.T) {
	redact.Register(`p@ss/w"rd+1 é`)
	redact.Register("overlapping-one")
	redact.Register("one-after")
	redact.Register("selfself")
	redact.Register("abc") // too short to be looked for
	redact.Register("****")
	for _, c := range []struct{ in, want string }{
		{`login p@ss/w"rd+1 é refused`, "login *** refused"},
		{"q=" + url.QueryEscape(`p@ss/w"rd+1 é`) + "&x", "q=***&x"},
		{"q=" + strings.ToLower(url.QueryEscape(`p@ss/w"rd+1 é`)), "q=***"},
		{"path/" + url.PathEscape(`p@ss/w"rd+1 é`), "path/***"},
		{`{"p":"p@ss/w\"rd+1 é"}`, `{"p":"***"}`},
		{"x overlapping-one-after y", "x *** y"},
		{"x selfselfself y", "x *** y"},
		{"abc stays", "abc stays"},
		{"amqp://guest:abc@localhost:5672/", "amqp://guest:***@localhost:5672/"},
		{"amqp://guest:a@b@localhost/ and http://u:v@h", "amqp://guest:***@localhost/ and http://u:***@h"},
		{"amqp://guest:a/b@localhost/", "amqp://guest:***@localhost/"},
		{"amqp://:abc@localhost", "amqp://:***@localhost"},
		{"http://localhost:8080/@team/page", "http://localhost:8080/@team/page"},
		{"http://localhost:80", "http://localhost:80"},
		{"a:b@c", "a:b@c"},
	} {
		if got := redact.Text(c.in); got != c.want {
			t.Errorf("Text(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// TestNothingGetsThrough registers any value and logs it in every way.
func TestNothingGetsThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9@:/%+&="'\\é\n]{6,24}`).Draw(t, "secret")
		redact.Register(secret)
		var out bytes.Buffer
		for _, next := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			log := slog.New(redact.Handler(next)).With("with", secret).WithGroup("g")
			log.Info("message "+secret, "string", secret, "error", errors.New("x "+secret),
				"bytes", []byte(secret), "map", map[string]string{"k": secret}, "pointer", &secret,
				slog.Group("in", "deep", struct{ A, B string }{secret, "b"}), "secret", redact.New(secret))
		}
		fmt.Fprintf(redact.Writer(&out), "%s %q %s\n", secret, secret, url.QueryEscape(secret))
		j, _ := json.Marshal(secret)
		for _, form := range []string{secret, string(j[1 : len(j)-1]), url.QueryEscape(secret)} {
			if strings.Contains(out.String(), form) {
				t.Fatalf("%q is in\n%s", form, out.String())
			}
		}
	})
}

func TestHandlerKeepsTheRest(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(redact.Handler(slog.NewTextHandler(&out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	log.With("a", 1).WithGroup("g").Warn("hello", "n", 2, "list", []int{3})
	log.Debug("not enabled")
	if want := "level=WARN msg=hello a=1 g.n=2 g.list=[3]\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
