// Package sqs proves that messages of SQS land exactly once on the real
// thing: the binary is killed at random while they flow from an ElasticMQ;
// afterwards each valid event is in the table once, each invalid one in the
// dead letters once, and the queues are empty.
package sqs

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tidemill/tidemill/e2e/internal/cli"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/tidetest/elasticmq"
)

const (
	messages = 12_000
	kills    = 10
)

const config = `
name: sqs
targets:
  dev:
    connections:
      warehouse: {type: duckdb, path: sqs.duckdb}
      events: {type: sqs, endpoint: %q, access_key: x, secret_key: x}
pipelines:
  events:
    source: {connection: events, queues: [cards, manufacturing, orders], body: base64, visibility: 3s}
    decode: {format: protobuf, files: [proto/events.proto], message: type}
    land: {table: raw.events, batch: {rows: 500, wait: 100ms}}
    dead: {stop_at: off}
`

// queues are the queues of the stream, at a server of the test.
type queues struct {
	client *sdk.Client
	urls   map[string]string
}

func newQueues(t *testing.T, endpoint string) queues {
	t.Helper()
	q := queues{urls: map[string]string{}, client: sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})}
	for _, name := range gen.Queues() {
		out, err := q.client.CreateQueue(t.Context(), &sdk.CreateQueueInput{QueueName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		q.urls[name] = *out.QueueUrl
	}
	return q
}

// publish sends what g makes, in base64. A queue takes no empty body: in its
// place stands one that is no base64.
func (q queues) publish(ctx context.Context, g *gen.Generator, want cli.Expected, pace time.Duration) error {
	waiting := map[string][]types.SendMessageBatchRequestEntry{}
	send := func(queue string) error {
		if len(waiting[queue]) == 0 {
			return nil
		}
		out, err := q.client.SendMessageBatch(ctx, &sdk.SendMessageBatchInput{QueueUrl: aws.String(q.urls[queue]), Entries: waiting[queue]})
		if err == nil && len(out.Failed) > 0 {
			err = fmt.Errorf("%d messages were not taken: %s", len(out.Failed), aws.ToString(out.Failed[0].Message))
		}
		waiting[queue] = nil
		time.Sleep(pace)
		return err
	}
	for {
		e, ok := g.Next()
		if !ok {
			break
		}
		body := base64.StdEncoding.EncodeToString(e.Body)
		if body == "" {
			body = "no base64: " + strconv.Itoa(e.Seq)
			e.Body = []byte(body)
		}
		want.Add(e)
		waiting[e.Queue] = append(waiting[e.Queue], types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(len(waiting[e.Queue]))), MessageBody: aws.String(body),
			MessageAttributes: map[string]types.MessageAttributeValue{"type": {DataType: aws.String("String"), StringValue: aws.String(e.Type)}},
		})
		if len(waiting[e.Queue]) == 10 {
			if err := send(e.Queue); err != nil {
				return err
			}
		}
	}
	for queue := range waiting {
		if err := send(queue); err != nil {
			return err
		}
	}
	return nil
}

// depth returns how many messages a queue has, hidden ones included.
func (q queues) depth(t *testing.T, queue string) int {
	t.Helper()
	out, err := q.client.GetQueueAttributes(t.Context(), &sdk.GetQueueAttributesInput{
		QueueUrl: aws.String(q.urls[queue]), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible} {
		i, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			t.Fatal(err)
		}
		n += i
	}
	return n
}

func TestKilledAtRandom(t *testing.T) {
	server := elasticmq.Start(t)
	q := newQueues(t, server.Endpoint())
	p := cli.New(t, fmt.Sprintf(config, server.Endpoint()))
	g, err := gen.New(gen.Options{Events: messages, Seed: 7, Duplicates: 0.02, Malformed: 0.005})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	want := cli.NewExpected("")
	published := make(chan error, 1)
	go func() { published <- q.publish(ctx, g, want, 8*time.Millisecond) }()

	rnd := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for range kills {
		land := p.Start("land")
		time.Sleep(time.Duration(700+rnd.IntN(2300)) * time.Millisecond)
		land.MustRun()
		land.Kill()
	}
	if err := <-published; err != nil {
		t.Fatalf("publish: %v\n%s", err, server.LogTail(2000))
	}
	// Beyond the time for which a killed process keeps messages hidden.
	out := p.Must("land", "--until-idle", "6s", "--format", "json")
	t.Logf("published %d messages; the last run: %s", messages, out)

	want.Check(p)
	for _, name := range gen.Queues() {
		if n := q.depth(t, name); n != 0 {
			t.Errorf("queue %s holds %d messages, want 0", name, n)
		}
	}
}

func TestCheckAndOnce(t *testing.T) {
	server := elasticmq.Start(t)
	q := newQueues(t, server.Endpoint())
	p := cli.New(t, fmt.Sprintf(config, server.Endpoint()))
	g, err := gen.New(gen.Options{Events: 500, Seed: 8})
	if err != nil {
		t.Fatal(err)
	}
	want := cli.NewExpected("")
	if err := q.publish(t.Context(), g, want, 0); err != nil {
		t.Fatal(err)
	}
	before := q.depth(t, "orders")
	if out := p.Must("check"); !strings.Contains(out, fmt.Sprintf("queue orders: %d messages", before)) || !strings.Contains(out, "no redrive policy") {
		t.Errorf("check printed\n%s", out)
	}
	if after := q.depth(t, "orders"); after != before {
		t.Errorf("%d messages are left after check, of %d", after, before)
	}
	p.Must("land", "--once")
	cli.Compare(t, "rows", want.Rows, p.Counts(`select type || ' ' || coalesce(payload->>'orderId', payload->>'batchId', payload->>'cardId'), count(*) from raw.events group by all`))
	p.Replace("tidemill.yml", "queues: [cards, manufacturing, orders]", "queues: [card]")
	r := p.Run("land", "--once")
	if r.Code != 1 || !strings.Contains(r.Output(), "no such queue") || !strings.Contains(r.Output(), "hint: correct queues") {
		t.Errorf("exit code %d\n%s", r.Code, r.Output())
	}
}
