package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/pipeline/land"
)

// What a table shows of a message; the other formats have all of it.
const (
	peekedName    = 36  // characters of source, type and id
	peekedPayload = 100 // characters
)

// waitingJSON is the form of what waits in JSON. Either payload or code and
// reason are set; value is base64.
type waitingJSON struct {
	Source      string            `json:"source"`
	Type        string            `json:"type,omitempty"`
	ID          string            `json:"message_id,omitempty"`
	Redelivered bool              `json:"redelivered,omitempty"`
	SourceTime  *time.Time        `json:"source_time,omitempty"`
	Size        int               `json:"size,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
	Payload     json.RawMessage   `json:"payload,omitempty"`
	Code        tidemill.Code     `json:"code,omitempty"`
	Reason      string            `json:"reason,omitempty"`
	Value       []byte            `json:"value,omitempty"`
}

func waitingOf(w land.Waiting) waitingJSON {
	j := waitingJSON{
		Source: w.Source, Type: w.Type, ID: w.ID, Redelivered: w.Redelivered, Size: w.Size, Meta: w.Meta,
		Code: w.Code, Reason: redact.Text(w.Reason),
	}
	if !w.Time.IsZero() {
		j.SourceTime = &w.Time
	}
	if w.Code == "" {
		j.Payload = w.Value
	} else {
		j.Value = w.Value
	}
	return j
}

func (a *app) printWaiting(found []land.Waiting, limit int, format string) error {
	switch format {
	case "ndjson":
		for _, w := range found {
			if err := a.printJSON(waitingOf(w)); err != nil {
				return err
			}
		}
		return nil
	case "json":
		all := make([]waitingJSON, len(found))
		for i, w := range found {
			all[i] = waitingOf(w)
		}
		return a.printJSON(all)
	}
	a.printWaitingTable(found)
	switch len(found) {
	case 0:
		fmt.Fprintln(a.stdout, "nothing waits")
	case limit:
		fmt.Fprintf(a.stderr, "the next %d are shown, there may be more: --limit; whole values: --format json\n", limit)
	}
	return nil
}

// printWaitingTable leaves out the columns that are empty.
func (a *app) printWaitingTable(found []land.Waiting) {
	if len(found) == 0 {
		return
	}
	head := []string{"source", "type", "id"}
	widths := make([]int, len(head))
	lines := make([][]string, len(found))
	for n, w := range found {
		lines[n] = []string{clipped(w.Source, peekedName), clipped(w.Type, peekedName), clipped(w.ID, peekedName)}
		for i, cell := range lines[n] {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(cells []string, last string) {
		for i, width := range widths {
			if width > 0 {
				fmt.Fprintf(a.stdout, "%-*s  ", max(width, len(head[i])), cells[i])
			}
		}
		fmt.Fprintln(a.stdout, last)
	}
	line(head, "payload")
	for n, w := range found {
		if w.Code != "" {
			line(lines[n], fmt.Sprintf("dead: %s: %s", w.Code, clipped(redact.Text(w.Reason), 2*peekedPayload)))
		} else {
			line(lines[n], clipped(string(w.Value), peekedPayload))
		}
	}
}

// clipped is text on one line, cut, without what a terminal would obey.
func clipped(text string, most int) string {
	if len(text) > 4*most {
		text = text[:4*most+utf8.UTFMax] // enough for the runes that are kept
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, strings.Join(strings.Fields(text), " "))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
