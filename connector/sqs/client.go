package sqs

import (
	"context"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
)

// client calls the service over connections of its own.
type client struct {
	*sdk.Client
	transport *http.Transport
	region    string
}

// newClient returns a client for so many calls at the same time. It calls
// nobody yet.
func newClient(ctx context.Context, conn Connection, calls int) (*client, error) {
	cfg, err := conn.Load(ctx)
	if err != nil {
		return nil, err
	}
	base, ok := cfg.HTTPClient.(*awshttp.BuildableClient) // it has the authorities of AWS_CA_BUNDLE
	if !ok {
		base = awshttp.NewBuildableClient()
	}
	t := base.GetTransport()
	t.MaxIdleConnsPerHost = calls // else most calls would connect anew
	t.MaxIdleConns = calls
	cfg.HTTPClient = &http.Client{
		Transport: t,
		// The service does not redirect; what does is not the service.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &client{Client: sdk.NewFromConfig(cfg), transport: t, region: cfg.Region}, nil
}

func (c *client) close() { c.transport.CloseIdleConnections() }
