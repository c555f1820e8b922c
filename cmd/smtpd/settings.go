package main

import (
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/cmd/internal/listen"
	"pneu/mta/inbound"
	"pneu/mta/smtp"
	"pneu/mta/sysexits"
)

// options is the table [smtpd].
type options struct {
	// Listen says where to listen, by service: HOST:PORT, :PORT or unix:PATH. Default: mx at :25;
	// with a certificate also submission at :587 and submissions at :465.
	Listen struct {
		// MX takes mail from anyone for our domains; no login.
		MX []string `toml:"mx"`
		// Submission takes mail from users who log in after STARTTLS.
		Submission []string `toml:"submission"`
		// Submissions takes mail from users who log in; TLS from the first byte.
		Submissions []string `toml:"submissions"`
	} `toml:"listen"`
	// TLSCert and TLSKey are PEM files: the certificate with its chain, and its key. Relative paths
	// are meant from the configuration's folder.
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`
	// User is who to run as after the ports are bound, when started by root.
	User string `toml:"user"`
	// AnySender lets users who logged in send under any address. Default: only under their own.
	AnySender bool `toml:"any_sender"`

	// MaxRecipients of a message. Default: 1000.
	MaxRecipients int `toml:"max_recipients"`
	// MaxErrors is how many refused commands end a session. Default: 20.
	MaxErrors int `toml:"max_errors"`
	// MaxCommands is how many commands other than RCPT may come before a message does. Default: 200.
	MaxCommands int `toml:"max_commands"`
	// MaxLoginFailures end a session. Default: 3.
	MaxLoginFailures int `toml:"max_login_failures"`
	// MaxConnections at a time, of each service. Default: 1000.
	MaxConnections int `toml:"max_connections"`
	// MaxPerHost is how many connections one address may have at a time; trusted networks may have
	// any number. Default: 50.
	MaxPerHost int `toml:"max_per_host"`
	// MaxReceived is how many Received fields make a loop. Default: 50.
	MaxReceived int `toml:"max_received"`
	// MaxHeader is the largest header block of a message. Default: 1 MiB.
	MaxHeader conf.Size `toml:"max_header"`

	// CommandTimeout is how long a command may take to come. Default: "5m".
	CommandTimeout time.Duration `toml:"command_timeout"`
	// DataTimeout is how long each part of a message may take to come. Default: "3m".
	DataTimeout time.Duration `toml:"data_timeout"`
	// WriteTimeout is how long a client may take to read an answer. Default: "2m".
	WriteTimeout time.Duration `toml:"write_timeout"`
	// MinRate is how many bytes a second a message must come in with on average. Default: 256.
	MinRate int `toml:"min_rate"`
	// Grace is how long messages under way may take when smtpd is told to stop. Default: "30s".
	Grace time.Duration `toml:"grace"`
}

// settings is the configuration as far as it concerns smtpd, checked.
type settings struct {
	*conf.File
	options
	trusted, relay []netip.Prefix
}

func loadSettings(c *cli.Context) (*settings, error) {
	var s settings
	file, err := boot.Config(c, "smtpd", &s.options)
	if err != nil {
		return nil, err
	}
	s.File = file
	if s.trusted, err = listen.Networks("trusted", file.Trusted); err != nil {
		return nil, err
	}
	if s.relay, err = listen.Networks("relay_networks", file.RelayNetworks); err != nil {
		return nil, err
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return nil, sysexits.New(sysexits.Config, "smtpd: tls_cert and tls_key go together: set both")
	}
	for _, p := range []*string{&s.TLSCert, &s.TLSKey} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(file.Path), *p)
		}
	}
	l := &s.Listen
	if s.TLSCert == "" && len(l.Submission)+len(l.Submissions) > 0 {
		return nil, sysexits.New(sysexits.Config, "smtpd: submission takes TLS: set tls_cert and tls_key")
	}
	for _, addr := range slices.Concat(l.MX, l.Submission, l.Submissions) {
		if err := listen.Check(addr); err != nil {
			return nil, err
		}
	}
	if len(l.MX)+len(l.Submission)+len(l.Submissions) == 0 {
		l.MX = []string{":25"}
		if s.TLSCert != "" {
			l.Submission, l.Submissions = []string{":587"}, []string{":465"}
		}
	}
	return &s, nil
}

// engine is what the SMTP engine needs to know.
func (s *settings) engine(log *slog.Logger) smtp.Options {
	return smtp.Options{
		Hostname:       s.Hostname,
		MaxSize:        int64(s.MessageSize),
		MaxRecipients:  s.MaxRecipients,
		MaxErrors:      s.MaxErrors,
		MaxIdle:        s.MaxCommands,
		MaxAuthFails:   s.MaxLoginFailures,
		MaxConns:       s.MaxConnections,
		MaxPerHost:     s.MaxPerHost,
		CommandTimeout: s.CommandTimeout,
		DataTimeout:    s.DataTimeout,
		WriteTimeout:   s.WriteTimeout,
		MinRate:        s.MinRate,
		Grace:          s.Grace,
		Spared:         func(a net.Addr) bool { return listen.Within(s.trusted, a) },
		Log:            log,
	}
}

// policy is what the policy needs to know.
func (s *settings) policy(role inbound.Role) inbound.Options {
	return inbound.Options{
		Role:          role,
		Hostname:      s.Hostname,
		Domains:       append(append([]string(nil), s.Domains...), s.Hostname),
		RelayNetworks: s.relay,
		AnySender:     s.AnySender,
		MaxReceived:   s.MaxReceived,
		MaxHeader:     int(s.MaxHeader),
	}
}
