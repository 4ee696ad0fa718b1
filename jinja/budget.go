package jinja

import (
	"context"
	"errors"
	"fmt"
)

// Limits bound what one Render may use, so that a hostile or mistaken
// template ends in an error. Zero fields take the defaults.
type Limits struct {
	Output int   // bytes of rendered text; 64 MiB
	Steps  int   // loop iterations, calls and elements touched by builtins; 20 million
	Memory int64 // bytes of all strings, lists and dicts made, freed or not; 1 GiB
	Depth  int   // macro calls inside each other; 200
}

const maxDepth = 1000

func (l Limits) withDefaults() Limits {
	if l.Output <= 0 {
		l.Output = 64 << 20
	}
	if l.Steps <= 0 {
		l.Steps = 20_000_000
	}
	if l.Memory <= 0 {
		l.Memory = 1 << 30
	}
	if l.Depth <= 0 {
		l.Depth = 200
	}
	l.Depth = min(l.Depth, maxDepth)
	return l
}

const (
	maxNesting = 200     // of values inside values, where code recurses over them
	maxBits    = 1 << 18 // of an int
	slotBytes  = 16      // the size of one element of a list
	checkEvery = 1024    // steps between looks at the context
)

var (
	errNesting = errors.New("values are nested too deeply, or contain themselves")
	errBits    = fmt.Errorf("int has more than %d bits", maxBits)
)

// budget counts what a render has used. It belongs to one goroutine.
type budget struct {
	ctx   context.Context
	lim   Limits
	steps int
	check int
	mem   int64
}

func newBudget(ctx context.Context, lim Limits) *budget {
	return &budget{ctx: ctx, lim: lim.withDefaults()}
}

// step charges n units of work.
func (b *budget) step(n int) error {
	b.steps += n
	b.check += n
	if b.check >= checkEvery {
		b.check = 0
		if err := b.ctx.Err(); err != nil {
			return err
		}
	}
	if b.steps > b.lim.Steps || n < 0 {
		return fmt.Errorf("template takes more than %d steps", b.lim.Steps)
	}
	return nil
}

// alloc charges n bytes about to be made.
func (b *budget) alloc(n int) error {
	if n < 0 || int64(n) > b.lim.Memory-b.mem {
		return fmt.Errorf("template takes more than %d bytes of memory", b.lim.Memory)
	}
	b.mem += int64(n)
	return nil
}

// list charges a list of n elements and the work of filling it.
func (b *budget) list(n int) error {
	if n < 0 || n > b.lim.Steps {
		return b.step(-1)
	}
	if err := b.step(n); err != nil {
		return err
	}
	return b.alloc(n * slotBytes)
}
