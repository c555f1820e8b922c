package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"pneu/mta/queue"
)

// realPrograms builds sendmail and qrun once, for the scripts that need a queue.
var realPrograms = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pneu-test-bin")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir, "pneu/cmd/sendmail", "pneu/cmd/qrun")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("build: %w\n%s", err, out)
	}
	return dir, nil
})

// makeSpool makes a system of its own: a spool, settings by which nothing can be delivered, and
// $BIN with pneu, sendmail and qrun, which comes first in PATH.
func makeSpool(ts *testscript.TestScript, _ bool, _ []string) {
	built, err := realPrograms()
	ts.Check(err)
	bin := ts.MkAbs("bin")
	ts.Check(os.MkdirAll(bin, 0o700))
	self, err := os.Executable()
	ts.Check(err)
	for name, from := range map[string]string{"pneu": self, "sendmail": filepath.Join(built, "sendmail"), "qrun": filepath.Join(built, "qrun")} {
		if err := os.Link(from, filepath.Join(bin, name)); err != nil {
			ts.Check(copyFile(from, filepath.Join(bin, name)))
		}
	}
	ts.Check(setUpSpool(ts.MkAbs(".")))
	ts.Setenv("PNEU_CONFIG", ts.MkAbs("pneu.toml"))
	ts.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	ts.Setenv("BIN", bin)
}

// setUpSpool makes a spool in dir, and settings by which nothing can be delivered.
func setUpSpool(dir string) error {
	if err := queue.Create(filepath.Join(dir, "spool")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "users"), nil, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "pneu.toml"), []byte("hostname = \"me.test\"\ndomains = [\"me.test\"]\nspool = \"spool\"\nusers = \"users\"\n"+
		"relay = \"smtp://127.0.0.1:1\"\n"), 0o600)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return program(to, in)
}

// program writes a file that is to be run. No process that another test starts meanwhile may
// inherit it while it is open for writing: it could not be run then.
func program(path string, from io.Reader) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// listServer starts a web server of a mailing list at $LIST, whose certificate is in
// SSL_CERT_FILE; what is asked of it goes into the file "posts".
func listServer(ts *testscript.TestScript, _ bool, _ []string) {
	var mu sync.Mutex
	posts := ts.MkAbs("posts")
	ts.Check(os.WriteFile(posts, nil, 0o600))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		f, err := os.OpenFile(posts, os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintf(f, "%s %s %s %s cookie=%q\n", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), body, r.Header.Get("Cookie"))
			f.Close()
		}
		mu.Unlock()
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		case "/broken":
			http.Error(w, "no", http.StatusInternalServerError)
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		case "/silent":
			<-r.Context().Done()
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that refuses us is what is tested
	s.StartTLS()
	ts.Defer(func() {
		s.CloseClientConnections()
		s.Close()
	})
	ca := ts.MkAbs("ca.pem")
	ts.Check(os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	ts.Setenv("SSL_CERT_FILE", ca)
	ts.Setenv("SSL_CERT_DIR", ts.MkAbs("none"))
	ts.Setenv("LIST", s.URL)
}
