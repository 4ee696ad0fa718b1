package awsconf

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// fallbackRegion is what signatures name where a stand-in has no regions.
const fallbackRegion = "us-east-1"

// sessionName is what the trail of an assumed role shows.
const sessionName = "tidemill"

// Load returns what clients of AWS are made of. It reads variables and files
// and calls nobody. Calls made with the result are not tried again by
// themselves: that is for internal/retry, so that outages are counted and
// told in one place.
func (c Config) Load(ctx context.Context) (aws.Config, error) {
	if err := c.Validate(); err != nil {
		return aws.Config{}, err
	}
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithLogger(logging.Nop{}), // errors are returned; the SDK's log would go to standard error past ours
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	if c.AccessKey != "" {
		redact.Register(c.SecretKey.Reveal())
		redact.Register(c.SessionToken.Reveal())
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey.Reveal(), c.SessionToken.Reveal())))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, explainLoad(err)
	}
	if c.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(c.Endpoint)
	}
	if cfg.Region == "" {
		if cfg.BaseEndpoint == nil {
			return aws.Config{}, &tidemill.Error{
				Code: tidemill.Invalid, Op: "read AWS configuration", Err: errors.New("no region is set"),
				Hint: "set region on the connection, as eu-central-1, or AWS_REGION, or a region in the profile",
			}
		}
		cfg.Region = fallbackRegion
	}
	if c.Role != "" {
		provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(tokens(cfg)), c.Role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = sessionName
		})
		cfg.Credentials = aws.NewCredentialsCache(provider)
	}
	return cfg, nil
}

// tokens returns the configuration that roles are assumed with. A stand-in
// answers for all services at one address; AWS has one for each, so that the
// VPC endpoint of one service is no address for the other.
func tokens(cfg aws.Config) aws.Config {
	if cfg.BaseEndpoint == nil {
		return cfg
	}
	if u, err := url.Parse(*cfg.BaseEndpoint); err == nil && amazon(u.Hostname()) {
		cfg.BaseEndpoint = nil
	}
	return cfg
}

func amazon(host string) bool {
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}

func explainLoad(err error) error {
	e := &tidemill.Error{Code: tidemill.Invalid, Op: "read AWS configuration", Err: err, Hint: "correct ~/.aws/config and the AWS_* variables"}
	var missing config.SharedConfigProfileNotExistError
	if errors.As(err, &missing) {
		e.Err, e.Hint = errors.New("there is no profile "+missing.Profile), "correct profile, or add it to ~/.aws/config"
	}
	return e
}
