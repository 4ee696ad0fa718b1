// Package decode turns the bytes of a message into an event: its type and its
// payload in canonical form.
//
// Two formats are read, JSON and protobuf. Where a schema describes the type,
// both give the same payload for the same event, so its identities do not
// depend on the encoding; JSON without a schema stands for itself. Fields that
// the schema does not know are kept. Whatever the bytes are, a Decoder returns
// an event or a dead letter's reason; it does not panic, and depth and size
// are bounded.
package decode

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project"
)

// Decoder decodes messages one after the other. It is not safe for
// concurrent use: each goroutine has its own.
type Decoder interface {
	// Decode appends the payload of m to dst. It keeps neither dst nor m. An
	// error is a *tidemill.Error whose code is that of a dead letter.
	Decode(dst []byte, m *tidemill.Message) (Event, error)
}

// Event is a decoded message.
type Event struct {
	// Type is the name that is stored: relative to its package, as in
	// OrderCreated or Outer.Inner, or the full name where two packages share
	// the relative one.
	Type string

	// Identity is the full name of the type; hashes are made of it. For JSON
	// without a schema it equals Type.
	Identity string

	// Payload is the canonical text that was appended to dst, without what
	// stood there before. It is always an object.
	Payload []byte

	// Schema describes the columns of the type for package columnar; it is
	// nil without a descriptor, and the same pointer for the same type.
	Schema *arrow.Schema
}

// Facts of a message by which decoders are steered; sources set them.
const (
	MetaContentType  = "content_type" // application/json makes a protobuf pipeline read JSON
	MetaFormat       = "format"       // json does the same; the file source sets it by the file's name
	MetaRoutingKey   = "routing_key"
	MetaHeaderPrefix = "header." // followed by the name of a header
)

// New reads the schemas that cfg names, relative to the project folder dir,
// and returns a function that makes Decoders. An error names the file, line
// and column of what is wrong.
func New(cfg project.Decode, dir string) (func() Decoder, error) {
	described := len(cfg.Files) > 0 || cfg.Descriptors != ""
	switch {
	case cfg.Format != "" && cfg.Format != "json" && cfg.Format != "protobuf":
		return nil, invalid("decode", fmt.Errorf("format %q is not known", cfg.Format), "formats are json and protobuf")
	case cfg.Format == "protobuf" && !described:
		return nil, invalid("decode", fmt.Errorf("format protobuf has no schema"), "name the .proto files under decode.files, or a descriptor set under decode.descriptors")
	case len(cfg.Files) > 0 && cfg.Descriptors != "":
		return nil, invalid("decode", fmt.Errorf("both files and descriptors are given"), "keep one of them")
	}
	where, err := parseTypeSource(cfg.Message)
	if err != nil {
		return nil, err
	}
	if described {
		return newDescribed(cfg, dir, where)
	}
	if where.kind == fromAny {
		return nil, invalid("decode", fmt.Errorf("message any needs a schema"), "name the .proto files under decode.files, or tell the type by type, header:NAME or routing_key")
	}
	return func() Decoder { return &plain{where: where} }, nil
}

func invalid(op string, err error, hint string) error {
	return &tidemill.Error{Code: tidemill.Invalid, Op: op, Err: err, Hint: hint}
}

// letter makes the error of a message that becomes a dead letter.
func letter(code tidemill.Code, err error) error {
	return &tidemill.Error{Code: code, Op: "decode", Err: err}
}

// isJSON reports whether a source says that m carries JSON.
func isJSON(m *tidemill.Message) bool {
	if m.Meta[MetaFormat] == "json" {
		return true
	}
	kind, _, _ := strings.Cut(m.Meta[MetaContentType], ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}
