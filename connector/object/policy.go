package object

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/tidemill/tidemill"
)

// policyDocument is what is read of the policy of a queue.
type policyDocument struct {
	Statement oneOrMany[struct {
		Effect    string
		Principal json.RawMessage
		Action    oneOrMany[string]
		Resource  oneOrMany[string]
		Condition map[string]map[string]oneOrMany[string]
	}]
}

// oneOrMany is a value that policies write alone or in a list.
type oneOrMany[T any] []T

// UnmarshalJSON reads both forms.
func (o *oneOrMany[T]) UnmarshalJSON(text []byte) error {
	var many []T
	if json.Unmarshal(text, &many) == nil {
		*o = many
		return nil
	}
	var one T
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	*o = []T{one}
	return nil
}

// policy looks whether S3 may send to the queue on behalf of the bucket.
func (w hops) policy(text string) tidemill.Finding {
	f := tidemill.Finding{
		What: "policy of the queue", Why: "it does not let S3 send to the queue",
		Hint: "allow the service s3.amazonaws.com the action sqs:SendMessage on " + w.arn + ", with aws:SourceArn " + w.bucketARN(),
	}
	var p policyDocument
	if text == "" || json.Unmarshal([]byte(text), &p) != nil {
		return f
	}
	for _, s := range p.Statement {
		if !strings.EqualFold(s.Effect, "Allow") || !names(s.Principal, "s3.amazonaws.com") || !grants(s.Action) || !covers(s.Resource, w.arn) {
			continue
		}
		if source, ok := sourceARN(s.Condition); ok && !covers(source, w.bucketARN()) {
			f.Why = "it lets S3 send for " + strings.Join(source, ", ") + " only, not for " + w.bucketARN()
			continue
		}
		return tidemill.Finding{OK: true, What: "policy of the queue: S3 may send for the bucket"}
	}
	return f
}

func (w hops) bucketARN() string {
	partition := "aws"
	if parts := strings.Split(w.arn, ":"); len(parts) > 1 && parts[1] != "" {
		partition = parts[1]
	}
	return "arn:" + partition + ":s3:::" + w.bucket
}

// names reports whether a principal is everybody, or has the service.
func names(principal json.RawMessage, service string) bool {
	var all string
	if json.Unmarshal(principal, &all) == nil {
		return all == "*"
	}
	var kinds map[string]oneOrMany[string]
	if json.Unmarshal(principal, &kinds) != nil {
		return false
	}
	for _, who := range kinds {
		for _, p := range who {
			if p == "*" || p == service {
				return true
			}
		}
	}
	return false
}

func grants(actions []string) bool {
	for _, a := range actions {
		if ok, err := path.Match(strings.ToLower(a), "sqs:sendmessage"); ok && err == nil {
			return true
		}
	}
	return false
}

// covers reports whether one of patterns, in which * stands for any text, is
// the ARN.
func covers(patterns []string, arn string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(strings.ReplaceAll(p, "/", "|"), strings.ReplaceAll(arn, "/", "|")); ok && err == nil {
			return true
		}
	}
	return false
}

// sourceARN returns what the conditions of a statement say of aws:SourceArn.
func sourceARN(conditions map[string]map[string]oneOrMany[string]) ([]string, bool) {
	for _, keys := range conditions {
		for key, values := range keys {
			if strings.EqualFold(key, "aws:SourceArn") {
				return values, true
			}
		}
	}
	return nil, false
}
