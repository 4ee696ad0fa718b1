package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = "dev"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  tidemill version",
		Args:    atMost(0),
		RunE: func(*cobra.Command, []string) error {
			engine := "unknown"
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, d := range info.Deps {
					if d.Path == "github.com/duckdb/duckdb-go/v2" {
						engine = d.Version
					}
				}
			}
			_, err := fmt.Fprintf(a.stdout, "tidemill %s (%s %s/%s, duckdb-go %s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, engine)
			return err
		},
	}
}
