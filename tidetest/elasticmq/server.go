// Package elasticmq starts private ElasticMQ servers, which speak the
// protocol of Amazon SQS, for tests and benchmarks: on a free port of
// 127.0.0.1, with messages in memory only. Nothing outlives the process that
// started it, also where that is killed.
//
// A server takes some seconds to start. A package whose tests do not restart
// it shares one, which TestMain makes with Run and stops.
package elasticmq

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Version of the server that scripts/install-services puts into .cache.
const Version = "1.7.1"

// startWithin is how long a server may take to answer.
const startWithin = 90 * time.Second

// config binds the server to a port of this machine. Its limits are those of
// Amazon SQS.
const config = `include classpath("application.conf")
node-address { host = "127.0.0.1", port = %[1]d }
rest-sqs { bind-hostname = "127.0.0.1", bind-port = %[1]d, sqs-limits = strict }
rest-stats { enabled = false }
`

// Server is a running server.
type Server struct {
	dir    string
	port   int
	server *process
}

// Start returns a server that stops with the test. It fails the test where
// the server does not start.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := Run()
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
func Run() (*Server, error) {
	jars, err := jars()
	if err != nil {
		return nil, err
	}
	s := &Server{}
	if err = s.prepare(); err == nil {
		err = s.start(jars)
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Endpoint is where clients connect, with any credentials and any region.
func (s *Server) Endpoint() string { return fmt.Sprintf("http://127.0.0.1:%d", s.port) }

// Stop kills the server; its messages are gone. It may be called again.
func (s *Server) Stop() error {
	if s.server != nil {
		s.server.kill()
	}
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

func (s *Server) prepare() (err error) {
	if s.dir, err = os.MkdirTemp("", "tidetest-elasticmq-"); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "server.conf"), fmt.Appendf(nil, config, s.port), 0o644)
}

func (s *Server) start(jars string) (err error) {
	s.server, err = launch(s.dir, "java",
		"-Xmx512m", "-XX:+UseSerialGC", // one of many processes on a small machine
		"-Dconfig.file="+filepath.Join(s.dir, "server.conf"),
		"-cp", filepath.Join(jars, "*"), "org.elasticmq.server.Main")
	if err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return fmt.Errorf("start elasticmq: %w\n%s", err, s.LogTail(4<<10))
	}
	return nil
}

func (s *Server) ready() error {
	deadline := time.Now().Add(startWithin)
	for {
		r, err := http.Get(s.Endpoint() + "/?Action=ListQueues")
		if err == nil {
			if err = r.Body.Close(); r.StatusCode == http.StatusOK {
				return err
			}
			err = errors.New(r.Status)
		}
		select {
		case <-s.server.done:
			return fmt.Errorf("the server ended: %w", s.server.err)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within %s: %w", startWithin, err)
		}
	}
}

// LogTail returns the last bytes of the server's output.
func (s *Server) LogTail(n int) string {
	text, err := os.ReadFile(filepath.Join(s.dir, "output"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-n):])
}

// jars finds the folder that scripts/install-services fills, from the
// working directory upwards.
func jars() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("elasticmq is started from within the repository only")
		}
		dir = parent
	}
	dir = filepath.Join(dir, ".cache", "elasticmq", Version)
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("elasticmq is not installed: run scripts/install-services: %w", err)
	}
	return dir, nil
}
