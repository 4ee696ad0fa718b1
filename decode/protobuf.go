package decode

import (
	"errors"

	"github.com/tidemill/tidemill/project"
)

// newDescribed makes Decoders that know a schema.
func newDescribed(project.Decode, string, typeSource) (func() Decoder, error) {
	return nil, invalid("decode", errors.New("schemas cannot be read by this build"), "leave files and descriptors out")
}
