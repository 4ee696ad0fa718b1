package duckdb

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/tidemill/tidemill"
)

// place is where the processes that use one database meet: a lock that its
// owner holds, and the socket on which it listens.
type place struct{ lock, socket string }

// maxSocket is how long the name of a unix socket may be where it is shortest.
const maxSocket = 103

// meetingPlace returns the place of the database at path, in a folder that
// only this user can enter.
func meetingPlace(path string) (place, error) {
	folder, err := runtimeFolder()
	if err != nil {
		return place{}, err
	}
	sum := sha256.Sum256([]byte(path))
	name := filepath.Join(folder, hex.EncodeToString(sum[:8]))
	p := place{lock: name + ".lock", socket: name + ".sock"}
	if len(p.socket) > maxSocket {
		return place{}, &tidemill.Error{
			Code: tidemill.Invalid, Op: "open " + path, Err: fmt.Errorf("the name of its socket is too long: %s", p.socket),
			Hint: "set XDG_RUNTIME_DIR to a folder with a shorter name",
		}
	}
	return p, nil
}

func runtimeFolder() (string, error) {
	folder := filepath.Join(os.TempDir(), "tidemill-"+strconv.Itoa(os.Getuid()))
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" {
		folder = filepath.Join(run, "tidemill")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", &tidemill.Error{Code: tidemill.Denied, Op: "run-time folder", Err: err, Hint: "set XDG_RUNTIME_DIR to a folder in which this user may write"}
	}
	info, err := os.Lstat(folder)
	if err != nil {
		return "", &tidemill.Error{Code: tidemill.Denied, Op: "run-time folder", Err: err}
	}
	// Anybody may make a folder in /tmp and so listen in our place.
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && (int(owner.Uid) != os.Getuid() || !info.IsDir() || info.Mode().Perm()&0o077 != 0) {
		return "", &tidemill.Error{
			Code: tidemill.Denied, Op: "run-time folder", Err: fmt.Errorf("%s is open to other users, or theirs", folder),
			Hint: "remove it, or set XDG_RUNTIME_DIR to a folder of your own",
		}
	}
	return folder, nil
}

// claim takes the lock of p, or returns nil where another process has it. The
// lock ends with the process, however it ends.
func (p place) claim() (*os.File, error) {
	f, err := os.OpenFile(p.lock, os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &tidemill.Error{Code: tidemill.Denied, Op: "lock the database", Err: err}
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, nil
	}
	if err != nil {
		f.Close()
		return nil, &tidemill.Error{Code: tidemill.Unavailable, Op: "lock the database", Err: err}
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0) // for messages only
	return f, nil
}

// holder returns the process that has the lock, for messages.
func (p place) holder() string {
	b, err := os.ReadFile(p.lock)
	if err != nil || len(b) == 0 {
		return "another process"
	}
	return "process " + strings.TrimSpace(string(b))
}

// listen replaces the socket that a process which was killed left behind. The
// caller has the lock.
func (p place) listen() (net.Listener, error) {
	if err := os.Remove(p.socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, &tidemill.Error{Code: tidemill.Denied, Op: "listen for other processes", Err: err}
	}
	l, err := net.Listen("unix", p.socket)
	if err != nil {
		return nil, &tidemill.Error{Code: tidemill.Unavailable, Op: "listen for other processes", Err: err}
	}
	if err := os.Chmod(p.socket, 0o600); err != nil {
		l.Close()
		return nil, &tidemill.Error{Code: tidemill.Denied, Op: "listen for other processes", Err: err}
	}
	return l, nil
}
