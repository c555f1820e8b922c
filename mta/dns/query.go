package dns

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	wire "github.com/miekg/dns"
)

// maxChain bounds the aliases followed from one name. RFC 1034, 3.6.2 wants
// chains followed and loops told as an error.
const maxChain = 8

// Query returns the records of a type at name, aliases followed. Errors are of
// type [*Error].
func (r *Resolver) Query(ctx context.Context, name string, typ uint16) (*Answer, error) {
	ascii, err := ASCII(name)
	if _, ok := wire.IsDomainName(ascii); err != nil || !ok || ascii == "" {
		// A name that cannot stand in the DNS does not exist there.
		return nil, &Error{name, wire.TypeToString[typ], ErrNotFound, "not a domain name"}
	}
	at := wire.Fqdn(ascii)
	all := &Answer{AD: true}
	for range maxChain {
		e := r.ask(ctx, at, typ)
		if e.err != nil {
			kind := *e.err
			kind.Name = name
			return nil, &kind
		}
		all.AD = all.AD && e.answer.AD
		if all.TTL == 0 || e.answer.TTL < all.TTL {
			all.TTL = e.answer.TTL
		}
		if e.alias == "" {
			all.Name, all.Records = e.answer.Name, e.answer.Records
			return all, nil
		}
		at = e.alias // the resolver left off within a chain: ask on
	}
	return nil, &Error{name, wire.TypeToString[typ], ErrTemporary, "aliases without end"}
}

// entry is what is known about one question.
type entry struct {
	answer *Answer
	alias  string // go on there
	err    *Error
	until  time.Time
}

func (r *Resolver) ask(ctx context.Context, at string, typ uint16) *entry {
	key := question{strings.ToLower(at), typ}
	if e := r.cache.get(key, r.now()); e != nil {
		return e
	}
	var details []string
	for range r.opt.Rounds {
		for _, server := range r.opt.Servers {
			if err := ctx.Err(); err != nil {
				return &entry{err: &Error{plain(at), wire.TypeToString[typ], ErrTemporary, err.Error()}}
			}
			reply, err := r.exchange(ctx, server, at, typ)
			if err != nil {
				details = append(details, server+": "+err.Error())
				continue
			}
			e, ttl := interpret(reply, at, typ)
			if e.err != nil && errors.Is(e.err, ErrTemporary) {
				details = append(details, server+": "+e.err.Detail)
				continue
			}
			e.until = r.now().Add(ttl)
			r.cache.put(key, e)
			return e
		}
	}
	if len(details) > 3 {
		details = details[:3]
	}
	return &entry{err: &Error{plain(at), wire.TypeToString[typ], ErrTemporary, strings.Join(details, "; ")}}
}

// exchange puts one question to one server, over TCP if the answer does not
// fit a datagram.
func (r *Resolver) exchange(ctx context.Context, server, at string, typ uint16) (*wire.Msg, error) {
	q := new(wire.Msg)
	q.SetQuestion(at, typ)
	q.AuthenticatedData = true // RFC 6840, 5.7: we understand the bit in the answer
	q.SetEdns0(1232, false)    // what passes everywhere without fragments
	for _, network := range []string{"udp", "tcp"} {
		c := wire.Client{Net: network, Timeout: r.opt.Timeout}
		limited, cancel := context.WithTimeout(ctx, r.opt.Timeout)
		reply, _, err := c.ExchangeContext(limited, q, server)
		cancel()
		if err != nil && !(network == "udp" && reply != nil && reply.Truncated) {
			return nil, err
		}
		if !reply.Response || len(reply.Question) != 1 || reply.Question[0].Qtype != typ ||
			!strings.EqualFold(reply.Question[0].Name, at) {
			return nil, errors.New("answer to another question")
		}
		if !reply.Truncated {
			return reply, nil
		}
	}
	return nil, errors.New("answer cut short over TCP")
}

// Bounds on how long an answer is believed.
const (
	minTTL      = time.Second
	maxTTL      = time.Hour
	maxNegative = 5 * time.Minute
)

// interpret reads a reply; the duration is how long it may be remembered.
func interpret(m *wire.Msg, at string, typ uint16) (*entry, time.Duration) {
	fail := func(kind error, detail string) *entry {
		return &entry{err: &Error{plain(at), wire.TypeToString[typ], kind, detail}}
	}
	if m.Rcode != wire.RcodeSuccess && m.Rcode != wire.RcodeNameError {
		return fail(ErrTemporary, fmt.Sprintf("answers %s", wire.RcodeToString[m.Rcode])), 0
	}
	owner, ttl := at, maxTTL
	for range maxChain { // aliases within the answer
		next := ""
		for _, rr := range m.Answer {
			if c, ok := rr.(*wire.CNAME); ok && strings.EqualFold(c.Hdr.Name, owner) && typ != wire.TypeCNAME {
				next = c.Target
				ttl = min(ttl, seconds(c.Hdr.Ttl))
				break
			}
		}
		if next == "" {
			break
		}
		owner = next
	}
	var records []wire.RR
	for _, rr := range m.Answer {
		if h := rr.Header(); h.Rrtype == typ && h.Class == wire.ClassINET && strings.EqualFold(h.Name, owner) {
			records = append(records, rr)
			ttl = min(ttl, seconds(h.Ttl))
		}
	}
	ttl = max(ttl, minTTL)
	if len(records) > 0 {
		return &entry{answer: &Answer{Name: plain(owner), Records: records, AD: m.AuthenticatedData, TTL: ttl}}, ttl
	}
	negative := maxNegative
	hasSOA := false
	for _, rr := range m.Ns {
		if soa, ok := rr.(*wire.SOA); ok { // RFC 2308, 5
			hasSOA = true
			negative = min(negative, seconds(soa.Minttl), seconds(soa.Hdr.Ttl))
		}
	}
	negative = max(min(negative, ttl), minTTL)
	switch {
	case m.Rcode == wire.RcodeNameError:
		return fail(ErrNotFound, ""), negative
	case !strings.EqualFold(owner, at) && !hasSOA:
		return &entry{answer: &Answer{AD: m.AuthenticatedData, TTL: ttl}, alias: owner}, ttl
	}
	return fail(ErrNoData, ""), negative
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
