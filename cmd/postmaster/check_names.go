package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"pneu/mta/dns"
)

// programs: those that work together lie together.
func (k *checkup) programs() {
	self, err := os.Executable()
	if err != nil {
		return
	}
	dir := filepath.Dir(self)
	var missing []string
	for _, p := range []string{"sendmail", "qrun", "deliver", "smtpd"} {
		if _, err := os.Stat(filepath.Join(dir, p)); err != nil {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		k.warn("programs", "not in "+dir+": "+strings.Join(missing, ", "), "scripts/install puts all of them into one folder")
		return
	}
	// Each program knows its own table best.
	for _, p := range []string{"smtpd", "qrun"} {
		out, err := exec.CommandContext(k.c.Context, filepath.Join(dir, p), "-C", k.file.Path, "--check").CombinedOutput()
		if err == nil {
			continue
		}
		text, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(out)), p+": "), "\n")
		if !slices.ContainsFunc(k.list, func(f finding) bool { return f.Level == "bad" && strings.Contains(text, f.Text) }) {
			k.bad(p, text, "correct the table ["+p+"]") // else it stumbled over what was said already
		}
	}
}

// certificate: the one smtpd shows is for this host and still good.
func (k *checkup) certificate() {
	var set struct {
		SMTPD struct {
			Cert string `toml:"tls_cert"`
			Key  string `toml:"tls_key"`
		} `toml:"smtpd"`
	}
	if _, err := toml.DecodeFile(k.file.Path, &set); err != nil || set.SMTPD.Cert == "" || set.SMTPD.Key == "" {
		return
	}
	abs := func(p string) string {
		if filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(filepath.Dir(k.file.Path), p)
	}
	cert, key := abs(set.SMTPD.Cert), abs(set.SMTPD.Key)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		k.bad("certificate", err.Error(), "set tls_cert and tls_key in [smtpd] to a certificate with its chain, and its key")
		return
	}
	if readableByAll(key) {
		k.bad("certificate", "everybody may read the key "+key, "chmod o= "+key)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return
	}
	switch left := time.Until(leaf.NotAfter); {
	case left <= 0:
		k.bad("certificate", cert+" has expired", "renew it")
	case left < 14*24*time.Hour:
		k.warn("certificate", fmt.Sprintf("%s expires in %d days", cert, int(left.Hours()/24)), "renew it")
	}
	if err := leaf.VerifyHostname(k.file.Hostname); err != nil {
		k.warn("certificate", err.Error(), "get one for "+k.file.Hostname+", or set hostname")
	}
}

// names: other machines must find us by them.
func (k *checkup) names(ctx context.Context) {
	host := k.file.Hostname
	if !strings.Contains(host, ".") {
		k.warn("hostname", host+" is not a full name: other servers may refuse it", `set hostname = "mail.example.org" in `+k.file.Path)
	}
	if k.c.Bool("no-dns") {
		return
	}
	var servers []string
	if k.file.Resolver != "" {
		servers = []string{k.file.Resolver}
	} else {
		servers, _ = dns.SystemServers("/etc/resolv.conf")
	}
	r := dns.New(dns.Options{Servers: servers, Timeout: 2 * time.Second, Rounds: 1})
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := r.Addrs(ctx, host); errors.Is(err, dns.ErrTemporary) {
		k.warn("DNS", err.Error(), `set resolver to a name server that answers; mail to other domains waits`)
		return
	} else if err != nil && strings.Contains(host, ".") {
		k.warn("hostname", err.Error(), "publish an A or AAAA record for "+host)
	}
	for _, d := range k.file.Domains {
		k.domain(ctx, r, d)
	}
}

func (k *checkup) domain(ctx context.Context, r *dns.Resolver, d string) {
	host := k.file.Hostname
	mxs, err := r.MX(ctx, d)
	switch {
	case errors.Is(err, dns.ErrTemporary):
		k.warn("domain "+d, err.Error(), "ask again later")
	case errors.Is(err, dns.ErrNullMX):
		k.bad("domain "+d, "its MX record says that it takes no mail", fmt.Sprintf("publish: %s. MX 10 %s.", d, host))
	case errors.Is(err, dns.ErrNoData), errors.Is(err, dns.ErrNotFound), len(mxs) == 0 && err == nil:
		if _, err := r.Addrs(ctx, d); err != nil {
			k.warn("domain "+d, "nobody outside finds it: it has neither MX nor address", fmt.Sprintf("publish: %s. MX 10 %s.", d, host))
		} else if d != host {
			k.warn("domain "+d, "it has an address and no MX record", fmt.Sprintf("publish: %s. MX 10 %s.", d, host))
		}
	case err != nil:
		k.warn("domain "+d, err.Error(), "correct its records")
	case !slices.ContainsFunc(mxs, func(m dns.MX) bool { return strings.EqualFold(strings.TrimSuffix(m.Host, "."), host) }):
		var names []string
		for _, m := range mxs {
			names = append(names, m.Host)
		}
		k.warn("domain "+d, "its mail goes to "+strings.Join(names, ", ")+", and not to "+host, "right if those send it on to us; else correct the MX record, or hostname")
	default:
		k.ok("domain "+d, "its MX record names %s", host)
	}
}
