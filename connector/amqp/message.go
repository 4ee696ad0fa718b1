package amqp

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill"
)

// Meta is bounded, so that dead letters are.
const (
	maxHeaders = 128
	maxValue   = 8 << 10 // bytes of one value
)

// message turns what the broker delivered into what the pipeline reads.
func message(queue string, d *amqp091.Delivery) tidemill.Message {
	return tidemill.Message{
		Source: queue, ID: d.MessageId, Type: d.Type, Value: d.Body, Time: d.Timestamp,
		Redelivered: d.Redelivered || deliveryCount(d.Headers) > 0,
		Meta:        meta(d),
	}
}

// deliveryCount is how often a quorum queue delivered a message before.
func deliveryCount(h amqp091.Table) int64 {
	switch n := h["x-delivery-count"].(type) {
	case int64:
		return n
	case int32:
		return int64(n)
	}
	return 0
}

// meta returns the properties that the publisher set, and the headers as
// header.NAME.
func meta(d *amqp091.Delivery) map[string]string {
	m := make(map[string]string, 8)
	set := func(name, value string) {
		if value != "" {
			m[name] = bounded(value)
		}
	}
	set("exchange", d.Exchange)
	set("routing_key", d.RoutingKey)
	set("content_type", d.ContentType)
	set("content_encoding", d.ContentEncoding)
	set("correlation_id", d.CorrelationId)
	set("reply_to", d.ReplyTo)
	set("expiration", d.Expiration)
	set("user_id", d.UserId)
	set("app_id", d.AppId)
	if d.DeliveryMode > 0 {
		m["delivery_mode"] = strconv.Itoa(int(d.DeliveryMode))
	}
	if d.Priority > 0 {
		m["priority"] = strconv.Itoa(int(d.Priority))
	}
	if !d.Timestamp.IsZero() {
		m["timestamp"] = d.Timestamp.UTC().Format(time.RFC3339)
	}
	left := maxHeaders
	for name, v := range d.Headers {
		if left--; left < 0 {
			m["headers"] = strconv.Itoa(len(d.Headers)) // how many there were
			break
		}
		m["header."+bounded(name)] = bounded(text(v))
	}
	return m
}

func bounded(s string) string {
	if len(s) <= maxValue {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:maxValue], "") + "…"
}

// text writes a header's value: times in RFC 3339, bytes as they are where
// they are UTF-8, else in base64, lists and tables as JSON.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
		return base64.StdEncoding.EncodeToString(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case amqp091.Decimal:
		return decimal(v)
	case amqp091.Table, []any:
		b, err := json.Marshal(plain(v))
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(b)
	}
	return fmt.Sprint(v)
}

// plain turns a value within a list or table into one for encoding/json.
func plain(v any) any {
	switch v := v.(type) {
	case amqp091.Table:
		m := make(map[string]any, len(v))
		for name, x := range v {
			m[name] = plain(x)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = plain(x)
		}
		return list
	case []byte, time.Time, amqp091.Decimal, float32, float64:
		return text(v) // JSON has no NaN
	}
	return v
}

// decimal writes value x 10^-scale in full.
func decimal(d amqp091.Decimal) string {
	s := strconv.FormatInt(int64(d.Value), 10)
	if d.Scale == 0 {
		return s
	}
	digits, minus := strings.CutPrefix(s, "-")
	if pad := int(d.Scale) + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	at := len(digits) - int(d.Scale)
	s = digits[:at] + "." + digits[at:]
	if minus {
		s = "-" + s
	}
	return s
}
