package main

import (
	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/project"
)

func (a *app) schemaCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of tidemill.yml",
		Long:  `Print the schema of tidemill.yml, so that an editor completes and checks it.`,
		Example: `  tidemill schema > tidemill.schema.json
  tidemill schema --format markdown`,
		Args: atMost(0),
		RunE: func(*cobra.Command, []string) error {
			var text []byte
			switch format {
			case "json":
				text = project.Schema(kinds())
			case "markdown":
				text = []byte(project.Reference(kinds()))
			default:
				return usagef("--format %q: want json or markdown", format)
			}
			_, err := a.stdout.Write(text)
			return err
		},
	}
	c.Flags().StringVar(&format, "format", "json", "json, or markdown for a page of reference")
	return c
}
