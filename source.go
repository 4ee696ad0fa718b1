package tidemill

import "context"

// Source reads messages or records at least once, in order within a scope.
// Open, Read, Ack and Close are called as follows: Open once, before all
// else; Read from one goroutine; Ack from one goroutine, which may be another
// than that of Read; Close once, after Read and Ack have returned.
type Source interface {
	// Open begins to read after the given marks. None begins at the
	// beginning, with the snapshot if there is one.
	Open(ctx context.Context, from []Mark) error

	// Read blocks until a batch is there, ctx is done, or the source has
	// ended, which io.EOF says. It reconnects by itself; an error that it
	// returns is final for this Source.
	Read(ctx context.Context) (Batch, error)

	// Ack says that the batch of token is committed: only now may slots
	// advance and messages go. Tokens come in the order of Read. A token of
	// a connection that is gone is dropped without error, because its
	// messages will be delivered again.
	Ack(ctx context.Context, token any) error

	Close() error
}

// Drainer is a Source that knows how much it held at a moment.
type Drainer interface {
	// Drain, called once after Open, makes Read return io.EOF when all that
	// the source holds now has been read: file sizes and queue depths count
	// as they are at the call.
	Drain(ctx context.Context) error
}
