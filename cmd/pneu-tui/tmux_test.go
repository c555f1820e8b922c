package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pane is the program in a real terminal: a tmux server of its own.
type pane struct {
	t      *testing.T
	socket string
}

// newPane starts a shell in which the program runs as a job, with a sendmail and a qrun that write down what they
// are given.
func newPane(t *testing.T, home string, w, h int, more ...string) *pane {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed")
	}
	if testing.Short() {
		t.Skip("starts a terminal")
	}
	bin := filepath.Join(home, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile(build(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"pneu-tui": string(self),
		"sendmail": "#!/bin/sh\necho \"$@\" >" + home + "/args\ncat >" + home + "/sent\necho QID1\n",
		"qrun":     "#!/bin/sh\necho \"$@\" >>" + home + "/qrun\n",
		"ed":       "#!/bin/sh\nsed -i 's/^Subject: .*/Subject: edited by ed/' \"$1\"\necho 'written in the editor' >>\"$1\"\n",
	} {
		// No process that is started meanwhile may inherit the file while it is open for writing: it
		// could not be run then.
		syscall.ForkLock.RLock()
		err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755)
		syscall.ForkLock.RUnlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	p := &pane{t, filepath.Join(home, "tmux")}
	args := []string{"-f", "/dev/null", "new-session", "-d", "-s", "s", "-x", fmt.Sprint(w), "-y", fmt.Sprint(h), "env", "-i"}
	args = append(args, environ(home, append(more, "PS1=shell ", "TMPDIR="+home, "VISUAL="+filepath.Join(bin, "ed"))...)...)
	p.tmux(append(args, "/bin/sh", "-i")...)
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", p.socket, "kill-server").Run() })
	p.wait("shell")
	p.keys(filepath.Join(bin, "pneu-tui"), "Enter")
	return p
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (p *pane) keys(keys ...string) {
	p.t.Helper()
	p.tmux(append([]string{"send-keys", "-t", "s"}, keys...)...)
}

func (p *pane) typed(s string) {
	p.t.Helper()
	p.tmux("send-keys", "-t", "s", "-l", s)
}

func (p *pane) screen() string { return p.tmux("capture-pane", "-p", "-t", "s") }

func (p *pane) wait(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s := p.screen()
		if re.MatchString(s) {
			return s
		}
		if time.Now().After(end) {
			p.t.Fatalf("never saw %q:\n%s", pattern, s)
		}
	}
}

func TestTmuxDay(t *testing.T) {
	home := t.TempDir()
	dir := maildirOf(t, home, 40)
	p := newPane(t, home, 80, 24)
	p.wait(`INBOX  40 messages`)
	p.wait(`1/40`)

	// Reading, and moving in one burst.
	p.typed("jjj")
	p.wait(`4/40`)
	p.typed("dd5G")
	p.wait(`5/38`)
	p.wait(`to Trash   u undo`)
	p.keys("u")
	p.wait(`Undone: move to Trash`)
	p.keys("u")
	p.wait(`/40`)
	p.keys("g", "g", "Enter")
	p.wait(`This is text 39\.`)

	// An answer through the editor, sent, taken back, sent.
	p.keys("r")
	p.wait(`Compose`)
	p.keys("C-e")
	p.wait(`Subject  edited by ed`)
	p.wait(`written in the editor`)
	p.keys("C-s")
	p.wait(`Sending to ada39@example.net in \d+ s`)
	sent, err := os.ReadFile(filepath.Join(home, "sent"))
	if err != nil || !strings.Contains(string(sent), "written in the editor") || !strings.Contains(string(sent), "Subject: edited by ed") {
		t.Errorf("sendmail got %q, %v", sent, err)
	}
	args, _ := os.ReadFile(filepath.Join(home, "args"))
	if !strings.Contains(string(args), "-oi -f me@example.org --hold-for 10s --print-id -- ada39@example.net") {
		t.Errorf("sendmail was called with %q", args)
	}
	p.keys("u")
	p.wait(`Not sent\. It is here again`)
	if q, _ := os.ReadFile(filepath.Join(home, "qrun")); !strings.Contains(string(q), "rm --unsend QID1") {
		t.Errorf("qrun was called with %q", q)
	}
	p.keys("Escape")
	p.wait(`Draft kept`)
	drafts, _ := os.ReadDir(filepath.Join(dir, ".Drafts", "cur"))
	if len(drafts) != 1 {
		t.Errorf("%d drafts, want 1", len(drafts))
	}
	p.keys("q")
	p.wait(`1/40`)

	// Another size, and back.
	p.tmux("resize-window", "-t", "s", "-x", "120", "-y", "40")
	p.wait(`(?s)Folders.*Drafts`)
	p.tmux("resize-window", "-t", "s", "-x", "30", "-y", "6")
	p.wait(`Ada 39: number 39`)
	p.tmux("resize-window", "-t", "s", "-x", "80", "-y", "24")
	p.wait(`enter read`)

	// Out to the shell and back in.
	p.keys("C-z")
	p.wait(`(?i)stopped|suspended`)
	p.keys("fg", "Enter")
	p.wait(`INBOX  40 messages`)
	p.typed("j")
	p.wait(`2/40`)

	// Three thousand keys.
	p.typed(strings.Repeat("j", 3000))
	p.wait(`40/40`)
	p.keys("q")
	p.wait(`\nshell\s*$`)
}

func TestTmuxPaste(t *testing.T) {
	home := t.TempDir()
	dir := maildirOf(t, home, 5)
	p := newPane(t, home, 80, 24, "NO_COLOR=1")
	p.wait(`1/5`)
	p.tmux("set-buffer", "ddddd")
	p.tmux("paste-buffer", "-p", "-t", "s")
	p.wait(`pasted 5 characters into the list; nothing done`)
	if es, _ := os.ReadDir(filepath.Join(dir, "cur")); len(es) != 5 {
		t.Errorf("%d messages after a paste, want 5", len(es))
	}
	if s := p.tmux("capture-pane", "-p", "-e", "-t", "s"); regexp.MustCompile(`\x1b\[[0-9;]*3[0-7]m`).MatchString(s) {
		t.Errorf("colours in spite of NO_COLOR: %q", s)
	}
	p.keys("q")
	p.wait(`\nshell\s*$`)
}
