// Package examples holds the example projects that the binary carries, so that
// `tidemill init` works without a network.
package examples

import (
	"embed"
	"io/fs"
)

//go:embed cards/tidemill.yml cards/.env.example cards/README.md cards/dbt_project.yml
//go:embed cards/proto cards/models cards/macros cards/seeds cards/tests cards/queries
var files embed.FS

// Cards returns the project folder of the cards example: configuration,
// schema, models, tests and queries, without Go code and without data.
func Cards() fs.FS {
	cards, err := fs.Sub(files, "cards")
	if err != nil {
		panic("examples: cards is embedded: " + err.Error()) // cannot be: the path is valid
	}
	return cards
}
