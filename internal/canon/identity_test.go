package canon_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/canon"
)

// TestGolden pins the format on disk. A line of testdata/identities.tsv must
// never change: keys that were stored would not be found again. Its columns
// are the JSON text, its canonical form, then the delivery, payload hash, key
// by id and key by payload for source "orders", type "shop.v1.Order" and id
// "m-1".
func TestGolden(t *testing.T) {
	f, err := os.Open("testdata/identities.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for in := bufio.NewScanner(f); in.Scan(); {
		want := strings.Split(in.Text(), "\t")
		if len(want) != 6 {
			t.Fatalf("line %q", in.Text())
		}
		lines++
		raw := []byte(want[0])
		payload, err := canon.Append(nil, raw)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{
			want[0], string(payload),
			canon.Delivery("orders", "shop.v1.Order", "m-1", raw).String(),
			canon.PayloadHash("shop.v1.Order", payload).String(),
			canon.Key("shop.v1.Order", "m-1", payload).String(),
			canon.Key("shop.v1.Order", "", payload).String(),
		}
		if g := strings.Join(got, "\t"); g != in.Text() {
			t.Errorf("got\n%s\nwant\n%s", g, in.Text())
		}
	}
	if lines < 6 {
		t.Errorf("only %d lines", lines)
	}
}

// TestFieldsDoNotMix: moving bytes from one field to the next gives another
// identity, and so does another kind.
func TestFieldsDoNotMix(t *testing.T) {
	ids := map[string]bool{}
	for _, id := range []string{
		canon.Delivery("ab", "c", "d", nil).String(),
		canon.Delivery("a", "bc", "d", nil).String(),
		canon.Delivery("a", "b", "cd", nil).String(),
		canon.Delivery("a", "b", "c", []byte("d")).String(),
		canon.Delivery("", "", "", []byte("abcd")).String(),
		canon.PayloadHash("a", []byte("b")).String(),
		canon.Key("a", "", []byte("b")).String(),
		canon.Key("a", "b", nil).String(),
		canon.Key("ab", "", nil).String(),
	} {
		if ids[id] {
			t.Errorf("%s twice", id)
		}
		ids[id] = true
	}
}

// TestDecimal: a number means the same in every spelling, and spellings of
// different numbers differ.
func TestDecimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[1-9][0-9]{0,30}`).Draw(t, "digits")
		exp := rapid.IntRange(-40, 40).Draw(t, "exp")
		split := rapid.IntRange(1, len(digits)).Draw(t, "split")
		zeros := rapid.IntRange(0, 5).Draw(t, "zeros")
		a := digits + "e" + strconv.Itoa(exp)
		b := digits[:split] + "." + digits[split:] + strings.Repeat("0", zeros+1) + "E" + strconv.Itoa(exp+len(digits)-split)
		x, err := canon.AppendNumber(nil, []byte(a))
		if err != nil {
			t.Fatal(err)
		}
		y, err := canon.AppendNumber(nil, []byte(b))
		if err != nil || string(x) != string(y) {
			t.Fatalf("%s is %s, %s is %s, %v", a, x, b, y, err)
		}
		again, err := canon.AppendNumber(nil, x)
		if err != nil || string(again) != string(x) || strings.ContainsAny(string(x), "eE+") {
			t.Fatalf("%s is %s, %v", x, again, err)
		}
		other, _ := canon.AppendNumber(nil, []byte(digits+"1e"+strconv.Itoa(exp)))
		if string(other) == string(x) {
			t.Fatalf("two numbers are %s", x)
		}
	})
}

func hmacHex(text string) string {
	mac := hmac.New(sha256.New, []byte("salt"))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestProtect(t *testing.T) {
	const in = `{"email":"a@b.c","id":1,"lines":[{"card":"x","note":null,"price":2},{"card":["y","z"]}],"userName":{"b":1,"a":2},"a.b":3,"deep":{"x":{"y":1,"z":2}}}`
	for _, c := range []struct {
		drop, hash, mask []string
		want             string
	}{
		{nil, nil, []string{"email", "lines.card", "lines.note", "user_name"}, `{"a.b":3,"deep":{"x":{"y":1,"z":2}},"email":"***","id":1,"lines":[{"card":"***","note":null,"price":2},{"card":["***","***"]}],"userName":"***"}`},
		{[]string{"lines", `a\.b`, "deep.x.y", "none.at.all", "id.x"}, nil, nil, `{"deep":{"x":{"z":2}},"email":"a@b.c","id":1,"userName":{"a":2,"b":1}}`},
		// HMAC-SHA-256 with key "salt" of a@b.c, 1 and {"a":2,"b":1}
		{[]string{"lines", "deep", `a\.b`}, []string{"email", "id", "userName"}, nil, `{"email":"HASH1","id":"HASH2","userName":"HASH3"}`},
		{[]string{"user_name", "email", "id", "lines", "deep"}, nil, []string{`a\.b`}, `{"a.b":"***"}`},
	} {
		p, err := canon.NewProtect(c.drop, c.hash, c.mask, "salt")
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Append([]byte("x"), []byte(in))
		want := strings.NewReplacer("HASH1", hmacHex("a@b.c"), "HASH2", hmacHex("1"), "HASH3", hmacHex(`{"a":2,"b":1}`)).Replace(c.want)
		if err != nil || string(got) != "x"+want {
			t.Errorf("%v\n got %s, %v\nwant x%s", c, got, err, want)
		}
	}
}

func TestProtectRefuses(t *testing.T) {
	for _, c := range []struct {
		drop, hash, mask []string
		salt             string
	}{
		{nil, []string{"a"}, nil, ""},
		{[]string{"a"}, nil, []string{"a"}, ""},
		{[]string{"a.b", "a.b"}, nil, nil, ""},
		{[]string{"a_b", "aB"}, nil, nil, ""},
		{[]string{""}, nil, nil, ""},
		{[]string{"a..b"}, nil, nil, ""},
		{[]string{"a."}, nil, nil, ""},
	} {
		if _, err := canon.NewProtect(c.drop, c.hash, c.mask, c.salt); err == nil {
			t.Errorf("%v is taken", c)
		}
	}
	p, err := canon.NewProtect(nil, nil, nil, "")
	if got, _ := p.Append(nil, []byte(`{"a":1}`)); err != nil || string(got) != `{"a":1}` {
		t.Errorf("no rules: %s %v", got, err)
	}
}

func TestWithout(t *testing.T) {
	paths, err := canon.NewPaths([]string{"sent_at", "trace.id", "_unknown"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := canon.Without(nil, []byte(`{"_unknown":"eA==","a":1,"sentAt":"x","trace":{"id":1,"n":2}}`), paths)
	if err != nil || string(got) != `{"a":1,"trace":{"n":2}}` {
		t.Errorf("%s %v", got, err)
	}
	none, err := canon.NewPaths(nil)
	if got, _ := canon.Without([]byte("x"), []byte(`{}`), none); err != nil || string(got) != "x{}" {
		t.Errorf("%s %v", got, err)
	}
}
