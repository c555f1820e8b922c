package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"
)

const text = `$TTL 60
$ORIGIN try.test.
@        SOA ns hostmaster 1 3600 600 86400 60
@        MX 10 mx
mx       A 127.0.0.1
www      CNAME mx
gone     CNAME none
out      CNAME else.example.
loop     CNAME pool
pool     CNAME loop
*.wild   A 127.0.0.2
a.b.deep A 127.0.0.3
`

func TestAnswer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "zone")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	z, err := readZone(file)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name        string
		typ         uint16
		rcode, n, s int // answers, SOAs
	}{
		{"try.test.", dns.TypeMX, dns.RcodeSuccess, 1, 0},
		{"MX.Try.test.", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{"mx.try.test.", dns.TypeAAAA, dns.RcodeSuccess, 0, 1},
		{"none.try.test.", dns.TypeA, dns.RcodeNameError, 0, 1},
		{"www.try.test.", dns.TypeA, dns.RcodeSuccess, 2, 0},
		{"www.try.test.", dns.TypeCNAME, dns.RcodeSuccess, 1, 0},
		{"www.try.test.", dns.TypeMX, dns.RcodeSuccess, 1, 1},
		{"gone.try.test.", dns.TypeA, dns.RcodeNameError, 1, 1},
		{"out.try.test.", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{"loop.try.test.", dns.TypeA, dns.RcodeSuccess, 16, 0},
		{"x.wild.try.test.", dns.TypeA, dns.RcodeSuccess, 1, 0},
		{"x.wild.try.test.", dns.TypeMX, dns.RcodeSuccess, 0, 1},
		{"wild.try.test.", dns.TypeA, dns.RcodeSuccess, 0, 1},
		{"b.deep.try.test.", dns.TypeA, dns.RcodeSuccess, 0, 1},
		{"example.", dns.TypeA, dns.RcodeRefused, 0, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.name, dns.TypeToString[tt.typ]), func(t *testing.T) {
			m := z.answer(new(dns.Msg).SetQuestion(tt.name, tt.typ))
			if m.Rcode != tt.rcode || len(m.Answer) != tt.n || len(m.Ns) != tt.s {
				t.Errorf("got %s, %d answers, %d SOA; want %s, %d, %d", dns.RcodeToString[m.Rcode],
					len(m.Answer), len(m.Ns), dns.RcodeToString[tt.rcode], tt.n, tt.s)
			}
		})
	}
}

func TestWholeWorld(t *testing.T) { // without an SOA, what is not there does not exist
	file := filepath.Join(t.TempDir(), "zone")
	os.WriteFile(file, []byte("try.test. MX 10 mx.try.test.\n*. A 127.0.0.1\n"), 0o600)
	z, err := readZone(file)
	if err != nil {
		t.Fatal(err)
	}
	if m := z.answer(new(dns.Msg).SetQuestion("x.try.test.", dns.TypeA)); m.Rcode != dns.RcodeNameError {
		t.Errorf("below a name we hold: %v", m)
	}
	if m := z.answer(new(dns.Msg).SetQuestion("example.org.", dns.TypeA)); len(m.Answer) != 1 {
		t.Errorf("wildcard at the root: %v", m)
	}
}

func TestBadZone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "zone")
	os.WriteFile(file, []byte("a.test. A not-an-address\n"), 0o600)
	if _, err := readZone(file); err == nil {
		t.Error("a bad zone was taken")
	}
}
