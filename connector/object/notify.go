package object

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tidemill/tidemill"
)

// checkEvents walks from the bucket's notifications to the queue, and names
// the first hop that is broken.
func checkEvents(ctx context.Context, b *s3Bucket, opts S3Options, env tidemill.Env) []tidemill.Finding {
	what := "queue " + opts.Events.Queue
	if strings.HasSuffix(opts.Events.Queue, ".fifo") {
		return []tidemill.Finding{{What: what, Why: "S3 sends no events to FIFO queues", Hint: "make a standard queue"}}
	}
	q, err := newSQS(ctx, b.conn, opts.Events, env)
	if err != nil {
		return []tidemill.Finding{failed(what, err)}
	}
	defer q.hangUp()
	attributes, err := q.attributes(ctx)
	if err != nil {
		return []tidemill.Finding{failed(what, err)}
	}
	found := []tidemill.Finding{{OK: true, What: fmt.Sprintf("%s: %s messages", what, attributes["ApproximateNumberOfMessages"])}}
	w := hops{bucket: b.conn.Bucket, arn: attributes["QueueArn"], path: b.conn.Prefix}
	if p, err := parsePattern(opts.Path); err == nil {
		w.path += p.prefix
	}
	out, err := b.client.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &b.conn.Bucket})
	if err != nil {
		f := failed("notifications of "+b.conn.Bucket, b.explain("look at notifications", "s3:GetBucketNotification on the bucket", err))
		f.OK, f.Warn = true, true
		return append(found, f)
	}
	f, direct := w.notifications(out)
	if found = append(found, f); direct {
		found = append(found, w.policy(attributes["Policy"]))
	}
	return append(found, redrive(attributes["RedrivePolicy"])...)
}

// hops are the ends of the way that is walked.
type hops struct {
	bucket string
	arn    string // of the queue
	path   string // that all keys begin with which are read
}

// notifications looks for the one that leads to the queue. direct says that
// no topic stands between.
func (w hops) notifications(out *s3.GetBucketNotificationConfigurationOutput) (f tidemill.Finding, direct bool) {
	f.What = "notifications of " + w.bucket
	var others []string
	for _, c := range out.QueueConfigurations {
		if aws.ToString(c.QueueArn) != w.arn {
			others = append(others, aws.ToString(c.QueueArn))
			continue
		}
		if !created(c.Events) {
			f.Why = "the bucket tells the queue of other events than that objects are created"
			f.Hint = "add the event s3:ObjectCreated:* to the notification"
			return f, true
		}
		f.What += ": of created objects to the queue"
		w.filter(c.Filter, &f)
		return f, true
	}
	for _, c := range out.TopicConfigurations {
		if created(c.Events) {
			f.OK, f.What = true, f.What+": of created objects to the topic "+aws.ToString(c.TopicArn)
			w.filter(c.Filter, &f)
			if f.OK && !f.Warn {
				f.Warn, f.Why = true, "whether the topic sends them on to the queue was not looked at"
				f.Hint = "subscribe " + w.arn + " to the topic, if it is not, and let the topic send to it in the queue's policy"
			}
			return f, false
		}
	}
	f.Why = "the bucket tells no queue of its objects"
	if len(others) > 0 {
		f.Why = fmt.Sprintf("the bucket tells %s, not %s", strings.Join(others, ", "), w.arn)
	}
	if out.EventBridgeConfiguration != nil {
		f.Why += "; it sends to EventBridge, whose events are not read"
	}
	f.Hint = "add a notification of s3:ObjectCreated:* to the bucket, with " + w.arn + " as its queue"
	return f, false
}

func created(events []types.Event) bool {
	for _, e := range events {
		if e == types.EventS3ObjectCreated || strings.HasPrefix(string(e), "s3:ObjectCreated:") {
			return true
		}
	}
	return false
}

// filter holds the keys that send events against those that are read.
func (w hops) filter(filter *types.NotificationConfigurationFilter, f *tidemill.Finding) {
	f.OK = true
	if filter == nil || filter.Key == nil {
		return
	}
	for _, r := range filter.Key.FilterRules {
		value := aws.ToString(r.Value)
		switch {
		case value == "":
		case strings.EqualFold(string(r.Name), "prefix") && strings.HasPrefix(w.path, value):
		case strings.EqualFold(string(r.Name), "prefix") && strings.HasPrefix(value, w.path):
			f.Warn, f.Why = true, fmt.Sprintf("only objects under %s send events, the path is all of %q", value, w.path)
			f.Hint = "widen the prefix of the notification, or narrow path"
		case strings.EqualFold(string(r.Name), "prefix"):
			f.OK, f.Warn, f.Why = false, false, fmt.Sprintf("only objects under %s send events, and %q is read", value, w.path)
			f.Hint = "correct the prefix of the notification, or prefix and path"
			return
		default:
			f.Warn, f.Why = true, fmt.Sprintf("only objects whose names end in %s send events", value)
			f.Hint = "others that path names are never read; take the suffix out, if there are such"
		}
	}
}

// redrive warns of a queue that gives messages up early.
func redrive(text string) []tidemill.Finding {
	var r struct {
		Max json.Number `json:"maxReceiveCount"`
	}
	const least = 10
	if json.Unmarshal([]byte(text), &r) != nil {
		return nil
	}
	n, err := r.Max.Int64()
	if err != nil || n >= least {
		return nil
	}
	return []tidemill.Finding{{
		OK: true, Warn: true, What: fmt.Sprintf("redrive after %d receives", n),
		Why:  "a message is given up that is not committed by then, as while the warehouse is away",
		Hint: fmt.Sprintf("set maxReceiveCount to %d or more", least),
	}}
}
