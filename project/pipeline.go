// Package project reads a project folder into validated structs: targets,
// connections and pipelines of tidemill.yml. Every error names the file, the
// line, the column and the nearest right name.
package project

import (
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// Pipeline reads one source and lands its messages in tables.
type Pipeline struct {
	Name   string       `yaml:"-"`
	Pos    tidemill.Pos `yaml:"-"`
	Source Source       `yaml:"source" doc:"What is read." required:"true"`
	Decode Decode       `yaml:"decode" doc:"How a message's bytes become an event."`
	Land   Land         `yaml:"land" doc:"Where events go, and how." required:"true"`
	Dead   Dead         `yaml:"dead" doc:"What happens to messages that cannot land."`

	at func(path string) tidemill.Pos // see At
}

// Source is the `source:` of a pipeline: a connection and the options that
// its kind declares, as keys beside it.
type Source struct {
	Connection string `yaml:"connection" doc:"Name of a connection of the target." required:"true"`
	Options    any    `yaml:"-"` // pointer to the struct that Kind.Source made
}

// Records reports whether the source gives typed rows in place of messages,
// which its options say by a method of that name.
func (s Source) Records() bool {
	o, ok := s.Options.(interface{ Records() bool })
	return ok && o.Records()
}

// Decode is the `decode:` of a pipeline.
type Decode struct {
	Format      string   `yaml:"format" doc:"Format of a message's body." enum:"json,protobuf" default:"json"`
	Files       []string `yaml:"files" doc:"Protobuf schemas (.proto), compiled at start; relative to the project folder."`
	Imports     []string `yaml:"imports" doc:"Folders in which imports of the files are looked for; the project folder and proto/ are always there."`
	Descriptors string   `yaml:"descriptors" doc:"A compiled FileDescriptorSet, in place of files."`
	Message     string   `yaml:"message" doc:"Where the type of a message is told: type (the source knows it), header:NAME, routing_key, any (google.protobuf.Any), or the fixed full name of a type." default:"type"`
}

// Land is the `land:` of a pipeline.
type Land struct {
	Table     string        `yaml:"table" doc:"Target table as schema.name. With shape columns, {type} stands for the message type in snake case; of a source of records, {schema} and {table} stand for the names that its tables have there." required:"true"`
	Shape     string        `yaml:"shape" doc:"envelope: one table of source, type, payload as JSON. columns: typed columns, one table per message type. Records, of sources that give typed rows, always land in columns." enum:"envelope,columns" default:"envelope"`
	Write     string        `yaml:"write" doc:"append keeps every row; upsert keeps one row per unique_key. Of change streams: mirror keeps the rows that the source has now, history every version of each; changes land in NAME__changes first and are folded from there." enum:"append,upsert,mirror,history" default:"append"`
	UniqueKey []string      `yaml:"unique_key" doc:"Columns that identify a row of an upsert; of a mirror or history, where the source's own key is not the one."`
	Version   string        `yaml:"version" doc:"Column by which the newer of two rows of one unique_key is known; without it the later arrival wins. Of an upsert only."`
	Fold      time.Duration `yaml:"fold" doc:"How often changes are folded into a mirror or history." default:"5s"`
	Keep      time.Duration `yaml:"keep" doc:"How long folded changes stay in NAME__changes: a change that comes later than that, after newer ones of its row, may be lost." default:"24h"`
	Dedupe    string        `yaml:"dedupe" doc:"How far back an event that a producer sent twice is recognised." enum:"off,window,forever" default:"window"`
	Window    time.Duration `yaml:"window" doc:"How far dedupe: window looks back." default:"1h"`
	Key       Key           `yaml:"key" doc:"What identifies an event."`
	Contract  string        `yaml:"contract" doc:"What a change of the schema does with shape columns. evolve: columns are added, lossless widening is applied, other type changes are dead letters. variant: as evolve, but a value of another type goes to a column NAME__TYPE. freeze: the table stays; new fields are kept in _unknown, type changes are dead letters. dead_letter: any message that deviates is a dead letter. Of records, whose type changes with all of their table, freeze and dead_letter stop the pipeline at a change, and variant cannot be." enum:"evolve,variant,freeze,dead_letter" default:"evolve"`
	Batch     BatchLimits   `yaml:"batch" doc:"When a batch is committed: at the first limit that is reached."`
	Drop      []string      `yaml:"drop" doc:"Payload fields, as dotted paths, that never land."`
	Hash      []string      `yaml:"hash" doc:"Payload fields that land as a keyed hash (HMAC-SHA-256 with salt)."`
	Mask      []string      `yaml:"mask" doc:"Payload fields that land as ***."`
	Salt      redact.Secret `yaml:"salt" doc:"Key of hash; required with it."`
}

// Key is the `key:` of a land.
type Key struct {
	Exclude []string `yaml:"exclude" doc:"Payload fields, as dotted paths, that do not count when two events are compared."`
}

// BatchLimits is the `batch:` of a land.
type BatchLimits struct {
	Rows    int           `yaml:"rows" doc:"Messages in a batch." default:"10000" min:"1"`
	Records int           `yaml:"records" doc:"Records in a batch, of sources that give typed rows." default:"100000" min:"1"`
	Bytes   Bytes         `yaml:"bytes" doc:"Size of the messages of a batch." default:"16MiB"`
	Wait    time.Duration `yaml:"wait" doc:"Age of the first message of a batch." default:"1s"`
}

// Dead is the `dead:` of a pipeline.
type Dead struct {
	StopAt      StopAt `yaml:"stop_at" doc:"The brake: 'P% of N' stops the pipeline, unacknowledged, when more than P percent of the last N messages were dead letters; off never does." default:"5% of 1000"`
	Undecodable string `yaml:"undecodable" doc:"With drop, hash or mask: whether the bytes of a message that could not be decoded, and so not be protected, are kept in the dead letter or withheld. Must then be chosen." enum:"keep,withhold"`
}

// Bytes is a size: a whole number with B, KiB, MiB, GiB, KB, MB or GB.
type Bytes int64

// StopAt is the brake on dead letters; the zero value is off.
type StopAt struct {
	Percent float64 // of the window
	Window  int     // messages
}
