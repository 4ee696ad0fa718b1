package main

import (
	"context"
	"maps"
	"slices"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/amqp"
	"github.com/tidemill/tidemill/connector/duckdb"
	"github.com/tidemill/tidemill/connector/file"
	"github.com/tidemill/tidemill/connector/object"
	"github.com/tidemill/tidemill/connector/postgres"
	"github.com/tidemill/tidemill/connector/sqs"
	"github.com/tidemill/tidemill/project"
)

// connector is one type of connections: what it is configured by, and how it
// is opened. A nil function means that it cannot be that.
type connector struct {
	project.Kind
	source    func(conn any, pl project.Pipeline, env tidemill.Env) tidemill.Source
	warehouse func(ctx context.Context, conn any, env tidemill.Env) (tidemill.Warehouse, error)
	// check looks at a connection as the pipelines that read it would.
	check func(ctx context.Context, conn any, readers []project.Pipeline, env tidemill.Env) []tidemill.Finding
}

// connectors is the one table of what Tidemill connects to.
var connectors = map[string]connector{
	"amqp": {
		Kind: project.Kind{
			Type: "amqp", Doc: "RabbitMQ, or another broker of AMQP 0-9-1.",
			Connection: func() any { return new(amqp.Connection) },
			Source:     func() any { return new(amqp.Options) },
		},
		source: func(conn any, pl project.Pipeline, env tidemill.Env) tidemill.Source {
			src := amqp.NewSource(*conn.(*amqp.Connection), *pl.Source.Options.(*amqp.Options), env)
			src.SetBatch(pl.Land.Batch.Rows, int64(pl.Land.Batch.Bytes))
			return src
		},
		check: checkAMQP,
	},
	"duckdb": {
		Kind: project.Kind{
			Type: "duckdb", Doc: "An embedded DuckDB database: one file.",
			Connection: func() any { return new(duckdb.Connection) },
			Source:     func() any { return new(duckdb.Options) },
			Warehouse:  true,
		},
		source: func(conn any, pl project.Pipeline, env tidemill.Env) tidemill.Source {
			return duckdb.NewSource(*conn.(*duckdb.Connection), *pl.Source.Options.(*duckdb.Options), env)
		},
		warehouse: func(ctx context.Context, conn any, env tidemill.Env) (tidemill.Warehouse, error) {
			return duckdb.Open(ctx, *conn.(*duckdb.Connection), env)
		},
		check: checkDuckDB,
	},
	"file": {
		Kind: project.Kind{
			Type: "file", Doc: "A folder that stands in for a broker: PATH/QUEUE/TYPE.ndjson or .pb, plain or compressed.",
			Connection: func() any { return new(file.Connection) },
			Source:     func() any { return new(file.Options) },
		},
		source: func(conn any, pl project.Pipeline, env tidemill.Env) tidemill.Source {
			return file.NewSource(*conn.(*file.Connection), *pl.Source.Options.(*file.Options), env)
		},
		check: checkFile,
	},
	"folder": {
		Kind: project.Kind{
			Type: "folder", Doc: "A local folder of files of rows: JSON, CSV, Parquet, Avro.",
			Connection: func() any { return new(object.Folder) },
			Source:     func() any { return new(object.Options) },
		},
		source: func(conn any, pl project.Pipeline, env tidemill.Env) tidemill.Source {
			return object.NewFolderSource(*conn.(*object.Folder), *pl.Source.Options.(*object.Options), env)
		},
		check: checkFolder,
	},
	"postgres": {
		Kind: project.Kind{
			Type: "postgres", Doc: "A PostgreSQL database: its tables, a query, or the changes of tables.",
			Connection: func() any { return new(postgres.Connection) },
			Source:     func() any { return new(postgres.Options) },
		},
		source: func(conn any, pl project.Pipeline, env tidemill.Env) tidemill.Source {
			opts := *pl.Source.Options.(*postgres.Options)
			src := postgres.NewSource(*conn.(*postgres.Connection), opts, env)
			rows := pl.Land.Batch.Rows
			if opts.Records() {
				rows = pl.Land.Batch.Records
			}
			src.SetBatch(rows, int64(pl.Land.Batch.Bytes))
			src.SetPipeline(pl.Name)
			return src
		},
		check: checkPostgres,
	},
	"s3": {
		Kind: project.Kind{
			Type: "s3", Doc: "A bucket of S3, or of a service that speaks its protocol, with files of rows: JSON, CSV, Parquet, Avro.",
			Connection: func() any { return new(object.S3) },
			Source:     func() any { return new(object.S3Options) },
		},
		source: func(conn any, pl project.Pipeline, env tidemill.Env) tidemill.Source {
			return object.NewS3Source(*conn.(*object.S3), *pl.Source.Options.(*object.S3Options), env)
		},
		check: checkS3,
	},
	"sqs": {
		Kind: project.Kind{
			Type: "sqs", Doc: "Queues of Amazon SQS, or of a service that speaks its protocol.",
			Connection: func() any { return new(sqs.Connection) },
			Source:     func() any { return new(sqs.Options) },
		},
		source: func(conn any, pl project.Pipeline, env tidemill.Env) tidemill.Source {
			src := sqs.NewSource(*conn.(*sqs.Connection), *pl.Source.Options.(*sqs.Options), env)
			src.SetBatch(pl.Land.Batch.Rows, int64(pl.Land.Batch.Bytes))
			return src
		},
		check: checkSQS,
	},
}

// kinds tells package project what connections there are, in a fixed order.
func kinds() []project.Kind {
	var all []project.Kind
	for _, name := range slices.Sorted(maps.Keys(connectors)) {
		all = append(all, connectors[name].Kind)
	}
	return all
}
