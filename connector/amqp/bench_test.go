package amqp

import (
	"fmt"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"
)

// BenchmarkRead compares the source with a consumer that does nothing but
// acknowledge in batches of the same size.
func BenchmarkRead(b *testing.B) {
	const n, batch = 50_000, 10_000
	fill := func(b *testing.B) string {
		q := fmt.Sprintf("bench-%d", time.Now().UnixNano())
		if err := publisher(b, shared).Declare(q, Options{}); err != nil {
			b.Fatal(err)
		}
		publish(b, shared, q, 0, n, 300)
		return q
	}
	rate := func(b *testing.B) {
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
	}
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			q := fill(b)
			conn, err := amqp091.Dial(shared.URL())
			if err != nil {
				b.Fatal(err)
			}
			ch, err := conn.Channel()
			if err != nil {
				b.Fatal(err)
			}
			if err := ch.Qos(2*batch, 0, false); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			deliveries, err := ch.Consume(q, "", false, false, false, false, nil)
			if err != nil {
				b.Fatal(err)
			}
			for i := 1; i <= n; i++ {
				d := <-deliveries
				if i%batch == 0 {
					if err := d.Ack(true); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.StopTimer()
			if err := conn.Close(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		rate(b)
	})
	b.Run("source", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			q := fill(b)
			s := NewSource(connection(shared), Options{Queues: []string{q}}, env)
			if err := s.Open(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			got, acked := 0, 0
			for got < n {
				x, err := s.Read(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				got += len(x.Messages)
				if got-acked >= batch || got == n {
					acked = got
					ack(b, s, x.Token)
				}
			}
			b.StopTimer()
			closeSource(b, s)
			b.StartTimer()
		}
		rate(b)
	})
}
