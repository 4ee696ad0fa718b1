// Package versitygw starts private S3 servers for tests: the gateway of
// Versity over a temporary folder, on a free port of 127.0.0.1. Nothing
// outlives the process that started it, also where that is killed.
package versitygw

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidemill/tidemill/tidetest/service"
)

// The credentials of every server, and its region.
const (
	AccessKey = "tidetest"
	SecretKey = "tidetest-secret"
	Region    = "us-east-1"
)

// Server is a running gateway. Buckets are named in the path of addresses.
type Server struct{ *service.Server }

// Run starts a server, which the caller stops.
func Run() (*Server, error) {
	binary, err := service.Cached("bin/versitygw")
	if err != nil {
		return nil, err
	}
	env := []string{"ROOT_ACCESS_KEY=" + AccessKey, "ROOT_SECRET_KEY=" + SecretKey}
	s, err := service.Run("versitygw", env, func(dir string, port int) []string {
		data := filepath.Join(dir, "data")
		return []string{
			"/bin/sh", "-c", `mkdir -p "$0" "$1" && shift && exec "$@"`, data, filepath.Join(dir, "meta"),
			binary, "--port", fmt.Sprintf("127.0.0.1:%d", port), "--region", Region, "--quiet",
			"posix", "--sidecar", filepath.Join(dir, "meta"), data,
		}
	})
	if err != nil {
		return nil, err
	}
	return &Server{s}, nil
}

// MakeBucket makes a bucket as its administrator would.
func (s *Server) MakeBucket(name string) error {
	return os.MkdirAll(filepath.Join(s.Dir, "data", name), 0o755)
}
