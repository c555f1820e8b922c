package outbound

import (
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pneu/mta/queue"
)

const greet = `
S: 220 mx ESMTP
C: EHLO me.test
`

const plainBody = `
C: Subject: x
C: 
C: ..hi
C: there
C: .
`

func TestDeliver(t *testing.T) {
	one := names{"b.test MX 10 mx.b.test", "mx.b.test A 192.0.2.1"}
	two := names{"b.test MX 20 mx2.b.test", "b.test MX 10 mx1.b.test", "mx1.b.test A 192.0.2.1", "mx2.b.test A 192.0.2.2"}
	const a1, a2 = "192.0.2.1:25", "192.0.2.2:25"
	body := plainBody
	ok := greet + "S: 250 mx\nC: MAIL FROM:<a@me.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 250 ok\nC: DATA\nS: 354 go\n" + body + "S: 250 2.0.0 queued as 7\nC: QUIT\nS: 221 bye\n"
	short := Timeouts{Greeting: 100 * time.Millisecond, Hello: 100 * time.Millisecond, Rcpt: 100 * time.Millisecond,
		DataDone: 100 * time.Millisecond, Quit: 100 * time.Millisecond}
	tests := []struct {
		name    string
		opt     Options
		names   names
		scripts map[string][]string
		msg     Message
		rcpts   []queue.Recipient
		want    string
		tried   string
	}{
		{name: "plain server, one command at a time", names: one, scripts: map[string][]string{a1: {ok}}, rcpts: to("x@b.test"),
			want: "1 ok 250 2.0.0 queued as 7 (mx.b.test 192.0.2.1)"},
		{name: "pipelined, all extensions", names: one, scripts: map[string][]string{a1: {greet + `
				S: 250-mx
				S: 250-PIPELINING
				S: 250-size 1000
				S: 250-8BITMIME
				S: 250-DSN
				S: 250 SMTPUTF8
				C: MAIL FROM:<a@me.test> SIZE=12 BODY=8BITMIME RET=HDRS ENVID=x+201
				C: RCPT TO:<x@b.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+2By@c.test
				C: RCPT TO:<y@b.test>
				C: DATA
				S: 250 2.1.0 ok
				S: 250 2.1.5 ok
				S: 550-5.1.1 no
				S: 550 5.1.1 such user
				S: 354 go
				C: A: b
				C:` + " " + `
				C: ` + "\xe4\xe4" + `
				C: .
				S: 250 2.0.0 done
				C: QUIT
				S: 221 bye`}},
			msg: Message{Envelope: queue.Envelope{Ret: "HDRS", EnvID: "x 1"}, Body: strings.NewReader("A: b\r\n\n\xe4\xe4\r")},
			rcpts: []queue.Recipient{{N: 1, Addr: "x@b.test", Notify: "SUCCESS,FAILURE", ORcpt: "rfc822;x+y@c.test"},
				{N: 2, Addr: "y@b.test"}},
			want: "1 ok 250 2.0.0 done (mx.b.test 192.0.2.1)\n2 refused 550 5.1.1 no such user (mx.b.test 192.0.2.1)"},
		{name: "HELO only", names: one, scripts: map[string][]string{a1: {strings.Replace(ok, "S: 250 mx\n", "S: 502 what\nC: HELO me.test\nS: 250 mx\n", 1)}},
			rcpts: to("x@b.test"), want: "1 ok 250 2.0.0 queued as 7 (mx.b.test 192.0.2.1)"},
		{name: "first host refuses connections", names: two, scripts: map[string][]string{a2: {ok}}, rcpts: to("x@b.test"),
			want:  "1 ok 250 2.0.0 queued as 7 (mx2.b.test 192.0.2.2)",
			tried: "later 0 4.4.1 connect to port 25: connection refused (mx1.b.test 192.0.2.1)"},
		{name: "421 at connect, then the other host", names: two, scripts: map[string][]string{a1: {"S: 421 4.3.2 busy"}, a2: {ok}}, rcpts: to("x@b.test"),
			want:  "1 ok 250 2.0.0 queued as 7 (mx2.b.test 192.0.2.2)",
			tried: "later 421 4.3.2 busy (mx1.b.test 192.0.2.1)"},
		{name: "554 greeting is tried later", names: one, scripts: map[string][]string{a1: {"S: 554 5.7.1 go away"}}, rcpts: to("x@b.test"),
			want: "1 later 554 5.7.1 go away (mx.b.test 192.0.2.1)"},
		{name: "521 greeting is final", names: one, scripts: map[string][]string{a1: {"S: 521 no mail here"}}, rcpts: to("x@b.test"),
			want: "1 refused 521 5.0.0 no mail here (mx.b.test 192.0.2.1)"},
		{name: "451 at RCPT, other host takes it", names: two, scripts: map[string][]string{
			a1: {greet + "S: 250 mx\nC: MAIL FROM:<a@me.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 451 4.7.1 greylisted\nC: QUIT\nS: 221 bye"}, a2: {ok}},
			rcpts: to("x@b.test"), want: "1 ok 250 2.0.0 queued as 7 (mx2.b.test 192.0.2.2)",
			tried: "later 451 4.7.1 greylisted (mx1.b.test 192.0.2.1)"},
		{name: "pipelined, none taken, yet 354", names: one, scripts: map[string][]string{a1: {greet + `
				S: 250-mx
				S: 250 PIPELINING
				C: MAIL FROM:<a@me.test>
				C: RCPT TO:<x@b.test>
				C: DATA
				S: 250 ok
				S: 550 5.1.1 no
				S: 354 go
				C: .
				S: 554 no valid recipients
				C: QUIT
				S: 221 bye`}}, rcpts: to("x@b.test"), want: "1 refused 550 5.1.1 no (mx.b.test 192.0.2.1)"},
		{name: "MAIL refused", names: one, scripts: map[string][]string{a1: {greet + `
				S: 250-mx
				S: 250 PIPELINING
				C: MAIL FROM:<a@me.test>
				C: RCPT TO:<x@b.test>
				C: DATA
				S: 550 5.7.1 not you
				S: 503 5.5.1 MAIL first
				S: 503 5.5.1 MAIL first
				C: RSET
				S: 250 ok
				C: QUIT
				S: 221 bye`}}, rcpts: to("x@b.test"), want: "1 refused 550 5.7.1 not you (mx.b.test 192.0.2.1)"},
		{name: "too many recipients: the rest in a second transaction", names: one, scripts: map[string][]string{a1: {greet + `
				S: 250 mx
				C: MAIL FROM:<a@me.test>
				S: 250 ok
				C: RCPT TO:<x@b.test>
				S: 250 ok
				C: RCPT TO:<y@b.test>
				S: 452 4.5.3 too many
				C: DATA
				S: 354 go
				` + body + `
				S: 250 2.0.0 first
				C: MAIL FROM:<a@me.test>
				S: 250 ok
				C: RCPT TO:<y@b.test>
				S: 250 ok
				C: DATA
				S: 354 go
				` + body + `
				S: 250 2.0.0 second
				C: QUIT
				S: 221 bye`}}, rcpts: to("x@b.test", "y@b.test"),
			want: "1 ok 250 2.0.0 first (mx.b.test 192.0.2.1)\n2 ok 250 2.0.0 second (mx.b.test 192.0.2.1)"},
		{name: "dropped after the final dot: no other host", names: two, scripts: map[string][]string{
			a1: {greet + "S: 250 mx\nC: MAIL FROM:<a@me.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 250 ok\nC: DATA\nS: 354 go\n" + body}},
			rcpts: to("x@b.test"), want: "1 later 0 4.4.2 wait for the answer to the message: connection closed by the server (mx1.b.test 192.0.2.1)"},
		{name: "dropped after RCPT; what was refused stays refused", names: one, scripts: map[string][]string{
			a1: {greet + "S: 250 mx\nC: MAIL FROM:<a@me.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 550 5.1.1 no\nC: RCPT TO:<y@b.test>\nS: 250 ok\nC: DATA\n"}},
			rcpts: to("x@b.test", "y@b.test"), want: "1 refused 550 5.1.1 no (mx.b.test 192.0.2.1)\n" +
				"2 later 0 4.4.2 wait for the answer to DATA: connection closed by the server (mx.b.test 192.0.2.1)"},
		{name: "421 in the middle", names: one, scripts: map[string][]string{
			a1: {greet + "S: 250 mx\nC: MAIL FROM:<a@me.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 421 4.3.0 shutting down"}},
			rcpts: to("x@b.test", "y@b.test"), want: "1 later 421 4.3.0 shutting down (mx.b.test 192.0.2.1)\n2 later 421 4.3.0 shutting down (mx.b.test 192.0.2.1)"},
		{name: "message refused after the dot", names: one, scripts: map[string][]string{
			a1: {strings.Replace(ok, "S: 250 2.0.0 queued as 7", "S: 554 5.6.0 spam", 1)}},
			rcpts: to("x@b.test"), want: "1 refused 554 5.6.0 spam (mx.b.test 192.0.2.1)"},
		{name: "silent server", opt: Options{Timeouts: short}, names: one, scripts: map[string][]string{a1: {"hang"}},
			rcpts: to("x@b.test"), want: "1 later 0 4.4.2 wait for the greeting: timed out (mx.b.test 192.0.2.1)"},
		{name: "silent after the message", opt: Options{Timeouts: short}, names: one, scripts: map[string][]string{
			a1: {strings.Replace(ok, "S: 250 2.0.0 queued as 7", "hang", 1)}},
			rcpts: to("x@b.test"), want: "1 later 0 4.4.2 wait for the answer to the message: timed out (mx.b.test 192.0.2.1)"},
		{name: "garbage for a greeting", names: one, scripts: map[string][]string{a1: {"S: SSH-2.0-OpenSSH_9.9"}},
			rcpts: to("x@b.test"), want: `1 later 0 4.5.0 wait for the greeting: malformed SMTP reply: "SSH-2.0-OpenSSH_9.9" (mx.b.test 192.0.2.1)`},
		{name: "250 where 354 belongs", names: one, scripts: map[string][]string{
			a1: {greet + "S: 250 mx\nC: MAIL FROM:<a@me.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 250 ok\nC: DATA\nS: 250 thanks\nC: RSET\nS: 250 ok\nC: QUIT\nS: 221 bye"}},
			rcpts: to("x@b.test"), want: "1 later 250 4.5.0 unexpected reply: 250 thanks (mx.b.test 192.0.2.1)"},
		{name: "larger than the server takes", names: one, scripts: map[string][]string{a1: {greet + "S: 250-mx\nS: 250 SIZE 10\nC: QUIT\nS: 221 bye"}},
			rcpts: to("x@b.test"), want: "1 refused 0 5.3.4 the message of 26 bytes is larger than the 10 the server takes (mx.b.test 192.0.2.1)"},
		{name: "SMTPUTF8 needed by one recipient and not offered", names: one, scripts: map[string][]string{a1: {ok}},
			msg: Message{Envelope: queue.Envelope{UTF8: true}}, rcpts: to("x@b.test", "ü@b.test"),
			want: "1 ok 250 2.0.0 queued as 7 (mx.b.test 192.0.2.1)\n2 refused 0 5.6.7 the server does not support SMTPUTF8, which the address needs (mx.b.test 192.0.2.1)"},
		{name: "SMTPUTF8 used", names: one, scripts: map[string][]string{a1: {strings.NewReplacer("S: 250 mx", "S: 250-mx\nS: 250 SMTPUTF8",
			"<a@me.test>", "<a@me.test> SMTPUTF8", "x@b.test", "ü@b.test").Replace(ok)}},
			msg: Message{Envelope: queue.Envelope{UTF8: true}}, rcpts: to("ü@b.test"), want: "1 ok 250 2.0.0 queued as 7 (mx.b.test 192.0.2.1)"},
		{name: "domain in Unicode for an old server", names: names{"bücher.test A 192.0.2.1"}, scripts: map[string][]string{a1: {strings.Replace(ok, "b.test", "xn--bcher-kva.test", 1)}},
			msg: Message{Envelope: queue.Envelope{UTF8: true}}, rcpts: to("x@bücher.test"), want: "1 ok 250 2.0.0 queued as 7 (bücher.test 192.0.2.1)"},
		{name: "null MX", names: names{"b.test MX NULL"}, rcpts: to("x@b.test"), want: "1 refused 0 5.1.10 b.test accepts no mail (null MX)"},
		{name: "no such domain", names: names{"b.test MX NXDOMAIN"}, rcpts: to("x@b.test"), want: "1 refused 0 5.1.2 no such domain: b.test"},
		{name: "name service down", names: names{"b.test MX FAIL"}, rcpts: to("x@b.test"), want: "1 later 0 4.4.3 look up MX of b.test: name service does not answer"},
		{name: "implicit MX", names: names{"b.test A 192.0.2.1"}, scripts: map[string][]string{a1: {ok}}, rcpts: to("x@b.test"),
			want: "1 ok 250 2.0.0 queued as 7 (b.test 192.0.2.1)"},
		{name: "we are the best exchanger", opt: Options{Self: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}, names: two, rcpts: to("x@b.test"),
			want: "1 refused 0 5.4.6 the mail exchanger is this host, which does not know the domain as its own"},
		{name: "we are the second exchanger", opt: Options{Self: []netip.Addr{netip.MustParseAddr("192.0.2.2")}}, names: two, rcpts: to("x@b.test"),
			want: "1 later 0 4.4.1 connect to port 25: connection refused (mx1.b.test 192.0.2.1)"},
		{name: "an address as exchanger", names: names{"b.test MX 10 127.0.0.1"}, rcpts: to("x@b.test"),
			want: "1 refused 0 5.1.2 look up A of 127.0.0.1: no such name"},
		{name: "a command in an address", names: one, scripts: map[string][]string{a1: {greet + "S: 250 mx\nC: QUIT\nS: 221 bye"}}, rcpts: to("x@b.test>\r\nRSET"),
			want: "1 refused 0 5.1.3 the address cannot be sent (mx.b.test 192.0.2.1)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			domain := "b.test"
			if strings.Contains(tt.rcpts[0].Addr, "bücher") {
				domain = "bücher.test"
			}
			got, tried, p := deliver(t, tt.opt, tt.names, tt.scripts, Destination{Domain: domain}, tt.msg, tt.rcpts...)
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if tried != tt.tried {
				t.Errorf("tried\n%s\nwant\n%s", tried, tt.tried)
			}
			for addr, left := range p.scripts {
				if len(left) > 0 {
					t.Errorf("%s was not asked; dialed %v", addr, p.dialed)
				}
			}
		})
	}
}

func TestManyRecipients(t *testing.T) { // more than one group of pipelined commands
	var addrs []string
	script := greet + "S: 250-mx\nS: 250 PIPELINING\nC: MAIL FROM:<a@me.test>\n"
	replies := "S: 250 ok\n"
	for i := range 60 {
		addr := strings.Repeat("x", i+1) + "@b.test"
		addrs = append(addrs, addr)
		script += "C: RCPT TO:<" + addr + ">\n"
		replies += "S: 250 ok\n"
		if i%24 == 22 {
			script += replies
			replies = ""
		}
	}
	script += "C: DATA\n" + replies + "S: 354 go\n" + plainBody + "S: 250 2.0.0 ok\nC: QUIT\nS: 221 bye\n"
	got, _, _ := deliver(t, Options{}, names{"b.test A 192.0.2.1"}, map[string][]string{"192.0.2.1:25": {script}}, Destination{Domain: "b.test"}, Message{}, to(addrs...)...)
	if n := strings.Count(got, "ok 250"); n != 60 {
		t.Errorf("%d of 60 delivered:\n%s", n, got)
	}
}

func TestHostLimitAndOrder(t *testing.T) {
	n := names{"b.test MX 30 c", "b.test MX 10 a", "b.test MX 20 b", "a A 192.0.2.1", "a A 2001:db8::1", "b A 192.0.2.2", "c A 192.0.2.3"}
	_, _, p := deliver(t, Options{MaxHosts: 3}, n, nil, Destination{Domain: "b.test"}, Message{}, to("x@b.test")...)
	if got := strings.Join(p.dialed, " "); got != "[2001:db8::1]:25 192.0.2.1:25 192.0.2.2:25" {
		t.Errorf("dialed %s", got)
	}
}

func TestEqualsShareTheLoad(t *testing.T) {
	n := names{"b.test MX 10 a", "b.test MX 10 b", "a A 192.0.2.1", "b A 192.0.2.2"}
	first := map[string]int{}
	for range 100 {
		_, _, p := deliver(t, Options{}, n, nil, Destination{Domain: "b.test"}, Message{}, to("x@b.test")...)
		first[p.dialed[0]]++
	}
	if len(first) != 2 || first["192.0.2.1:25"] < 20 || first["192.0.2.2:25"] < 20 {
		t.Errorf("first dialed: %v", first)
	}
}

func TestLiteral(t *testing.T) {
	tests := []struct {
		in, want string
		ok       bool
	}{
		{"[192.0.2.1]", "192.0.2.1", true},
		{"[IPv6:2001:db8::1]", "2001:db8::1", true},
		{"[ipv6:::1]", "::1", true},
		{"[2001:db8::1]", "", false},
		{"[IPv6:192.0.2.1]", "", false},
		{"[IPv6:fe80::1%eth0]", "", false},
		{"[mx.example.org]", "", false},
		{"[192.0.2.1", "", false},
	}
	for _, tt := range tests {
		if ip, ok := literal(tt.in); ok != tt.ok || ok && ip.String() != tt.want {
			t.Errorf("%s: %v, %v", tt.in, ip, ok)
		}
	}
	got, _, p := deliver(t, Options{Port: 2525}, nil, nil, Destination{Domain: "[IPv6:2001:db8::1]"}, Message{}, to("x@[IPv6:2001:db8::1]")...)
	if p.dialed[0] != "[2001:db8::1]:2525" {
		t.Errorf("dialed %v: %s", p.dialed, got)
	}
}

func TestParseRelay(t *testing.T) {
	tests := []struct {
		url, auth string
		want      Relay
		err       string
	}{
		{"smtp://mx.test", "", Relay{Scheme: "smtp", Host: "mx.test", Port: 25}, ""},
		{"submission://mx.test", "u:p:q", Relay{"submission", "mx.test", 587, "u", "p:q"}, ""},
		{"smtps://[2001:db8::1]:4650", "", Relay{Scheme: "smtps", Host: "2001:db8::1", Port: 4650}, ""},
		{"mx.test:26", "", Relay{Scheme: "smtp", Host: "mx.test", Port: 26}, ""},
		{"http://mx.test", "", Relay{}, "the scheme must be"},
		{"smtp://", "", Relay{}, "no host name"},
		{"smtp://h:0", "", Relay{}, "not a port"},
		{"smtp://u@h", "", Relay{}, "no host name"},
		{"smtp://h", "nobody", Relay{}, "user:password"},
	}
	for _, tt := range tests {
		r, err := ParseRelay(tt.url, tt.auth)
		if tt.err == "" && (err != nil || *r != tt.want) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: %+v, %v", tt.url, r, err)
		}
	}
}

func TestMeasure(t *testing.T) {
	tests := []struct {
		in         string
		size       int64
		eight, top bool
	}{
		{"", 0, false, false},
		{"a", 3, false, false},
		{"a\n", 3, false, false},
		{"a\r\n\r\nb\r\n", 8, false, false},
		{"a\n\nb\n", 8, false, false},
		{"a\r\rb\r", 8, false, false},
		{"a\n\n\xe4\n", 8, true, false},
		{"\xe4\n\nb\n", 8, true, true},
		{"\n\xe4", 5, true, false},
	}
	for _, tt := range tests {
		for _, r := range []io.Reader{strings.NewReader(tt.in), io.MultiReader(strings.NewReader(tt.in[:len(tt.in)/2]), strings.NewReader(tt.in[len(tt.in)/2:]))} {
			if s, err := measure(r); err != nil || s.size != tt.size || s.eight != tt.eight || s.eightHead != tt.top {
				t.Errorf("%q: %+v, %v", tt.in, s, err)
			}
		}
	}
}
