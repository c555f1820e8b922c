package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"pneu/mta/queue"
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or each of some hundred programs sleeps a second at its end
	testscript.Main(m, map[string]func(){
		"sendmail": main, "mailq": main, "newaliases": main,
		"mkspool": func() { must(makeSpool(".")) },
		"dump":    func() { must(dump("spool", os.Stdout)) },
	})
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const config = `hostname = "mx.example.org"
domains = ["example.org", 'example.com']
spool = "spool" # beside this file
message_size = "200kB"
[smtpd]
listen = [1]
`

func makeSpool(dir string) error {
	if err := queue.Create(filepath.Join(dir, "spool")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "pneu.toml"), []byte(config), 0o600)
}

// dump prints what is in the spool, with what changes from run to run left out.
func dump(dir string, w io.Writer) error {
	s, err := queue.Open(queue.Options{Dir: dir})
	if err != nil {
		return err
	}
	refs, err := s.All()
	if err != nil {
		return err
	}
	for _, r := range refs {
		m, err := s.Read(r.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "from <%s> 8bit=%v utf8=%v ret=%s envid=%s due=%v\n", m.Sender, m.EightBit, m.UTF8, m.Ret, m.EnvID, !m.Next.After(time.Now()))
		for _, r := range m.Recipients {
			fmt.Fprintf(w, "to <%s> %s\n", r.Addr, r.Notify)
		}
		b, err := io.ReadAll(m.Body())
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", strings.ReplaceAll(string(b), r.ID, "ID"))
		m.Close()
	}
	return nil
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PNEU_CONFIG", filepath.Join(e.WorkDir, "pneu.toml"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
	})
}

// sendmail runs the program, which lies in PATH under testscript.Main.
func sendmail(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sendmail", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PNEU_CONFIG="+filepath.Join(dir, "pneu.toml"), "HOME="+dir)
	return cmd
}

func refs(t *testing.T, dir string) (*queue.Spool, []queue.Ref) {
	t.Helper()
	s, err := queue.Open(queue.Options{Dir: filepath.Join(dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.All()
	if err != nil {
		t.Fatal(err)
	}
	return s, list
}

func setUp(t *testing.T, replace ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := makeSpool(dir); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(replace...).Replace(config)
	if err := os.WriteFile(filepath.Join(dir, "pneu.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAnyBytes: what is given arrives, whatever it is, below what was added.
func TestAnyBytes(t *testing.T) {
	const full = "From: a@x\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <1@x>\n"
	tests := []struct{ name, in string }{
		{"plain", full + "\nbody\n"},
		{"CRLF", strings.ReplaceAll(full, "\n", "\r\n") + "\r\nbody\r\n"},
		{"mixed line ends", full + "\nbody\r\nbody\n\r\rbody\r"},
		{"no final line end", full + "\nbody"},
		{"NUL and eight bits", full + "\n\x00\xff\xfe\x80\n"},
		{"dots", full + "\n.\n..\n.x\n"},
		{"a long line", full + "\n" + strings.Repeat("x", 100_000) + "\n"},
		{"header alone", full},
		{"From in the body", full + "\nFrom here\n>From there\n"},
		{"Bcc without -t", full + "Bcc: b@x\n\nbody\n"},
		{"a line that is no field", full + "oops\n\nbody\n"},
	}
	dir := setUp(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := sendmail(t, dir, "-oi", "--print-id", "b@example.net")
			cmd.Stdin = strings.NewReader(tt.in)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			s, _ := refs(t, dir)
			m, err := s.Read(strings.TrimSpace(string(out)))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			b, _ := io.ReadAll(m.Body())
			added, ok := bytes.CutSuffix(b, []byte(tt.in))
			if !ok || !bytes.HasPrefix(added, []byte("Received: by mx.example.org (pneu, from uid ")) || bytes.Count(added, []byte(":")) < 2 {
				t.Errorf("spooled %.200q", b)
			}
		})
	}
}

func TestManyRecipients(t *testing.T) {
	dir := setUp(t, "200kB", "2MB")
	var h strings.Builder
	for i := range 10_000 {
		h.WriteString("To: \"User, " + strconv.Itoa(i) + "\" <u" + strconv.Itoa(i) + "@example.net>\n")
	}
	cmd := sendmail(t, dir, "-t")
	cmd.Stdin = strings.NewReader(h.String() + "\nbody\n")
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("took %v, memory %d KB", time.Since(begin), cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	s, list := refs(t, dir)
	m, err := s.Lock(list[0].ID)
	if err != nil || len(m.Recipients) != 10_000 || m.Recipients[9_999].Addr != "u9999@example.net" {
		t.Fatalf("%v, %d recipients", err, len(m.Recipients))
	}
	m.Close()
}

func TestHeaderTooLarge(t *testing.T) {
	dir := setUp(t)
	cmd := sendmail(t, dir, "b@example.net")
	cmd.Stdin = strings.NewReader("Subject: " + strings.Repeat("x", 1<<20) + "\n\nbody\n")
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 65 || !strings.Contains(string(out), "header is larger than") {
		t.Errorf("exit %d: %s", code, out)
	}
	if _, list := refs(t, dir); len(list) != 0 {
		t.Error("something is in the spool")
	}
}

// TestStreams sends 30 MB, once over the limit and once below it.
func TestStreams(t *testing.T) {
	for _, limit := range []string{"20MB", "50MB"} {
		dir := setUp(t, "200kB", limit)
		cmd := sendmail(t, dir, "b@example.net")
		cmd.Stdin = io.MultiReader(strings.NewReader("Subject: x\n\n"), io.LimitReader(lines{}, 30_000_000))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		err := cmd.Run()
		t.Logf("limit %s: %v, %d KB", limit, err, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
		_, list := refs(t, dir)
		if limit == "20MB" {
			if cmd.ProcessState.ExitCode() != 65 || len(list) != 0 || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("over the limit: %v, %d in the spool, %q", err, len(list), stderr.String())
			}
			files, _ := filepath.Glob(filepath.Join(dir, "spool/q/*/*"))
			if len(files) != 0 {
				t.Errorf("left: %v", files)
			}
		} else if err != nil || len(list) != 1 || list[0].Size < 30_000_000 {
			t.Errorf("below the limit: %v, %v, %s", err, list, &stderr)
		}
		os.RemoveAll(dir)
	}
}

type lines struct{}

func (lines) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "a line of text\n"[i%15]
	}
	return len(p), nil
}

// TestKilled kills sendmail at odd moments: what is in the spool then is whole
// or says that it is not accepted.
func TestKilled(t *testing.T) {
	dir := setUp(t)
	body := "Subject: x\n\n" + strings.Repeat("a line of text\n", 10_000)
	accepted := 0
	for i := range 25 {
		cmd := sendmail(t, dir, "-oi", "b@example.net")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { io.WriteString(in, body); in.Close() }()
		time.Sleep(time.Duration(i) * 500 * time.Microsecond)
		cmd.Process.Signal(syscall.SIGKILL)
		if cmd.Wait() == nil {
			accepted++
		}
	}
	old := time.Now().Add(-time.Hour)
	files, _ := filepath.Glob(filepath.Join(dir, "spool/q/*/*"))
	for _, f := range files {
		os.Chtimes(f, old, old)
	}
	s, list := refs(t, dir)
	whole := 0
	for _, r := range list {
		m, err := s.Lock(r.ID)
		if err != nil {
			continue // removed: never accepted
		}
		b, _ := io.ReadAll(m.Body())
		if !strings.HasSuffix(string(b), body) {
			t.Errorf("%s: %d bytes are visible as a message", r.ID, len(b))
		}
		whole++
		m.Close()
	}
	if whole < accepted {
		t.Errorf("%d accepted, %d found", accepted, whole)
	}
	if bad, _ := filepath.Glob(filepath.Join(dir, "spool/bad/*")); len(bad) > 0 {
		t.Errorf("put aside: %v", bad)
	}
	t.Logf("%d files left, %d accepted, %d whole", len(files), accepted, whole)
}

// TestManual holds the flags against the manual page.
func TestManual(t *testing.T) {
	b, err := os.ReadFile("../../man/sendmail.1")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, c := range withValue + glued + alone + "I" {
		if !strings.Contains(page, "Fl "+string(c)) {
			t.Errorf("sendmail.1 does not tell of -%c", c)
		}
	}
	for _, long := range []string{"config", "hold-for", "print-id", "json", "help", "version"} {
		if !strings.Contains(page, `Fl \-`+long) && !strings.Contains(page, "Fl -"+long) {
			t.Errorf("sendmail.1 does not tell of --%s", long)
		}
	}
	for line := range strings.Lines(page) {
		w := strings.Fields(line)
		if len(w) < 3 || w[0] != ".It" || w[1] != "Fl" || strings.HasPrefix(strings.TrimPrefix(w[2], `\`), "-") {
			continue
		}
		if !strings.Contains(withValue+glued+alone+"I", w[2][:1]) {
			t.Errorf("sendmail.1 tells of -%s, which is unknown", w[2])
		}
	}
}
