package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
	"github.com/tidemill/tidemill/connector/postgres/replica"
)

// The modes of Options.
const (
	modeSnapshot    = "snapshot"
	modeIncremental = "incremental"
	modeCDC         = "cdc"
)

// Options is what a pipeline reads of a Connection.
//
// A snapshot reads its tables once, as they are at one moment, in chunks that
// several connections copy at the same time. A mark is committed with every
// batch, so that after a crash each chunk goes on where it was. What is left
// is then read in a new snapshot: rows that did not change come once, rows
// that changed meanwhile come as they were before or as they are after, by
// which side of the crash their chunk was read on. A table without a key goes
// on only if it has not changed. Once all is read, that is recorded too, and
// later runs end at once, without the database.
//
// Incremental reading asks again and again for rows whose cursor column has
// grown; see package internal/cursor for rows that share a value, or have
// none.
//
// Mode cdc follows changes through a slot of logical replication, after a
// snapshot at the place where the slot begins; see package replica.
type Options struct {
	Mode      string          `yaml:"mode" doc:"snapshot reads tables once; incremental reads rows again whose cursor has grown; cdc follows the changes of tables." enum:"snapshot,incremental,cdc" default:"snapshot"`
	Tables    []string        `yaml:"tables" doc:"Tables to read, as schema.table; * stands for any characters, and a name without a schema is in public. A pattern with * leaves views, foreign tables and partitions out."`
	Exclude   []string        `yaml:"exclude" doc:"Tables to leave out, in the same form."`
	Query     string          `yaml:"query" doc:"SELECT to read in the place of tables; incremental needs its cursor column in the result."`
	Name      string          `yaml:"name" doc:"Name of the stream that query makes." default:"query"`
	Key       []string        `yaml:"key" doc:"Columns that identify a row of query. Tables have their primary key."`
	Cursor    string          `yaml:"cursor" doc:"Column that grows with every change of a row, such as updated_at or a serial id. For incremental."`
	Lag       time.Duration   `yaml:"lag" doc:"Rows whose cursor is younger are left for the next time: longer than the longest transaction that writes them. The cursor must be a time." default:"0s"`
	Poll      time.Duration   `yaml:"poll" doc:"Wait between two incremental reads." default:"10s"`
	ChunkRows int             `yaml:"chunk_rows" doc:"Rows of a chunk of a snapshot, about; 0 makes chunks of at least 200,000 rows, and no more than 256 of a table." default:"0"`
	Workers   int             `yaml:"workers" doc:"Connections that read chunks of a snapshot at the same time." default:"2"`
	Numeric   string          `yaml:"numeric" doc:"Columns declared numeric(p, s) with p up to 38 become decimal, or text, which also holds NaN. Other numerics are always text." enum:"decimal,text" default:"decimal"`
	Arrays    string          `yaml:"arrays" doc:"Arrays become list, or text, which also holds several dimensions and other bounds." enum:"list,text" default:"list"`
	CDC       replica.Options `yaml:"cdc" doc:"How mode cdc follows changes."`
	Message   Message         `yaml:"message" doc:"Columns that make a row a message, whose value the pipeline decodes like one of a queue."`
}

// Message names the columns of a table that holds messages, such as an
// outbox or an archive of events.
type Message struct {
	Value  string `yaml:"value" doc:"Column of the body: text, json, jsonb or bytea. It makes rows messages. That of a json or jsonb column is read as JSON, also where decode says protobuf."`
	Type   string `yaml:"type" doc:"Column of the message type."`
	Source string `yaml:"source" doc:"Column of the queue or topic that it came from; without it the name of the table."`
	ID     string `yaml:"id" doc:"Column of the producer's message id."`
}

const (
	defaultName    = "query"
	defaultPoll    = 10 * time.Second
	defaultWorkers = 2
	mostWorkers    = 64
)

// checked returns o with defaults, or what is wrong with it.
func (o Options) checked() (Options, error) {
	o.Mode = orDefault(o.Mode, modeSnapshot)
	o.Name, o.Poll, o.Workers = orDefault(o.Name, defaultName), orDefault(o.Poll, defaultPoll), orDefault(o.Workers, defaultWorkers)
	o.Numeric, o.Arrays = orDefault(o.Numeric, "decimal"), orDefault(o.Arrays, "list")
	incremental := o.Mode == modeIncremental
	switch {
	case !isMode(o.Mode):
		return o, badOption(fmt.Errorf("mode %q is none of %s", o.Mode, strings.Join(modes, ", ")), "")
	case o.Mode == modeCDC && o.Query != "":
		return o, badOption(errors.New("the changes of a query cannot be followed"), "name its tables, or set mode: incremental")
	case o.Mode != modeCDC && (o.CDC.Slot != "" || o.CDC.Publication != "" || o.CDC.Create || o.CDC.AllTables):
		return o, badOption(errors.New("cdc is of mode cdc"), "set mode: cdc, or remove it")
	case len(o.Tables) == 0 && o.Query == "" && o.Mode != modeCDC:
		return o, badOption(errors.New("nothing to read is named"), "set tables: [schema.table, ...], or query")
	case len(o.Tables) > 0 && o.Query != "":
		return o, badOption(errors.New("tables and query are both set"), "keep one of the two")
	case incremental && o.Cursor == "":
		return o, badOption(errors.New("incremental reading needs a cursor"), "set cursor to a column that grows with every change")
	case !incremental && (o.Cursor != "" || o.Lag != 0):
		return o, badOption(errors.New("cursor and lag are of incremental reading"), "set mode: incremental, or remove them")
	case o.Query == "" && len(o.Key) > 0:
		return o, badOption(errors.New("key is of query"), "remove it: tables have their primary key")
	case o.Lag < 0 || o.Poll < 0 || o.ChunkRows < 0 || o.Workers < 0:
		return o, badOption(errors.New("lag, poll, chunk_rows and workers are not negative"), "")
	case o.Workers > mostWorkers:
		return o, badOption(fmt.Errorf("workers is over %d", mostWorkers), "each takes a connection")
	case !slices.Contains([]string{"decimal", "text"}, o.Numeric):
		return o, badOption(fmt.Errorf("numeric %q is neither decimal nor text", o.Numeric), "")
	case !slices.Contains([]string{"list", "text"}, o.Arrays):
		return o, badOption(fmt.Errorf("arrays %q is neither list nor text", o.Arrays), "")
	case o.Message.Value == "" && o.Message != (Message{}):
		return o, badOption(errors.New("message names no value"), "set message.value to the column of the body")
	}
	return o, nil
}

// Records reports whether the source gives typed rows in place of messages.
func (o Options) Records() bool { return o.Message.Value == "" }

func badOption(err error, hint string) error {
	return &tidemill.Error{Code: tidemill.Invalid, Op: "read source", Err: err, Hint: hint}
}

func (o Options) columns() column.Options {
	return column.Options{NumericText: o.Numeric == "text", ArrayText: o.Arrays == "text"}
}

// chosen reports whether a table is named by the patterns; exact says that
// its whole name is, without *.
func (o Options) chosen(t tidemill.TableName) (ok, exact bool) {
	for _, p := range o.Exclude {
		if match, _ := matches(p, t); match {
			return false, false
		}
	}
	for _, p := range o.Tables {
		if match, whole := matches(p, t); match {
			ok, exact = true, exact || whole
		}
	}
	return ok, exact
}

// matches compares a table with one pattern.
func matches(pattern string, t tidemill.TableName) (ok, exact bool) {
	schema, name, dotted := strings.Cut(pattern, ".")
	if !dotted {
		schema, name = "public", pattern
	}
	return glob(schema, t.Schema) && glob(name, t.Name), !strings.Contains(pattern, "*")
}

// glob matches a name with a pattern in which * is any text.
func glob(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(name, first) {
		return false
	}
	name = name[len(first):]
	for _, p := range parts[1 : len(parts)-1] {
		at := strings.Index(name, p)
		if at < 0 {
			return false
		}
		name = name[at+len(p):]
	}
	return strings.HasSuffix(name, last)
}
