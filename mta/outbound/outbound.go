// Package outbound makes one attempt to hand one message to one destination,
// for some of its recipients (RFC 5321, 5).
//
// It finds the hosts of the destination, tries them in order, speaks SMTP with
// what each offers, and returns one [Result] for each recipient: delivered,
// refused for good, or to be tried later. It keeps no state between attempts
// and decides nothing about when to try again.
//
// What is uncertain is never called delivered, and never called refused: a
// connection lost after the message's last line, before the answer, is a try
// for later, with the duplicate that may cost (RFC 5321, 4.5.4.1 and 6.1).
//
// Choices where the standards leave one:
//
//   - STARTTLS is opportunistic: any certificate will do, and after a failed
//     handshake the same address is tried in clear. A relay reached by
//     submission:// or smtps://, or one that gets a password, must show a valid
//     certificate instead.
//   - 8-bit bodies go to a server without 8BITMIME as they are. RFC 6152, 3
//     asks for a conversion or a bounce; no such server is known to clear the
//     eighth bit, a conversion breaks signatures, and a bounce loses mail.
//   - A 5yz greeting other than 521 and 556 (RFC 7504) is a reason to try
//     another host and later: it is about us or about the hour.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"pneu/mta/dns"
	"pneu/mta/queue"
)

// Resolver is what outbound asks of the DNS; *dns.Resolver is one.
type Resolver interface {
	MX(ctx context.Context, domain string) ([]dns.MX, error)
	Addrs(ctx context.Context, host string) ([]netip.Addr, error)
}

// Options of a [Client]. Zero fields take the defaults named.
type Options struct {
	// Hostname is what EHLO says.
	Hostname string
	// Resolver answers for names.
	Resolver Resolver
	// RelayAddrs, if set, answers for the name of a relay in place of Resolver:
	// a machine's own list of hosts may have it.
	RelayAddrs func(ctx context.Context, host string) ([]netip.Addr, error)
	// Port for hosts found by MX. Default 25.
	Port int
	// MaxHosts bounds the addresses tried in one attempt. Default 5.
	MaxHosts int
	// TLS is the base of every TLS configuration (RootCAs for relays); may be nil.
	TLS *tls.Config
	// NoTLS leaves STARTTLS unused with hosts found by MX.
	NoTLS bool
	// IPv4 and IPv6 off switches.
	NoIPv4, NoIPv6 bool
	// Self are our own addresses: a mail exchanger there is us (RFC 5321, 5.1).
	Self []netip.Addr
	// Timeouts of the phases.
	Timeouts Timeouts
	// Dial opens connections. Default: net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Log takes what is of use in finding a fault; may be nil.
	Log *slog.Logger
}

// Timeouts bound the phases of a session. The defaults are those of RFC 5321,
// 4.5.3.2, with one of our own for the connection, where the RFC has none.
type Timeouts struct {
	Connect   time.Duration `toml:"connect"`    // default 30 s
	Greeting  time.Duration `toml:"greeting"`   // default 5 min
	Hello     time.Duration `toml:"hello"`      // EHLO, STARTTLS, AUTH: default 5 min
	Mail      time.Duration `toml:"mail"`       // default 5 min
	Rcpt      time.Duration `toml:"rcpt"`       // default 5 min
	DataStart time.Duration `toml:"data_start"` // default 2 min
	DataBlock time.Duration `toml:"data_block"` // default 3 min
	DataDone  time.Duration `toml:"data_done"`  // default 10 min
	Quit      time.Duration `toml:"quit"`       // default 5 s: nothing depends on the answer
}

func (t *Timeouts) complete() {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	set(&t.Connect, 30*time.Second)
	set(&t.Greeting, 5*time.Minute)
	set(&t.Hello, 5*time.Minute)
	set(&t.Mail, 5*time.Minute)
	set(&t.Rcpt, 5*time.Minute)
	set(&t.DataStart, 2*time.Minute)
	set(&t.DataBlock, 3*time.Minute)
	set(&t.DataDone, 10*time.Minute)
	set(&t.Quit, 5*time.Second)
}

// A Client makes attempts. Any number of goroutines may use it.
type Client struct {
	opt  Options
	log  *slog.Logger
	quit sync.WaitGroup
}

// New returns a client.
func New(opt Options) *Client {
	if opt.Port == 0 {
		opt.Port = 25
	}
	if opt.MaxHosts <= 0 {
		opt.MaxHosts = 5
	}
	if opt.Dial == nil {
		opt.Dial = (&net.Dialer{}).DialContext
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.Timeouts.complete()
	return &Client{opt: opt, log: opt.Log}
}

// Wait returns when the last sessions have said goodbye.
func (c *Client) Wait() { c.quit.Wait() }

// A Destination is where an attempt goes: a domain, or a relay for any domain.
type Destination struct {
	Domain string // a domain or an address literal; what the recipients share
	Relay  *Relay // if set, goes there whatever the domain
}

// A Message is what is to be sent.
type Message struct {
	queue.Envelope
	Body io.ReadSeeker // from its start; line ends of any kind
	// Tried, if set, is told of each host that did not settle the attempt.
	Tried func(Result)
}

// A Result is what became of one recipient.
type Result struct {
	Rcpt     int    // its number; 0 for all of them
	Code     int    // of the reply that decided; 0 if there was none
	Enhanced string // of that reply, or ours where there was none
	Text     string // the reply's text, or what went wrong
	Host, IP string // who answered; empty if nobody did
	TLS      string // protocol and cipher; empty in clear
	OK       bool   // delivered: the host has taken the responsibility
	Temp     bool   // neither delivered nor refused for good
	Reached  bool   // a server was there and listened to a transaction
	Notify   bool   // the host has also taken the duty to send success reports (RFC 3461)

	again bool // another host may be asked
}

// Deliver makes one attempt for rcpts and returns a result for each, in order.
func (c *Client) Deliver(ctx context.Context, dest Destination, msg Message, rcpts []queue.Recipient) []Result {
	a := &attempt{c: c, ctx: ctx, msg: msg, relay: dest.Relay, results: make(map[int]Result, len(rcpts))}
	a.run(dest, rcpts)
	out := make([]Result, len(rcpts))
	for i, r := range rcpts {
		out[i] = a.results[r.N]
		out[i].Rcpt = r.N
	}
	return out
}

// attempt is one call of Deliver.
type attempt struct {
	c       *Client
	ctx     context.Context
	msg     Message
	relay   *Relay
	shape   *shape
	results map[int]Result
}

func (a *attempt) run(dest Destination, rcpts []queue.Recipient) {
	pending := rcpts
	settle := func(res Result, list []queue.Recipient) {
		for _, r := range list {
			a.results[r.N] = res
		}
	}
	hosts, failure := a.c.route(a.ctx, dest)
	if failure != nil {
		settle(*failure, pending)
		return
	}
	tried, told := 0, false
	var last Result
	for i, h := range hosts {
		if tried == a.c.opt.MaxHosts || a.ctx.Err() != nil {
			break
		}
		if i > 0 && told && a.msg.Tried != nil {
			a.msg.Tried(last)
		}
		res := a.host(h, pending)
		if !res.unreachable {
			tried++
		}
		var left []queue.Recipient
		unheard := false
		for _, r := range pending {
			one, ok := res.rcpt[r.N]
			if !ok {
				one = res.whole
			}
			if one.again {
				left = append(left, r)
				last, told = one, true
			}
			if had, ok := a.results[r.N]; ok && outweighs(had, one) {
				unheard = unheard || one.again
				continue
			}
			a.results[r.N] = one
		}
		if unheard && i == len(hosts)-1 && a.msg.Tried != nil { // no result will tell of it
			a.msg.Tried(last)
		}
		if pending = left; len(pending) == 0 {
			return
		}
	}
	if err := a.ctx.Err(); err != nil && last.Text == "" {
		settle(Result{Enhanced: "4.4.0", Text: "stopped before the attempt was over", Temp: true}, pending)
	}
}

// outweighs reports whether what an earlier host said stands beside what a
// later one said. That a backup could not be asked is less than an answer; that
// it takes no mail from us is no verdict while the first may yet take it.
func outweighs(had, now Result) bool {
	if now.OK || now.Reached {
		return false
	}
	return had.Reached || had.Temp && !now.Temp && now.again
}

// outcome is what one host did with the recipients it was given.
type outcome struct {
	rcpt        map[int]Result
	whole       Result // for those not in rcpt
	unreachable bool   // no route to that address family: does not count as a try
}

// host tries one address, a second time in clear if TLS does not work out.
func (a *attempt) host(h host, rcpts []queue.Recipient) outcome {
	out := outcome{rcpt: map[int]Result{}}
	plain := a.relay == nil && a.c.opt.NoTLS
	for {
		s, failure := a.dial(h, plain)
		var te *tlsError
		if failure != nil && errors.As(failure.err, &te) && (a.relay == nil || !a.relay.verified()) && !plain {
			a.c.log.Debug("TLS failed, going on in clear", "qid", a.msg.ID, "host", h.name, "ip", h.addr.String(), "error", te.Error())
			plain = true
			continue
		}
		if failure != nil {
			out.whole = failure.Result
			out.unreachable = failure.unreachable
			return out
		}
		a.send(s, rcpts, out.rcpt)
		a.c.quit.Go(s.bye)
		return out
	}
}

// measure looks through the body once for all hosts.
func (a *attempt) measure() (*shape, error) {
	if a.shape == nil {
		if _, err := a.msg.Body.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		s, err := measure(a.msg.Body)
		if err != nil {
			return nil, err
		}
		a.shape = s
	}
	return a.shape, nil
}

// local is a result of our own making.
func local(temp bool, enhanced, text string) *Result {
	return &Result{Enhanced: enhanced, Text: text, Temp: temp}
}

func shuffle[T any](l []T) { rand.Shuffle(len(l), func(i, j int) { l[i], l[j] = l[j], l[i] }) }

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}
