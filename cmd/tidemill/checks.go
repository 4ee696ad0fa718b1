package main

import (
	"context"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/amqp"
	"github.com/tidemill/tidemill/connector/duckdb"
	"github.com/tidemill/tidemill/connector/file"
	"github.com/tidemill/tidemill/connector/object"
	"github.com/tidemill/tidemill/connector/postgres"
	"github.com/tidemill/tidemill/connector/sqs"
	"github.com/tidemill/tidemill/project"
)

// checkAMQP asks about all queues that the pipelines read. The longest wait of
// a batch is what the broker's consumer timeout is held against.
func checkAMQP(ctx context.Context, conn any, readers []project.Pipeline, env tidemill.Env) []tidemill.Finding {
	var opts amqp.Options
	var wait time.Duration
	for _, pl := range readers {
		o := pl.Source.Options.(*amqp.Options)
		opts.Queues = append(opts.Queues, o.Queues...)
		opts.Declare = opts.Declare || o.Declare
		wait = max(wait, pl.Land.Batch.Wait)
	}
	return amqp.Check(ctx, *conn.(*amqp.Connection), opts, wait, env)
}

func checkDuckDB(ctx context.Context, conn any, readers []project.Pipeline, env tidemill.Env) []tidemill.Finding {
	var opts []duckdb.Options
	for _, pl := range readers {
		opts = append(opts, *pl.Source.Options.(*duckdb.Options))
	}
	return duckdb.Check(ctx, *conn.(*duckdb.Connection), opts, env)
}

func checkFile(ctx context.Context, conn any, readers []project.Pipeline, env tidemill.Env) []tidemill.Finding {
	var opts file.Options
	for _, pl := range readers {
		opts.Queues = append(opts.Queues, pl.Source.Options.(*file.Options).Queues...)
	}
	return file.Check(ctx, *conn.(*file.Connection), opts, env)
}

// checkPostgres looks at a database once for each pipeline that reads it.
func checkPostgres(ctx context.Context, conn any, readers []project.Pipeline, env tidemill.Env) []tidemill.Finding {
	c := *conn.(*postgres.Connection)
	if len(readers) == 0 {
		return postgres.Check(ctx, c, postgres.Options{}, env)
	}
	var found []tidemill.Finding
	for i, pl := range readers {
		opts := *pl.Source.Options.(*postgres.Options)
		of := postgres.Check(ctx, c, opts, env)
		if !of[0].OK {
			return of
		}
		if i > 0 {
			of = of[1:] // that it connects was told
		}
		if opts.FollowsChanges() {
			of = append(of, postgres.CheckChanges(ctx, c, opts, pl.Name, env)...)
		}
		found = append(found, of...)
	}
	return found
}

func checkFolder(ctx context.Context, conn any, readers []project.Pipeline, env tidemill.Env) []tidemill.Finding {
	var opts []object.Options
	for _, pl := range readers {
		opts = append(opts, *pl.Source.Options.(*object.Options))
	}
	return object.CheckFolder(ctx, *conn.(*object.Folder), opts, env)
}

func checkS3(ctx context.Context, conn any, readers []project.Pipeline, env tidemill.Env) []tidemill.Finding {
	var opts []object.S3Options
	for _, pl := range readers {
		opts = append(opts, *pl.Source.Options.(*object.S3Options))
	}
	return object.CheckS3(ctx, *conn.(*object.S3), opts, env)
}

// checkSQS looks at the queues of each pipeline with that pipeline's options.
func checkSQS(ctx context.Context, conn any, readers []project.Pipeline, env tidemill.Env) []tidemill.Finding {
	c := *conn.(*sqs.Connection)
	if len(readers) == 0 {
		return sqs.Check(ctx, c, sqs.Options{}, 0, env)
	}
	var found []tidemill.Finding
	for _, pl := range readers {
		found = append(found, sqs.Check(ctx, c, *pl.Source.Options.(*sqs.Options), pl.Land.Batch.Wait, env)...)
	}
	return found
}
