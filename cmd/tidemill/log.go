package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// openLog makes the logger that the global flags and TIDEMILL_LOG_LEVEL ask
// for. Secrets are scrubbed from every record.
func (a *app) openLog() error {
	level, err := a.logLevel()
	if err != nil {
		return err
	}
	out := a.stderr
	if a.logFile != "" {
		f, err := openLogFile(a.logFile)
		if err != nil {
			return err
		}
		a.closers = append(a.closers, f)
		out = f
	}
	if a.log, err = a.newLog(out, level); err != nil {
		return err
	}
	if a.logSQL { // whoever asks for it gets it, also with -q
		a.sqlLog, err = a.newLog(out, min(level, slog.LevelInfo))
	}
	return err
}

func (a *app) newLog(out io.Writer, level slog.Level) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{Level: level}
	var h slog.Handler
	switch a.logFormat {
	case "text":
		h = slog.NewTextHandler(out, opts)
	case "json":
		opts.ReplaceAttr = func(_ []string, attr slog.Attr) slog.Attr {
			if attr.Value.Kind() == slog.KindDuration { // which slog writes as a number without unit
				attr.Value = slog.StringValue(attr.Value.Duration().String())
			}
			return attr
		}
		h = slog.NewJSONHandler(out, opts)
	default:
		return nil, usagef("--log-format %q: want text or json", a.logFormat)
	}
	return slog.New(redact.Handler(h)), nil
}

func (a *app) logLevel() (slog.Level, error) {
	switch {
	case a.quiet:
		return slog.LevelError, nil
	case a.verbose:
		return slog.LevelDebug, nil
	}
	name := os.Getenv("TIDEMILL_LOG_LEVEL")
	if name == "" {
		return slog.LevelInfo, nil
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return 0, usagef("TIDEMILL_LOG_LEVEL=%q: want debug, info, warn or error", name)
	}
	return level, nil
}

func openLogFile(path string) (*os.File, error) {
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("open log file: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log file: %w", err)
	}
	return f, nil
}

// env is what connectors get.
func (a *app) env(dir string) tidemill.Env {
	return tidemill.Env{Dir: dir, Log: a.log, SQL: a.sqlLog}
}

// plural counts things: "1 row", "2 rows".
func plural[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	switch {
	case strings.HasSuffix(thing, "ch"):
		thing += "es"
	default:
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
