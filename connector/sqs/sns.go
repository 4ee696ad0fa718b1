package sqs

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/tidemill/tidemill"
)

// The values of Options.SNS.
const (
	snsAuto = "auto"
	snsOn   = "on"
	snsOff  = "off"
)

// envelope is what SNS sends to a queue, where delivery is not raw.
type envelope struct {
	Type              string
	MessageID         string `json:"MessageId"`
	TopicArn          string
	Subject           string
	Message           *string
	Timestamp         string
	MessageAttributes map[string]struct{ Type, Value string }
}

// unwrap replaces an envelope by its message, whose attributes join those of
// m. It returns what is wrong with the body, or "".
func (o Options) unwrap(m *tidemill.Message) string {
	if o.SNS == snsOff {
		return ""
	}
	e, ok := readEnvelope(m.Value)
	if !ok {
		if o.SNS == snsOn {
			return "the body is no envelope of SNS, which sns: on asks for"
		}
		return ""
	}
	m.Value = []byte(*e.Message)
	set := func(name, value string) {
		if value != "" {
			m.Meta[name] = bounded(value)
		}
	}
	set("sns.topic", e.TopicArn)
	set("sns.message_id", e.MessageID)
	set("sns.subject", e.Subject)
	set("sns.timestamp", e.Timestamp)
	left := maxAttributes
	for name, a := range e.MessageAttributes {
		if left--; left < 0 {
			m.Meta["headers"] = strconv.Itoa(len(e.MessageAttributes)) // how many there were
			break
		}
		m.Meta[header+bounded(name)] = bounded(a.Value)
	}
	return ""
}

// readEnvelope reads a notification. Other kinds of messages of SNS confirm
// subscriptions and are not unwrapped.
func readEnvelope(body []byte) (envelope, bool) {
	var e envelope
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' || !bytes.Contains(body, []byte(`"TopicArn"`)) {
		return e, false // most bodies need no parsing to know
	}
	if json.Unmarshal(body, &e) != nil {
		return e, false
	}
	return e, e.Type == "Notification" && e.TopicArn != "" && e.Message != nil
}
