package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"sync/atomic"
	"syscall"

	"pneu/cmd/internal/listen"
	"pneu/mta/inbound"
	"pneu/mta/queue"
	"pneu/mta/sasl"
	"pneu/mta/smtp"
)

// daemon is smtpd as it listens.
type daemon struct {
	settings *settings
	load     func() (*settings, error)
	log      *slog.Logger
	certs    *listen.Certs // nil: no TLS
	spool    *queue.Spool
	services []*service
}

// service is one of the things smtpd listens for.
type service struct {
	name      string
	role      inbound.Role
	implicit  bool // TLS from the first byte
	addrs     func(*settings) []string
	listeners []net.Listener
	policy    atomic.Pointer[inbound.Service] // replaced on SIGHUP
}

// NewSession implements smtp.Backend.
func (s *service) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return s.policy.Load().NewSession(c)
}

func services() []*service {
	return []*service{
		{name: "mx", role: inbound.Exchange, addrs: func(s *settings) []string { return s.Listen.MX }},
		{name: "submission", role: inbound.Submission, addrs: func(s *settings) []string { return s.Listen.Submission }},
		{name: "submissions", role: inbound.Submission, implicit: true, addrs: func(s *settings) []string { return s.Listen.Submissions }},
	}
}

// check does all that needs no port.
func (d *daemon) check() error {
	d.services = services()
	if err := d.loadCerts(); err != nil {
		return err
	}
	if err := d.openSpool(); err != nil {
		return err
	}
	return d.apply(d.settings)
}

func (d *daemon) loadCerts() (err error) {
	if d.settings.TLSCert != "" {
		d.certs, err = listen.LoadCerts(d.settings.TLSCert, d.settings.TLSKey)
	}
	return err
}

func (d *daemon) openSpool() (err error) {
	d.spool, err = queue.Open(queue.Options{Dir: d.settings.Spool})
	return err
}

// apply gives the services the policy of new settings; on an error the old one stays in force.
func (d *daemon) apply(s *settings) error {
	users, err := openDirectory(s, d.log)
	if err != nil {
		return err
	}
	var secret []byte
	if d.certs != nil {
		secret = d.certs.Secret()
	}
	auth := sasl.NewAuthenticator(users, "smtp", secret)
	for _, sv := range d.services {
		sv.policy.Store(inbound.New(s.policy(sv.role), users, users, auth, d.spool, d.log.With("service", sv.name)))
	}
	return nil
}

// serve listens until ctx ends, and returns when all that was being received is done.
func (d *daemon) serve(ctx context.Context) error {
	d.services = services()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // from here on, so that none kills us
	defer signal.Stop(hup)
	if err := d.loadCerts(); err != nil { // as root: nobody else need be able to read the key
		return err
	}
	defer d.closeListeners()
	for _, sv := range d.services {
		var err error
		if sv.listeners, err = listen.All(sv.addrs(d.settings)); err != nil {
			return err
		}
	}
	if err := listen.Become(d.settings.User); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		d.log.Warn("running as root: set user in [smtpd]")
	}
	if err := d.openSpool(); err != nil {
		return err
	}
	if err := d.apply(d.settings); err != nil {
		return err
	}
	return d.run(ctx, hup)
}

// run serves all listeners and obeys SIGHUP.
func (d *daemon) run(ctx context.Context, hup <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error)
	n := 0
	throttle := sasl.NewThrottle() // one for all: a guesser may change the port
	for _, sv := range d.services {
		opt := d.settings.engine(d.log.With("service", sv.name))
		opt.Throttle = throttle
		if d.certs != nil && !sv.implicit {
			opt.TLS = d.certs.Config()
		}
		srv := smtp.NewServer(opt, sv)
		for _, l := range sv.listeners {
			d.log.Info("listening", "service", sv.name, "addr", l.Addr().String())
			if sv.implicit {
				l = tls.NewListener(l, d.certs.Config())
			}
			n++
			go func() { done <- srv.Serve(ctx, l) }()
		}
	}
	var first error
	for n > 0 {
		select {
		case <-hup:
			d.reload()
		case err := <-done:
			n--
			if err != nil && first == nil {
				first = err
				cancel() // one listener failed: the others finish and we exit, to be started again
			}
		}
	}
	d.log.Info("stopped")
	return first
}

// reload reads settings, users and certificate again. What is wrong stays as it was, and the log
// says so.
func (d *daemon) reload() {
	s, err := d.load()
	if err == nil {
		err = d.apply(s)
	}
	if err != nil {
		d.log.Error("reload: the settings in force stay", "err", err)
	} else {
		if !d.sameSockets(s) {
			d.log.Warn("reload: listen, tls_cert, tls_key, user, hostname and limits take a restart")
		}
		d.log.Info("settings read again")
	}
	if d.certs != nil {
		if err := d.certs.Reload(); err != nil {
			d.log.Error("reload: the certificate in use stays", "err", err)
		}
	}
}

// sameSockets reports whether new settings leave alone what is fixed at the start.
func (d *daemon) sameSockets(s *settings) bool {
	for _, sv := range d.services {
		if !slices.Equal(sv.addrs(s), sv.addrs(d.settings)) {
			return false
		}
	}
	a, b := s.options, d.settings.options
	// What apply does obey, or was compared above, is made alike; the rest must be.
	b.Listen, b.AnySender, b.MaxReceived, b.MaxHeader = a.Listen, a.AnySender, a.MaxReceived, a.MaxHeader
	return reflect.DeepEqual(a, b) && s.Hostname == d.settings.Hostname && s.MessageSize == d.settings.MessageSize
}

func (d *daemon) closeListeners() {
	for _, sv := range d.services {
		for _, l := range sv.listeners {
			l.Close()
		}
	}
}
