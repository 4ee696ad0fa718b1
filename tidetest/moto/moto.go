// Package moto starts private stand-ins for AWS for tests: the server of
// moto, on a free port of 127.0.0.1, with all that it holds in memory. It has
// S3 with notifications, SQS and SNS, and is slow: nothing is measured
// against it. Nothing outlives the process that started it, also where that
// is killed.
package moto

import (
	"fmt"

	"github.com/tidemill/tidemill/tidetest/service"
)

// Any credentials will do; these are none of anybody.
const (
	AccessKey = "tidetest"
	SecretKey = "tidetest-secret"
	Region    = "us-east-1"
	Account   = "123456789012"
)

// Server is a running stand-in.
type Server struct{ *service.Server }

// Run starts a server, which the caller stops.
func Run() (*Server, error) {
	binary, err := service.Cached("moto/bin/moto_server")
	if err != nil {
		return nil, err
	}
	s, err := service.Run("moto", nil, func(_ string, port int) []string {
		return []string{binary, "-H", "127.0.0.1", "-p", fmt.Sprint(port)}
	})
	if err != nil {
		return nil, err
	}
	return &Server{s}, nil
}
