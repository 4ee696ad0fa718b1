package postgres

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// guard runs a command until its end, or until standard input ends, which it
// does when this process does: then all of the group is killed. The server's
// children have groups of their own and end when they miss their parent.
const guard = `exec 3<&0
{ cat <&3 >/dev/null; kill -KILL 0; } &
"$@" </dev/null 3<&-`

// process is a running command and all that it started.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{} // closed when it has ended
	err   error         // how; after done
}

// launch starts a command in the server's folder, as its user.
func (s *Server) launch(command ...string) (*process, error) {
	out, err := os.OpenFile(filepath.Join(s.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the command has its own
	cmd := exec.Command("/bin/sh", append([]string{"-c", guard, "sh"}, command...)...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=" + s.dir, "TZ=UTC"}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		uid, gid, err := unprivileged()
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	p := &process{cmd: cmd, stdin: stdin, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if p.err = cmd.Wait(); p.err == nil {
			p.err = errors.New("exit status 0")
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the guard's other half
	}()
	return p, nil
}

// endWithin is how long a server may take to end in good order.
const endWithin = 30 * time.Second

// crash makes the server and its children end at once, without writing
// anything, and waits for that. It may be called again.
func (p *process) crash(data string) {
	if p.signal(data, syscall.SIGQUIT) == nil {
		select {
		case <-p.done:
			return
		case <-time.After(endWithin):
		}
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended by now
	<-p.done
}

// shutdown breaks connections off and writes a checkpoint.
func (p *process) shutdown(data string) error {
	if err := p.signal(data, syscall.SIGINT); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(endWithin):
		p.crash(data)
		return fmt.Errorf("it was still there after %s", endWithin)
	}
}

// signal sends sig to the server, not to the shell that guards it.
func (p *process) signal(data string, sig syscall.Signal) error {
	select {
	case <-p.done:
		return errors.New("the server has ended")
	default:
	}
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return err
	}
	return syscall.Kill(pid, sig)
}
