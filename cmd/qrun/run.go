package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/mta/dns"
	"pneu/mta/outbound"
	"pneu/mta/queue"
	"pneu/mta/runner"
	"pneu/mta/sysexits"
)

// settings is the table [qrun].
type settings struct {
	Concurrency      int               `toml:"concurrency"`
	LocalConcurrency int               `toml:"local_concurrency"`
	PerDestination   int               `toml:"per_destination"`
	Backoff          time.Duration     `toml:"backoff"`
	BackoffMax       time.Duration     `toml:"backoff_max"`
	Expire           time.Duration     `toml:"expire"`
	Warn             time.Duration     `toml:"warn"`
	MaxHops          int               `toml:"max_hops"`
	MaxReturn        conf.Size         `toml:"max_return"`
	Rescan           time.Duration     `toml:"rescan"`
	StopWait         time.Duration     `toml:"stop_wait"`
	SMTPPort         int               `toml:"smtp_port"`
	Helo             string            `toml:"helo"`
	TLS              string            `toml:"tls"`
	RelayCA          string            `toml:"relay_ca"`
	IPv4             bool              `toml:"ipv4"`
	IPv6             bool              `toml:"ipv6"`
	MaxHosts         int               `toml:"max_hosts"`
	Sync             string            `toml:"sync"`
	Timeouts         outbound.Timeouts `toml:"timeouts"`
}

// check names a setting that cannot be.
func (s *settings) check() (key, text string) {
	switch {
	case s.TLS != "may" && s.TLS != "never":
		return "tls", `must be "may" or "never"`
	case s.Sync != "auto" && s.Sync != "strict":
		return "sync", `must be "auto" or "strict"`
	}
	for key, d := range map[string]time.Duration{"backoff": s.Backoff, "backoff_max": s.BackoffMax, "expire": s.Expire, "rescan": s.Rescan, "stop_wait": s.StopWait} {
		if d < 0 {
			return key, "must not be below 0"
		}
	}
	return "", ""
}

// system is what the configuration describes: a spool and ways out of it.
type system struct {
	file   *conf.File
	set    settings
	spool  *queue.Spool
	client *outbound.Client
	opt    runner.Options
}

// configured returns the context in which -C was given: it may stand before or
// after the command.
func configured(c *cli.Context) *cli.Context {
	for _, up := range c.Lineage() {
		if up.Command != nil && up.IsSet("config") {
			return up
		}
	}
	return c
}

// read reads the settings.
func read(c *cli.Context) (*system, error) {
	s := &system{set: settings{IPv4: true, IPv6: true, TLS: "may", Sync: "auto"}}
	var err error
	if s.file, err = boot.Config(configured(c), "qrun", &s.set); err != nil {
		return nil, err
	}
	if key, text := s.set.check(); key != "" {
		return nil, s.file.Wrong("qrun."+key, key+" "+text)
	}
	return s, nil
}

// load reads the settings and opens the spool.
func load(c *cli.Context) (*system, error) {
	s, err := read(c)
	if err != nil {
		return nil, err
	}
	s.spool, err = queue.Open(queue.Options{Dir: s.file.Spool, Strict: s.set.Sync == "strict", Lifetime: s.set.Expire})
	if err == nil && !s.spool.Own() {
		err = stranger(os.Geteuid(), s.spool.Owner(), s.spool.Dir())
	}
	return s, err
}

// stranger is the error of one who is neither the spool's owner nor root, and
// could not look into it.
func stranger(euid, owner int, spool string) error {
	if euid == 0 {
		return nil
	}
	name := "user " + strconv.Itoa(owner)
	if u, err := user.LookupId(strconv.Itoa(owner)); err == nil {
		name = u.Username
	}
	who := name + " and root alone to see and run: be one of them"
	if owner == 0 {
		who = "root alone to see and run"
	}
	return sysexits.New(sysexits.NoPerm, "the queue in "+spool+" is for "+who)
}

// connect sets up what attempts need.
func (s *system) connect(c *cli.Context, log *slog.Logger) error {
	var servers []string
	relayAddrs := systemAddrs // the relay's name may stand in /etc/hosts
	if s.file.Resolver != "" {
		servers, relayAddrs = []string{s.file.Resolver}, nil
	} else if list, err := dns.SystemServers("/etc/resolv.conf"); err == nil {
		servers = list
	} else if !errors.Is(err, os.ErrNotExist) {
		return sysexits.Wrap(sysexits.OSFile, err)
	}
	relay, err := s.relay()
	if err != nil {
		return s.file.Wrong("relay", err.Error())
	}
	roots, err := s.roots()
	if err != nil {
		return s.file.Wrong("qrun.relay_ca", "relay_ca: "+err.Error())
	}
	helo := s.set.Helo
	if helo == "" {
		helo = s.file.Hostname
	}
	var self []netip.Addr
	if s.set.SMTPPort == 0 || s.set.SMTPPort == 25 { // at another port it is not us who listen
		self = ownAddresses()
	}
	s.client = outbound.New(outbound.Options{
		Hostname: helo, Resolver: dns.New(dns.Options{Servers: servers}), Port: s.set.SMTPPort, MaxHosts: s.set.MaxHosts,
		RelayAddrs: relayAddrs, TLS: &tls.Config{RootCAs: roots}, NoTLS: s.set.TLS == "never", NoIPv4: !s.set.IPv4, NoIPv6: !s.set.IPv6,
		Self: self, Timeouts: s.set.Timeouts, Log: log,
	})
	deliver, isLocal, err := localDelivery(s.file, log)
	if err != nil {
		return err
	}
	s.opt = runner.Options{
		Hostname: s.file.Hostname, IsLocal: isLocal, Local: deliver, Remote: s.client, Relay: relay,
		Concurrency: s.set.Concurrency, LocalConcurrency: s.set.LocalConcurrency, PerDestination: s.set.PerDestination,
		Backoff: s.set.Backoff, BackoffMax: s.set.BackoffMax, Expire: s.set.Expire, Warn: s.set.Warn, MaxHops: s.set.MaxHops,
		MaxReturn: int64(s.set.MaxReturn), Rescan: s.set.Rescan, StopWait: s.set.StopWait, Log: log,
	}
	return nil
}

func (s *system) relay() (*outbound.Relay, error) {
	if s.file.Relay == "" {
		return nil, nil
	}
	auth := s.file.RelayAuth
	if path, ok := strings.CutPrefix(auth, "file:"); ok {
		b, err := os.ReadFile(s.beside(path))
		if err != nil {
			return nil, fmt.Errorf("relay_auth: %w", err)
		}
		auth, _, _ = strings.Cut(string(b), "\n")
		auth = strings.TrimSuffix(auth, "\r")
	}
	return outbound.ParseRelay(s.file.Relay, auth)
}

// roots are the certificates that may sign a relay's; nil stands for the
// system's. A relay's own certificate may be among them.
func (s *system) roots() (*x509.CertPool, error) {
	if s.set.RelayCA == "" {
		return nil, nil
	}
	b, err := os.ReadFile(s.beside(s.set.RelayCA))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, errors.New("no certificate in " + s.set.RelayCA)
	}
	return pool, nil
}

// beside takes a relative path from the configuration's folder.
func (s *system) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(s.file.Path), path)
}

// systemAddrs asks as the system's other programs do: /etc/hosts, then the DNS.
func systemAddrs(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// ownAddresses are those at which mail exchangers would be this host.
func ownAddresses() []netip.Addr {
	list := []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return list
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				list = append(list, ip.Unmap())
			}
		}
	}
	return list
}

func run(c *cli.Context) error {
	if c.NArg() > 0 {
		return boot.Usage("unknown command \"" + c.Args().First() + "\" (see qrun --help)")
	}
	log := boot.Logger(c)
	if c.Bool("check") {
		s, err := read(c)
		if err == nil {
			err = s.connect(c, log)
		}
		return err
	}
	if !c.Bool("daemon") {
		if !c.Bool("verbose") { // from cron: what went as it should is no news
			log = slog.New(quiet{log.Handler()})
		}
		s, err := load(c)
		if err == nil {
			err = s.connect(c, log)
		}
		if err != nil {
			return err
		}
		defer s.client.Wait()
		return runner.New(s.spool, s.opt).Pass(c.Context)
	}
	return serve(c, log)
}

// serve runs until it is told to end. On SIGHUP it reads its settings again;
// attempts in flight end under the old ones.
func serve(c *cli.Context, log *slog.Logger) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	start := func() (*system, error) {
		s, err := load(c)
		if err == nil {
			err = s.connect(c, log)
		}
		return s, err
	}
	s, err := start()
	if err != nil {
		return err
	}
	var old sync.WaitGroup
	defer old.Wait()
	for {
		ctx, cancel := context.WithCancel(c.Context)
		ended := make(chan error, 1)
		old.Go(func() {
			ended <- runner.New(s.spool, s.opt).Serve(ctx)
			s.client.Wait()
		})
		log.Info("running", "spool", s.spool.Dir())
		for again := false; !again; {
			select {
			case err := <-ended:
				cancel()
				return err
			case <-hup:
				fresh, err := start()
				if err != nil {
					log.Error("settings not changed", "error", err)
					continue
				}
				s, again = fresh, true
			}
		}
		cancel()
	}
}

// quiet passes on what wants an administrator.
type quiet struct{ slog.Handler }

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(name string) slog.Handler   { return quiet{q.Handler.WithGroup(name)} }
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}
