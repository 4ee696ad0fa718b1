// Package amqp reads queues of RabbitMQ and other AMQP 0-9-1 brokers.
//
// The source acknowledges: a message stays with the broker until the batch
// that holds it is committed, and comes again, marked as redelivered, where
// a crash or a lost connection came before. Each consumer has a channel of
// its own, and a token names channels and delivery tags of one connection;
// tokens of an earlier connection are dropped, because its messages were put
// back. After a lost connection the source connects again for as long as it
// takes.
//
// Memory. The broker sends each consumer up to its prefetch of messages
// ahead of their acknowledgement. It starts at 64 and follows the measured
// size of messages towards two batches, shared by the consumers that are
// busy: one batch commits while the next fills. So memory is about twice the
// batch's bytes. The worst case, messages that suddenly grow, is the
// prefetch reached so far (at most two batches' rows) times the size of the
// larger ones, twice that while a consumer changes its prefetch; set
// prefetch to bound it.
package amqp

import (
	"time"

	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/project"
)

// Connection is a broker.
type Connection struct {
	URL        redact.Secret `yaml:"url" doc:"Address as amqp://user:password@host:5672/vhost, or amqps:// for TLS. Characters such as / in a part are written %2F." required:"true"`
	TLS        TLS           `yaml:"tls" doc:"Certificates of an amqps connection."`
	Heartbeat  time.Duration `yaml:"heartbeat" doc:"Silence after twice this time is a lost connection. Whole seconds." default:"10s"`
	Management string        `yaml:"management" doc:"Address of the broker's management API, which check asks about queues; without it port 15672 of the broker's host is tried (15671 with TLS)."`
}

// TLS says whom to trust and how to show who we are.
type TLS struct {
	CAFile     string `yaml:"ca_file" doc:"PEM file of the authorities that may sign the broker's certificate; without it those of the system."`
	CertFile   string `yaml:"cert_file" doc:"PEM file of our certificate, where the broker asks for one."`
	KeyFile    string `yaml:"key_file" doc:"PEM file of the key of cert_file."`
	ServerName string `yaml:"server_name" doc:"Name that the broker's certificate must have; without it the host of the address."`
}

// Options is what a pipeline reads of a Connection.
type Options struct {
	Queues     []string       `yaml:"queues" doc:"Queues to read." required:"true"`
	Consumers  int            `yaml:"consumers" doc:"Consumers of each queue; they compete, so that order within the queue is lost with more than one." default:"1"`
	Prefetch   int            `yaml:"prefetch" doc:"Messages that the broker sends each consumer ahead of their acknowledgement, at most 65535; 0 follows their size towards two batches." default:"0"`
	Declare    bool           `yaml:"declare" doc:"Make queues that are missing: durable, of queue_type, with arguments."`
	QueueType  string         `yaml:"queue_type" doc:"Type of declared queues." enum:"classic,quorum" default:"classic"`
	Arguments  map[string]any `yaml:"arguments" doc:"Further arguments of declared queues, such as x-dead-letter-exchange."`
	MaxMessage project.Bytes  `yaml:"max_message" doc:"Size above which a message is a dead letter, not decoded." default:"16MiB"`
}

const (
	defaultMaxMessage = 16 << 20
	defaultHeartbeat  = 10 * time.Second

	// connectWithin bounds one attempt: address look-up, TCP, TLS, login.
	connectWithin = 15 * time.Second
)
