package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"buf.build/go/hyperpb"
	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/internal/canon"
	"github.com/tidemill/tidemill/project"
)

const orderType = "OrderCreated"

// benchDecode measures what is done to a message before it is a row: decode,
// canonical form and identities. Its peers only parse, the one by reflection,
// the other by a compiled parser.
func benchDecode(ctx context.Context, b *bench) error {
	dir, err := b.cards()
	if err != nil {
		return err
	}
	desc, err := orderDescriptor(ctx, filepath.Join(dir, "proto"))
	if err != nil {
		return err
	}
	decoders, err := decode.New(project.Decode{Format: "protobuf", Files: []string{"proto/events.proto"}, Message: "type"}, dir)
	if err != nil {
		return err
	}
	var messages []tidemill.Message
	bytes := 0
	for e := range orders(b.n(20_000)) {
		messages = append(messages, tidemill.Message{Source: e.Queue, Type: e.Type, Value: e.Body})
		bytes += len(e.Body)
	}
	took, err := alternate(4*b.rounds,
		every(messages, identities(decoders())),
		every(messages, func(m *tidemill.Message) error { return proto.Unmarshal(m.Value, dynamicpb.NewMessage(desc)) }),
		every(messages, hyper(desc)))
	if err != nil {
		return err
	}
	n := len(messages)
	for i, peer := range []string{"dynamicpb", "hyperpb"} {
		b.add(figure{
			bench: "decode", what: fmt.Sprintf("order of %d bytes to text and hashes; floor: %s parses", bytes/n, peer),
			subject: perOne(n, took[0]), floor: perOne(n, took[i+1]), ratio: took[i+1].Seconds() / took[0].Seconds(),
		})
	}
	return nil
}

// every times f over all messages.
func every(messages []tidemill.Message, f func(*tidemill.Message) error) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		return timed(func() error {
			for i := range messages {
				if err := f(&messages[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// identities does what landing does to each message.
func identities(d decode.Decoder) func(*tidemill.Message) error {
	var buf []byte
	return func(m *tidemill.Message) error {
		e, err := d.Decode(buf[:0], m)
		if err != nil {
			return err
		}
		buf = e.Payload
		canon.Delivery(m.Source, m.Type, m.ID, m.Value)
		canon.PayloadHash(e.Identity, e.Payload)
		canon.Key(e.Identity, m.ID, e.Payload)
		return nil
	}
}

func hyper(desc protoreflect.MessageDescriptor) func(*tidemill.Message) error {
	typ, shared := hyperpb.CompileMessageDescriptor(desc), new(hyperpb.Shared)
	return func(m *tidemill.Message) error {
		defer shared.Free()
		return shared.NewMessage(typ).Unmarshal(m.Value)
	}
}

// orderDescriptor compiles the schema of the cards project.
func orderDescriptor(ctx context.Context, dir string) (protoreflect.MessageDescriptor, error) {
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{dir}})}
	files, err := c.Compile(ctx, "events.proto")
	if err != nil {
		return nil, err
	}
	desc := files[0].Messages().ByName(orderType)
	if desc == nil {
		return nil, fmt.Errorf("events.proto has no %s", orderType)
	}
	return desc, nil
}
