package sqlgen_test

import "github.com/tidemill/tidemill/sqlgen"

var letterSamples = map[string]sqlgen.Statement{
	"select_letters":        sqlgen.SelectLetters{},
	"select_letters_prefix": sqlgen.SelectLetters{Value: true, Prefix: true},
	"select_letters_range":  sqlgen.SelectLetters{Value: true, Range: true},
	"discard_letters":       sqlgen.DiscardLetters{},
	"recorded_letters":      sqlgen.RecordedLetters{},
}
