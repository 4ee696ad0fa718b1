// Package sqs reads queues of Amazon SQS and of services that speak its
// protocol.
//
// The source acknowledges: a message is deleted only when the batch that
// holds it is committed. Until then it is hidden from other receivers by its
// visibility timeout, which is set when it is received and extended for as
// long as the message is held or its batch commits. After a crash it comes
// again when that time is over, and is then marked as redelivered, which the
// queue's count of receives tells. A message that comes again while the
// source still holds it is not handed over twice: only its receipt handle,
// of which the newest counts, is replaced. Where messages cannot be received
// or deleted because the service does not answer, the source goes on trying.
// Which messages end in a dead-letter queue is for the queue's redrive policy:
// the source neither knows nor moves them.
//
// Order. A standard queue has none. In a FIFO queue the service guarantees
// that messages of a group come in order, and that none of a group is given
// out while an earlier one is received and neither deleted nor visible again;
// so a group is never read ahead past a batch that is not deleted. The source
// adds that what one receive brought is never divided, nor reordered, within
// a Read; that visibility does not end while a message is held, as long as
// the service can be reached; and that a receive whose answer was lost is
// asked again under the same attempt id, so that its groups do not wait for
// the timeout. The price is that a group moves on by at most ten messages in
// each commit.
//
// Memory. Receivers stop when two batches, by rows or by bytes, are held: one
// commits while the next fills. One receive of each queue, of ten messages,
// may come on top.
//
// Locks: hand.mu, queue.mu and drain.mu are leaves; none is held while
// another is taken, nor during a call.
package sqs

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/internal/awsconf"
	"github.com/tidemill/tidemill/project"
)

// Connection is where the queues are, and as whom they are read.
type Connection struct {
	awsconf.Config
}

// Options is what a pipeline reads of a Connection.
type Options struct {
	Queues        []string      `yaml:"queues" doc:"Queues to read: names, or URLs, or ARNs of queues in other accounts." required:"true"`
	Receivers     int           `yaml:"receivers" doc:"Receives at the same time from each queue that is busy; one that is quiet has one." default:"8" min:"1"`
	Visibility    time.Duration `yaml:"visibility" doc:"How long a received message stays hidden from others unless it is extended, which it is while it is held; so, after a crash, the time until it comes again. Whole seconds, up to 12h." default:"1m"`
	Body          string        `yaml:"body" doc:"How the body holds the message: as it is, or in base64, as senders of protobuf write it." enum:"text,base64" default:"text"`
	SNS           string        `yaml:"sns" doc:"Whether bodies are envelopes of SNS, whose Message is then read: auto unwraps what looks like one, on makes anything else a dead letter, off leaves all as they are. Raw delivery has no envelope." enum:"auto,on,off" default:"auto"`
	TypeAttribute string        `yaml:"type_attribute" doc:"Message attribute that holds the type, for decode.message: type." default:"type"`
	IDAttribute   string        `yaml:"id_attribute" doc:"Message attribute that holds the producer's id of the message; without it a FIFO queue's deduplication id, where the producer chose it, and none in a standard queue."`
}

const (
	defaultReceivers  = 8
	defaultVisibility = time.Minute
	maxVisibility     = 12 * time.Hour
	maxReceivers      = 64

	// perCall is how many messages a call of the service takes at most.
	perCall = 10

	// callWithin bounds a call, beside what a receive waits for messages.
	callWithin = 15 * time.Second
)

// Validate says which values the service would refuse.
func (o Options) Validate() error {
	var all []error
	if o.Visibility != 0 && (o.Visibility < time.Second || o.Visibility > maxVisibility || o.Visibility%time.Second != 0) {
		all = append(all, &project.FieldError{Field: "visibility", Err: fmt.Errorf("%s is no time that the service takes", o.Visibility), Hint: "write whole seconds from 1s to 12h"})
	}
	if o.Receivers > maxReceivers {
		all = append(all, &project.FieldError{Field: "receivers", Err: fmt.Errorf("%d are too many", o.Receivers), Hint: fmt.Sprintf("write at most %d", maxReceivers)})
	}
	seen := map[string]bool{}
	for i, q := range o.Queues {
		if q == "" || seen[q] {
			all = append(all, &project.FieldError{Field: fmt.Sprintf("queues[%d]", i), Err: errors.New("it is empty, or named before"), Hint: "name each queue once"})
		}
		seen[q] = true
	}
	return errors.Join(all...)
}

// withDefaults returns o as the configuration's defaults would leave it.
func (o Options) withDefaults() Options {
	if o.Receivers <= 0 {
		o.Receivers = defaultReceivers
	}
	if o.Visibility <= 0 {
		o.Visibility = defaultVisibility
	}
	if o.Body == "" {
		o.Body = bodyText
	}
	if o.SNS == "" {
		o.SNS = snsAuto
	}
	if o.TypeAttribute == "" {
		o.TypeAttribute = "type"
	}
	return o
}
