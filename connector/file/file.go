// Package file reads events from a folder that stands in for a broker: each
// folder in it is a queue, each file in a queue holds messages of one type.
//
//	events/orders/OrderCreated.ndjson       queue orders, type OrderCreated
//	events/cards/shop.v1.CardAdded.pb.zst   queue cards, type shop.v1.CardAdded
//
// A file ending in .ndjson holds one JSON value a line; blank lines are
// passed over. One ending in .pb holds protobuf messages, each with its
// length before it as a varint. Either may be compressed as .gz or .zst.
// Other files, and names that begin with a dot, are ignored.
//
// The source is positioned. It promises that each record is handed over once
// after the position it was opened at, in the order of the file; queues come
// in the order given, else of their names, and the files of a queue in the
// order of their paths. Nothing vanishes: what cannot be framed is a dead
// letter that says which bytes of which file it covers. Files are never
// written to or removed.
//
// A position holds an offset and a fingerprint of what was read (the first
// and the last KiB before the offset), so that a file may be copied, touched
// or compressed again without being read twice, while one that was cut short
// or replaced is found out; see Options.Replaced.
package file

import (
	"github.com/tidemill/tidemill/project"
)

// Connection is where the events are.
type Connection struct {
	Path string `yaml:"path" doc:"Folder of events, as PATH/QUEUE/TYPE.ndjson or .pb, plain or compressed (.gz, .zst); or one such file." required:"true"`
}

// Files are what a clean-up must leave.
func (c Connection) Files() []string { return []string{c.Path} }

// Options is what a pipeline reads of a Connection.
type Options struct {
	Queues     []string      `yaml:"queues" doc:"Folders to read, in this order; without it all of them, by name."`
	Follow     bool          `yaml:"follow" doc:"Wait for new files and for what is appended to files, until stopped."`
	Replaced   string        `yaml:"replaced" doc:"What to do with a file that no longer holds what was read of it. stop: end with an error. reread: take it as a new file, from its beginning." enum:"stop,reread" default:"stop"`
	MaxMessage project.Bytes `yaml:"max_message" doc:"Size above which a message is a dead letter, not decoded. Of one over four times this size the first bytes are kept, and the file has the others." default:"16MiB"`
}

const (
	defaultMaxMessage = 16 << 20

	// hardCap is how many times max_message is kept of a record.
	hardCap = 4
)

func (o Options) maxMessage() int {
	if o.MaxMessage <= 0 {
		return defaultMaxMessage
	}
	return int(o.MaxMessage)
}

// The values of Options.Replaced.
const (
	stopReplaced = "stop"
	reread       = "reread"
)
