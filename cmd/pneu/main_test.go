package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/mantest"
	"pneu/maildir/message"
)

func TestMain(m *testing.M) {
	// Under -race every process would wait a second at its end; scripts start hundreds.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	testscript.Main(m, map[string]func(){"pneu": main, "sendmail": fakeSendmail})
}

// fakeSendmail stands in for the program beside ours: it says what it was asked for.
func fakeSendmail() {
	fmt.Fprintf(os.Stderr, "args: %s\n", strings.Join(os.Args[1:], " "))
	if strings.Contains(strings.Join(os.Args, " "), "refused@") {
		fmt.Fprintln(os.Stderr, "sendmail: refused")
		os.Exit(65)
	}
	fmt.Println("01QUEUEID")
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			e.Setenv("PNEU_MAILDIR", filepath.Join(e.WorkDir, "Maildir"))
			e.Setenv("PNEU_SEQ", "test")
			e.Setenv("PNEU_CONFIG", "")
			e.Setenv("COLUMNS", "80")
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": wantCode, "maildir": makeMaildir, "tree": treeHash, "clean": wantClean, "name": oddName,
			"spool": makeSpool, "lists": listServer,
		},
	})
}

// wantCode runs a command and compares its exit code: code 2 pneu show
func wantCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		var exit *exec.ExitError
		if ok := asExit(err, &exit); !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("%s exits %d, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

func asExit(err error, to **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*to = e
	return ok
}

// makeMaildir makes a Maildir, and puts the *.eml files named into it: cur/NAME:2,FLAGS
// for "NAME:FLAGS", new/NAME for "NAME". Each is a second younger than the one before.
func makeMaildir(ts *testscript.TestScript, _ bool, args []string) {
	root := ts.MkAbs(args[0])
	for _, d := range []string{"cur", "new", "tmp"} {
		ts.Check(os.MkdirAll(filepath.Join(root, d), 0o700))
	}
	for i, a := range args[1:] {
		name, flags, cur := strings.Cut(a, ":")
		b, err := os.ReadFile(ts.MkAbs(name + ".eml"))
		ts.Check(err)
		file := filepath.Join(root, "new", fmt.Sprintf("170000000%d.%s.host", i+1, name))
		if cur {
			file = filepath.Join(root, "cur", fmt.Sprintf("170000000%d.%s.host:2,%s", i+1, name, flags))
		}
		ts.Check(os.WriteFile(file, b, 0o600))
		when := time.Unix(1700000001+int64(i), 0)
		ts.Check(os.Chtimes(file, when, when))
	}
}

// treeHash stores names, times and contents of the mail in a tree in a file: tree DIR FILE
func treeHash(ts *testscript.TestScript, _ bool, args []string) {
	root := ts.MkAbs(args[0])
	var b strings.Builder
	ts.Check(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "pneu.") { // an index may come of looking
			return err
		}
		rel, _ := filepath.Rel(root, p)
		st, err := d.Info()
		if err != nil {
			return err
		}
		c, err := os.ReadFile(p)
		fmt.Fprintf(&b, "%q %d %q\n", rel, st.ModTime().Unix(), c)
		return err
	}))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o600))
}

// wantClean says that a file (stdout, stderr) holds nothing a terminal acts on.
func wantClean(ts *testscript.TestScript, _ bool, args []string) {
	for _, a := range args {
		if bad := unclean(ts.ReadFile(a)); bad != "" {
			ts.Fatalf("%s holds %s", a, bad)
		}
	}
}

// oddName makes a name with a line end of a file: name FILE PLACE
func oddName(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.Rename(ts.MkAbs(args[0]), strings.ReplaceAll(ts.MkAbs(args[1]), "NEWLINE", "\n")))
}

func unclean(s string) string {
	for i, r := range s {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202d && r <= 0x202e {
			return fmt.Sprintf("%U at %d", r, i)
		}
	}
	return ""
}

// Every message of the corpus goes through show and scan: no panic, no control character,
// no wait.
func TestCorpus(t *testing.T) {
	root, err := filepath.Abs("../../../shared/corpus")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err != nil {
		t.Skip("the corpus is not beside the repository: ", err)
	}
	n, slowest := 0, time.Duration(0)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".eml" {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		rel, _ := filepath.Rel(root, path)
		limit := 200 * time.Millisecond
		if raceEnabled {
			limit *= 10
		}
		for _, html := range []bool{false, true} {
			var b bytes.Buffer
			took := time.Duration(0)
			for try := 0; try < 3; try++ { // a busy machine is no fault of the message
				b.Reset()
				begin := time.Now()
				render(&b, message.Parse(raw), rendering{width: 80, html: html, flow: html})
				if took = time.Since(begin); took < limit {
					break
				}
			}
			slowest = max(slowest, took)
			if took >= limit {
				t.Errorf("%s: %v", rel, took)
			}
			if bad := unclean(b.String()); bad != "" {
				t.Errorf("%s: show prints %s", rel, bad)
			}
		}
		m := &msg{path: path, raw: raw}
		if bad := unclean(scanLine(m, 1, 80, time.Now())); bad != "" {
			t.Errorf("%s: scan prints %s", rel, bad)
		}
		r, err := m.record()
		if err != nil {
			t.Errorf("%s: %v", rel, err)
			return nil
		}
		line, err := encode(r)
		if bad := unclean(string(line)); err != nil || bad != "" {
			t.Errorf("%s: --json prints %s, %v", rel, bad, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages, the slowest in %v", n, slowest)
}

// No verb may query the terminal or wait for its answer: each runs in a terminal that
// never answers, over a message full of escapes.
func TestSilentTerminal(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "pneu")
	if err := os.Symlink(self, bin); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, "Maildir", d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	mail := filepath.Join(dir, "Maildir", "cur", "1700000000.\x1b[2Jevil.host:2,")
	if err := os.WriteFile(mail, []byte("From: \x1b]0;x\x07 <a@example.org>\nSubject: \x1b[6n\n\n\x1b[c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := map[string][]string{"search": {"is:unread"}, "pick": {"is:unread"}, "sort": {"date"}, "flag": {"+F"}, "mv": {"-p", "A"}, "cp": {"-p", "B"},
		"grep": {"x"}, "stats": {"--by", "from"}, "sed": {"-n", "/subject/s/x/y/"}, "archive": {"-n"}, "mkdir": {"-n", "D"}, "completion": {"bash"},
		"import": {"C"}, "part": {"ls"}, "send": {"-n"}, "undo": nil, "log": nil, "seq": {"-S"}, "rm": {"-n"}, "help": {"json"},
		"unsubscribe": {"-n"}, "mime": {"--check"}, "new": {"-n", "a@example.org"}, "reply": {"-n", "-f", "a@example.org"}, "forward": {"-n", "-f", "a@example.org"}, "bounce": {"-n", "-f", "a@example.org", "--to", "b@example.org"}}
	for _, c := range verbs() {
		if c.SkipFlagParsing || c.Name == "watch" {
			continue // it becomes another program, or never ends
		}
		args := append([]string{c.Name}, before[c.Name]...)
		switch c.Name {
		case "ls", "folders", "mkdir", "completion", "search", "pick", "undo", "log", "help", "new", "queue", "deliver":
		default:
			args = append(args, mail)
		}
		took := time.Hour
		for try := 0; try < 3 && took > 3*time.Second; try++ { // a busy machine is no fault of the verb
			cmd := exec.Command(bin, args...)
			cmd.Env = append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=1", "HOME="+dir, "XDG_STATE_HOME="+dir,
				"PNEU_MAILDIR="+filepath.Join(dir, "Maildir"), "PNEU_SEQ=silent", "PNEU_CONFIG=")
			begin := time.Now()
			f, err := pty.Start(cmd)
			if err != nil {
				t.Skip("no pseudo-terminals here: ", err)
			}
			var b bytes.Buffer
			if c.Name != "export" { // an mbox is what it is
				b.ReadFrom(f) // ends with EIO when the program has gone
			}
			cmd.Process.Signal(os.Signal(syscall.SIGHUP))
			cmd.Wait()
			f.Close()
			if bad := unclean(strings.ReplaceAll(b.String(), "\r\n", "\n")); bad != "" {
				t.Errorf("%v prints %s: %q", args, bad, b.String())
			}
			took = time.Since(begin)
		}
		if took > 3*time.Second {
			t.Errorf("%v took %v", args, took)
		}
	}
}

// Each verb has a page, with every option and no other.
func TestManual(t *testing.T) {
	app := newApp()
	boot.Prepare(app)
	mantest.Flags(t, &cli.App{Name: "pneu", Commands: plain(app.Commands)}, "pneu.1")
	for _, c := range app.Commands {
		if c.Name == "tui" || c.Name == "help" {
			continue // told of in pneu.1
		}
		t.Run(c.Name, func(t *testing.T) {
			mantest.Flags(t, &cli.App{Name: c.Name, Flags: c.Flags, Commands: c.Subcommands}, "pneu-"+c.Name+".1")
		})
	}
}

// plain are the verbs without their options, which have pages of their own.
func plain(list []*cli.Command) []*cli.Command {
	var out []*cli.Command
	for _, c := range list {
		out = append(out, &cli.Command{Name: c.Name})
	}
	return out
}
