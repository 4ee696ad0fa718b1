package rabbitmq

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// serverScript is the server itself: the one on the path insists on the
	// system's own folders.
	serverScript = "/usr/lib/rabbitmq/bin/rabbitmq-server"

	cookie = "tidetest"
)

// guard runs a command until its end, or until standard input ends, which it
// does when this process does: then all of the group is killed.
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

// launch starts a command in the broker's folder, as its user.
func (b *Broker) launch(command ...string) (*process, error) {
	out, err := os.OpenFile(filepath.Join(b.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the command has its own
	cmd := exec.Command("/bin/sh", append([]string{"-c", guard, "sh"}, command...)...)
	cmd.Dir, cmd.Env = b.dir, b.environment()
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

// unprivileged is the user that the server runs as where we are root.
func unprivileged() (uid, gid uint32, err error) {
	u, err := user.Lookup("rabbitmq")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return 0, 0, err
		}
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, 0, err
	}
	group, err := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(id), uint32(group), err
}

// ports are those of one broker.
type ports struct{ amqp, tls, management, dist, epmd int }

func freePorts() (ports, error) {
	var p ports
	for _, to := range []*int{&p.amqp, &p.tls, &p.management, &p.dist, &p.epmd} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return p, err
		}
		defer func() { _ = l.Close() }() // all are held until all are found
		*to = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

// prepare makes the folder with its files and starts the port mapper.
func (b *Broker) prepare() (err error) {
	if b.dir, err = os.MkdirTemp("", "tidetest-rabbitmq-"); err != nil {
		return err
	}
	if b.ports, err = freePorts(); err != nil {
		return err
	}
	if b.opts.TLS {
		if err := b.certificates(); err != nil {
			return err
		}
	}
	plugins := "[]."
	if b.opts.Management {
		plugins = "[rabbitmq_management]."
	}
	for name, text := range map[string]string{"enabled_plugins": plugins, "rabbitmq.conf": b.config(), "env.conf": ""} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := b.handOver(); err != nil {
		return err
	}
	b.epmd, err = b.launch("epmd", "-port", strconv.Itoa(b.ports.epmd), "-address", "127.0.0.1")
	return err
}

// handOver gives the folder to the user that the server runs as.
func (b *Broker) handOver() error {
	if os.Getuid() != 0 {
		return nil
	}
	uid, gid, err := unprivileged()
	if err != nil {
		return err
	}
	return filepath.Walk(b.dir, func(p string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(p, int(uid), int(gid))
	})
}

func (b *Broker) config() string {
	lines := []string{
		fmt.Sprintf("listeners.tcp.default = 127.0.0.1:%d", b.ports.amqp),
		"log.file = " + filepath.Join(b.dir, "rabbit.log"),
		"log.file.level = info",
		"disk_free_limit.absolute = 50MB",
		"vm_memory_high_watermark.absolute = 1GB",
	}
	if b.opts.Management {
		lines = append(lines, "management.tcp.ip = 127.0.0.1", fmt.Sprintf("management.tcp.port = %d", b.ports.management))
	}
	if b.opts.TLS {
		lines = append(lines,
			fmt.Sprintf("listeners.ssl.default = 127.0.0.1:%d", b.ports.tls),
			"ssl_options.cacertfile = "+b.CAFile,
			"ssl_options.certfile = "+filepath.Join(b.dir, "server.pem"),
			"ssl_options.keyfile = "+filepath.Join(b.dir, "server.key"),
			"ssl_options.verify = verify_peer",
			fmt.Sprintf("ssl_options.fail_if_no_peer_cert = %t", b.opts.ClientCert))
	}
	return strings.Join(lines, "\n") + "\n"
}

// environment keeps every folder and name of the server apart from those of
// the system's own.
func (b *Broker) environment() []string {
	return []string{
		"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG=C.UTF-8", "HOME=" + b.dir,
		"RABBITMQ_NODENAME=" + b.node(),
		"RABBITMQ_BASE=" + b.dir,
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(b.dir, "data"),
		"RABBITMQ_LOG_BASE=" + b.dir,
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(b.dir, "rabbitmq.conf"),
		"RABBITMQ_GENERATED_CONFIG_DIR=" + filepath.Join(b.dir, "generated"),
		"RABBITMQ_CONF_ENV_FILE=" + filepath.Join(b.dir, "env.conf"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(b.dir, "enabled_plugins"),
		"RABBITMQ_PID_FILE=" + filepath.Join(b.dir, "pid"),
		"RABBITMQ_FEATURE_FLAGS_FILE=" + filepath.Join(b.dir, "feature_flags"),
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", b.ports.dist),
		fmt.Sprintf("ERL_EPMD_PORT=%d", b.ports.epmd), "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-setcookie " + cookie + " -kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
		"RABBITMQ_ALLOW_INPUT=", "ERL_CRASH_DUMP=/dev/null",
	}
}

func (b *Broker) node() string { return fmt.Sprintf("tidetest-%d@localhost", b.ports.amqp) }

// eval runs an Erlang expression in the server.
func (b *Broker) eval(expr string) error {
	cmd := exec.Command("erl_call", "-c", cookie, "-sname", b.node(), "-e")
	cmd.Env, cmd.Stdin, cmd.WaitDelay = b.environment(), strings.NewReader(expr+"\n"), 10*time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "{ok") {
		return fmt.Errorf("ask rabbitmq for %s: %w: %s", expr, err, out)
	}
	return nil
}
