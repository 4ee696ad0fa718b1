package project_test

import (
	"errors"
	"time"

	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/project"
)

// The kinds of these tests have every sort of field that a connector may use.

type duckdb struct {
	Path   string `yaml:"path" doc:"The database file." required:"true"`
	Schema string `yaml:"schema" doc:"Schema of models." default:"main"`
}

type tls struct {
	CA     string `yaml:"ca" doc:"Certificate of the authority."`
	Verify bool   `yaml:"verify" doc:"Check the server's name." default:"true"`
}

type retry struct {
	Attempts int           `yaml:"attempts" doc:"How often." default:"3" min:"1"`
	Pause    time.Duration `yaml:"pause" doc:"How long between." default:"1s"`
}

type amqp struct {
	retry
	URL        redact.Secret  `yaml:"url" doc:"amqp:// or amqps://" required:"true"`
	Password   redact.Secret  `yaml:"password" doc:"In place of that of the URL."`
	Management string         `yaml:"management" doc:"URL of the management API."`
	TLS        *tls           `yaml:"tls" doc:"Encryption."`
	Prefetch   *int           `yaml:"prefetch" doc:"Fixed prefetch." min:"1"`
	Ratio      float64        `yaml:"ratio" doc:"A share." default:"0.5"`
	MaxSize    project.Bytes  `yaml:"max_message" doc:"Largest message." default:"16MiB"`
	Arguments  map[string]any `yaml:"arguments" doc:"Arguments of the connection."`
}

func (c *amqp) Validate() error {
	if c.TLS != nil && !c.TLS.Verify && c.TLS.CA != "" {
		return errors.Join(
			&project.FieldError{Field: "tls.verify", Err: errors.New("a ca is of no use when nothing is verified"), Hint: "take ca out"},
			&project.FieldError{Field: "tls.ca", Err: errors.New("is not used")})
	}
	return nil
}

type amqpSource struct {
	Queues  []string `yaml:"queues" doc:"Queues to read." required:"true"`
	Declare bool     `yaml:"declare" doc:"Make queues that are missing."`
}

type file struct {
	Path string `yaml:"path" doc:"The folder." required:"true"`
}

type fileSource struct {
	Queues []string `yaml:"queues" doc:"Folders to read."`
	Follow bool     `yaml:"follow" doc:"Wait for more."`
}

func kinds() []project.Kind {
	return []project.Kind{
		{Type: "duckdb", Doc: "An embedded database.", Connection: func() any { return new(duckdb) }, Warehouse: true},
		{Type: "amqp", Doc: "RabbitMQ.", Connection: func() any { return new(amqp) }, Source: func() any { return new(amqpSource) }},
		{Type: "file", Doc: "A folder.", Connection: func() any { return new(file) }, Source: func() any { return new(fileSource) }},
	}
}
