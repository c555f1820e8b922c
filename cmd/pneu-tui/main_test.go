package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// program builds the program once; it lies alone in a folder where tests may put a sendmail beside it.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pneu-tui-test")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "pneu-tui")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if p, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(p))
	}
	os.Exit(code)
}

func build(t *testing.T) string {
	t.Helper()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// environ is an environment of a person with nothing but a terminal.
func environ(home string, more ...string) []string {
	return append([]string{"HOME=" + home, "PATH=/usr/bin:/bin", "TERM=xterm-256color", "LANG=C.UTF-8", "TZ=UTC", "EMAIL=Me <me@example.org>", "SHELL=/bin/sh"}, more...)
}

// maildirOf writes some mail and returns its folder.
func maildirOf(t *testing.T, home string, n int) string {
	t.Helper()
	dir := filepath.Join(home, "Maildir")
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for i := range n {
		at := now.Add(-time.Duration(n-i) * time.Minute)
		text := fmt.Sprintf("From: Ada %d <ada%d@example.net>\nTo: me@example.org\nSubject: number %d\nDate: %s\nMessage-ID: <%d@made>\n\nThis is text %d.\n", i, i, i, at.Format(time.RFC1123Z), i, i)
		if err := os.WriteFile(filepath.Join(dir, "cur", fmt.Sprintf("%d.M%dP1.made:2,S", at.Unix(), i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// unasked is a time within which no question of five seconds fits. A busy machine may take as long, but not three
// times one after the other.
const unasked = 4 * time.Second

// TestNothingAskedOfTheTerminal starts the program where it has nothing to draw, on a terminal that never answers:
// Bubble Tea's own question would cost five seconds.
func TestNothingAskedOfTheTerminal(t *testing.T) {
	bin := build(t)
	for _, args := range [][]string{{"--help"}, {"--version"}, {"--no-such-flag"}, {"a", "b"}, {"/nonexistent/Maildir/x"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			took := time.Hour
			for try := 0; try < 3 && took > unasked; try++ {
				cmd := exec.Command(bin, args...)
				cmd.Env = environ(t.TempDir())
				began := time.Now()
				f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
				if err != nil {
					t.Fatal(err)
				}
				out, _ := io.ReadAll(f) // ends with EIO when the program does
				_ = cmd.Wait()
				f.Close()
				took = time.Since(began)
				if bytes.IndexByte(out, 0x1b) >= 0 {
					t.Errorf("escape sequences in %q", out)
				}
				if len(out) == 0 {
					t.Error("said nothing")
				}
			}
			if took > unasked {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestNeedsATerminal(t *testing.T) {
	cmd := exec.Command(build(t))
	cmd.Env = environ(t.TempDir())
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 64 || !strings.Contains(errs.String(), "must be a terminal") {
		t.Errorf("%v, %q; want exit 64 and a word about the terminal", err, errs.String())
	}
}

// TestFirstScreen starts the program on a silent terminal with 10,000 messages.
func TestFirstScreen(t *testing.T) {
	bin := build(t)
	home := t.TempDir()
	maildirOf(t, home, 10_000)
	took := time.Hour
	for try := 0; try < 3 && took > unasked; try++ {
		took = firstScreen(t, bin, home)
	}
	t.Logf("first screen after %v", took)
	if took > unasked {
		t.Errorf("first screen after %v", took)
	}
}

func firstScreen(t *testing.T, bin, home string) (took time.Duration) {
	t.Helper()
	cmd := exec.Command(bin)
	cmd.Env = environ(home, "COLORFGBG=15;0") // what the background is need not be asked
	began := time.Now()
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(got, []byte("number 9985")) {
		n, err := f.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, buf[:n]...)
		took = time.Since(began)
	}
	go func() { _, _ = io.Copy(io.Discard, f) }()
	_, _ = f.Write([]byte("q"))
	if err := cmd.Wait(); err != nil {
		t.Errorf("quit: %v", err)
	}
	return took
}

// TestSequencesCutInTwo types an arrow key in two pieces, as a slow line delivers it: it must not become esc and
// letters.
func TestSequencesCutInTwo(t *testing.T) {
	for range 10 {
		if cutInTwo(t) {
			return
		}
	}
	t.Skip("the machine is too busy to type as fast as a line")
}

// cutInTwo reports whether it could type fast enough: after a while a lone ESC is a key.
func cutInTwo(t *testing.T) bool {
	bin := build(t)
	home := t.TempDir()
	dir := maildirOf(t, home, 30)
	cmd := exec.Command(bin)
	cmd.Env = environ(home, "COLORFGBG=15;0")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := newSight(f)
	s.wait(t, "1/30")
	for _, piece := range []string{"\x1b", "[B", "\x1b[", "B", "\x1b]11;rgb:ffff/ff", "ff/ffff\x1b\\", "jj"} {
		began := time.Now()
		_, _ = f.Write([]byte(piece))
		time.Sleep(8 * time.Millisecond)
		if time.Since(began) > 15*time.Millisecond {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return false
		}
	}
	s.wait(t, "5/30")
	_, _ = f.Write([]byte("q"))
	if err := cmd.Wait(); err != nil {
		t.Errorf("quit: %v", err)
	}
	if es, _ := os.ReadDir(filepath.Join(dir, "cur")); len(es) != 30 {
		t.Errorf("%d messages left of 30", len(es))
	}
	return true
}

// A sight is all that a program wrote to its terminal.
type sight struct {
	mu  sync.Mutex
	got []byte
}

func newSight(r io.Reader) *sight {
	s := &sight{}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			s.mu.Lock()
			s.got = append(s.got, buf[:n]...)
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *sight) wait(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		got := bytes.Clone(s.got)
		s.mu.Unlock()
		if bytes.Contains(got, []byte(text)) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("never saw %q in %q", text, got)
		}
	}
}

func TestParseQueue(t *testing.T) {
	items, err := parseQueue([]byte(`{"id":"A1","state":"deferred","from":"a@b","size":12,"arrived":"2026-11-21T07:41:00Z","recipients":[{"to":"c@d","state":"deferred","attempts":2,"next":"2026-11-21T09:56:00Z","last":{"time":"2026-11-21T08:40:44Z","host":"mx","ip":"192.0.2.9","tls":"TLS1.3","code":451,"enhanced":"4.7.1","text":"greylisted"}}]}
{"id":"A2","state":"held","from":"","recipients":[{"to":"e@f","state":"pending","last":null}]}
`))
	if err != nil || len(items) != 2 || items[0].Recipients[0].Last.Code != 451 || items[1].State != "held" || items[1].Recipients[0].Last != nil {
		t.Errorf("%+v, %v", items, err)
	}
	if _, err := parseQueue([]byte("not JSON\n")); err == nil {
		t.Error("no error for a line that is not JSON")
	}
}

// TestManualNamesEveryFlag compares the flags with the manual page.
func TestManualNamesEveryFlag(t *testing.T) {
	page, err := os.ReadFile("../../man/pneu-tui.1")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(build(t), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "--") {
			continue
		}
		name := strings.TrimPrefix(strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' })[0], "--")
		if !strings.Contains(string(page), `\-`+name) && !strings.Contains(string(page), "Fl -"+name) {
			t.Errorf("the page does not name --%s", name)
		}
	}
}
