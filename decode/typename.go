package decode

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tidemill/tidemill"
)

type typeKind int

const (
	fromType typeKind = iota
	fromHeader
	fromRoutingKey
	fromAny
	fixed
)

// typeSource is where the type of a message is told.
type typeSource struct {
	kind typeKind
	name string // the Meta key of a header, or the fixed type
}

func parseTypeSource(s string) (typeSource, error) {
	switch s {
	case "", "type":
		return typeSource{kind: fromType}, nil
	case "routing_key":
		return typeSource{kind: fromRoutingKey, name: MetaRoutingKey}, nil
	case "any":
		return typeSource{kind: fromAny}, nil
	}
	if name, ok := strings.CutPrefix(s, "header:"); ok {
		if name == "" {
			return typeSource{}, invalid("decode", errors.New("message header: has no name"), "write message: header:NAME")
		}
		return typeSource{kind: fromHeader, name: MetaHeaderPrefix + name}, nil
	}
	return typeSource{kind: fixed, name: s}, nil
}

// of returns the name of m's type as it is told, which for fromAny is "".
func (s typeSource) of(m *tidemill.Message) (string, error) {
	var name, lacks, hint string
	switch s.kind {
	case fromType:
		name, lacks = m.Type, "the message names no type"
		hint = "set the type where messages are published, or say in decode.message where it is: header:NAME, routing_key, any, or a fixed name"
	case fromHeader:
		header := strings.TrimPrefix(s.name, MetaHeaderPrefix)
		name, lacks = m.Meta[s.name], "the message names no type: it has no header "+header
		hint = "the header " + header + " must name the type (decode.message)"
	case fromRoutingKey:
		name, lacks = m.Meta[s.name], "the message names no type: it has no routing key"
		hint = "the routing key must name the type (decode.message)"
	case fromAny:
		return "", nil
	case fixed:
		return s.name, nil
	}
	if name == "" {
		return "", &tidemill.Error{Code: tidemill.UnknownType, Op: "decode", Err: errors.New(lacks), Hint: hint}
	}
	if len(name) > maxTypeName || !utf8.ValidString(name) {
		return "", letter(tidemill.UnknownType, fmt.Errorf("type name %.40q is too long or not UTF-8", name))
	}
	return name, nil
}

const maxTypeName = 512 // bytes
