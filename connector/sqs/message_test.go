package sqs

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill"
)

var orders = &queue{name: "orders"}

// received makes a message as the service gives it.
func received(body string, system map[string]string, attributes map[string]string) *types.Message {
	m := &types.Message{Body: aws.String(body), MessageId: aws.String("m-1"), ReceiptHandle: aws.String("h-1"), Attributes: system}
	for name, v := range attributes {
		if m.MessageAttributes == nil {
			m.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		m.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(v)}
	}
	return m
}

const notification = `{
  "Type": "Notification", "MessageId": "s-1", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:orders",
  "Subject": "hello", "Message": "{\"a\":1}", "Timestamp": "2026-01-02T03:04:05.678Z", "SignatureVersion": "1",
  "MessageAttributes": {"type": {"Type": "String", "Value": "Order"}, "order": {"Type": "String", "Value": "17"}}}`

func TestHold(t *testing.T) {
	inBase64 := base64.StdEncoding.EncodeToString([]byte{8, 0, 255})
	for _, c := range []struct {
		name    string
		opts    Options
		message *types.Message
		value   string // of the message
		typ, id string
		reason  string // of the dead letter
	}{
		{"text", Options{}, received(`{"a":1}`, nil, map[string]string{"type": "T"}), `{"a":1}`, "T", "", ""},
		{"other type", Options{TypeAttribute: "kind"}, received("a", nil, map[string]string{"type": "T", "kind": "K"}), "a", "K", "", ""},
		{"no type", Options{}, received("a", nil, nil), "a", "", "", ""},
		{"id attribute", Options{IDAttribute: "order"}, received("a", nil, map[string]string{"order": "17"}), "a", "", "17", ""},
		{"id attribute before deduplication", Options{IDAttribute: "order"}, received("a", map[string]string{"MessageDeduplicationId": "d"}, nil), "a", "", "", ""},
		{"deduplication id", Options{}, received("a", map[string]string{"MessageDeduplicationId": "d"}, nil), "a", "", "d", ""},
		{"made from the body", Options{}, received("a", map[string]string{"MessageDeduplicationId": sum("a")}, nil), "a", "", "", ""},
		{"base64", Options{Body: bodyBase64}, received(inBase64, nil, nil), "\x08\x00\xff", "", "", ""},
		{"base64 made from the body", Options{Body: bodyBase64}, received(inBase64, map[string]string{"MessageDeduplicationId": sum(inBase64)}, nil), "\x08\x00\xff", "", "", ""},
		{"no base64", Options{Body: bodyBase64}, received("{}", nil, map[string]string{"type": "T"}), "{}", "T", "", "no base64"},
		{"empty", Options{}, received("", nil, nil), "", "", "", ""},
		{"sns", Options{}, received(notification, nil, nil), `{"a":1}`, "Order", "", ""},
		{"sns with an id", Options{IDAttribute: "order", SNS: snsOn}, received(notification, nil, nil), `{"a":1}`, "Order", "17", ""},
		{"sns off", Options{SNS: snsOff}, received(notification, nil, nil), notification, "", "", ""},
		{"sns in base64", Options{Body: bodyBase64}, received(strings.Replace(notification, `{\"a\":1}`, inBase64, 1), nil, nil), "\x08\x00\xff", "Order", "", ""},
		{"sns content", Options{}, received(notification, map[string]string{"MessageDeduplicationId": sum(`{"a":1}`)}, nil), `{"a":1}`, "Order", "", ""},
		{"sns on without", Options{SNS: snsOn}, received(`{"a":1}`, nil, nil), `{"a":1}`, "", "", "no envelope"},
		{"looks like sns", Options{}, received(`{"Type":"Notification","TopicArn":"x"}`, nil, nil), `{"Type":"Notification","TopicArn":"x"}`, "", "", ""},
		{"cut sns", Options{}, received(notification[:200], nil, nil), notification[:200], "", "", ""},
		{"confirmation", Options{}, received(strings.Replace(notification, `"Notification"`, `"SubscriptionConfirmation"`, 1), nil, nil), strings.Replace(notification, `"Notification"`, `"SubscriptionConfirmation"`, 1), "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := c.opts.withDefaults().hold(orders, c.message, time.Now())
			m := h.message
			if h.dead != nil {
				m = h.dead.Message
				if h.dead.Code != tidemill.Malformed {
					t.Errorf("code %s", h.dead.Code)
				}
			}
			if (h.dead != nil) != (c.reason != "") || h.dead != nil && !strings.Contains(h.dead.Reason, c.reason) {
				t.Fatalf("dead letter %+v, want %q", h.dead, c.reason)
			}
			if string(m.Value) != c.value || m.Type != c.typ || m.ID != c.id || m.Source != "orders" {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestHoldSystem(t *testing.T) {
	h := Options{}.withDefaults().hold(orders, received(notification, map[string]string{
		"SentTimestamp": "1767323045678", "ApproximateReceiveCount": "2", "MessageGroupId": "g", "SequenceNumber": "5",
	}, nil), time.Unix(1000, 0))
	m := h.message
	if !m.Redelivered || m.Time.UnixMilli() != 1767323045678 || !h.until.Equal(time.Unix(1060, 0)) {
		t.Errorf("got %+v until %s", m, h.until)
	}
	for name, want := range map[string]string{
		"group_id": "g", "sequence_number": "5", "message_id": "m-1", "sns.subject": "hello", "sns.message_id": "s-1",
		"sns.topic": "arn:aws:sns:eu-west-1:123456789012:orders", "sns.timestamp": "2026-01-02T03:04:05.678Z", "header.order": "17",
	} {
		if m.Meta[name] != want {
			t.Errorf("meta %s: %q, want %q", name, m.Meta[name], want)
		}
	}
}

// Whatever a producer sends, it is a message or a dead letter with the bytes,
// and its meta is bounded.
func FuzzHold(f *testing.F) {
	f.Add(notification, "base64", "on", "1", "a")
	f.Add("AAE=", "base64", "auto", "x", "\xff")
	f.Add(`{"TopicArn"`, "text", "auto", "", "")
	f.Fuzz(func(t *testing.T, body, mode, sns, count, attribute string) {
		o := Options{Body: mode, SNS: sns}.withDefaults()
		h := o.hold(orders, received(body, map[string]string{"ApproximateReceiveCount": count, "SentTimestamp": count}, map[string]string{"type": attribute, attribute: body}), time.Now())
		m := h.message
		if h.dead != nil {
			if m = h.dead.Message; string(m.Value) != body {
				t.Errorf("the dead letter holds %q of %q", m.Value, body)
			}
		}
		for name, v := range m.Meta {
			if len(v) > maxValue+4 || len(name) > maxValue+len(header)+4 {
				t.Errorf("meta of %d bytes", len(v))
			}
		}
		if h.size < int64(len(m.Value)) {
			t.Errorf("size %d of %d bytes", h.size, len(m.Value))
		}
	})
}

// What is wrapped by SNS comes out of it.
func TestEnvelopeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "message")
		attributes := rapid.MapOfN(rapid.StringMatching(`[a-z]{1,8}`), rapid.StringMatching(`[ -~]{0,20}`), 0, 10).Draw(t, "attributes")
		wrapped := map[string]any{"Type": "Notification", "TopicArn": "arn", "Message": text}
		list := map[string]any{}
		for name, v := range attributes {
			list[name] = map[string]string{"Type": "String", "Value": v}
		}
		wrapped["MessageAttributes"] = list
		body, err := json.Marshal(wrapped)
		if err != nil {
			t.Fatal(err)
		}
		h := Options{}.withDefaults().hold(orders, received(string(body), nil, nil), time.Now())
		var want string
		if err := json.Unmarshal(body, &struct{ Message *string }{&want}); err != nil {
			t.Fatal(err)
		}
		if string(h.message.Value) != want {
			t.Fatalf("got %q, want %q", h.message.Value, want)
		}
		for name, v := range attributes {
			if h.message.Meta["header."+name] != v {
				t.Fatalf("%s: %q, want %q", name, h.message.Meta["header."+name], v)
			}
		}
	})
}

// Of any run of arrivals and departures nothing stays behind.
func TestHandBooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHand(100, 1<<20)
		var in []*held
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			var all []*held
			for range rapid.IntRange(0, 10).Draw(t, "received") {
				id := strconv.Itoa(rapid.IntRange(0, 40).Draw(t, "id"))
				all = append(all, &held{queue: orders, id: id, handle: strconv.Itoa(i), size: int64(rapid.IntRange(1, 100).Draw(t, "size"))})
			}
			in = append(in, h.arrived(all, false)...)
			out := rapid.IntRange(0, len(in)).Draw(t, "gone")
			h.gone(in[:out])
			in = in[out:]
			var size int64
			for _, m := range in {
				size += m.size
			}
			if len(h.held) != len(in) || h.size != size {
				t.Fatalf("%d messages of %d bytes, want %d of %d", len(h.held), h.size, len(in), size)
			}
		}
	})
}
