package object

import (
	"context"
	"errors"
	"io"
	"time"
)

// bucket is where objects are.
type bucket interface {
	// name is for people: s3://bucket/prefix, or the path of a folder with a
	// slash.
	name() string

	// scope is what a key is called in marks.
	scope(key string) string

	// list returns entries in the order of the bytes of their keys, those
	// that begin with prefix and sort after after. last is the key up to which
	// it looked, "" if there are no more.
	list(ctx context.Context, prefix, after string) (page []entry, last string, err error)

	// stat returns the entry of a key, or errGone.
	stat(ctx context.Context, key string) (entry, error)

	// open returns the content of an entry. It may wait with looking for it.
	open(ctx context.Context, e entry) (content, error)
}

// entry is an object as it was when it was listed.
type entry struct {
	key      string
	etag     string
	size     int64
	modified time.Time
}

// content is what an entry holds. Where the object is no longer that of the
// entry, its methods return errChanged or errGone. Errors that may pass it
// has tried to outlast.
type content interface {
	io.ReaderAt
	io.Closer

	// stream reads from an offset to the end.
	stream(from int64) io.Reader
}

var (
	errChanged = errors.New("the object was changed")
	errGone    = errors.New("the object is gone")
)
