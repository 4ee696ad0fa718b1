package object

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// stamp is a time as a changefeed names its files by it.
func stamp(second int) string { return fmt.Sprintf("202004022058%02d%09d%010d", second, 0, 0) }

func dataKey(second int, topic string) string {
	return "2020-04-02/" + stamp(second) + "-56087568dba1e6b8-1-72-00000000-" + topic + "-1.ndjson"
}

func resolvedKey(second int) string { return "2020-04-02/" + stamp(second) + ".RESOLVED" }

func TestCockroachLayout(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		row := `{"after": {"id": %d}, "key": [%d]}` + "\n"
		p.put(t, "feed/"+dataKey(1, "users"), fmt.Sprintf(row, 1, 1))
		p.put(t, "feed/"+dataKey(2, "my-orders"), fmt.Sprintf(row, 2, 2)+fmt.Sprintf(row, 3, 3))
		p.put(t, "feed/"+resolvedKey(2), `{"resolved":"x"}`)
		p.put(t, "feed/"+dataKey(3, "users"), fmt.Sprintf(row, 4, 4))
		p.put(t, "feed/2020-04-03/notes.ndjson", "{}\n")
		opts := Options{Path: "feed/", Layout: cockroachdb, Final: true}
		var g got
		if err := g.land(t, p.source(opts), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, []string{`users:{"after": {"id": 1}, "key": [1]}`, `my-orders:{"after": {"id": 2}, "key": [2]}`, `my-orders:{"after": {"id": 3}, "key": [3]}`})
		if m := g.meta[2]; m["resolved"] != "1585861082000000000.0000000000" || m["schema_id"] != "1" {
			t.Errorf("meta %v", m)
		}
		if len(g.marks) != 1 {
			t.Errorf("marks %v", g.marks)
		}
		if err := g.land(t, p.source(opts), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, nil)
		p.put(t, "feed/"+strings.Replace(resolvedKey(4), "2020-04-02", "2020-04-03", 1), "{}")
		if err := g.land(t, p.source(opts), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, []string{`users:{"after": {"id": 4}, "key": [4]}`})

		early := opts
		early.Final = false
		p.put(t, "feed/"+dataKey(9, "users"), fmt.Sprintf(row, 5, 5))
		if err := g.land(t, p.source(early), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, []string{`users:{"after": {"id": 5}, "key": [5]}`})
	})
}

// A file that is written behind a listing, together with the RESOLVED file
// that makes it final, is read, whenever it comes.
func TestWrittenWhileListed(t *testing.T) {
	for when := range 6 {
		b := &growing{folder: newFolder(Folder{Path: t.TempDir()}, env), when: when}
		write(t, b.root, dataKey(5, "t"), "5\n")
		b.grow = func() {
			write(t, b.root, dataKey(2, "t"), "2\n")
			write(t, b.root, resolvedKey(9), "{}")
		}
		var g got
		var all []string
		for range 3 {
			s := NewFolderSource(Folder{}, Options{Layout: cockroachdb, Final: true}, env)
			s.connect = func(context.Context) (bucket, error) { return b, nil }
			if err := g.land(t, s, 0); err != nil {
				t.Fatal(err)
			}
			all = append(all, g.rows...)
		}
		equal(t, all, []string{"t:2", "t:5"})
	}
}

// growing is a bucket of pages of one key, that gets more after a listing.
type growing struct {
	*folder
	when, lists int
	grow        func()
}

func (b *growing) list(ctx context.Context, prefix, after string) ([]entry, string, error) {
	page, _, err := b.folder.list(ctx, prefix, after)
	if b.lists++; b.lists == b.when+1 {
		b.grow()
	}
	if len(page) == 0 {
		return nil, "", err
	}
	return page[:1], page[0].key, err
}

// However files and RESOLVED files come, each row is read once, and none
// before it is final.
func TestCockroachProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		var g got
		var all, want []string
		resolved := 0
		var waiting []int
		for second := 1; second < rapid.IntRange(2, 30).Draw(rt, "seconds"); second++ {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				write(t, dir, resolvedKey(second), "{}")
				resolved = second
				for _, w := range waiting {
					want = append(want, fmt.Sprintf("t:%d", w), fmt.Sprintf("t:%d", -w))
				}
				waiting = nil
			case 1, 2:
				write(t, dir, dataKey(second, "t"), fmt.Sprintf("%d\n%d\n", second, -second))
				waiting = append(waiting, second)
			default:
				s := NewFolderSource(Folder{Path: dir}, Options{Layout: cockroachdb, Final: true}, env)
				if err := g.land(t, s, rapid.IntRange(0, 2).Draw(rt, "limit")); err != nil {
					rt.Fatal(err)
				}
				all = append(all, g.rows...)
			}
		}
		for range len(want) + 1 {
			s := NewFolderSource(Folder{Path: dir}, Options{Layout: cockroachdb, Final: true}, env)
			if err := g.land(t, s, 0); err != nil {
				rt.Fatal(err)
			}
			all = append(all, g.rows...)
		}
		if strings.Join(all, " ") != strings.Join(want, " ") {
			rt.Fatalf("read %q, want %q (resolved %d)", all, want, resolved)
		}
	})
}

func TestCockroachNames(t *testing.T) {
	for key, want := range map[string]string{
		"d/202004022058072107140000000000000-56087568dba1e6b8-1-72-00000000-test_table-1.ndjson": "test_table 1",
		"d/202004022058072107140000000000000-5-1-72-00000000-db.public.a-b-c-1f.csv.gz":          "db.public.a-b-c 1f",
		"d/202004022058072107140000000000000-5-1-72-00000000-t-1.parquet":                        "t 1",
		"d/202004022058072107140000000000000-5-1-72-00000000-t.ndjson":                           "",
		"d/20200402205807-5-1-72-00000000-t-1.ndjson":                                            "",
		"d/202004022058072107140000000000000.RESOLVED":                                           "1585861087210714000.0000000000",
		"d/202099022058072107140000000000000.RESOLVED":                                           "",
	} {
		got := ""
		if n, ok := parseDataName(key); ok {
			got = n.topic + " " + n.schema
		}
		if at, ok := parseResolved(key); ok {
			got = at
		}
		if got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
}
