package object

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/tidemill/tidemill/decode/records"
)

// pattern tells which keys are read, and what the parts of them are called.
type pattern struct {
	text   string
	prefix string // that all keys begin with
	re     *regexp.Regexp
}

var captureName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// parsePattern reads the path of a source.
func parsePattern(path string) (*pattern, error) {
	path = strings.TrimPrefix(path, "/")
	p := &pattern{text: path}
	if path == "" || strings.HasSuffix(path, "/") {
		path += "**"
	}
	p.prefix = path
	if i := strings.IndexAny(path, "*?{"); i >= 0 {
		p.prefix = path[:i]
	}
	var re strings.Builder
	re.WriteString(`\A`)
	for seen := map[string]bool{}; path != ""; {
		switch {
		case strings.HasPrefix(path, "**/"):
			re.WriteString(`(?:.*/)?`)
			path = path[3:]
		case strings.HasPrefix(path, "**"):
			re.WriteString(`.*`)
			path = path[2:]
		case path[0] == '*':
			re.WriteString(`[^/]*`)
			path = path[1:]
		case path[0] == '?':
			re.WriteString(`[^/]`)
			path = path[1:]
		case path[0] == '{':
			name, rest, ok := strings.Cut(path[1:], "}")
			if !ok || !captureName.MatchString(name) {
				return nil, fmt.Errorf("{%s is no {name} of letters, digits and _", name)
			}
			if seen[name] {
				return nil, fmt.Errorf("{%s} stands there twice", name)
			}
			seen[name] = true
			re.WriteString(`(?P<` + name + `>[^/]+?)`)
			path = rest
		case path[0] == '}':
			return nil, errors.New("a } has no { before it")
		default:
			n := strings.IndexAny(path, "*?{}")
			if n < 0 {
				n = len(path)
			}
			re.WriteString(regexp.QuoteMeta(path[:n]))
			path = path[n:]
		}
	}
	re.WriteString(`\z`)
	var err error
	p.re, err = regexp.Compile(`(?s)` + re.String())
	return p, err
}

// match returns the named parts of a key, and whether it is to be read. Names
// that begin with . or _ are so only where the path names them in full.
func (p *pattern) match(key string) ([]records.Column, bool) {
	if !strings.HasPrefix(key, p.prefix) {
		return nil, false
	}
	for rest := key[strings.LastIndexByte(p.prefix, '/')+1:]; ; {
		segment, after, more := strings.Cut(rest, "/")
		if strings.HasPrefix(segment, ".") || strings.HasPrefix(segment, "_") {
			return nil, false
		}
		if !more {
			break
		}
		rest = after
	}
	found := p.re.FindStringSubmatch(key)
	if found == nil {
		return nil, false
	}
	var columns []records.Column
	for i, name := range p.re.SubexpNames() {
		if name != "" {
			columns = append(columns, records.Column{Name: name, Value: found[i]})
		}
	}
	return columns, true
}

// hiveNull is how Hive writes a null in a path.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// hive returns the folders of a key that are named KEY=VALUE.
func hive(key string) []records.Column {
	var columns []records.Column
	segments := strings.Split(key, "/")
	for _, s := range segments[:len(segments)-1] {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			continue
		}
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		columns = append(columns, records.Column{Name: name, Value: value, Null: value == hiveNull})
	}
	return columns
}

// fill replaces each {name} in text by that column's value.
func fill(text string, columns []records.Column) string {
	for _, c := range columns {
		text = strings.ReplaceAll(text, "{"+c.Name+"}", c.Value)
	}
	return text
}

// folderName is the last folder that the path names in full, or "".
func (p *pattern) folderName() string {
	parts := strings.Split(p.prefix, "/")
	for i := len(parts) - 2; i >= 0; i-- {
		if parts[i] != "" {
			return parts[i]
		}
	}
	return ""
}

var (
	formatEndings = []struct {
		ending string
		format records.Format
	}{
		{".ndjson", records.NDJSON},
		{".jsonl", records.NDJSON},
		{".json", records.JSON},
		{".csv", records.CSV},
		{".tsv", records.CSV},
		{".parquet", records.Parquet},
		{".avro", records.Avro},
	}
	compressionEndings = []struct {
		ending      string
		compression records.Compression
	}{{".gz", records.Gzip}, {".gzip", records.Gzip}, {".zst", records.Zstd}, {".zstd", records.Zstd}}
)

// named tells format and compression by the ending of a name, "" for what it
// does not say.
func named(name string) (f records.Format, c records.Compression) {
	name = strings.ToLower(name)
	for _, e := range compressionEndings {
		if rest, found := strings.CutSuffix(name, e.ending); found {
			name, c = rest, e.compression
			break
		}
	}
	for _, e := range formatEndings {
		if strings.HasSuffix(name, e.ending) {
			return e.format, c
		}
	}
	return "", c
}

// format is that of all objects, "" where each is of the JSON that its name
// says.
func (o Options) format() records.Format {
	if o.Format != "" && o.Format != "auto" {
		return records.Format(o.Format)
	}
	if f, _ := named(o.Path); f != records.JSON {
		return f
	}
	return ""
}

// formatOf tells format and compression of a key; ok is false where its name
// says that it is of another format than those that are read.
func (o Options) formatOf(key string) (f records.Format, c records.Compression, ok bool) {
	f, c = named(key)
	switch o.Compression {
	case "none":
		c = records.Plain
	case "gzip", "zstd":
		c = records.Compression(o.Compression)
	}
	switch want := o.format(); {
	case want == "":
		return f, c, isJSON(f)
	case f == "" || f == want || isJSON(f) && isJSON(want):
		return want, c, true
	}
	return "", "", false
}

func isJSON(f records.Format) bool { return f == records.JSON || f == records.NDJSON }

// tabbed reports whether a name says that tabs divide the fields.
func tabbed(key string) bool { return strings.Contains(strings.ToLower(key), ".tsv") }
