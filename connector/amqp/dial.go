package amqp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// broker is a checked Connection.
type broker struct {
	uri       amqp091.URI
	url       string // with the password: for amqp091 only
	name      string // for people
	tls       *tls.Config
	heartbeat time.Duration
}

// newBroker reads conn and the files that it names.
func newBroker(conn Connection, env tidemill.Env) (*broker, error) {
	uri, err := amqp091.ParseURI(conn.URL.Reveal())
	if err != nil {
		// The cause is left out: it quotes parts of the address.
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Op: "read url", Err: errors.New("it is no AMQP address"),
			Hint: "write it as amqp://user:password@host:5672/vhost; a / in a part is %2F, # is %23, ? is %3F, @ is %40",
		}
	}
	redact.Register(uri.Password)
	b := &broker{uri: uri, url: conn.URL.Reveal(), heartbeat: conn.Heartbeat}
	if b.heartbeat <= 0 {
		b.heartbeat = defaultHeartbeat
	}
	host := net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port))
	b.name = uri.Scheme + "://" + host + "/" + strings.TrimPrefix(uri.Vhost, "/")
	if uri.Scheme != "amqps" {
		if conn.TLS != (TLS{}) {
			return nil, b.wrap(tidemill.Invalid, errors.New("tls is set, but the address begins with amqp://"), "begin it with amqps://, or remove tls")
		}
		return b, nil
	}
	if b.tls, err = tlsConfig(conn.TLS, uri, env.Dir); err != nil {
		return nil, b.wrap(tidemill.Invalid, err, "correct the files of tls; relative paths start at the project folder")
	}
	return b, nil
}

func tlsConfig(t TLS, uri amqp091.URI, dir string) (*tls.Config, error) {
	t.CAFile, t.CertFile = first(t.CAFile, uri.CACertFile), first(t.CertFile, uri.CertFile)
	t.KeyFile, t.ServerName = first(t.KeyFile, uri.KeyFile), first(t.ServerName, uri.ServerName)
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: first(t.ServerName, uri.Host)}
	if t.CAFile != "" {
		pem, err := os.ReadFile(within(dir, t.CAFile))
		if err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read ca_file: %s holds no PEM certificate", t.CAFile)
		}
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("cert_file and key_file are only of use together")
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(within(dir, t.CertFile), within(dir, t.KeyFile))
		if err != nil {
			return nil, fmt.Errorf("read cert_file and key_file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// dial connects and logs in. It gives up when ctx is done.
func (b *broker) dial(ctx context.Context) (*amqp091.Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	properties := amqp091.NewConnectionProperties()
	properties.SetClientConnectionName("tidemill")
	var link *recorder
	conn, err := amqp091.DialConfig(b.plainURL(), amqp091.Config{
		Heartbeat: b.heartbeat, Properties: properties,
		Dial: func(network, _ string) (net.Conn, error) {
			c, err := b.link(ctx, network)
			if err != nil {
				return nil, err
			}
			link = &recorder{Conn: c}
			deadline, _ := ctx.Deadline() // amqp091 lifts it after the login
			return link, link.SetDeadline(deadline)
		},
	})
	if err == nil {
		return conn, nil
	}
	if link != nil {
		_ = link.Close() // amqp091 leaves it open after some failures
		// amqp091 takes any loss for a wrong password.
		if cause := link.failure(); alert(cause) != nil || errors.Is(cause, os.ErrDeadlineExceeded) {
			err = cause
		}
	}
	return nil, b.explain(err)
}

// plainURL is the address as if without TLS, which link sees to: amqp091
// hides the reason where a broker refuses our certificate.
func (b *broker) plainURL() string {
	if rest, ok := strings.CutPrefix(b.url, "amqps://"); ok {
		return "amqp://" + rest
	}
	return b.url
}

// link makes the connection below AMQP.
func (b *broker) link(ctx context.Context, network string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, net.JoinHostPort(b.uri.Host, strconv.Itoa(b.uri.Port)))
	if err != nil || b.tls == nil {
		return c, err
	}
	secure := tls.Client(c, b.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close() // the handshake's error is the one to tell
		return nil, err
	}
	return secure, nil
}

// recorder remembers why the first read failed.
type recorder struct {
	net.Conn
	mu  sync.Mutex
	err error
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.err == nil {
			r.err = err
		}
	}
	return n, err
}

func (r *recorder) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// errSilent says that the broker hung up during the login without a word:
// so it treats a wrong password, but a broker that is going down does too.
var errSilent = errors.New("the broker hung up during login, as it does when user or password are wrong")

// explain gives an error of dial its code and hint.
func (b *broker) explain(err error) error {
	var reply *amqp091.Error
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case alert(err) != nil:
		return b.wrap(tidemill.Denied, fmt.Errorf("the broker refused our certificate: %w", alert(err)), "set tls.cert_file and tls.key_file to a certificate that the broker accepts")
	case errors.As(err, &reply) && !reply.Server:
		return b.wrap(tidemill.Denied, errSilent, "check user and password in url; for guest, that the broker is on this machine")
	case errors.As(err, &reply) && reply.Code == amqp091.NotAllowed:
		return b.wrap(tidemill.Denied, reply, "check the vhost, the part of url after the host: it must exist and the user have permissions on it; the vhost / is written amqp://host/ or %2F")
	case errors.As(err, &reply) && reply.Code == amqp091.AccessRefused:
		return b.wrap(tidemill.Denied, reply, "check user and password in url")
	case errors.As(err, &reply):
		return b.unavailable(reply)
	case errors.As(err, &verify):
		return b.wrap(tidemill.Denied, err, "set tls.ca_file to the authority that signed the broker's certificate, and tls.server_name where it names another host")
	case errors.As(err, &record):
		return b.wrap(tidemill.Invalid, errors.New("the broker does not speak TLS on this port"), "use the TLS port, usually 5671, or begin the address with amqp://")
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return b.wrap(tidemill.Unavailable, err, "check the host in url")
	}
	return b.unavailable(err)
}

// alert returns the TLS alert with which the other side refused us, or nil.
func alert(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return op.Err
	}
	return nil
}

func (b *broker) unavailable(err error) error {
	return tidemill.Transient(b.wrap(tidemill.Unavailable, err, "check that the broker runs and that host and port in url are right"))
}

func (b *broker) wrap(code tidemill.Code, err error, hint string) error {
	if clean := redact.Text(err.Error()); clean != err.Error() {
		err = errors.New(clean)
	}
	return &tidemill.Error{Code: code, Op: "connect to " + b.name, Err: err, Hint: hint}
}
