package awsconf_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/awsconf"
	"github.com/tidemill/tidemill/internal/redact"
)

// bare takes from the test what the machine knows of AWS.
func bare(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	return dir
}

func keys(endpoint string) awsconf.Config {
	return awsconf.Config{Endpoint: endpoint, AccessKey: "AKIATEST", SecretKey: redact.New("secret-of-the-test")}
}

func TestValidate(t *testing.T) {
	secret := redact.New("secret-of-the-test")
	for _, c := range []struct {
		name   string
		config awsconf.Config
		want   string // within the error; "" is none
	}{
		{"nothing", awsconf.Config{}, ""},
		{"keys", keys("http://127.0.0.1:1"), ""},
		{"role", awsconf.Config{Role: "arn:aws-cn:iam::123456789012:role/path/x"}, ""},
		{"key alone", awsconf.Config{AccessKey: "A"}, "secret_key"},
		{"secret alone", awsconf.Config{SecretKey: secret}, "access_key"},
		{"token alone", awsconf.Config{SessionToken: secret}, "session_token"},
		{"keys and profile", awsconf.Config{Profile: "p", AccessKey: "A", SecretKey: secret}, "profile"},
		{"role's name", awsconf.Config{Role: "reader"}, "ARN"},
		{"no region", awsconf.Config{Region: "EU (Frankfurt)"}, "region"},
		{"host alone", awsconf.Config{Endpoint: "127.0.0.1:9324"}, "endpoint"},
		{"password in the address", awsconf.Config{Endpoint: "http://a:b@127.0.0.1"}, "endpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.config.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if err != nil && len(tidemill.Hints(err)) == 0 {
				t.Error("there is no hint")
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := bare(t)
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte("[profile lake]\nregion = eu-west-3\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = in-the-profile\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		config      awsconf.Config
		region, key string
		want        string // within the error
	}{
		{"keys at an endpoint", keys("http://127.0.0.1:1"), "us-east-1", "AKIATEST", ""},
		{"region given", awsconf.Config{Region: "eu-central-1", AccessKey: "A1", SecretKey: redact.New("s")}, "eu-central-1", "A1", ""},
		{"profile", awsconf.Config{Profile: "lake"}, "eu-west-3", "AKIAPROFILE", ""},
		{"no region", keys(""), "", "", "no region"},
		{"no profile of that name", awsconf.Config{Profile: "lak", Region: "eu-west-3"}, "", "", "no profile lak"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := c.config.Load(t.Context())
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || tidemill.CodeOf(err) != tidemill.Invalid || len(tidemill.Hints(err)) == 0 {
					t.Fatalf("got %v, want %q with a hint", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != c.key || cfg.Region != c.region {
				t.Errorf("key %q, region %q, %v", got.AccessKeyID, cfg.Region, err)
			}
		})
	}
}

// The role is assumed at the endpoint, by the first call and not before.
func TestLoadAssumesRole(t *testing.T) {
	bare(t)
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if err := r.ParseForm(); err != nil || r.Form.Get("RoleArn") != "arn:aws:iam::123456789012:role/reader" {
			t.Errorf("asked for %v, %v", r.Form, err)
		}
		fmt.Fprint(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2199-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	}))
	defer server.Close()
	c := keys(server.URL)
	c.Role = "arn:aws:iam::123456789012:role/reader"
	cfg, err := c.Load(t.Context())
	if err != nil || calls.Load() != 0 {
		t.Fatalf("%v, after %d calls", err, calls.Load())
	}
	got, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != "AKIAROLE" {
		t.Errorf("key %q, %v", got.AccessKeyID, err)
	}
}

// call makes a call that answers with status and body, and explains its error.
func call(t *testing.T, c awsconf.Config) error {
	t.Helper()
	cfg, err := c.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err == nil {
		t.Fatal("the call succeeded")
	}
	return awsconf.Explain("look", "sts:GetCallerIdentity", err)
}

func TestExplain(t *testing.T) {
	bare(t)
	for _, c := range []struct {
		status int
		code   string
		want   tidemill.Code
		again  bool
	}{
		{403, "InvalidClientTokenId", tidemill.Denied, false},
		{403, "SignatureDoesNotMatch", tidemill.Denied, false},
		{400, "ExpiredToken", tidemill.Denied, false},
		{403, "AccessDenied", tidemill.Denied, false},
		{403, "SomethingNew", tidemill.Denied, false},
		{400, "Throttling", tidemill.Unavailable, true},
		{503, "ServiceUnavailable", tidemill.Unavailable, true},
		{500, "Whatever", tidemill.Unavailable, true},
		{400, "ValidationError", "", false},
	} {
		t.Run(c.code, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>not secret-of-the-test</Message></Error></ErrorResponse>`, c.code)
			}))
			defer server.Close()
			err := call(t, keys(server.URL))
			if tidemill.CodeOf(err) != c.want || tidemill.Retryable(err) != c.again {
				t.Errorf("got %v, retryable %t", err, tidemill.Retryable(err))
			}
			if strings.Contains(err.Error(), "secret-of") {
				t.Errorf("the secret is in %v", err)
			}
			if c.want != "" && len(tidemill.Hints(err)) == 0 {
				t.Error("there is no hint")
			}
		})
	}
}

func TestExplainWithoutAnswer(t *testing.T) {
	bare(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	if err := call(t, keys("http://"+addr)); tidemill.CodeOf(err) != tidemill.Unavailable || !tidemill.Retryable(err) {
		t.Errorf("nobody listens: %v", err)
	}
	hangUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer hangUp.Close()
	if err := call(t, keys(hangUp.URL)); tidemill.CodeOf(err) != tidemill.Unavailable || !tidemill.Retryable(err) {
		t.Errorf("it hangs up: %v", err)
	}
	err = call(t, awsconf.Config{Endpoint: "http://" + addr})
	if tidemill.CodeOf(err) != tidemill.Denied || tidemill.Retryable(err) || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("no credentials: %v", err)
	}
	if awsconf.Explain("look", "", nil) != nil || awsconf.Code(errors.New("x")) != "" {
		t.Error("nothing is something")
	}
}
