package object

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest/moto"
)

// cloud is a bucket of moto that tells a queue of its objects.
type cloud struct {
	t    testing.TB
	conn S3
	opts S3Options
	b    *s3Bucket
	q    *sqsQueue
	arn  string
}

func newCloud(t testing.TB) *cloud {
	t.Helper()
	return newCloudNamed(t, strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())))
}

func newCloudNamed(t testing.TB, name string) *cloud {
	t.Helper()
	c := &cloud{t: t, conn: S3{Bucket: name, Prefix: "in/", PathStyle: true}}
	c.conn.Endpoint, c.conn.Region = clouds.Endpoint(), moto.Region
	c.conn.AccessKey, c.conn.SecretKey = moto.AccessKey, redact.New(moto.SecretKey)
	c.opts.Events.Queue = fmt.Sprintf("%s/%s/%s", clouds.Endpoint(), moto.Account, name)
	c.opts.Events.Visibility = 2 * time.Second
	var err error
	if c.b, err = newS3(t.Context(), c.conn, env); err != nil {
		t.Fatal(err)
	}
	if c.q, err = newSQS(t.Context(), c.conn, c.opts.Events, env); err != nil {
		t.Fatal(err)
	}
	if _, err := c.b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.q.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name}); err != nil {
		t.Fatal(err)
	}
	c.arn = "arn:aws:sqs:" + moto.Region + ":" + moto.Account + ":" + name
	return c
}

// notify makes the bucket tell the queue.
func (c *cloud) notify(rules ...types.FilterRule) {
	c.t.Helper()
	q := types.QueueConfiguration{QueueArn: &c.arn, Events: []types.Event{types.EventS3ObjectCreated}}
	if len(rules) > 0 {
		q.Filter = &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: rules}}
	}
	_, err := c.b.client.PutBucketNotificationConfiguration(c.t.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: &c.conn.Bucket, NotificationConfiguration: &types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{q}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cloud) send(body string) {
	c.t.Helper()
	if _, err := c.q.client.SendMessage(c.t.Context(), &sqs.SendMessageInput{QueueUrl: &c.q.url, MessageBody: &body}); err != nil {
		c.t.Fatal(err)
	}
}

// left counts the messages that were not deleted, hidden or not.
func (c *cloud) left() string {
	c.t.Helper()
	out, err := c.q.client.GetQueueAttributes(c.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &c.q.url, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"}})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func (c *cloud) source() *Source { return NewS3Source(c.conn, c.opts, env) }

func TestEvents(t *testing.T) {
	c := newCloud(t)
	c.notify()
	put(t, c.b, "a b+c/ä.ndjson", "1\n2\n")
	put(t, c.b, "x.json", "[3]")
	put(t, c.b, "notes.txt", "none")
	c.opts.Stream = "s"
	var g got
	if err := g.land(t, c.source(), 0); err != nil {
		t.Fatal(err)
	}
	equal(t, g.rows, []string{"s:1", "s:2", "s:3"})
	if left := c.left(); left != "0+0" {
		t.Errorf("%s messages are left", left)
	}
	// The same event again, as at least once delivery makes it, lands nothing.
	put(t, c.b, "y.ndjson", "4\n")
	c.send(event(c.conn.Bucket, "in/y.ndjson"))
	c.send(event(c.conn.Bucket, "in/x.json"))
	if err := g.land(t, c.source(), 0); err != nil {
		t.Fatal(err)
	}
	equal(t, g.rows, []string{"s:4"})
	if left := c.left(); left != "0+0" {
		t.Errorf("%s messages are left", left)
	}
}

func event(bucket string, keys ...string) string {
	var records []string
	for _, k := range keys {
		records = append(records, fmt.Sprintf(`{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q}}}`, bucket, k))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func TestOddEvents(t *testing.T) {
	c := newCloud(t)
	put(t, c.b, "a.ndjson", "1\n")
	put(t, c.b, "b.ndjson", "2\n")
	wrapped, err := json.Marshal(map[string]string{"Type": "Notification", "Message": event(c.conn.Bucket, "in/a.ndjson", "in/b.ndjson")})
	if err != nil {
		t.Fatal(err)
	}
	c.send(string(wrapped))
	c.send(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"x"}`)
	c.send("no JSON")
	c.send(event("another", "in/a.ndjson"))
	c.send(event(c.conn.Bucket, "out/a.ndjson"))
	c.send(event(c.conn.Bucket, "in/gone.ndjson"))
	c.send(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"x"},"object":{"key":"in/a.ndjson"}}}]}`)
	var g got
	if err := g.land(t, c.source(), 0); err != nil {
		t.Fatal(err)
	}
	rows := strings.Join(g.rows, "\n")
	if len(g.rows) != 4 || !strings.Contains(rows, "in:1\nin:2") || !strings.Contains(rows, "!in:malformed:no JSON") || !strings.Contains(rows, `!in:malformed:{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"another"}`) {
		t.Errorf("rows:\n%s", rows)
	}
	if left := c.left(); left != "0+0" {
		t.Errorf("%s messages are left", left)
	}
}

// A message stays in the queue until the rows of all of its objects are
// acknowledged, and comes again where they were not.
func TestEventIsKeptUntilAck(t *testing.T) {
	c := newCloud(t)
	put(t, c.b, "a.ndjson", "1\n")
	put(t, c.b, "b.ndjson", "2\n")
	c.send(event(c.conn.Bucket, "in/a.ndjson", "in/b.ndjson"))
	s := c.source()
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	g := got{marks: map[string]tidemill.Position{}}
	first, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g.commit(t, first)
	if err := s.Ack(t.Context(), first.Token); err != nil {
		t.Fatal(err)
	}
	if left := c.left(); left != "0+1" {
		t.Errorf("after the first object %s messages are left", left)
	}
	if _, err := s.Read(t.Context()); err != nil { // and dies with it
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // longer than its visibility, which is extended
	defer cancel()
	if _, err := s.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if left := c.left(); left != "0+1" {
		t.Errorf("while it is held %s messages are left", left)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all := g.rows
	for range 10 {
		if err := g.land(t, c.source(), 0); err != nil {
			t.Fatal(err)
		}
		if all = append(all, g.rows...); len(g.rows) > 0 {
			break
		}
	}
	equal(t, all, []string{"in:1", "in:2"})
	if left := c.left(); left != "0+0" {
		t.Errorf("%s messages are left", left)
	}
}

func TestNoQueue(t *testing.T) {
	c := newCloud(t)
	c.opts.Events.Queue += "-none"
	s := c.source()
	err := s.Open(t.Context(), nil)
	if tidemill.CodeOf(err) != tidemill.NotFound || len(tidemill.Hints(err)) == 0 {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestParseEvent(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{event("b", "a+b%2Fc%C3%A4"), "b a b/cä;"},
		{`{"Event":"s3:TestEvent"}`, ""},
		{`{"Records":[]}`, ""},
		{event("b", "%zz"), "!"},
		{event("", "x"), "!"},
		{`{"Records":[{"eventSource":"aws:sns"}]}`, "!"},
		{`[]`, "!"},
		{`{}`, "!"},
		{"", "!"},
	} {
		all, err := parseEvent([]byte(c.body))
		got := ""
		for _, n := range all {
			got += n.bucket + " " + n.key + ";"
		}
		if err != nil {
			got = "!"
		}
		if got != c.want {
			t.Errorf("%s is %q, %v", c.body, got, err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(event("b", "k")))
	f.Add([]byte(`{"Type":"Notification","Message":"{\"Event\":\"s3:TestEvent\"}"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := parseEvent(body)
		for _, n := range all {
			if err != nil || n.key == "" || n.bucket == "" {
				t.Errorf("%q is %v, %v", body, all, err)
			}
		}
	})
}
