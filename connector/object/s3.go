package object

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/awsconf"
	"github.com/tidemill/tidemill/internal/retry"
	"github.com/tidemill/tidemill/project"
)

// S3 is a connection to a bucket of S3 or of a service that speaks its
// protocol.
type S3 struct {
	awsconf.Config
	Bucket    string `yaml:"bucket" doc:"Name of the bucket." required:"true"`
	Prefix    string `yaml:"prefix" doc:"Beginning of all keys that are read, as exports/; paths of sources start there."`
	PathStyle bool   `yaml:"path_style" doc:"Name the bucket in the path of addresses, not in the host, as most services other than AWS want it."`
}

// Validate says which keys make no sense.
func (c S3) Validate() error {
	if strings.ContainsAny(c.Bucket, "/: ") {
		return &project.FieldError{Field: "bucket", Err: fmt.Errorf("%q is no name of a bucket", c.Bucket), Hint: "write only the name; the beginning of keys is prefix"}
	}
	return c.Config.Validate()
}

const (
	// callWithin bounds a call that moves no content.
	callWithin = 30 * time.Second

	// openWithin is how long a service that does not answer is asked again
	// when a source opens. Later it is asked for as long as it takes.
	openWithin = 10 * time.Second
)

// s3Bucket is a bucket of S3. Keys are those below its prefix.
type s3Bucket struct {
	conn   S3
	client *s3.Client
	hangUp func() // closes connections that are idle
	patience
}

// patience tries again what may pass. It logs the first failure of a time,
// and then now and again.
type patience struct {
	log     *slog.Logger
	about   string
	once    bool // it has none
	opening bool // it ends after openWithin

	mu   sync.Mutex
	told time.Time
}

func (p *patience) try(ctx context.Context, f func(context.Context) error) error {
	if p.once {
		return f(ctx)
	}
	policy := retry.Policy{Cap: 10 * time.Second, Notify: p.notify}
	if p.opening {
		policy.Elapsed = openWithin
	}
	return retry.Do(ctx, policy, f)
}

func (p *patience) notify(err error, attempt int, _ time.Duration) {
	const silence = 30 * time.Second
	p.mu.Lock()
	defer p.mu.Unlock()
	if attempt < 2 || time.Since(p.told) < silence {
		return
	}
	p.told = time.Now()
	p.log.Warn("no answer, trying again", "from", p.about, "err", err)
}

func newS3(ctx context.Context, conn S3, env tidemill.Env) (*s3Bucket, error) {
	cfg, err := conn.Load(ctx)
	if err != nil {
		return nil, err
	}
	hangUp := ownClient(&cfg)
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = conn.PathStyle
		// Ranges have no checksums; the SDK would warn at each.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	b := &s3Bucket{conn: conn, client: client, hangUp: hangUp}
	b.log, b.about = env.Log, b.name()
	return b, nil
}

func (b *s3Bucket) name() string { return "s3://" + b.conn.Bucket + "/" + b.conn.Prefix }

func (b *s3Bucket) scope(key string) string { return b.conn.Prefix + key }

func (b *s3Bucket) key(key string) *string { return aws.String(b.conn.Prefix + key) }

func (b *s3Bucket) list(ctx context.Context, prefix, after string) (page []entry, last string, err error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.conn.Bucket, Prefix: b.key(prefix)}
	if after != "" {
		in.StartAfter = b.key(after)
	}
	var out *s3.ListObjectsV2Output
	err = b.try(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		out, err = b.client.ListObjectsV2(ctx, in)
		return b.explain("list", "s3:ListBucket on the bucket", err)
	})
	if err != nil {
		return nil, "", err
	}
	for _, o := range out.Contents {
		key := strings.TrimPrefix(aws.ToString(o.Key), b.conn.Prefix)
		last = key
		if strings.HasSuffix(key, "/") || key == "" {
			continue // a console's folder
		}
		page = append(page, s3Entry(key, o.ETag, o.Size, o.LastModified))
	}
	if !aws.ToBool(out.IsTruncated) {
		last = ""
	}
	return page, last, nil
}

func (b *s3Bucket) stat(ctx context.Context, key string) (e entry, err error) {
	err = b.try(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.conn.Bucket, Key: b.key(key)})
		if err != nil {
			return b.explain("look at "+key, "s3:GetObject on its objects", err)
		}
		e = s3Entry(key, out.ETag, out.ContentLength, out.LastModified)
		return nil
	})
	return e, err
}

// untagged begins what stands for the ETag of an object that has none.
const untagged = "untagged-"

// s3Entry returns an entry. Services differ in whether they quote ETags, and
// some have none of objects that others have put there.
func s3Entry(key string, etag *string, size *int64, modified *time.Time) entry {
	e := entry{key: key, etag: strings.Trim(aws.ToString(etag), `"`), size: aws.ToInt64(size), modified: aws.ToTime(modified)}
	if e.etag == "" {
		e.etag = fmt.Sprintf("%s%x-%x", untagged, e.size, e.modified.Unix())
	}
	return e
}

// match returns the condition that the object is still that of e, or nil
// where the service cannot be asked so.
func (e entry) match() *string {
	if strings.HasPrefix(e.etag, untagged) || strings.HasPrefix(e.etag, "W/") {
		return nil
	}
	return aws.String(`"` + e.etag + `"`)
}

// explain gives an error of a call its code and remedy.
func (b *s3Bucket) explain(op, permissions string, err error) error {
	if err == nil {
		return nil
	}
	op += " in " + b.name()
	status := 0
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	switch code := awsconf.Code(err); {
	case code == "NoSuchBucket":
		return &tidemill.Error{Code: tidemill.NotFound, Op: op, Err: fmt.Errorf("there is no bucket %s", b.conn.Bucket), Hint: "make it, or correct bucket, region and endpoint of the connection"}
	case code == "NoSuchKey" || code == "NotFound" || code == "" && status == http.StatusNotFound:
		return errGone
	case status == http.StatusPreconditionFailed:
		return errChanged
	case code == "InvalidObjectState":
		return &tidemill.Error{Code: tidemill.Unavailable, Op: op, Err: errors.New("the object is archived"), Hint: "restore it, or leave it out by path"}
	case status == http.StatusMovedPermanently || code == "AuthorizationHeaderMalformed":
		return &tidemill.Error{Code: tidemill.Invalid, Op: op, Err: errors.New("the bucket is in another region"), Hint: "set region on the connection to that of the bucket"}
	}
	return awsconf.Explain(op, permissions, err)
}
