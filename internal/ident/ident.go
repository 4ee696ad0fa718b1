// Package ident quotes identifiers and literals and reads table names, per
// dialect. It promises that whatever a name or text holds, its quoted form is
// one token of the dialect and means exactly that name or text; a name that
// the dialect cannot hold is an error, never cut short silently.
package ident

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tidemill/tidemill"
)

// MaxBytes returns how many bytes of UTF-8 an identifier may have. DuckDB has
// no limit of its own; ours keeps names usable in file names and messages.
func MaxBytes(d tidemill.Dialect) int {
	switch d {
	case tidemill.Postgres:
		return 63 // longer ones are cut silently, so that two may become one
	case tidemill.BigQuery:
		return 300 // of a column; a table may have 1,024
	default:
		return 255
	}
}

// Check says why name cannot be an identifier of d, or nil.
func Check(d tidemill.Dialect, name string) error {
	switch {
	case name == "":
		return errors.New("identifier is empty")
	case !utf8.ValidString(name):
		return fmt.Errorf("identifier %q is not UTF-8", name)
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("identifier %q holds a zero byte", name)
	case len(name) > MaxBytes(d):
		return fmt.Errorf("identifier %q has %d bytes, %s holds %d", name[:32]+"…", len(name), d, MaxBytes(d))
	case d == tidemill.BigQuery && strings.ContainsAny(name, "`\\"):
		return fmt.Errorf("identifier %q holds a character that bigquery has no escape for", name)
	}
	return nil
}

// Quote returns name as a quoted identifier of d.
func Quote(d tidemill.Dialect, name string) (string, error) {
	if err := Check(d, name); err != nil {
		return "", err
	}
	if d == tidemill.BigQuery {
		return "`" + name + "`", nil
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`, nil
}

// Table returns n as a quoted name of d, qualified where it has a schema.
func Table(d tidemill.Dialect, n tidemill.TableName) (string, error) {
	name, err := Quote(d, n.Name)
	if err != nil || n.Schema == "" {
		return name, err
	}
	schema, err := Quote(d, n.Schema)
	return schema + "." + name, err
}

// Literal returns text as a string literal of d. Text must be UTF-8 without
// zero bytes, as no dialect has a form for others.
func Literal(d tidemill.Dialect, text string) (string, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", fmt.Errorf("text %q cannot be a string literal: it is not UTF-8 or holds a zero byte", text)
	}
	switch d {
	case tidemill.Snowflake: // a backslash escapes there, also in '...'
		text = strings.ReplaceAll(text, `\`, `\\`)
	case tidemill.BigQuery: // has no '' and no line breaks in '...'
		r := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`)
		return "'" + r.Replace(text) + "'", nil
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'", nil
}

// Bounded returns name, or where it is too long for d its beginning and a
// hash of the whole, so that two long names stay two.
func Bounded(d tidemill.Dialect, name string) string {
	limit := MaxBytes(d)
	if len(name) <= limit {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	tail := "_" + hex.EncodeToString(sum[:6])
	head := name[:limit-len(tail)]
	for !utf8.ValidString(head) { // do not cut within a rune
		head = head[:len(head)-1]
	}
	return head + tail
}

// ParseTable reads schema.name. Either part may stand in double quotes, in
// which "" is a quote; outside of quotes a part holds letters, digits, _, $
// and -. A name alone is a table of the default schema.
func ParseTable(s string) (tidemill.TableName, error) {
	var parts []string
	for rest := s; ; {
		part, tail, err := parsePart(rest)
		if err != nil {
			return tidemill.TableName{}, fmt.Errorf("table name %q: %w", s, err)
		}
		parts = append(parts, part)
		if tail == "" {
			break
		}
		if tail[0] != '.' {
			return tidemill.TableName{}, fmt.Errorf("table name %q: want schema.name; put other characters than letters, digits, _, $ and - in double quotes", s)
		}
		rest = tail[1:]
	}
	switch len(parts) {
	case 1:
		return tidemill.TableName{Name: parts[0]}, nil
	case 2:
		return tidemill.TableName{Schema: parts[0], Name: parts[1]}, nil
	default:
		return tidemill.TableName{}, fmt.Errorf("table name %q: has %d parts, want schema.name", s, len(parts))
	}
}

// parsePart returns the first part of s and what follows it.
func parsePart(s string) (part, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		n := strings.IndexFunc(s, func(r rune) bool { return !plain(r) })
		if n < 0 {
			n = len(s)
		}
		if n == 0 {
			return "", "", errors.New("a part is empty")
		}
		return s[:n], s[n:], nil
	}
	var b strings.Builder
	for s = s[1:]; ; {
		text, tail, closed := strings.Cut(s, `"`)
		if !closed {
			return "", "", errors.New("a double quote is not closed")
		}
		b.WriteString(text)
		if !strings.HasPrefix(tail, `"`) {
			if b.Len() == 0 {
				return "", "", errors.New("a part is empty")
			}
			return b.String(), tail, nil
		}
		b.WriteByte('"')
		s = tail[1:]
	}
}

func plain(r rune) bool {
	return r == '_' || r == '$' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= utf8.RuneSelf && r != utf8.RuneError
}
