package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
	"github.com/tidemill/tidemill/internal/redact"
)

// connectWithin bounds one attempt: address look-up, TCP, TLS, login.
const connectWithin = 15 * time.Second

// Connect opens a connection with the settings that all statements of this
// package count on: dates in ISO form, UTC, UTF-8.
func (c Connection) Connect(ctx context.Context, env tidemill.Env) (*pgx.Conn, error) {
	s, err := newServer(c, env)
	if err != nil {
		return nil, err
	}
	return s.connect(ctx)
}

// ConnectReplication opens a connection that also speaks the protocol of
// logical replication.
func (c Connection) ConnectReplication(ctx context.Context, env tidemill.Env) (*pgconn.PgConn, error) {
	s, err := newServer(c, env)
	if err != nil {
		return nil, err
	}
	return s.connectReplication(ctx)
}

// session is what every connection sets: text forms are then the same
// whatever the server, the database and the role have as their own.
var session = map[string]string{
	"datestyle": "ISO, YMD", "intervalstyle": "postgres", "timezone": "UTC", "client_encoding": "UTF8",
	"standard_conforming_strings": "on", "synchronize_seqscans": "off", "extra_float_digits": "3", "bytea_output": "hex", "xmloption": "content",
	"idle_in_transaction_session_timeout": "0", "statement_timeout": "0", "lock_timeout": "0",
}

func (s *server) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	config := s.configure()
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // nothing to forget behind a pooler
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, s.explain(err)
	}
	if err := asStored(ctx, conn.PgConn()); err != nil {
		closeConn(conn)
		return nil, s.explain(err)
	}
	return conn, nil
}

// asStored makes a database without an encoding send text as it is: asked for
// UTF-8, it would break a whole COPY off at the first text that is none.
func asStored(ctx context.Context, conn *pgconn.PgConn) error {
	if conn.ParameterStatus("server_encoding") != "SQL_ASCII" {
		return nil
	}
	_, err := conn.Exec(ctx, "set client_encoding = 'SQL_ASCII'").ReadAll()
	return err
}

func (s *server) connectReplication(ctx context.Context) (*pgconn.PgConn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	config := s.configure()
	config.RuntimeParams["replication"] = "database"
	config.RuntimeParams["client_min_messages"] = "warning" // that changes are skipped is one
	conn, err := pgconn.ConnectConfig(ctx, &config.Config)
	if err != nil {
		return nil, s.explain(err)
	}
	if err := asStored(ctx, conn); err != nil {
		_ = conn.Close(ctx) // the statement's error is the one to tell
		return nil, s.explain(err)
	}
	return conn, nil
}

// configure returns the configuration of one connection.
func (s *server) configure() *pgx.ConnConfig {
	config := s.config.Copy()
	for k, v := range session {
		config.RuntimeParams[k] = v
	}
	return config
}

// explain gives an error of a connection or statement its code and hint.
func (s *server) explain(err error) error {
	if err == nil {
		return nil
	}
	var reply *pgconn.PgError
	if errors.As(err, &reply) {
		return s.refused(reply)
	}
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch text := err.Error(); {
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &host):
		return s.wrap(tidemill.Denied, rootCause(err), "set ca_file to the authority that signed the server's certificate; with sslmode: verify-full the certificate must name the host")
	case strings.Contains(text, "server refused TLS connection") && len(s.config.Fallbacks) == 0: // else it was tried without
		return s.wrap(tidemill.Invalid, errors.New("the server has no TLS"), "set sslmode: prefer or disable, or turn TLS on at the server")
	case strings.Contains(text, "remote error: tls:"):
		return s.wrap(tidemill.Denied, rootCause(err), "set cert_file and key_file to a certificate that the server accepts")
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return s.wrap(tidemill.Unavailable, dns, "check the host of the connection")
	}
	return tidemill.Transient(s.wrap(tidemill.Unavailable, rootCause(err), "check that the server runs and that host and port are right"))
}

// refused explains what the server itself said. Its SQLSTATE tells the kind.
func (s *server) refused(e *pgconn.PgError) error {
	text := e.Message
	if e.Detail != "" && e.Code != "23505" { // the detail of a conflict holds data
		text += ": " + e.Detail
	}
	said := &refusal{text: redact.Text(text), cause: e}
	switch {
	case e.Code == "28P01" || e.Code == "28000" && !strings.Contains(e.Message, "pg_hba"):
		return s.wrap(tidemill.Denied, said, "check user and password of the connection")
	case e.Code == "28000":
		return s.wrap(tidemill.Denied, said, "the server's pg_hba.conf does not let this user in from here, or wants TLS: set sslmode: require, or have a line added")
	case e.Code == "3D000":
		return s.wrap(tidemill.NotFound, said, "check database of the connection")
	case e.Code == "42501":
		return s.wrap(tidemill.Denied, said, "grant the role what it lacks: GRANT USAGE ON SCHEMA and GRANT SELECT ON TABLE")
	case e.Code == "42P01" || e.Code == "3F000" || e.Code == "42703" || e.Code == "42883" || e.Code == "42704":
		return s.wrap(tidemill.NotFound, said, "check the names; a name without a schema is looked for in search_path")
	case passing(e.Code):
		return tidemill.Transient(s.wrap(tidemill.Unavailable, said, "the server is starting, stopping or full; it is tried again"))
	}
	return s.wrap(tidemill.SQL, said, "")
}

// passing reports whether a SQLSTATE tells of a state that ends by itself.
func passing(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "57P05", "53300", "53400", "40001", "40P01", "55006", "25006", "72000":
		return true
	}
	return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "53") || strings.HasPrefix(code, "58")
}

// refusal is a server's error in the server's words, secrets out.
type refusal struct {
	text  string
	cause *pgconn.PgError
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.cause }

func (s *server) wrap(code tidemill.Code, err error, hint string) error {
	return &tidemill.Error{Code: code, Op: "postgres " + s.name, Err: clean(err), Hint: hint}
}

// rootCause drops what drivers put before the reason: it names the user and
// the address again, once for each address that was tried.
func rootCause(err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // it walks the chain itself
		case *net.OpError:
			return e
		case interface{ Unwrap() error }:
			next := e.Unwrap()
			if next == nil {
				return err
			}
			err = next
		case interface{ Unwrap() []error }:
			all := e.Unwrap()
			if len(all) == 0 {
				return err
			}
			err = all[0]
		default:
			return err
		}
	}
}

// clean takes secrets out of err, which keeps its chain where it had none.
func clean(err error) error {
	if text := redact.Text(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// quoteAll returns names as a list of quoted identifiers.
func quoteAll(names []string) (string, error) {
	quoted := make([]string, len(names))
	for i, n := range names {
		q, err := ident.Quote(tidemill.Postgres, n)
		if err != nil {
			return "", err
		}
		quoted[i] = q
	}
	return strings.Join(quoted, ", "), nil
}
