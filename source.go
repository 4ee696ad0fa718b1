package tidemill

import "context"

// Source reads messages or records at least once, in order within a scope.
// Open, Read, Ack and Close are called as follows: Open once, before all
// else; Read from one goroutine; Ack from one goroutine, which may be another
// than that of Read; Close after Read and Ack have returned.
//
// What was read and not acknowledged is not lost with a Source, however it
// ends: another one that is opened reads it again. Suite tidetest.Source holds
// all of them to what is said here.
type Source interface {
	// Open begins to read after the given marks, of which only To counts. None
	// begins at the beginning, with the snapshot if there is one. A scope that
	// has no mark begins at its own beginning. The Source does not keep ctx.
	Open(ctx context.Context, from []Mark) error

	// Read blocks until a batch is there, ctx is done, or the source has
	// ended, which io.EOF says. It reconnects by itself; an error that it
	// returns is final for this Source; io.EOF comes again. When ctx is done
	// it returns soon, with the error of ctx; nothing is read after that, but
	// what was read before can still be acknowledged.
	//
	// Marks chain: From of a mark is To of the one before of its scope, or what
	// Open was given, or empty. A batch with rows of a positioned source has
	// marks that cover them all. A message that may have been read before, by
	// any Source, says so in Redelivered, unless marks keep it from that.
	Read(ctx context.Context) (Batch, error)

	// Ack says that the batch of token is committed: only now may slots
	// advance and messages go. Tokens come in the order of Read. A token of
	// a connection that is gone is dropped without error, because its
	// messages will be delivered again.
	Ack(ctx context.Context, token any) error

	// Close gives back what was not acknowledged, and leaves no goroutine or
	// connection behind. What Ack was called for stays acknowledged. It may be
	// called without Open, or after one that failed; a second call does
	// nothing.
	Close() error
}

// Drainer is a Source that knows how much it held at a moment.
type Drainer interface {
	// Drain, called once after Open, makes Read return io.EOF when all that
	// the source holds now has been read: file sizes and queue depths count
	// as they are at the call.
	Drain(ctx context.Context) error
}

// Peeker is a Source that shows what waits in another way than by Open, Read
// and Close without an Ack, because that would disturb other readers, or
// cannot be done beside them.
type Peeker interface {
	// Peek is called in place of Open, with Close after it. It returns at once
	// with at most limit of the messages or rows that would be read next, and
	// no Token. Nothing is consumed, made or declared.
	Peek(ctx context.Context, limit int) (Batch, error)
}
