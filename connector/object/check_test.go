package object

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest/versitygw"
)

// findings as lines: "ok What", "warn What: Why", "FAIL What: Why".
func lines(t *testing.T, found []tidemill.Finding) string {
	t.Helper()
	var all []string
	for _, f := range found {
		word := map[bool]string{true: "ok ", false: "FAIL "}[f.OK]
		if f.Warn {
			word = "warn "
		}
		if (!f.OK || f.Warn) && (f.Hint == "" || f.Why == "") {
			t.Errorf("no remedy: %+v", f)
		}
		line := word + f.What
		if f.Why != "" {
			line += ": " + f.Why
		}
		if text := fmt.Sprintf("%+v", f); strings.Contains(text, versitygw.SecretKey) {
			t.Errorf("a secret: %s", text)
		}
		all = append(all, line)
	}
	return strings.Join(all, "\n")
}

func TestCheckFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "q/a.csv", "a\n1\n")
	write(t, dir, "q/b.csv.gz", "")
	write(t, dir, "q/c.parquet", "")
	write(t, dir, "q/notes.txt", "")
	got := lines(t, CheckFolder(t.Context(), Folder{Path: dir}, []Options{{Path: "q/", Format: "csv"}, {Path: "none/"}}, env))
	equal(t, strings.Split(got, "\n"), []string{
		"ok list " + dir + "/q/, 3 csv: 1 others are passed over, as q/c.parquet", "ok read q/a.csv",
		"warn list " + dir + "/none/: nothing there is read",
	})
	if got := lines(t, CheckFolder(t.Context(), Folder{Path: dir + "/none"}, nil, env)); !strings.HasPrefix(got, "FAIL list ") || !strings.Contains(got, "[not_found]") {
		t.Errorf("got %s", got)
	}
}

func TestCheckS3(t *testing.T) {
	conn := s3Conn(t)
	b, err := newS3(t.Context(), conn, env)
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, "q/a.csv", "a\n1\n")
	equal(t, strings.Split(lines(t, CheckS3(t.Context(), conn, []S3Options{{Options: Options{Path: "**/*.csv"}}}, env)), "\n"), []string{"ok list s3://testchecks3/**/*.csv, 1 csv", "ok read q/a.csv"})
	for name, change := range map[string]func(c *S3){
		"[denied]":      func(c *S3) { c.SecretKey = redact.New("another-secret") },
		"[not_found]":   func(c *S3) { c.Bucket = "no-such-bucket" },
		"[unavailable]": func(c *S3) { c.Endpoint = "http://127.0.0.1:1" },
		"[invalid]":     func(c *S3) { c.Endpoint = "nowhere" },
	} {
		wrong := conn
		change(&wrong)
		if got := lines(t, CheckS3(t.Context(), wrong, nil, env)); !strings.HasPrefix(got, "FAIL ") || !strings.Contains(got, name) {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestCheckEvents(t *testing.T) {
	c := newCloud(t)
	put(t, c.b, "a.ndjson", "1\n")
	has := func(want string) {
		t.Helper()
		if got := lines(t, CheckS3(t.Context(), c.conn, []S3Options{c.opts}, env)); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nnot\n%s", got, want)
		}
	}
	has("FAIL notifications of " + c.conn.Bucket + ": the bucket tells no queue of its objects")
	other := c.arn
	c.arn += "x"
	if _, err := c.q.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(c.conn.Bucket + "x")}); err != nil {
		t.Fatal(err)
	}
	c.notify()
	has("FAIL notifications of " + c.conn.Bucket + ": the bucket tells " + c.arn + ", not " + other)
	c.arn = other
	c.notify(types.FilterRule{Name: types.FilterRuleNamePrefix, Value: aws.String("out/")})
	has(`: only objects under out/ send events, and "in/" is read`)
	c.notify(types.FilterRule{Name: types.FilterRuleNamePrefix, Value: aws.String("in/deeper/")})
	has(`: only objects under in/deeper/ send events, the path is all of "in/"`)
	c.notify(types.FilterRule{Name: types.FilterRuleNameSuffix, Value: aws.String(".csv")})
	has(": only objects whose names end in .csv send events")
	c.notify(types.FilterRule{Name: types.FilterRuleNamePrefix, Value: aws.String("in")})
	has("ok notifications of " + c.conn.Bucket + ": of created objects to the queue\nFAIL policy of the queue: it does not let S3 send to the queue")
	c.policy("arn:aws:s3:::another")
	has("FAIL policy of the queue: it lets S3 send for arn:aws:s3:::another only")
	c.policy("arn:aws:s3:::" + c.conn.Bucket[:4] + "*")
	has("ok policy of the queue: S3 may send for the bucket")
	c.opts.Events.Queue += "-none"
	has("[not_found]")
	c.opts.Events.Queue += ".fifo"
	has("S3 sends no events to FIFO queues")
}

func (c *cloud) policy(source string) {
	c.t.Helper()
	p := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnLike":{"aws:SourceArn":%q}}}}`, c.arn, source)
	if _, err := c.q.client.SetQueueAttributes(c.t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &c.q.url, Attributes: map[string]string{"Policy": p}}); err != nil {
		c.t.Fatal(err)
	}
}

func TestRedrive(t *testing.T) {
	for text, want := range map[string]int{"": 0, `{"maxReceiveCount":3}`: 1, `{"maxReceiveCount":"5"}`: 1, `{"maxReceiveCount":10}`: 0, "x": 0} {
		if got := redrive(text); len(got) != want {
			t.Errorf("%s gives %v", text, got)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":"*","Action":["SQS:*"],"Resource":"*"}]}`)
	f.Fuzz(func(_ *testing.T, text string) {
		hops{bucket: "b", arn: "arn:aws:sqs:r:1:q"}.policy(text)
	})
}
