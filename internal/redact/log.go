package redact

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Handler returns a handler that gives next every record with its message
// and the values of its attributes, at any depth, scrubbed by Text.
func Handler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ next slog.Handler }

func (h handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.next.WithAttrs(scrub(attrs))}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.next.WithGroup(name)} }

func scrub(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = attr(a)
	}
	return clean
}

func attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(Text(v.String()))
	case slog.KindGroup:
		v = slog.GroupValue(scrub(v.Group())...)
	case slog.KindAny:
		v = value(v.Any())
	}
	return slog.Attr{Key: a.Key, Value: v}
}

// value scrubs what only the next handler knows how to print: it keeps v
// where neither its text nor its JSON holds a secret.
func value(v any) slog.Value {
	switch v := v.(type) {
	case error:
		return slog.StringValue(Text(v.Error()))
	case []byte:
		return slog.AnyValue([]byte(Text(string(v))))
	}
	text := fmt.Sprintf("%+v", v)
	if clean := Text(text); clean != text {
		return slog.StringValue(clean)
	}
	if j, err := json.Marshal(v); err == nil {
		if clean := Text(string(j)); clean != string(j) {
			return slog.StringValue(clean)
		}
	}
	return slog.AnyValue(v)
}

// Writer returns a writer that gives w every Write scrubbed by Text, in one
// call. A value that the caller splits over two writes passes: it is for
// those who write whole lines, as handlers of slog do.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ w io.Writer }

// Write reports len(p) where all was written, whatever its scrubbed length.
func (w writer) Write(p []byte) (int, error) {
	clean := Text(string(p))
	n, err := io.WriteString(w.w, clean)
	if err == nil && n < len(clean) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}
