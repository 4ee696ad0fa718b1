package postgres

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// Connection is a database. It is named by a URL or by its parts. Variables
// such as PGHOST and the file ~/.pgpass are not read.
type Connection struct {
	URL             redact.Secret `yaml:"url" doc:"Address as postgres://user:password@host:5432/database?sslmode=verify-full. Characters such as / in a part are written %2F. It stands in the place of host, port, user, password and database."`
	Host            string        `yaml:"host" doc:"Name or address of the server, or the folder of its socket."`
	Port            int           `yaml:"port" doc:"Port of the server." default:"5432"`
	User            string        `yaml:"user" doc:"Role to log in as."`
	Password        redact.Secret `yaml:"password" doc:"Password of the role."`
	Database        string        `yaml:"database" doc:"Database to read; without it the one that is named like the role."`
	SSLMode         string        `yaml:"sslmode" doc:"How much TLS is asked for: prefer takes it where the server has it, require insists, verify-ca looks at who signed the server's certificate, verify-full at its host too." enum:"disable,prefer,require,verify-ca,verify-full" default:"prefer"`
	CAFile          string        `yaml:"ca_file" doc:"PEM file of the authorities that may sign the server's certificate; without it those of the system."`
	CertFile        string        `yaml:"cert_file" doc:"PEM file of our certificate, where the server asks for one."`
	KeyFile         string        `yaml:"key_file" doc:"PEM file of the key of cert_file."`
	ApplicationName string        `yaml:"application_name" doc:"Name shown in the server's pg_stat_activity." default:"tidemill"`
	SearchPath      []string      `yaml:"search_path" doc:"Schemas in which a query looks for names without one."`
}

const (
	defaultPort            = 5432
	defaultSSLMode         = "prefer"
	defaultApplicationName = "tidemill"
)

// server is a checked Connection.
type server struct {
	config *pgx.ConnConfig
	name   string // for people: host:port/database
}

// newServer reads conn and the files that it names.
func newServer(conn Connection, env tidemill.Env) (*server, error) {
	settings, err := conn.settings(env.Dir)
	if err != nil {
		return nil, err
	}
	name := net.JoinHostPort(settings["host"], settings["port"]) + "/" + settings["dbname"]
	config, err := pgx.ParseConfig(keywords(settings))
	if err != nil {
		var parse *pgconn.ParseConfigError
		if errors.As(err, &parse) && errors.Unwrap(parse) != nil {
			err = errors.Unwrap(parse) // the rest of it quotes all settings
		} else {
			err = errors.New("the settings of the connection make no sense together")
		}
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Op: "connect to " + name, Err: clean(err),
			Hint: "check sslmode, ca_file, cert_file and key_file; relative paths start at the project folder",
		}
	}
	for k, v := range config.RuntimeParams {
		if v == "" {
			delete(config.RuntimeParams, k) // it was set empty to keep a variable of the environment out
		}
	}
	return &server{config: config, name: name}, nil
}

// Validate reports what is wrong with the settings of c, without connecting.
func (c Connection) Validate() error {
	_, err := c.settings("")
	return err
}

// settings returns c in the words of libpq. Relative paths start at dir.
func (c Connection) settings(dir string) (map[string]string, error) {
	s := map[string]string{
		// Set, so that the environment and the user's files stay out of it.
		"passfile": "", "sslpassword": "", "options": "", "timezone": "",
		"target_session_attrs": "any", "connect_timeout": "0",
		"min_protocol_version": "3.0", "max_protocol_version": "3.0",
		"port": strconv.Itoa(orDefault(c.Port, defaultPort)), "sslmode": c.SSLMode,
		"sslrootcert": c.CAFile, "sslcert": c.CertFile, "sslkey": c.KeyFile,
		"application_name": orDefault(c.ApplicationName, defaultApplicationName),
		"host":             c.Host, "user": c.User, "password": c.Password.Reveal(), "dbname": c.Database,
	}
	if len(c.SearchPath) > 0 {
		path, err := quoteAll(c.SearchPath)
		if err != nil {
			return nil, invalid(err, "search_path is a list of schemas")
		}
		s["search_path"] = path
	}
	if !c.URL.Empty() {
		if c.Host != "" || c.Port != 0 && c.Port != defaultPort || c.User != "" || !c.Password.Empty() || c.Database != "" {
			return nil, invalid(errors.New("url stands beside host, port, user, password or database"), "keep one of the two")
		}
		if err := merge(s, c.URL.Reveal()); err != nil {
			return nil, err
		}
	}
	redact.Register(s["password"])
	s["sslmode"] = orDefault(s["sslmode"], defaultSSLMode)
	s["dbname"] = orDefault(s["dbname"], s["user"])
	for _, k := range []string{"sslrootcert", "sslcert", "sslkey"} {
		if s[k] != "" && !filepath.IsAbs(s[k]) && s[k] != "system" {
			s[k] = filepath.Join(dir, s[k])
		}
	}
	return s, check(s)
}

// check looks for what pgconn would make up or refuse in other words.
func check(s map[string]string) error {
	modes := []string{"disable", "prefer", "require", "verify-ca", "verify-full"}
	switch {
	case s["host"] == "":
		return invalid(errors.New("no server is named"), "set url, or host, user and database")
	case s["user"] == "":
		return invalid(errors.New("no user is named"), "set user, or name it in url: postgres://user:password@host/database")
	case !slices.Contains(modes, s["sslmode"]):
		return invalid(fmt.Errorf("sslmode %q is none of %s", s["sslmode"], strings.Join(modes, ", ")), "")
	case (s["sslcert"] == "") != (s["sslkey"] == ""):
		return invalid(errors.New("cert_file and key_file are only of use together"), "set both, or neither")
	case s["sslmode"] == "disable" && s["sslrootcert"]+s["sslcert"] != "":
		return invalid(errors.New("certificates are set, but sslmode is disable"), "set sslmode: verify-full, or remove the files")
	}
	if n, err := strconv.Atoi(s["port"]); err != nil || n < 1 || n > 65535 {
		return invalid(errors.New("port is not between 1 and 65535"), "")
	}
	for _, v := range s {
		if strings.ContainsRune(v, 0) {
			return invalid(errors.New("a setting holds a zero byte"), "")
		}
	}
	return nil
}

// merge puts what stands in a URL over s.
func merge(s map[string]string, address string) error {
	hint := "write it as postgres://user:password@host:5432/database; a / in a part is %2F, # is %23, ? is %3F, @ is %40"
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		// The cause is left out: it quotes parts of the address.
		return invalid(errors.New("url is no address of PostgreSQL"), hint)
	}
	s["host"], s["user"], s["dbname"] = u.Hostname(), u.User.Username(), strings.TrimPrefix(u.Path, "/")
	s["password"], _ = u.User.Password()
	redact.Register(s["password"])
	if u.Port() != "" {
		s["port"] = u.Port()
	}
	for k, values := range u.Query() {
		switch k {
		case "service", "servicefile", "passfile", "sslpassword":
			return invalid(fmt.Errorf("url sets %s, which is not read", k), "name user and password in url")
		case "sslmode", "sslrootcert", "sslcert", "sslkey":
			byDefault := k == "sslmode" && s[k] == defaultSSLMode
			if s[k] != "" && !byDefault && s[k] != values[len(values)-1] {
				return invalid(fmt.Errorf("%s stands in url and beside it", k), "keep one of the two")
			}
		}
		s[k] = values[len(values)-1]
	}
	return nil
}

// keywords writes settings as a connection string.
func keywords(settings map[string]string) string {
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	for k, v := range settings {
		fmt.Fprintf(&b, "%s='%s' ", k, escape.Replace(v))
	}
	return b.String()
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func invalid(err error, hint string) error {
	return &tidemill.Error{Code: tidemill.Invalid, Op: "read connection", Err: err, Hint: hint}
}
