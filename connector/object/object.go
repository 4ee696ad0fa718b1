// Package object reads files of rows from a bucket of S3, or of a service that
// speaks its protocol, and from a local folder: lines and arrays of JSON, CSV,
// Parquet and Avro, of any size.
//
// The source is positioned. It promises that each object is read once for its
// key and ETag, and that after a restart reading goes on at the row after the
// last that was committed. What an object holds after it was read once and
// then changed follows Options.OnChange; objects are never written to or
// removed. Rows that cannot be read are dead letters that say where they
// stand, and the rows around them go on.
//
// Objects are found by listing, in the order of the bytes of their keys, or
// by the events that S3 sends to a queue of SQS. A queue's message is deleted
// once all of its objects are committed, and is kept hidden until then.
//
// JSON comes out as messages, which the pipeline decodes; the other formats
// come out as typed records. Parts of the path that are named, as year=2024
// or by {year} in Options.Path, are columns of records and Meta of messages.
//
// Memory is two reads of about 4 MiB of text each, or of 8192 rows of Parquet
// with 512 KiB for each of its columns, and about 200 bytes for each object
// that was ever read; Options.Ordered does without the latter.
package object

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/decode/records"
	"github.com/tidemill/tidemill/project"
)

// Options is what a pipeline reads of a connection.
type Options struct {
	Path        string        `yaml:"path" doc:"Which objects are read: a path below that of the connection, in which * and ? stand for text within a folder, ** for any folders, and {name} for text that becomes a column, as in events/{year}/{month}/{day}/*.csv. A path that ends in / means all below it; without it all objects are read. Names that begin with . or _ are passed over."`
	Format      string        `yaml:"format" doc:"Format of the objects; those whose names end in that of another format are passed over: .ndjson and .jsonl, .json (an array, or values one after another), .csv and .tsv, .parquet, .avro. auto takes it from the ending of path, else reads JSON as each name says. ndjson and json give messages, the others records." enum:"auto,ndjson,json,csv,parquet,avro" default:"auto"`
	Compression string        `yaml:"compression" doc:"Compression around ndjson, json and csv; auto goes by the ending .gz or .zst." enum:"auto,none,gzip,zstd" default:"auto"`
	CSV         CSV           `yaml:"csv" doc:"How CSV is written. What is not set is detected in the first MiB of each object."`
	Partitions  string        `yaml:"partitions" doc:"hive: folders named KEY=VALUE become columns. none: they are names like others." enum:"hive,none" default:"hive"`
	Stream      string        `yaml:"stream" doc:"Table that records are of, and source of messages; {name} stands for that part of the path. Without it the last folder that path names in full, else the bucket or folder."`
	Type        string        `yaml:"type" doc:"Type of messages, for decode.message: type; {name} stands for that part of the path. Without it the stream."`
	Follow      bool          `yaml:"follow" doc:"List again every interval, until stopped."`
	Interval    time.Duration `yaml:"interval" doc:"Time between two listings that found nothing new." default:"30s"`
	Ordered     bool          `yaml:"ordered" doc:"New objects always sort behind those that are there, by the bytes of their keys: only the last one is remembered, and listing begins after it. Objects that come before it are never seen."`
	OnChange    string        `yaml:"on_change" doc:"What to do with an object whose ETag is another than when it was read. error: end. reload: read it again from its first row, so that its rows land again. ignore: leave it; what was not read of the old one is a dead letter." enum:"error,reload,ignore" default:"error"`
	Layout      string        `yaml:"layout" doc:"plain, or cockroachdb: the files that a changefeed of CockroachDB writes; the table in a file's name is the stream and type of its rows." enum:"plain,cockroachdb" default:"plain"`
	Final       bool          `yaml:"final" doc:"Of layout cockroachdb: read only files that a later RESOLVED file makes final, in the order of their names; false reads each as it is found." default:"true"`
	MaxMessage  project.Bytes `yaml:"max_message" doc:"Size above which a row of JSON, CSV or Avro is a dead letter, of which so many bytes are kept." default:"16MiB"`
}

// CSV is the `csv:` of a source. Separators are single characters.
type CSV struct {
	Delimiter string            `yaml:"delimiter" doc:"Character between fields, \\t for a tab."`
	Quote     string            `yaml:"quote" doc:"Character around fields."`
	Escape    string            `yaml:"escape" doc:"Character before a quote within a quoted field; the quote itself doubles it."`
	Header    string            `yaml:"header" doc:"Whether the first row names the columns; auto takes it for names if its fields differ and none is a number, date or empty." enum:"auto,yes,no" default:"auto"`
	Columns   []string          `yaml:"columns" doc:"Names of the columns, in place of those in the file."`
	Null      []string          `yaml:"null" doc:"Texts that stand for null where they are not quoted; without it the empty one."`
	Types     map[string]string `yaml:"types" doc:"Type by column, * for all others: text, int64, decimal(P,S), double, boolean, date, timestamp or timestamptz."`
}

// S3Options is what a pipeline reads of an S3 connection.
type S3Options struct {
	Options
	Events Events `yaml:"events" doc:"Read the objects that event messages in a queue tell of, in place of listing."`
}

// Events is the `events:` of a source.
type Events struct {
	Queue      string        `yaml:"queue" doc:"URL of the SQS queue that gets the bucket's event notifications, directly or by SNS."`
	Endpoint   string        `yaml:"endpoint" doc:"Address of SQS in place of that of AWS; without it that of the connection."`
	Visibility time.Duration `yaml:"visibility" doc:"How long a message stays hidden from others unless it is extended, which it is while its objects are read; so, after a crash, the time until it comes again. Whole seconds, up to 12h." default:"1m"`
}

const (
	defaultMaxMessage = 16 << 20
	defaultInterval   = 30 * time.Second
	defaultVisibility = time.Minute
	maxVisibility     = 12 * time.Hour
)

// The values of Options.OnChange and Options.Layout.
const (
	onChangeReload = "reload"
	onChangeIgnore = "ignore"
	cockroachdb    = "cockroachdb"
)

// Records reports whether the source gives typed rows in place of messages.
func (o Options) Records() bool { return o.format() != "" && !isJSON(o.format()) }

func (o Options) maxMessage() int {
	if o.MaxMessage <= 0 {
		return defaultMaxMessage
	}
	return int(o.MaxMessage)
}

func (o Options) interval() time.Duration {
	if o.Interval <= 0 {
		return defaultInterval
	}
	return o.Interval
}

func (e Events) visibility() time.Duration {
	if e.Visibility <= 0 {
		return defaultVisibility
	}
	return e.Visibility
}

// Validate says which values make no sense, alone or together.
func (o Options) Validate() error {
	var all []error
	if _, err := parsePattern(o.Path); err != nil {
		all = append(all, &project.FieldError{Field: "path", Err: err, Hint: "write it as events/{year}/{month}/*.csv"})
	}
	if o.Interval != 0 && o.Interval < 10*time.Millisecond {
		all = append(all, &project.FieldError{Field: "interval", Err: fmt.Errorf("%s is no time to wait", o.Interval), Hint: "write it as 30s"})
	}
	if _, err := o.CSV.dialect(); err != nil {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// Validate says which values make no sense, alone or together.
func (o S3Options) Validate() error {
	all := []error{o.Options.Validate()}
	v := o.Events.Visibility
	if v != 0 && (v < time.Second || v > maxVisibility || v%time.Second != 0) {
		all = append(all, &project.FieldError{Field: "events.visibility", Err: fmt.Errorf("%s is no time that SQS takes", v), Hint: "write whole seconds from 1s to 12h"})
	}
	if o.Events.Queue != "" && (o.Ordered || o.Layout == cockroachdb) {
		all = append(all, &project.FieldError{Field: "events", Err: errors.New("events come in no order, which ordered and layout: cockroachdb need"), Hint: "set follow: true in place of events, or take the other out"})
	}
	return errors.Join(all...)
}

// dialect returns what c says in the words of package records.
func (c CSV) dialect() (records.Dialect, error) {
	d := records.Dialect{Columns: c.Columns, Null: c.Null, Types: c.Types}
	if c.Header != "auto" {
		d.Header = c.Header
	}
	for _, s := range []struct {
		name, text string
		to         *byte
	}{{"delimiter", c.Delimiter, &d.Delimiter}, {"quote", c.Quote, &d.Quote}, {"escape", c.Escape, &d.Escape}} {
		switch {
		case s.text == "":
		case s.text == `\t` && s.name == "delimiter":
			*s.to = '\t'
		case len(s.text) == 1 && s.text[0] < 0x80 && s.text != "\n" && s.text != "\r":
			*s.to = s.text[0]
		default:
			return d, &project.FieldError{Field: "csv." + s.name, Err: fmt.Errorf("%q is no single character", s.text), Hint: `write one, as ";", or \t for a tab`}
		}
	}
	for column, typ := range c.Types {
		if _, err := records.ParseType(typ); err != nil {
			return d, &project.FieldError{Field: "csv.types." + column, Err: err, Hint: "write it as decimal(18,2)"}
		}
	}
	return d, nil
}
