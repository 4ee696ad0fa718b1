//go:build !amd64 && !arm64

package protobuf

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// fastType has no values: hyperpb builds on amd64 and arm64 only.
type fastType struct{}

func compileFast(protoreflect.MessageDescriptor, *protoregistry.Types) *fastType { return nil }

type arena struct{}

func (arena) parse(*fastType, []byte) protoreflect.Message { return nil }

func (arena) free(int) {}
