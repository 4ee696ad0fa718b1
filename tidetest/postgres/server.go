// Package postgres starts private PostgreSQL servers for tests and benchmarks:
// the real server, as an unprivileged user, with its data in a temporary
// folder, on a free port of 127.0.0.1. Nothing outlives the process that
// started it, also where that is killed.
//
// A server takes about two seconds to start. A package whose tests do not
// restart it shares one, which TestMain makes with Run and stops, and gives
// each test a database of its own.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// User and Password log in as a superuser.
	User     = "postgres"
	Password = "tidetest-password"

	// startWithin is how long a server may take to answer.
	startWithin = 60 * time.Second
)

// Options say what a server is.
type Options struct {
	Version  string            // "15" or "18"; "" takes what the system has
	Settings map[string]string // of postgresql.conf, as {"wal_level": "logical"}
	HBA      []string          // lines of pg_hba.conf before the usual ones
	TLS      bool              // also accept TLS, with a certificate for localhost and 127.0.0.1 of Server.CAFile; 18 is built without it
	Encoding string            // of the databases; "" is UTF8
}

// Server is a running server. Its methods may be called from several
// goroutines, except Stop, Kill, Start and Restart.
type Server struct {
	// CAFile signed the server's certificate; CertFile and KeyFile are a
	// client's, for the user postgres. With Options.TLS only.
	CAFile, CertFile, KeyFile string

	opts    Options
	dir     string // of all that is the server's
	bin     string
	port    int
	process *process
	made    atomic.Int64 // databases
}

// Start returns a server that stops with the test. It fails the test where
// the server does not start.
func Start(t testing.TB, opts Options) *Server {
	t.Helper()
	s, err := Run(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Run starts a server, which the caller stops.
func Run(opts Options) (*Server, error) {
	bin, err := binaries(opts.Version)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, bin: bin}
	err = s.prepare()
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Port is where the server listens on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// URL is where the superuser reaches a database; "" is the database postgres.
func (s *Server) URL(database string) string {
	if database == "" {
		database = "postgres"
	}
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s", User, Password, s.port, database)
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(ctx context.Context) (string, error) {
	name := fmt.Sprintf("test_%d", s.made.Add(1))
	if err := s.Exec(ctx, s.URL(""), "create database "+name); err != nil {
		return "", err
	}
	return s.URL(name), nil
}

// Exec runs statements on a connection of their own. Each is one of the
// simple protocol: several, separated by semicolons, are one transaction.
func (s *Server) Exec(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return errors.Join(fmt.Errorf("%.200s: %w", sql, err), conn.Close(ctx))
		}
	}
	return conn.Close(ctx)
}

// Start starts a server that was shut down or killed, on the same data and
// port, and returns when it answers.
func (s *Server) Start() error {
	var err error
	if s.process, err = s.launch(filepath.Join(s.bin, "postgres"), "-D", s.data()); err != nil {
		return err
	}
	if err := s.answers(); err != nil {
		return fmt.Errorf("start postgres: %w\n%s", err, s.LogTail(4<<10))
	}
	return nil
}

// answers waits until the server takes connections.
func (s *Server) answers() error {
	deadline := time.Now().Add(startWithin)
	for {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		err := s.Exec(ctx, s.URL(""))
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-s.process.done:
			return fmt.Errorf("the server ended: %w", s.process.err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within %s: %w", startWithin, err)
		}
	}
}

// Kill ends the server as a crash would, and keeps its data: nothing is
// written that was not, and the next start recovers from the log.
func (s *Server) Kill() { s.process.crash(s.data()) }

// Restart ends the server in good order and starts it again.
func (s *Server) Restart() error {
	if err := s.process.shutdown(s.data()); err != nil {
		return fmt.Errorf("shut postgres down: %w\n%s", err, s.LogTail(4<<10))
	}
	return s.Start()
}

// Crash kills the server and starts it again.
func (s *Server) Crash() error {
	s.Kill()
	return s.Start()
}

// Stop kills the server and removes its data. It may be called again.
func (s *Server) Stop() error {
	if s.process != nil {
		s.process.crash(s.data())
	}
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// LogTail returns the last bytes of the server's output.
func (s *Server) LogTail(n int) string {
	text, err := os.ReadFile(filepath.Join(s.dir, "output"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-n):])
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
