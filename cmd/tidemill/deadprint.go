package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/land"
)

// printLetters prints a line for each letter, aligned, with its reason below.
func (a *app) printLetters(letters []land.Letter) {
	status, code, kind := 0, 0, 0
	for _, l := range letters {
		status, code, kind = max(status, len(l.Status)), max(code, len(l.Code)), max(kind, len(origin(l)))
	}
	for _, l := range letters {
		fmt.Fprintf(a.stdout, "%s  %s  %-*s  %-*s  %-*s  %s\n    %s\n", l.Delivery.String()[:13], l.DeadAt.Format(time.DateTime),
			status, l.Status, code, l.Code, kind, origin(l), plural(l.Size, "byte"), l.Reason)
	}
}

// origin is the queue and, where it is known, the type of a letter.
func origin(l land.Letter) string {
	if l.Message.Type == "" {
		return l.Message.Source
	}
	return l.Message.Source + "/" + l.Message.Type
}

func (a *app) printLetter(l land.Letter) {
	show := func(name, value string) {
		if value != "" {
			fmt.Fprintf(a.stdout, "%-12s %s\n", name, value)
		}
	}
	show("delivery", l.Delivery.String())
	show("pipeline", l.Pipeline)
	show("status", l.Status)
	show("code", string(l.Code))
	show("reason", l.Reason)
	show("source", l.Message.Source)
	show("type", l.Message.Type)
	show("message id", l.Message.ID)
	show("dead since", l.DeadAt.Format(time.RFC3339))
	if !l.Message.Time.IsZero() {
		show("source time", l.Message.Time.Format(time.RFC3339Nano))
	}
	for _, name := range sortedKeys(l.Message.Meta) {
		show("meta", name+" = "+l.Message.Meta[name])
	}
	show("bytes", fmt.Sprint(l.Size))
	if l.Size > 0 {
		fmt.Fprintf(a.stdout, "\n%s", dump(l.Message.Value))
	}
}

// shown bounds what dump prints; --output has all of it.
const shown = 4096

// dump returns bytes as text where they are text, else as a hex dump.
func dump(b []byte) string {
	rest := ""
	if len(b) > shown {
		rest = fmt.Sprintf("… %d of %d bytes; --output FILE writes all of them\n", shown, len(b))
		b = b[:shown]
	}
	printable := utf8.Valid(b) && !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' && c != '\n' && c != '\t' && c != '\r' })
	if printable && len(b) > 0 {
		return string(b) + "\n" + rest
	}
	return hex.Dump(b) + rest
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// letterJSON is the form of a dead letter in JSON; value is base64.
type letterJSON struct {
	Delivery   string            `json:"delivery"`
	Pipeline   string            `json:"pipeline"`
	Status     string            `json:"status"`
	Code       tidemill.Code     `json:"code"`
	Reason     string            `json:"reason"`
	Source     string            `json:"source"`
	Type       string            `json:"type"`
	MessageID  string            `json:"message_id,omitempty"`
	Meta       map[string]string `json:"meta,omitempty"`
	Size       int64             `json:"size"`
	DeadAt     time.Time         `json:"dead_at"`
	SourceTime *time.Time        `json:"source_time,omitempty"`
	SettledAt  *time.Time        `json:"settled_at,omitempty"`
	Value      string            `json:"value,omitempty"`
}

func letterOf(l land.Letter) letterJSON {
	j := letterJSON{
		Delivery: l.Delivery.String(), Pipeline: l.Pipeline, Status: l.Status, Code: l.Code, Reason: l.Reason,
		Source: l.Message.Source, Type: l.Message.Type, MessageID: l.Message.ID, Meta: l.Message.Meta,
		Size: l.Size, DeadAt: l.DeadAt, Value: base64.StdEncoding.EncodeToString(l.Message.Value),
	}
	if !l.Message.Time.IsZero() {
		j.SourceTime = &l.Message.Time
	}
	if !l.Settled.IsZero() {
		j.SettledAt = &l.Settled
	}
	return j
}

func (a *app) printJSON(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n", line)
	return err
}
