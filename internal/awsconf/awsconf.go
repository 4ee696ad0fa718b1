// Package awsconf is how connectors to AWS, and to services that speak its
// protocols, are told where to go and as whom. It promises that keys never
// print, that a mistake in the configuration is one clear error before any
// call, and that Load itself makes none: credentials are fetched by the first
// call that needs them.
//
// What the configuration leaves open comes from where every AWS tool looks:
// the AWS_* variables, the shared files in ~/.aws, web identity, the
// container's or the machine's role.
package awsconf

import (
	"errors"
	"net/url"
	"regexp"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// Config is embedded in the connection of a connector, whose keys its fields
// then are.
type Config struct {
	Endpoint     string        `yaml:"endpoint" doc:"Address in place of that of AWS, as http://127.0.0.1:9324: of a service that speaks the same protocol, or of a VPC endpoint."`
	Region       string        `yaml:"region" doc:"Region, as eu-central-1; without it that of the profile or of AWS_REGION, and with endpoint us-east-1."`
	Profile      string        `yaml:"profile" doc:"Profile of ~/.aws/config and ~/.aws/credentials."`
	Role         string        `yaml:"role" doc:"ARN of a role to assume, with the credentials that the other keys give."`
	AccessKey    string        `yaml:"access_key" doc:"Access key id; without keys and profile, credentials come from the AWS_* variables, the shared files, or the role of the machine or container."`
	SecretKey    redact.Secret `yaml:"secret_key" doc:"Secret access key of access_key."`
	SessionToken redact.Secret `yaml:"session_token" doc:"Session token, where the keys are temporary."`
}

var (
	roleForm   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
	regionForm = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)*$`)
)

// Validate says which keys contradict each other or have no meaning.
func (c Config) Validate() error {
	switch {
	case (c.AccessKey == "") != c.SecretKey.Empty():
		return invalid("access_key and secret_key are only of use together", "give both, or neither")
	case !c.SessionToken.Empty() && c.AccessKey == "":
		return invalid("session_token is only of use with access_key and secret_key", "give all three, or none")
	case c.Profile != "" && c.AccessKey != "":
		return invalid("profile and access_key are two sources of credentials", "remove one of them")
	case c.Role != "" && !roleForm.MatchString(c.Role):
		return invalid("role is no ARN of a role", "write it as arn:aws:iam::123456789012:role/NAME")
	case c.Region != "" && !regionForm.MatchString(c.Region):
		return invalid("region is no name of a region", "write it as eu-central-1")
	}
	if c.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return invalid("endpoint is no address", "write it as https://HOST or http://HOST:PORT")
	}
	return nil
}

func invalid(what, hint string) error {
	return &tidemill.Error{Code: tidemill.Invalid, Err: errors.New(what), Hint: hint}
}
