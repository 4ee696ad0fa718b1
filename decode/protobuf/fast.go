//go:build amd64 || arm64

package protobuf

import (
	"buf.build/go/hyperpb"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// fastType parses about ten times as fast as dynamicpb does.
type fastType = hyperpb.MessageType

// compileFast returns nil for types that are beyond the compiler, which says
// so by a panic.
func compileFast(md protoreflect.MessageDescriptor, types *protoregistry.Types) (t *fastType) {
	defer func() {
		if recover() != nil {
			t = nil
		}
	}()
	t = hyperpb.CompileMessageDescriptor(md, hyperpb.WithExtensionsFromTypes(types))
	if err := hyperpb.NewMessage(t).Unmarshal(nil); err != nil {
		return nil
	}
	return t
}

// arena is the memory of the message that is being parsed.
type arena struct{ shared *hyperpb.Shared }

// parse returns nil where body is refused. The message is valid until free,
// and as long as body is not changed.
func (a *arena) parse(t *fastType, body []byte) (m protoreflect.Message) {
	if a.shared == nil {
		a.shared = new(hyperpb.Shared)
	}
	defer func() {
		if recover() != nil {
			a.shared, m = nil, nil // its state is not to be trusted any more
		}
	}()
	msg := a.shared.NewMessage(t)
	if msg.Unmarshal(body, hyperpb.WithMaxDepth(MaxMessages), hyperpb.WithAllowAlias(true)) != nil {
		return nil
	}
	return msg
}

// free ends the message. The memory of a large one is given back.
func (a *arena) free(size int) {
	if size > 1<<20 {
		a.shared = nil
	}
	if a.shared != nil {
		a.shared.Free()
	}
}
