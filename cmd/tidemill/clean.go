package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/pipeline/build"
)

func (a *app) cleanCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Delete the folders that clean-targets names",
		Long: `Delete what builds have written: the folders that clean-targets of
dbt_project.yml names, target/ where it says nothing. What is outside of the
project, holds its sources or holds the warehouse is never deleted.`,
		Example: "  tidemill clean",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p, err := a.loadProject()
			if err != nil {
				return err
			}
			var keep []string
			for _, c := range p.Connections {
				if f, ok := c.Config.(interface{ Files() []string }); ok {
					keep = append(keep, f.Files()...)
				}
			}
			removed, err := build.Clean(p.Dir, p.Name, keep)
			for _, dir := range removed {
				fmt.Fprintln(a.stdout, "removed "+dir)
			}
			return err
		},
	}
}
