package main

import (
	"context"
	"time"
)

// benchHelp measures the start of the binary: people ask for help often, and
// wait for it.
func benchHelp(ctx context.Context, b *bench) error {
	const limit = 100 * time.Millisecond
	took, err := alternate(4*b.rounds, func() (time.Duration, error) {
		return timed(func() error {
			_, err := b.tidemill(ctx, b.dir, "--help")
			return err
		})
	})
	if err != nil {
		return err
	}
	b.add(figure{
		bench: "help", what: "tidemill --help", subject: millis(took[0]),
		need: "< 100 ms", ok: took[0] < limit,
	})
	return nil
}
