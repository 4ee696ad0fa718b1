// Package service runs a server for tests: in a folder of its own, on a free
// port of 127.0.0.1, until the process that started it ends, also where that
// is killed. Packages versitygw and moto say which.
package service

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// startWithin is how long a server may take to answer.
const startWithin = 90 * time.Second

// guard runs a command until its end, or until standard input ends, which it
// does when this process does: then all of the group is killed.
const guard = `exec 3<&0
{ cat <&3 >/dev/null; kill -KILL 0; } &
"$@" </dev/null 3<&-`

// Server is a running server.
type Server struct {
	Dir  string // removed by Stop
	Port int

	command []string
	env     []string
	cmd     *exec.Cmd
	stdin   io.Closer // its end is that of the command
	done    chan struct{}
	err     error // how the command ended; after done
}

// Run starts a server that answers HTTP. command returns its words for a
// folder and a port; env is added to the environment.
func Run(name string, env []string, command func(dir string, port int) []string) (*Server, error) {
	dir, err := os.MkdirTemp("", "tidetest-"+name+"-")
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, env: env}
	if s.Port, err = freePort(); err == nil {
		s.command = command(dir, s.Port)
		err = s.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), s.Stop())
	}
	return s, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// Endpoint is where clients connect.
func (s *Server) Endpoint() string { return fmt.Sprintf("http://127.0.0.1:%d", s.Port) }

// Start starts a server that was killed, with its folder and port.
func (s *Server) Start() error {
	if err := s.launch(); err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return fmt.Errorf("%w\n%s", err, s.LogTail(4<<10))
	}
	return nil
}

func (s *Server) launch() error {
	out, err := os.OpenFile(filepath.Join(s.Dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // the command has its own
	cmd := exec.Command("/bin/sh", append([]string{"-c", guard, "sh"}, s.command...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, out, out
	cmd.Env = append(os.Environ(), s.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	s.cmd, s.done = cmd, done
	go func() {
		defer close(done)
		if s.err = cmd.Wait(); s.err == nil {
			s.err = errors.New("exit status 0")
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the guard's other half
	}()
	return nil
}

func (s *Server) ready() error {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	deadline := time.Now().Add(startWithin)
	for {
		r, err := client.Get(s.Endpoint())
		if err == nil {
			return r.Body.Close()
		}
		select {
		case <-s.done:
			return fmt.Errorf("the server ended: %w", s.err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within %s: %w", startWithin, err)
		}
	}
}

// Kill ends the server as a crash would, and keeps its folder. It may be
// called again.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	select {
	case <-s.done:
		return
	default:
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // it may have ended by now
	<-s.done
}

// Stop kills the server and removes its folder. It may be called again.
func (s *Server) Stop() error {
	s.Kill()
	return os.RemoveAll(s.Dir)
}

// LogTail returns the last bytes that the server wrote.
func (s *Server) LogTail(n int) string {
	text, err := os.ReadFile(filepath.Join(s.Dir, "output"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-n):])
}

// Cached returns the path of what scripts/install-services has put into
// .cache, which it looks for upwards from the present folder.
func Cached(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		p := filepath.Join(dir, ".cache", name)
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not there: run scripts/install-services", filepath.Join(".cache", name))
		}
		dir = filepath.Dir(dir)
	}
}
