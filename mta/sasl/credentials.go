package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xdg-go/stringprep"
)

// DefaultIterations is the work factor of new passwords. RFC 7677, 4 asks for at least 4096; this
// takes a few milliseconds of a server's processor for PLAIN and LOGIN, and none for SCRAM, where
// the client does the work.
const DefaultIterations = 20000

const (
	saltLen       = 16
	keyLen        = sha256.Size
	maxIterations = 10_000_000
)

// SCRAM is what a server keeps of a password for SCRAM-SHA-256 (RFC 5802, 3): enough to check it,
// not enough to use it.
type SCRAM struct {
	Iterations                 int
	Salt, StoredKey, ServerKey []byte
}

// A Secret is one password of an account.
type Secret struct {
	SCRAM
	Label string   // app passwords: what the owner called it
	Scope []string // app passwords: services it opens; nil means all
}

// Credentials are all that an account may prove itself by.
type Credentials struct {
	// Account is the name under which the account is known once it has logged in; empty means the
	// name given.
	Account string
	// Secrets are its passwords. The first one without a scope, or covering the service, serves
	// SCRAM.
	Secrets []Secret
	// Other keeps credentials of kinds this package does not know, as written.
	Other []string

	unknown bool
}

// Hash returns the stored form of a new password,
// "{SCRAM-SHA-256}iterations,salt,StoredKey,ServerKey", binary fields in base64.
func Hash(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt)
	return Derive(password, salt, DefaultIterations).String()
}

// Derive computes the stored keys of a password.
func Derive(password string, salt []byte, iterations int) SCRAM {
	s := SCRAM{Iterations: iterations, Salt: salt}
	salted := saltedPassword(password, salt, iterations)
	clientKey := mac(salted, "Client Key")
	stored := sha256.Sum256(clientKey)
	s.StoredKey = stored[:]
	s.ServerKey = mac(salted, "Server Key")
	return s
}

// String returns the stored form.
func (s SCRAM) String() string {
	b64 := base64.StdEncoding.EncodeToString
	return "{SCRAM-SHA-256}" + strconv.Itoa(s.Iterations) + "," + b64(s.Salt) + "," + b64(s.StoredKey) + "," + b64(s.ServerKey)
}

// ErrCredentials is the error for a stored form that cannot be read.
var ErrCredentials = errors.New("malformed credentials")

// ParseCredentials reads the stored form: credentials separated by spaces, each "{SCHEME}value". An
// app password carries its label and the services it opens,
// "{SCRAM-SHA-256;label=phone;scope=imap+smtp}...". Schemes not known here are kept in Other and
// open nothing. An empty string is an account that cannot log in.
func ParseCredentials(s string) (Credentials, error) {
	var c Credentials
	for word := range strings.FieldsSeq(s) {
		head, value, ok := strings.Cut(strings.TrimPrefix(word, "{"), "}")
		if !ok || word[0] != '{' {
			return Credentials{}, fmt.Errorf("%w: no {SCHEME}", ErrCredentials)
		}
		scheme, params, _ := strings.Cut(head, ";")
		if scheme != "SCRAM-SHA-256" {
			c.Other = append(c.Other, word)
			continue
		}
		secret, err := parseSCRAM(value)
		if err != nil {
			return Credentials{}, err
		}
		sec := Secret{SCRAM: secret}
		for p := range strings.SplitSeq(params, ";") {
			key, v, _ := strings.Cut(p, "=")
			switch key {
			case "":
			case "label":
				sec.Label = v
			case "scope":
				sec.Scope = strings.Split(v, "+")
			default:
				// A restriction we do not understand must not be dropped: the password opens
				// nothing.
				sec.Scope = []string{}
			}
		}
		c.Secrets = append(c.Secrets, sec)
	}
	return c, nil
}

func parseSCRAM(value string) (SCRAM, error) {
	f := strings.Split(value, ",")
	if len(f) != 4 {
		return SCRAM{}, fmt.Errorf("%w: %d fields, want iterations,salt,StoredKey,ServerKey", ErrCredentials, len(f))
	}
	n, err := strconv.Atoi(f[0])
	if err != nil || n < 1 || n > maxIterations {
		return SCRAM{}, fmt.Errorf("%w: iterations", ErrCredentials)
	}
	s := SCRAM{Iterations: n}
	for i, dst := range []*[]byte{&s.Salt, &s.StoredKey, &s.ServerKey} {
		b, err := base64.StdEncoding.DecodeString(f[i+1])
		if err != nil || len(b) == 0 || i > 0 && len(b) != keyLen {
			return SCRAM{}, fmt.Errorf("%w: %s", ErrCredentials, [...]string{"salt", "StoredKey", "ServerKey"}[i])
		}
		*dst = b
	}
	return s, nil
}

// Verify reports whether password opens the service named by scope; an empty scope asks for a
// password that opens all of them. Every secret is tried whatever the ones before it said.
func (c Credentials) Verify(password, scope string) bool {
	good := false
	for _, s := range c.Secrets {
		if s.Verify(password) && s.covers(scope) {
			good = true
		}
	}
	return good
}

// Verify reports whether password is the one that was stored.
func (s SCRAM) Verify(password string) bool {
	got := Derive(password, s.Salt, s.Iterations)
	return hmac.Equal(got.StoredKey, s.StoredKey) && hmac.Equal(got.ServerKey, s.ServerKey)
}

func (s Secret) covers(scope string) bool {
	return s.Scope == nil || slices.Contains(s.Scope, scope)
}

// saltedPassword is Hi(Normalize(password), salt, i) of RFC 5802, 2.2.
func saltedPassword(password string, salt []byte, iterations int) []byte {
	key, err := pbkdf2.Key(sha256.New, normalize(password), salt, iterations, keyLen)
	if err != nil {
		// Only a key length or hash that FIPS mode forbids; ours are constant.
		panic(err)
	}
	return key
}

// normalize applies SASLprep (RFC 4013). A password it forbids is taken as it is: refusing it here
// would lock out whoever set it elsewhere.
func normalize(password string) string {
	if p, err := stringprep.SASLprep.Prepare(password); err == nil {
		return p
	}
	return password
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// decoySalt returns the salt shown for a name that is no account: always the same for the same
// name, in the form that [Accounts] gives it.
func (a *Authenticator) decoySalt(user string) []byte {
	m := hmac.New(sha256.New, a.secret)
	m.Write([]byte("salt "))
	m.Write([]byte(normalize(user)))
	return m.Sum(nil)[:saltLen]
}
