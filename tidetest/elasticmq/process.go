package elasticmq

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// guard runs a command until its end, or until standard input ends, which it
// does when this process does: then all of the group is killed.
const guard = `exec 3<&0
{ cat <&3 >/dev/null; kill -KILL 0; } &
"$@" </dev/null 3<&-`

// process is a running command and all that it started.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer     // its end is that of the command
	done  chan struct{} // closed when it has ended
	err   error         // how; after done
}

// launch starts a command in a folder, whose file output gets what it prints.
func launch(dir string, command ...string) (*process, error) {
	out, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the command has its own
	cmd := exec.Command("/bin/sh", append([]string{"-c", guard, "sh"}, command...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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

// kill ends the process and waits for it. It may be called again.
func (p *process) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended by now
	<-p.done
}
