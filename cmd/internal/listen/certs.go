package listen

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"

	"pneu/mta/sysexits"
)

// Certs is a certificate and its key, read from files and read again when told to.
type Certs struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
	secret            []byte
}

// LoadCerts reads PEM files: the certificate with its chain, and the key.
func LoadCerts(certFile, keyFile string) (*Certs, error) {
	c := &Certs{certFile: certFile, keyFile: keyFile}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, sysexits.Wrap(sysexits.Config, err)
	}
	sum := sha256.Sum256(append([]byte("pneu: made from the key, and not the key\n"), key...))
	c.secret = sum[:]
	return c, nil
}

// Reload reads the files again. After an error the certificate in use stays in use.
func (c *Certs) Reload() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			return sysexits.New(sysexits.Config, fmt.Sprintf("read certificate: %s: %v", pe.Path, pe.Err))
		}
		return sysexits.New(sysexits.Config, fmt.Sprintf("read certificate %s with key %s: %v", c.certFile, c.keyFile, err))
	}
	c.current.Store(&pair)
	return nil
}

// Config returns settings that always use the certificate read last.
func (c *Certs) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12, // RFC 8997
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// Secret returns bytes that are the same after a restart and known to nobody without the key.
func (c *Certs) Secret() []byte { return c.secret }
