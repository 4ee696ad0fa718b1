package sqs

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tidemill/tidemill"
)

// The values of Options.Body.
const (
	bodyText   = "text"
	bodyBase64 = "base64"
)

// Meta is bounded, so that dead letters are.
const (
	maxAttributes = 128
	maxValue      = 8 << 10 // bytes of one value
)

// header is what the names of message attributes begin with in Meta, where
// decode.message: header:NAME looks.
const header = "header."

// metaNames are the service's attributes of a message that are kept, by
// their names in Meta.
var metaNames = map[types.MessageSystemAttributeName]string{
	types.MessageSystemAttributeNameMessageGroupId:           "group_id",
	types.MessageSystemAttributeNameMessageDeduplicationId:   "deduplication_id",
	types.MessageSystemAttributeNameSequenceNumber:           "sequence_number",
	types.MessageSystemAttributeNameSenderId:                 "sender_id",
	types.MessageSystemAttributeNameAWSTraceHeader:           "trace_header",
	types.MessageSystemAttributeNameDeadLetterQueueSourceArn: "dead_letter_source",
}

// hold turns what was received at a time into what the source holds. A body
// that is not what the options say becomes a dead letter, with its bytes as
// they came.
func (o Options) hold(q *queue, m *types.Message, at time.Time) *held {
	h := &held{
		queue: q, id: aws.ToString(m.MessageId), handle: aws.ToString(m.ReceiptHandle), until: at.Add(o.Visibility),
	}
	body := aws.ToString(m.Body)
	out := tidemill.Message{
		Source: q.name, Value: []byte(body), Time: sent(m), Redelivered: receives(m) > 1, Meta: meta(m),
	}
	reason := o.unwrap(&out)
	// The type and the id may be attributes of the SNS message.
	out.Type = out.Meta[header+o.TypeAttribute]
	out.ID = o.id(m, &out, body)
	if reason == "" && o.Body == bodyBase64 {
		reason = unbase64(&out)
	}
	for name, value := range out.Meta {
		h.size += int64(len(name) + len(value))
	}
	h.size += overhead + int64(len(body)+len(h.handle)+len(h.id))
	if reason != "" {
		out.Value = []byte(body)
		h.dead = &tidemill.DeadLetter{Message: out, Code: tidemill.Malformed, Reason: reason}
		return h
	}
	h.message = out
	return h
}

// id returns the producer's id of a message: the attribute that was asked
// for, or the deduplication id, unless the service made that from the body:
// two equal bodies are not one message for that.
func (o Options) id(m *types.Message, out *tidemill.Message, body string) string {
	if o.IDAttribute != "" {
		return out.Meta[header+o.IDAttribute]
	}
	id := m.Attributes[string(types.MessageSystemAttributeNameMessageDeduplicationId)]
	if id == "" || id == sum(body) || id == sum(string(out.Value)) {
		return ""
	}
	return id
}

func sum(body string) string {
	s := sha256.Sum256([]byte(body))
	return hex.EncodeToString(s[:])
}

// unbase64 decodes the value of m, and returns what is wrong with it, or "".
func unbase64(m *tidemill.Message) string {
	value := make([]byte, base64.StdEncoding.DecodedLen(len(m.Value)))
	n, err := base64.StdEncoding.Decode(value, m.Value)
	if err != nil {
		return "the body is no base64, which body: base64 asks for: " + err.Error()
	}
	m.Value = value[:n]
	return ""
}

// sent is when the service took the message, or zero.
func sent(m *types.Message) time.Time {
	ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// receives is how often the message was received, now included.
func receives(m *types.Message) int {
	n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if err != nil {
		return 0
	}
	return n
}

// meta returns what the service tells of a message, and its attributes as
// header.NAME; binary ones in base64.
func meta(m *types.Message) map[string]string {
	out := make(map[string]string, len(m.MessageAttributes)+5)
	out["message_id"] = bounded(aws.ToString(m.MessageId))
	for name, as := range metaNames {
		if v := m.Attributes[string(name)]; v != "" {
			out[as] = bounded(v)
		}
	}
	left := maxAttributes
	for name, a := range m.MessageAttributes {
		if left--; left < 0 {
			out["headers"] = strconv.Itoa(len(m.MessageAttributes)) // how many there were
			break
		}
		value := aws.ToString(a.StringValue)
		if a.BinaryValue != nil {
			value = base64.StdEncoding.EncodeToString(a.BinaryValue)
		}
		out[header+bounded(name)] = bounded(value)
	}
	return out
}

func bounded(s string) string {
	if len(s) <= maxValue {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:maxValue], "") + "…"
}
