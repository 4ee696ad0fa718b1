package land_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
)

// void is a warehouse that takes everything and keeps nothing.
type void struct{ tidemill.Warehouse }

func (void) Evolve(_ context.Context, _ tidemill.Table, want *arrow.Schema) (*arrow.Schema, error) {
	return want, nil
}

func (void) Ledger(context.Context, string) (tidemill.Ledger, error) { return tidemill.Ledger{}, nil }

func (void) Commit(_ context.Context, l tidemill.Landing) (r tidemill.Receipt, err error) {
	for _, rows := range l.Rows {
		r.Rows += rows.Records.NumRows()
		r.Duplicates += rows.Duplicates
	}
	r.Dead = int64(len(l.Dead))
	return r, nil
}

// endless gives the same messages under new ids, n in all, in reads of 500.
type endless struct {
	fixed
	n, at int
	make  func(n int) tidemill.Message
}

func (s *endless) Read(context.Context) (tidemill.Batch, error) {
	if s.at == s.n {
		return tidemill.Batch{}, io.EOF
	}
	b := tidemill.Batch{Messages: make([]tidemill.Message, min(500, s.n-s.at))}
	for i := range b.Messages {
		b.Messages[i] = s.make(s.at)
		s.at++
	}
	return b, nil
}

const benchProto = `syntax = "proto3";
package shop;
message Line { string card = 1; int32 quantity = 2; int64 cents = 3; }
message Order { string id = 1; string customer = 2; int64 total = 3; string currency = 4; repeated Line lines = 5; string note = 6; }
`

func BenchmarkLand(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop.proto"), []byte(benchProto), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, format := range []string{"json", "protobuf"} {
		for _, shape := range []string{"envelope", "columns"} {
			b.Run(format+"/"+shape, func(b *testing.B) {
				p := pipeline()
				p.Land.Shape = shape
				p.Land.Batch = project.BatchLimits{}
				p.Decode = project.Decode{Format: format, Files: []string{"shop.proto"}, Message: "type"}
				decoder, err := decode.New(p.Decode, dir)
				if err != nil {
					b.Fatal(err)
				}
				body := orderOf(format)
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				s := &endless{n: b.N, make: func(n int) tidemill.Message {
					return tidemill.Message{
						Source: "orders", Type: "Order", ID: fmt.Sprint(n), Value: body,
						Meta: map[string]string{"routing_key": "orders.eu", "content_type": "application/x"},
					}
				}}
				l, err := land.New(land.Config{Pipeline: p, Source: s, Warehouse: void{}, Decoder: decoder, Mode: land.Once})
				if err != nil {
					b.Fatal(err)
				}
				b.ResetTimer()
				sum, err := l.Run(b.Context())
				if err != nil || int(sum.Rows) != b.N {
					b.Fatalf("%+v, %v", sum, err)
				}
			})
		}
	}
}

// orderOf returns an order of about 300 bytes.
func orderOf(format string) []byte {
	if format == "json" {
		return []byte(`{"id":"o-000001","customer":"c-4711","total":"12999","currency":"EUR","lines":[` +
			`{"card":"black-lotus","quantity":1,"cents":"9999"},{"card":"island","quantity":20,"cents":"10"},` +
			`{"card":"time-walk","quantity":2,"cents":"1400"}],"note":"leave it with the neighbour in number seven, please"}`)
	}
	var order []byte
	text := func(dst []byte, tag byte, s string) []byte { return append(append(dst, tag<<3|2, byte(len(s))), s...) }
	order = text(text(order, 1, "o-000001"), 2, "c-4711")
	order = text(append(order, 3<<3, 0xc7, 0x65), 4, "EUR")
	for _, card := range []string{"black-lotus", "island", "time-walk", "mox-pearl", "mox-ruby", "forest"} {
		line := append(text(nil, 1, card), 2<<3, 3, 3<<3, 0x8f, 0x4e)
		order = text(order, 5, string(line))
	}
	return text(order, 6, "leave it with the neighbour in number seven, please; the bell is broken, so knock twice and wait")
}
