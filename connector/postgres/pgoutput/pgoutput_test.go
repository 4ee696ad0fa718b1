package pgoutput_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
)

// golden is what servers sent: lines of a name, and the message in
// hexadecimal. See testdata/README.md for how it was taken.
func golden(t testing.TB) (names []string, messages [][]byte) {
	t.Helper()
	f, err := os.Open("testdata/messages.hex")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, digits, _ := strings.Cut(lines.Text(), " ")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		names, messages = append(names, name), append(messages, b)
	}
	return names, messages
}

// show prints a message with its values readable.
func show(m pgoutput.Message) string {
	v := reflect.ValueOf(m).Elem()
	var b strings.Builder
	b.WriteString(v.Type().Name())
	for i := range v.NumField() {
		b.WriteString(" " + v.Type().Field(i).Name + "=" + showField(v.Field(i).Interface()))
	}
	return b.String()
}

func showField(f any) string {
	switch f := f.(type) {
	case []byte:
		return fmt.Sprintf("%q", f)
	case time.Time:
		return f.Format(time.RFC3339Nano)
	case []pgoutput.Value:
		var all []string
		for _, v := range f {
			all = append(all, fmt.Sprintf("%c:%q", v.Kind, v.Data))
		}
		return "(" + strings.Join(all, " ") + ")"
	case pgoutput.Identity:
		return string(rune(f))
	case pgoutput.OldKind:
		return fmt.Sprintf("%q", rune(f))
	}
	return fmt.Sprint(f)
}

func TestGolden(t *testing.T) {
	names, messages := golden(t)
	var d pgoutput.Decoder
	var got strings.Builder
	for i, b := range messages {
		d.Streaming = names[i] == "streamed"
		m, err := d.Decode(b)
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		got.WriteString(show(m) + "\n")
	}
	want, err := os.ReadFile("testdata/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got:\n%s", got.String())
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("testdata/messages.txt", []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Every message that is cut anywhere, or has a byte too many, is an error
// that says where.
func TestCut(t *testing.T) {
	names, messages := golden(t)
	for i, b := range messages {
		for n := range len(b) + 2 {
			if n == len(b) {
				continue
			}
			cut := append(append([]byte{}, b...), 0)[:n]
			d := pgoutput.Decoder{Streaming: names[i] == "streamed"}
			m, err := d.Decode(cut)
			if err == nil || !strings.Contains(err.Error(), "offset ") {
				t.Fatalf("%d bytes of message %d give %v, %v", n, i, m, err)
			}
		}
	}
}

func TestAllocs(t *testing.T) {
	row := []byte("I\x00\x00\x00\x01N\x00\x03t\x00\x00\x00\x01anb\x00\x00\x00\x02xy")
	var d pgoutput.Decoder
	n := testing.AllocsPerRun(100, func() {
		if _, err := d.Decode(row); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLSN(t *testing.T) {
	for _, l := range []pgoutput.LSN{0, 1, 0x16_B374D848, 1<<64 - 1} {
		if got, err := pgoutput.ParseLSN(l.String()); err != nil || got != l {
			t.Errorf("%s became %s, %v", l, got, err)
		}
	}
	for _, s := range []string{"", "1", "1/", "/1", "x/1", "100000000/1", "1/100000000", "-1/1"} {
		if l, err := pgoutput.ParseLSN(s); err == nil {
			t.Errorf("%q gives %s", s, l)
		}
	}
}

func FuzzDecode(f *testing.F) {
	names, messages := golden(f)
	for i, b := range messages {
		f.Add(names[i] == "streamed", b)
	}
	f.Fuzz(func(t *testing.T, streaming bool, b []byte) {
		d := pgoutput.Decoder{Streaming: streaming}
		m, err := d.Decode(b)
		if (m == nil) == (err == nil) {
			t.Fatalf("%v and %v", m, err)
		}
		if err != nil {
			return
		}
		first := show(m)
		d.Streaming = streaming
		if again, err := d.Decode(b); err != nil || show(again) != first {
			t.Errorf("%s became %s, %v", first, show(again), err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	_, messages := golden(b)
	var insert []byte
	for _, m := range messages {
		if m[0] == 'I' && len(m) > len(insert) {
			insert = m
		}
	}
	var d pgoutput.Decoder
	for b.Loop() {
		if _, err := d.Decode(insert); err != nil {
			b.Fatal(err)
		}
	}
}
