package sasl

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	gosasl "github.com/emersion/go-sasl"
)

var testAccounts = accounts{
	"alice": Derive("sécret ☃", []byte("0123456789abcdef"), 4096).String() +
		" " + strings.Replace(Derive("phone", []byte("fedcba9876543210"), 4096).String(), "}", ";label=phone;scope=imap+smtp}", 1) +
		" " + strings.Replace(Derive("reader", []byte("fedcba9876543211"), 4096).String(), "}", ";label=reader;scope=imap}", 1) +
		" {X509-SHA256}abcdef",
	"nopass": "",
	"future": strings.Replace(Derive("future", []byte("fedcba9876543211"), 4096).String(), "}", ";until=2020}", 1),
}

type accounts map[string]string

func (a accounts) Lookup(user string) (Credentials, error) {
	if user == "broken" {
		return Credentials{}, errDisk
	}
	s, ok := a[strings.TrimSuffix(user, "@example.org")]
	if !ok {
		return Credentials{Account: strings.TrimSuffix(user, "@example.org") + "@example.org"}, fmt.Errorf("%q: %w", user, ErrNoUser)
	}
	c, err := ParseCredentials(s)
	c.Account = strings.TrimSuffix(user, "@example.org") + "@example.org"
	return c, err
}

var errDisk = errors.New("disk on fire")

// converse runs a client against a server as a protocol does.
func converse(t *testing.T, srv Server, c Client, initial bool) error {
	t.Helper()
	_, resp, err := c.Start()
	if err != nil {
		t.Fatal(err)
	}
	if !initial && resp != nil {
		challenge, done, err := srv.Next(nil)
		if err != nil || done || len(challenge) != 0 {
			t.Fatalf("Next(nil) = %q, %v, %v", challenge, done, err)
		}
	}
	for range 10 {
		challenge, done, err := srv.Next(resp)
		if err != nil || done {
			return err
		}
		if resp, err = c.Next(challenge); err != nil {
			return fmt.Errorf("client: %w", err)
		}
		if resp == nil {
			resp = []byte{}
		}
	}
	return errors.New("the exchange does not end")
}

func TestMechanisms(t *testing.T) {
	tests := []struct {
		name, user, pass, scope string
		mechs                   string // in which the outcome is err; the others fail
		err                     error
	}{
		{"right", "alice", "sécret ☃", "smtp", "SCRAM-SHA-256 PLAIN LOGIN", nil},
		{"with domain", "alice@example.org", "sécret ☃", "smtp", "SCRAM-SHA-256 PLAIN LOGIN", nil},
		{"wrong password", "alice", "secret", "smtp", "", nil},
		{"empty password", "nopass", " ", "smtp", "", nil},
		{"unknown", "mallory", "x", "smtp", "", nil},
		{"app password", "alice", "phone", "smtp", "PLAIN LOGIN", nil},
		{"app password elsewhere", "alice", "phone", "pop3", "", nil},
		{"app password of another service", "alice", "reader", "smtp", "", nil},
		{"restriction not understood", "future", "future", "smtp", "", nil},
		{"database broken", "broken", "x", "smtp", "SCRAM-SHA-256 PLAIN LOGIN", errDisk},
	}
	for _, tt := range tests {
		for _, mech := range []string{"SCRAM-SHA-256", "PLAIN", "LOGIN"} {
			for _, initial := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/%v", tt.name, mech, initial), func(t *testing.T) {
					var account string
					srv, err := NewAuthenticator(testAccounts, tt.scope, nil).Start(mech, func(a string) error { account = a; return nil })
					if err != nil {
						t.Fatal(err)
					}
					c, err := NewClient(mech, tt.user, tt.pass)
					if err != nil {
						t.Fatal(err)
					}
					want := ErrFailed
					if strings.Contains(tt.mechs, mech) {
						want = tt.err
					}
					if err := converse(t, srv, c, initial); !errors.Is(err, want) {
						t.Errorf("err = %v, want %v", err, want)
					} else if got := User(srv); got != tt.user {
						t.Errorf("User = %q, want %q", got, tt.user)
					} else if (err == nil) != (account == "alice@example.org") {
						t.Errorf("err = %v, account %q", err, account)
					} else if err == nil && !Verified(c) {
						t.Error("the server was not verified")
					}
				})
			}
		}
	}
}

// go-sasl's clients are not ours.
func TestForeignClients(t *testing.T) {
	for _, c := range []Client{gosasl.NewPlainClient("", "alice", "phone"), gosasl.NewLoginClient("alice", "phone")} {
		mech, _, _ := c.Start()
		srv, _ := NewAuthenticator(testAccounts, "smtp", nil).Start(mech, func(string) error { return nil })
		_, resp, _ := c.Start()
		challenge, done, err := srv.Next(resp)
		for err == nil && !done {
			resp, _ = c.Next(challenge)
			challenge, done, err = srv.Next(resp)
		}
		if err != nil {
			t.Errorf("%s: %v", mech, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	tests := []struct {
		mech  string
		steps []string
		err   error
	}{
		{"PLAIN", []string{"alice"}, ErrSyntax},
		{"PLAIN", []string{"\x00alice"}, ErrSyntax},
		{"PLAIN", []string{"\x00alice\x00phone\x00"}, ErrSyntax},
		{"PLAIN", []string{"\x00\x00phone"}, ErrSyntax},
		{"PLAIN", []string{"\x00alice\x00\xff"}, ErrSyntax},
		{"PLAIN", []string{"bob\x00alice\x00phone"}, ErrFailed},
		{"PLAIN", []string{"alice@example.org\x00alice\x00phone"}, nil},
		{"LOGIN", []string{"", "x"}, ErrSyntax},
		{"LOGIN", []string{"alice\x00", "x"}, ErrSyntax},
		{"SCRAM-SHA-256", []string{"n,,n=alice"}, ErrSyntax},
		{"SCRAM-SHA-256", []string{"p=tls-unique,,n=alice,r=abc"}, ErrSyntax},
		{"SCRAM-SHA-256", []string{"n,,m=x,n=alice,r=abc"}, ErrSyntax},
		{"SCRAM-SHA-256", []string{"n,,n=alice,r=abc", "c=biws,r=abc,p=AAAA"}, ErrSyntax},
		{"SCRAM-SHA-256", []string{"n,,n=mallory,r=abc", "c=biws,r=abc,p=AAAA"}, ErrSyntax},
		{"SCRAM-SHA-256", []string{""}, ErrSyntax},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %q", tt.mech, tt.steps), func(t *testing.T) {
			srv, _ := NewAuthenticator(testAccounts, "smtp", nil).Start(tt.mech, func(string) error { return nil })
			var err error
			for _, s := range tt.steps {
				if _, _, err = srv.Next([]byte(s)); err != nil {
					break
				}
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("err = %v, want %v", err, tt.err)
			}
		})
	}
	if _, err := NewAuthenticator(testAccounts, "smtp", nil).Start("CRAM-MD5", nil); !errors.Is(err, ErrMechanism) {
		t.Errorf("CRAM-MD5: %v", err)
	}
}

// What a stranger sees of an account and of a name that is none has the same form, and does not
// change between tries.
func TestUnknownLooksKnown(t *testing.T) {
	first := func(user string) (salt, iterations string) {
		srv, _ := NewAuthenticator(accounts{"alice": Hash("x")}, "smtp", []byte("k")).Start("SCRAM-SHA-256", nil)
		out, _, err := srv.Next([]byte("n,,n=" + user + ",r=abc"))
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Split(string(out), ",")
		return f[1], f[2]
	}
	known, i1 := first("alice")
	s1, i2 := first("mallory")
	s2, _ := first("mallory")
	s3, _ := first("trudy")
	if s4, _ := first("mallory@example.org"); s4 != s1 { // as it is with alice
		t.Errorf("salts %s and %s of one name written in two ways", s1, s4)
	}
	if i1 != i2 || len(known) != len(s1) {
		t.Errorf("known %s %s, unknown %s %s", known, i1, s1, i2)
	}
	if s1 != s2 || s1 == s3 {
		t.Errorf("salts %s, %s of one name, %s of another", s1, s2, s3)
	}
}

// A refusal costs the same work, whoever was named and however many passwords
// there are; a login costs no more than it must.
func TestRefusalsCostTheSame(t *testing.T) {
	db := accounts{"none": "", "one": Hash("x"), "alice": testAccounts["alice"]}
	db["three"] = db["one"] + " " + Hash("y") + " " + Hash("z")
	for _, tt := range []struct {
		user, pass string
		more       int // iterations beside those of the account's passwords
	}{
		{"mallory", "guess", 3 * DefaultIterations}, // and one for the decoy
		{"none", "guess", 3 * DefaultIterations},
		{"one", "guess", 3 * DefaultIterations},
		{"three", "guess", DefaultIterations},
		{"alice", "guess", 4*DefaultIterations - 3*4096},
		{"three", "z", 0},
	} {
		a := NewAuthenticator(db, "smtp", nil)
		more := 0
		a.spend = func(_ string, iterations int) { more += iterations }
		if _, err := a.password(tt.user, tt.pass); (err == nil) != (tt.pass == "z") || more != tt.more {
			t.Errorf("%s: %v, %d iterations more, want %d", tt.user, err, more, tt.more)
		}
	}
}

func TestRefusedByProtocol(t *testing.T) {
	no := errors.New("no")
	srv, _ := NewAuthenticator(testAccounts, "smtp", nil).Start("PLAIN", func(string) error { return no })
	if _, _, err := srv.Next([]byte("\x00alice\x00phone")); err != no {
		t.Errorf("err = %v", err)
	}
}

func TestCredentials(t *testing.T) {
	good := Hash("secret")
	c, err := ParseCredentials(good)
	if err != nil || len(c.Secrets) != 1 || c.Secrets[0].String() != good {
		t.Fatalf("ParseCredentials(%q) = %v, %v", good, c, err)
	}
	if !c.Verify("secret", "imap") || c.Verify("Secret", "imap") || c.Verify("", "imap") {
		t.Error("Verify")
	}
	if Hash("secret") == good {
		t.Error("the salt is not drawn anew")
	}
	// The exchange of RFC 7677, 3: password "pencil", and the signature the server gives there.
	salt, _ := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	const nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	auth := "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" + nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=" + nonce
	v := base64.StdEncoding.EncodeToString(mac(Derive("pencil", salt, 4096).ServerKey, auth))
	if v != "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" {
		t.Errorf("server signature %s", v)
	}
	for _, bad := range []string{"x", "secret", "{SCRAM-SHA-256}", "{SCRAM-SHA-256}4096,a,b", "{SCRAM-SHA-256}0," + good[len("{SCRAM-SHA-256}20000,"):], "{SCRAM-SHA-256}4096,AAAA,AAAA,AAAA", "{SCRAM-SHA-256"} {
		if _, err := ParseCredentials(bad); !errors.Is(err, ErrCredentials) {
			t.Errorf("ParseCredentials(%q): %v", bad, err)
		}
	}
	if c, err := ParseCredentials(" "); err != nil || c.Verify("", "") {
		t.Errorf("empty credentials: %v, %v", c, err)
	}
}

func TestChoose(t *testing.T) {
	tests := []struct {
		offered   string
		encrypted bool
		want      string
	}{
		{"LOGIN PLAIN SCRAM-SHA-256", true, "SCRAM-SHA-256"},
		{"login plain", true, "PLAIN"},
		{"LOGIN", true, "LOGIN"},
		{"LOGIN PLAIN", false, ""},
		{"PLAIN SCRAM-SHA-256", false, "SCRAM-SHA-256"},
		{"CRAM-MD5", true, ""},
		{"", true, ""},
	}
	for _, tt := range tests {
		c, err := Choose(strings.Fields(tt.offered), "u", "p", tt.encrypted)
		got := ""
		if err == nil {
			got, _, _ = c.Start()
		}
		if got != tt.want {
			t.Errorf("Choose(%q, %v) = %q, %v; want %q", tt.offered, tt.encrypted, got, err, tt.want)
		}
	}
}

// A server that never proved itself, or that asks for endless work, is not believed.
func TestScramClientDistrusts(t *testing.T) {
	c, _ := NewClient("SCRAM-SHA-256", "alice", "x")
	_, first, _ := c.Start()
	nonce := string(first[bytes.Index(first, []byte("r="))+2:])
	if _, err := c.Next([]byte("r=" + nonce + "xyz,s=AAAA,i=2000000000")); err == nil {
		t.Error("2000000000 iterations accepted")
	}
	if Verified(c) {
		t.Error("verified without a proof")
	}
	c, _ = NewClient("SCRAM-SHA-256", "alice", "x")
	c.Start()
	if _, err := c.Next([]byte("r=other,s=AAAA,i=4096")); err == nil {
		t.Error("foreign nonce accepted")
	}
}

// No bytes make a server panic, and none but the right ones let anyone in.
func FuzzServers(f *testing.F) {
	f.Add(uint8(0), []byte("n,,n=alice,r=abc"), []byte("c=biws,r=abc,p=AAAA"))
	f.Add(uint8(1), []byte("\x00alice\x00x"), []byte(""))
	f.Add(uint8(2), []byte("alice"), []byte("x"))
	acc := accounts{"alice": Derive("a password of 20 bytes", []byte("salt"), 1).String()}
	a := NewAuthenticator(acc, "smtp", []byte("k"))
	a.decoy.Iterations = 1
	f.Fuzz(func(t *testing.T, m uint8, one, two []byte) {
		mech := mechanisms[int(m)%len(mechanisms)].name
		srv, err := a.Start(mech, func(string) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		for _, msg := range [][]byte{one, two, {}} {
			_, done, err := srv.Next(msg)
			if done && err == nil {
				t.Fatalf("%s: logged in with %q, %q", mech, one, two)
			}
			if err != nil {
				return
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	c, _ := ParseCredentials(Hash("secret"))
	for b.Loop() {
		c.Verify("secret", "smtp")
	}
}
