package object

import (
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// mostRedirects is how often an answer may point to another place.
const mostRedirects = 10

// ownClient gives cfg an HTTP client of its own and returns a function that
// closes the connections which it keeps for further calls.
func ownClient(cfg *aws.Config) (hangUp func()) {
	base, ok := cfg.HTTPClient.(*awshttp.BuildableClient) // it has the authorities of AWS_CA_BUNDLE
	if !ok {
		base = awshttp.NewBuildableClient()
	}
	t := base.GetTransport()
	cfg.HTTPClient = &http.Client{
		Transport: t,
		// As the SDK has it: what moves for good is for the caller to know.
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch code := r.Response.StatusCode; {
			case code != http.StatusTemporaryRedirect && code != http.StatusPermanentRedirect:
				return http.ErrUseLastResponse
			case len(via) >= mostRedirects:
				return errors.New("too many redirects")
			}
			return nil
		},
	}
	return t.CloseIdleConnections
}
