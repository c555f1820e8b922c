// Package e2e runs the programs together, as a user has them: what is here
// starts real processes on a throw-away system and looks at files and exit codes.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var bin string // folder of the built programs

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "pneu-e2e")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		bin = dir
		build := exec.Command("go", "build", "-o", dir, "pneu/cmd/sendmail", "pneu/cmd/qrun", "pneu/cmd/deliver", "pneu/cmd/smtpd", "pneu/cmd/pneu")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		if err := os.Symlink("sendmail", filepath.Join(dir, "mailq")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// A system is one configuration with its spool and mailboxes.
type system struct {
	t    *testing.T
	dir  string
	conf string
}

// newSystem writes a configuration for the domain e2e.test with alice and bob;
// more is added to it.
func newSystem(t *testing.T, more string) *system {
	t.Helper()
	s := &system{t: t, dir: t.TempDir()}
	s.conf = filepath.Join(s.dir, "pneu.toml")
	s.write("pneu.toml", `hostname = "mx.e2e.test"
domains = ["e2e.test"]
spool = "spool"
users = "users"
mail = "mail/%u/Maildir"
message_size = "20MB"
`+more)
	var users strings.Builder
	for _, u := range []string{"alice", "bob"} {
		fmt.Fprintf(&users, "%s@e2e.test:::::: \n", u)
		s.mkdir("mail/" + u + "/Maildir/cur")
		s.mkdir("mail/" + u + "/Maildir/new")
		s.mkdir("mail/" + u + "/Maildir/tmp")
	}
	s.write("users", strings.ReplaceAll(users.String(), " ", ""))
	makeSpool(t, filepath.Join(s.dir, "spool"))
	return s
}

func (s *system) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) mkdir(name string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Join(s.dir, name), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// command prepares a program with this system's configuration.
func (s *system) command(name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	s.t.Cleanup(cancel)
	c := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
	c.Env = append(os.Environ(), "PNEU_CONFIG="+s.conf, "PATH="+bin+":"+os.Getenv("PATH"), "XDG_STATE_HOME="+s.dir+"/state", "TZ=UTC")
	c.Dir = s.dir
	return c
}

// run runs a program and returns its exit code and output.
func (s *system) run(stdin []byte, name string, args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	c := s.command(name, args...)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(stdin), &out, &errs
	err := c.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		s.t.Fatalf("%s: %v", name, err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// must is run for what has to exit 0; it returns what was printed.
func (s *system) must(stdin []byte, name string, args ...string) string {
	s.t.Helper()
	code, out, errs := s.run(stdin, name, args...)
	if code != 0 {
		s.t.Fatalf("%s %q: exit %d\n%s%s", name, args, code, out, errs)
	}
	return out
}

// mail returns the messages of a user's inbox by file name.
func (s *system) mail(user string) map[string][]byte {
	s.t.Helper()
	got := map[string][]byte{}
	for _, sub := range []string{"new", "cur"} {
		dir := filepath.Join(s.dir, "mail", user, "Maildir", sub)
		entries, err := os.ReadDir(dir)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range entries {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				s.t.Fatal(err)
			}
			got[e.Name()] = b
		}
	}
	return got
}

// corpus returns messages to send: those of the shared corpus where it lies
// beside the project, else ones made here.
func corpus(t *testing.T, n int) [][]byte {
	t.Helper()
	dir := os.Getenv("PNEU_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "corpus")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.eml"))
	var msgs [][]byte
	step := max(1, len(files)/n)
	for i := 0; i < len(files) && len(msgs) < n; i += step {
		b, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 0 && headerLen(b) < 1<<20 { // sendmail refuses a longer header
			msgs = append(msgs, b)
		}
	}
	for i := len(msgs); i < n; i++ {
		msgs = append(msgs, fmt.Appendf(nil, "From: a@e2e.test\nTo: alice@e2e.test\nSubject: made %d\nMessage-ID: <%d@e2e.test>\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n\n.\n..\nFrom line %d\n%s\n", i, i, i, strings.Repeat("x", i*7)))
	}
	return msgs
}

func headerLen(b []byte) int {
	for _, end := range []string{"\n\n", "\r\n\r\n"} {
		if i := bytes.Index(b, []byte(end)); i >= 0 {
			return i
		}
	}
	return len(b)
}
