package object

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tidemill/tidemill/tidetest/moto"
)

// sns calls SNS of moto, which goes by the name in the credentials only.
func sns(t *testing.T, values url.Values) string {
	t.Helper()
	values.Set("Version", "2010-03-31")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, clouds.Endpoint(), strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+moto.AccessKey+"/20260101/"+moto.Region+"/sns/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", values, text, err)
	}
	return string(text)
}

// TestTopic goes from the bucket to a topic, and from there to the queue.
func TestTopic(t *testing.T) {
	for _, raw := range []string{"false", "true"} {
		t.Run("raw "+raw, func(t *testing.T) {
			c := newCloud(t)
			topic := "arn:aws:sns:" + moto.Region + ":" + moto.Account + ":" + c.conn.Bucket
			sns(t, url.Values{"Action": {"CreateTopic"}, "Name": {c.conn.Bucket}})
			sns(t, url.Values{
				"Action": {"Subscribe"}, "TopicArn": {topic}, "Protocol": {"sqs"}, "Endpoint": {c.arn},
				"Attributes.entry.1.key": {"RawMessageDelivery"}, "Attributes.entry.1.value": {raw},
			})
			_, err := c.b.client.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{
				Bucket: &c.conn.Bucket, NotificationConfiguration: &types.NotificationConfiguration{
					TopicConfigurations: []types.TopicConfiguration{{TopicArn: &topic, Events: []types.Event{types.EventS3ObjectCreated}}},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			put(t, c.b, "a b.ndjson", "1\n")
			found := lines(t, CheckS3(t.Context(), c.conn, []S3Options{c.opts}, env))
			if !strings.Contains(found, "warn notifications of "+c.conn.Bucket+": of created objects to the topic "+topic) {
				t.Errorf("got %s", found)
			}
			var g got
			if err := g.land(t, c.source(), 0); err != nil {
				t.Fatal(err)
			}
			equal(t, g.rows, []string{"in:1"})
			if left := c.left(); left != "0+0" {
				t.Errorf("%s messages are left", left)
			}
		})
	}
}
