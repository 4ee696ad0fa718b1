package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/tidemill/tidemill/connector/duckdb"
	"github.com/tidemill/tidemill/connector/sqs"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/internal/awsconf"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
	"github.com/tidemill/tidemill/tidetest/elasticmq"
)

const (
	// sqsCalls is how many calls the floor makes at the same time: the
	// source's default.
	sqsCalls = 8

	// sqsMemoryLimit is what a process that lands from SQS may hold.
	sqsMemoryLimit = 300 << 20
)

// benchSQS lands orders from ElasticMQ in DuckDB, in process, and drains the
// same orders from the same queue by a bare loop that receives and deletes.
// Then it watches the memory of the real binary.
func benchSQS(ctx context.Context, b *bench) (err error) {
	server, err := elasticmq.Run()
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }() // it has nothing that is of use
	q, err := newSQSQueue(ctx, server.Endpoint())
	if err != nil {
		return err
	}
	n := b.n(30_000)
	each := func(run func() (time.Duration, error)) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			if err := q.publish(ctx, n); err != nil {
				return 0, err
			}
			runtime.GC() // of what publishing left
			return run()
		}
	}
	took, err := alternate(b.rounds,
		each(func() (time.Duration, error) { return timed(func() error { return q.drain(ctx, n) }) }),
		each(func() (time.Duration, error) { return b.landSQS(ctx, server.Endpoint(), n) }))
	if err != nil {
		return err
	}
	ratio := took[0].Seconds() / took[1].Seconds()
	b.add(figure{
		bench: "sqs", what: fmt.Sprintf("%d orders from SQS (ElasticMQ) to DuckDB", n),
		subject: rate(n, took[1], "messages"), floor: rate(n, took[0], "messages"), ratio: ratio,
		need: ">= 0.5", ok: ratio >= 0.5,
	})
	return b.memoryOfSQS(ctx, q, server.Endpoint())
}

// sqsQueue is the queue orders at a server.
type sqsQueue struct {
	client *sdk.Client
	url    string
}

func newSQSQueue(ctx context.Context, endpoint string) (sqsQueue, error) {
	q := sqsQueue{client: sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})}
	out, err := q.client.CreateQueue(ctx, &sdk.CreateQueueInput{QueueName: aws.String(queue)})
	if err != nil {
		return q, err
	}
	q.url = *out.QueueUrl
	return q, nil
}

// publish sends n orders, in base64.
func (q sqsQueue) publish(ctx context.Context, n int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sqsCalls)
	var entries []types.SendMessageBatchRequestEntry
	for e := range orders(n) {
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(len(entries))), MessageBody: aws.String(base64.StdEncoding.EncodeToString(e.Body)),
			MessageAttributes: map[string]types.MessageAttributeValue{"type": {DataType: aws.String("String"), StringValue: aws.String(e.Type)}},
		})
		if n--; len(entries) < 10 && n > 0 {
			continue
		}
		full := entries
		entries = nil
		g.Go(func() error {
			out, err := q.client.SendMessageBatch(ctx, &sdk.SendMessageBatchInput{QueueUrl: aws.String(q.url), Entries: full})
			if err == nil && len(out.Failed) > 0 {
				err = fmt.Errorf("%d messages were not taken", len(out.Failed))
			}
			return err
		})
	}
	return g.Wait()
}

// drain receives n messages by tens and deletes them, with as many calls at
// the same time as the source makes.
func (q sqsQueue) drain(ctx context.Context, n int) error {
	var got atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range sqsCalls {
		g.Go(func() error {
			for got.Load() < int64(n) {
				out, err := q.client.ReceiveMessage(ctx, &sdk.ReceiveMessageInput{
					QueueUrl: aws.String(q.url), MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 60,
					MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
					MessageAttributeNames:       []string{"All"},
				})
				if err != nil {
					return err
				}
				if len(out.Messages) == 0 {
					continue
				}
				in := sdk.DeleteMessageBatchInput{QueueUrl: aws.String(q.url)}
				for i, m := range out.Messages {
					in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
				}
				if _, err := q.client.DeleteMessageBatch(ctx, &in); err != nil {
					return err
				}
				got.Add(int64(len(out.Messages)))
			}
			return nil
		})
	}
	return g.Wait()
}

// landSQS lands n messages into a new database and returns how long that took
// up to the last deletion: a drain then only makes sure that no more comes,
// which takes a second whatever was read.
func (b *bench) landSQS(ctx context.Context, endpoint string, n int) (time.Duration, error) {
	dir, err := b.cards()
	if err != nil {
		return 0, err
	}
	w, err := duckdb.Open(ctx, duckdb.Connection{Path: filepath.Join(dir, "land.duckdb")}, quiet)
	if err != nil {
		return 0, err
	}
	defer func() { _ = w.Close() }() // what is measured has been committed
	decoders, err := decode.New(project.Decode{Format: "protobuf", Files: []string{"proto/events.proto"}, Message: "type"}, dir)
	if err != nil {
		return 0, err
	}
	conn := sqs.Connection{Config: awsconf.Config{Endpoint: endpoint, AccessKey: "x", SecretKey: redact.New("x")}}
	var last time.Time
	l, err := land.New(land.Config{
		Pipeline: project.Pipeline{
			Name: "orders",
			Land: project.Land{Table: "raw.events", Shape: "envelope", Write: "append", Dedupe: "window", Window: time.Hour},
			Dead: project.Dead{StopAt: project.StopAt{Percent: 5, Window: 1000}},
		},
		Source:    sqs.NewSource(conn, sqs.Options{Queues: []string{queue}, Body: "base64"}, quiet),
		Warehouse: w, Decoder: decoders, Mode: land.Once,
		Progress: func(land.Progress) { last = time.Now() },
	})
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	s, err := l.Run(ctx)
	if err == nil && int(s.Rows) != n {
		err = fmt.Errorf("%d of %d messages landed, %d are duplicates, %d dead", s.Rows, n, s.Duplicates, s.DeadLetters)
	}
	return last.Sub(begun), err
}

// memoryOfSQS lands orders by the real binary while they are published, and
// watches the memory of the process.
func (b *bench) memoryOfSQS(ctx context.Context, q sqsQueue, endpoint string) error {
	n := b.n(100_000)
	dir, err := b.cards()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config := fmt.Sprintf(`
name: sqs
targets:
  dev:
    connections:
      warehouse: {type: duckdb, path: sqs.duckdb}
      events: {type: sqs, endpoint: %q, access_key: x, secret_key: x}
pipelines:
  events:
    source: {connection: events, queues: [%s], body: base64}
    decode: {format: protobuf, files: [proto/events.proto], message: type}
    land: {table: raw.events}
`, endpoint, queue)
	if err := os.WriteFile(filepath.Join(dir, "tidemill.yml"), []byte(config), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	published := make(chan error, 1)
	go func() { published <- q.publish(ctx, n) }()
	begun := time.Now()
	out, peak, err := b.watched(ctx, dir, "land", "events", "--until-idle", "10s", "--format", "json")
	took := time.Since(begun) - 10*time.Second
	if err != nil {
		cancel()
		return err
	}
	if err := <-published; err != nil {
		return err
	}
	var landed struct {
		Rows int `json:"rows"`
	}
	if err := json.Unmarshal([]byte(out), &landed); err != nil {
		return fmt.Errorf("read the figures of tidemill land: %w", err)
	}
	if landed.Rows != n {
		return fmt.Errorf("landed %d of %d", landed.Rows, n)
	}
	b.add(figure{
		bench: "sqs", what: fmt.Sprintf("memory, %d orders from SQS as they are published (%s; %d MiB with pages of the program file)", n, rate(n, took, "messages"), peak.all>>20),
		subject: fmt.Sprintf("%d MiB", peak.own>>20), need: "<= 300 MiB", ok: peak.own <= sqsMemoryLimit,
	})
	return nil
}
