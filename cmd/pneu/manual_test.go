package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The examples of the manual do what they say when they are pasted into a shell.
func TestManualExamples(t *testing.T) {
	pages, err := filepath.Glob("../../man/pneu*.1")
	if err != nil || len(pages) == 0 {
		t.Fatal("no manual: ", err)
	}
	bin := t.TempDir()
	for _, name := range []string{"pneu", "sendmail"} {
		ourselves(t, filepath.Join(bin, name))
	}
	for _, name := range []string{"less", "jq", "qrun"} { // what a reader may not have
		if err := program(filepath.Join(bin, name), strings.NewReader("#!/bin/sh\ncat >/dev/null\n")); err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".1")
		if name == "pneu-tui" || raceEnabled && name != "pneu" { // hundreds of slow processes, each by itself
			continue
		}
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(b), "\n.Sh EXIT STATUS\n") {
				t.Error("the page has no EXIT STATUS")
			}
			lines := examples(string(b))
			if len(lines) == 0 {
				t.Fatal("the page has no examples")
			}
			run := shell(t, bin)
			for _, line := range lines {
				out, code := run(line)
				if code > 1 || strings.HasPrefix(out, "pneu: ") || strings.Contains(out, "\npneu: ") {
					t.Errorf("%s\nexits %d: %s", line, code, out)
				}
			}
		})
	}
}

var exampleBlock = regexp.MustCompile(`(?s)\n\.Sh EXAMPLES\n\.Bd -literal -offset indent\n(.*?)\n\.Ed\n`)

// examples returns the lines of a page's EXAMPLES as a terminal shows them.
func examples(page string) []string {
	m := exampleBlock.FindStringSubmatch(page)
	if m == nil {
		return nil
	}
	plain := strings.NewReplacer(`\(aq`, "'", `\-`, "-", `\(ti`, "~", `\(ha`, "^", `\(ga`, "`", `\e`, `\`)
	return strings.Split(plain.Replace(m[1]), "\n")
}

// ourselves puts this binary under another name, beside which others are found.
func ourselves(t *testing.T, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Link(self, path) == nil {
		return
	}
	if err := copyFile(self, path); err != nil {
		t.Fatal(err)
	}
}

// shell makes a home with mail in it, and a session, and returns what runs a line there.
func shell(t *testing.T, bin string) func(line string) (string, int) {
	t.Helper()
	home := t.TempDir()
	mail := func(n int, more string) string {
		date := time.Now().Add(-time.Duration(n) * time.Hour).Format(time.RFC1123Z)
		return fmt.Sprintf("From: Ada <ada@example.org>\nTo: grace@navy.example\nSubject: Jitter %d\nDate: %s\nMessage-ID: <%d@example.org>\n%s\n", n, date, n, more)
	}
	parts := "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n--x\nContent-Type: application/pdf; name=a.pdf\n\npdf\n--x--"
	files := map[string]string{
		"message.eml": mail(9, "\nhello"), "old.mbox": "From ada@example.org Sat Mar 14 10:00:00 2026\n" + mail(8, "\nhello"), "statements/note": "",
		"Maildir/tmp/.keep": "",
	}
	for i := 1; i <= 5; i++ {
		files[fmt.Sprintf("Maildir/new/170000000%d.M1P1.host", i)] = mail(i, parts)
		for _, f := range []string{"lists", "Junk", "Drafts"} {
			files[fmt.Sprintf("Maildir/.%s/cur/170000001%d.M%dP1.host:2,S", f, i, len(f))] = mail(i, "\nhello")
			files["Maildir/."+f+"/new/.keep"], files["Maildir/."+f+"/tmp/.keep"] = "", ""
		}
	}
	files["Maildir/cur/.keep"] = ""
	for name, content := range files {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(line string) (string, int) {
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = home
		cmd.Env = append(os.Environ(), "HOME="+home, "PATH="+bin+":"+os.Getenv("PATH"), "PNEU_MAILDIR="+filepath.Join(home, "Maildir"),
			"XDG_STATE_HOME="+filepath.Join(home, "state"), "PNEU_SEQ=manual", "PNEU_CONFIG=", "COLUMNS=80")
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && !asExit(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := run("pneu ls | pneu seq -S >/dev/null && pneu show 2 >/dev/null && pneu flag +F 3 && pneu flag -F 3"); code != 0 {
		t.Fatalf("no session: exit %d, %s", code, out)
	}
	return run
}
