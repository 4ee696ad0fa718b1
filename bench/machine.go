package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // registers the driver
)

// machine says in one line what the figures were made on.
func machine(ctx context.Context) (string, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }() // holds nothing
	var engine string
	if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&engine); err != nil {
		return "", fmt.Errorf("ask for the engine's version: %w", err)
	}
	return fmt.Sprintf("%d cores (%s), %s memory, %s/%s, %s, DuckDB %s",
		runtime.NumCPU(), fact("/proc/cpuinfo", "model name"), ram(), runtime.GOOS, runtime.GOARCH, runtime.Version(), engine), nil
}

func ram() string {
	kb, _, _ := strings.Cut(fact("/proc/meminfo", "MemTotal"), " ")
	n, err := strconv.ParseFloat(kb, 64)
	if err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.0f GiB", n/(1<<20))
}

// fact returns the value of the first line "name: value" of a file of the
// kernel, or "unknown".
func fact(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
