package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tidemill/tidemill/examples"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

// bench is what the benchmarks share.
type bench struct {
	report
	scale  float64
	rounds int
	bin    string
	dir    string // removed at the end

	running *rabbitmq.Broker
}

// n returns a number of messages at the scale of this run.
func (b *bench) n(full int) int { return max(int(float64(full)*b.scale), 1000) }

// broker starts RabbitMQ at first use.
func (b *bench) broker() (*rabbitmq.Broker, error) {
	if b.running != nil {
		return b.running, nil
	}
	var err error
	b.running, err = rabbitmq.Run(rabbitmq.Options{})
	return b.running, err
}

func (b *bench) close() (err error) {
	if b.running != nil {
		err = b.running.Stop()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

// fresh makes an empty folder.
func (b *bench) fresh() (string, error) { return os.MkdirTemp(b.dir, "") }

// cards makes a folder with the cards project.
func (b *bench) cards() (string, error) {
	dir, err := b.fresh()
	if err != nil {
		return "", err
	}
	return dir, copyFS(dir, examples.Cards())
}

func copyFS(dir string, from fs.FS) error {
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		to := filepath.Join(dir, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		content, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, content, 0o644)
	})
}

// alternate runs the functions in turns, so many times each, and returns the
// median of what each of them took.
func alternate(rounds int, run ...func() (time.Duration, error)) ([]time.Duration, error) {
	took := make([][]time.Duration, len(run))
	for range rounds {
		for i, f := range run {
			d, err := f()
			if err != nil {
				return nil, err
			}
			took[i] = append(took[i], d)
		}
	}
	medians := make([]time.Duration, len(run))
	for i, all := range took {
		medians[i] = median(all)
	}
	return medians, nil
}

// median returns the middle of d, which it sorts.
func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// timed returns how long f takes.
func timed(f func() error) (time.Duration, error) {
	begun := time.Now()
	err := f()
	return time.Since(begun), err
}
