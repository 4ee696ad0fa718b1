package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// notice is what one record of an event message tells.
type notice struct {
	bucket, key string
}

// eventMessage is the body that S3 sends, or SNS around it.
type eventMessage struct {
	Event   string `json:"Event"` // of a test message
	Records []struct {
		EventSource string `json:"eventSource"`
		EventName   string `json:"eventName"`
		S3          struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key string `json:"key"`
			} `json:"object"`
		} `json:"s3"`
	} `json:"Records"`

	Type    string `json:"Type"` // of an envelope of SNS
	Message string `json:"Message"`
}

// errNoEvent says that a message is none that S3 sends.
var errNoEvent = errors.New("the message is no event of S3")

// parseEvent returns the objects that a message says were created: none for a
// test message, and for events of other kinds.
func parseEvent(body []byte) ([]notice, error) {
	m, err := readEvent(body)
	if err != nil {
		return nil, err
	}
	if m.Type == "Notification" && m.Message != "" {
		if m, err = readEvent([]byte(m.Message)); err != nil {
			return nil, fmt.Errorf("in the envelope of SNS: %w", err)
		}
	}
	if m.Event == "s3:TestEvent" {
		return nil, nil
	}
	if m.Records == nil {
		return nil, errNoEvent
	}
	var all []notice
	for _, r := range m.Records {
		if r.EventSource != "" && r.EventSource != "aws:s3" {
			return nil, errNoEvent
		}
		if !strings.HasPrefix(strings.TrimPrefix(r.EventName, "s3:"), "ObjectCreated") {
			continue
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil || key == "" || r.S3.Bucket.Name == "" {
			return nil, fmt.Errorf("its key %q cannot be read", r.S3.Object.Key)
		}
		all = append(all, notice{bucket: r.S3.Bucket.Name, key: key})
	}
	return all, nil
}

func readEvent(body []byte) (eventMessage, error) {
	var m eventMessage
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return m, errNoEvent
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("%w: %w", errNoEvent, err)
	}
	return m, nil
}
