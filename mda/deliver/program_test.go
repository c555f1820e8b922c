package deliver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pneu/mta/sysexits"
)

// The test program is its own helper: as root, an agent starts it with the
// arguments that it would start the deliver program with.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "--maildir" || os.Args[1] == "--mbox") {
		if err := help(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(sysexits.Code(err))
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func help(args []string) error {
	opt := map[string]string{}
	for i := 0; i < len(args); i++ {
		if name := args[i]; i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
			i++
			opt[name] = args[i]
		}
	}
	if os.Geteuid() == 0 {
		return sysexits.New(sysexits.Software, "helper runs as root")
	}
	size, err := strconv.ParseInt(opt["--size"], 10, 64)
	if err != nil {
		return err
	}
	in := Whole(os.Stdin, size)
	if box, ok := opt["--mbox"]; ok {
		return Append(context.Background(), box, opt["--sender"], in)
	}
	at, err := time.Parse(time.RFC3339Nano, opt["--arrived"])
	if err != nil {
		return err
	}
	return Mailbox{Maildir: opt["--maildir"], Name: opt["--name"], Arrived: at}.Put(in, size)
}

// helper returns the path of this program where any user may run it.
func helper(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return self
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "helper")
	reachable(t, filepath.Dir(path))
	// No process that is started meanwhile may inherit the file while it is open for writing: it
	// could not be run then.
	syscall.ForkLock.RLock()
	err = os.WriteFile(path, b, 0o755)
	syscall.ForkLock.RUnlock()
	if err := errors.Join(err, os.Chmod(path, 0o755)); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

// reachable lets the user in that root runs commands as.
func reachable(t *testing.T, dir string) {
	t.Helper()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
}

func TestCommand(t *testing.T) {
	tests := []struct {
		name, command string
		code          int
		says          string
	}{
		{"fine", "cat >'DIR/out'; env >'DIR/env'", 0, ""},
		{"does not read", "true", 0, ""},
		{"says no such user", "echo who is that >&2; exit 67", sysexits.NoUser, "who is that"},
		{"fails somehow", "echo oh; exit 1", sysexits.TempFail, "oh"},
		{"is not there", "/no/such/program", sysexits.TempFail, "/no/such/program"},
		{"dies", "kill -9 $$", sysexits.TempFail, "killed"},
		{"takes too long", "sleep 60", sysexits.TempFail, "took longer than 300ms"},
		{"talks much", "yes | head -c 100000; exit 75", sysexits.TempFail, "y y y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timeout := time.Minute // a shell may be slow to start
			if strings.Contains(tt.says, "300ms") {
				timeout = 300 * time.Millisecond
			}
			w := newWorld(t, Options{Commands: true, CommandTimeout: timeout}, "prog: \"|"+tt.command+"\"\n")
			err := w.Deliver(context.Background(), Envelope{Sender: "$(id)@x; y", Recipient: "prog+ext"}, strings.NewReader(mail))
			if sysexits.Code(err) != tt.code || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error %v (exit code %d), want %q (%d)", err, sysexits.Code(err), tt.says, tt.code)
			}
			if tt.name != "fine" {
				return
			}
			got, _ := os.ReadFile(w.dir + "/out")
			if string(got) != "Return-Path: <$(id)@x; y>\nDelivered-To: prog+ext@try.test\n"+mail {
				t.Errorf("command read %q", got)
			}
			env, _ := os.ReadFile(w.dir + "/env")
			for _, line := range []string{"SENDER=__id_@x__y", "RECIPIENT=prog+ext@try.test", "USER=prog", "EXTENSION=ext", "DOMAIN=try.test", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/"} {
				if !strings.Contains("\n"+string(env), "\n"+line+"\n") {
					t.Errorf("no %s in\n%s", line, env)
				}
			}
			if strings.Contains(string(env), "GOROOT") || strings.Contains(string(env), "TMPDIR") {
				t.Errorf("our environment leaked:\n%s", env)
			}
		})
	}
}

func TestFile(t *testing.T) {
	w := newWorld(t, Options{Files: true}, "file: DIR/box\ndir: DIR/md/\nnull: /dev/null\n")
	for range 2 {
		if err := w.deliver("file", mail); err != nil {
			t.Fatal(err)
		}
		if err := w.deliver("dir", mail); err != nil {
			t.Fatal(err)
		}
		if err := w.deliver("null", mail); err != nil {
			t.Fatal(err)
		}
	}
	got, _ := os.ReadFile(w.dir + "/box")
	one := "\nReturn-Path: <s@example.org>\nDelivered-To: file@try.test\nFrom: a@example.org\nSubject: hello\n\nbody\n.\n\n>From here on\n\n"
	if strings.Count(string(got), one) != 2 || strings.Count(string(got), "From s@example.org ") != 2 {
		t.Errorf("box holds\n%s", got)
	}
	if files, _ := filepath.Glob(w.dir + "/md/new/*"); len(files) != 1 {
		t.Errorf("%q in the Maildir, want one file", files)
	}
	if _, err := os.Stat(w.dir + "/box.lock"); err == nil {
		t.Error("lock file left behind")
	}
}

func TestAppendTogether(t *testing.T) {
	box := filepath.Join(t.TempDir(), "box")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := Append(context.Background(), box, "", strings.NewReader(fmt.Sprintf("N: %d\n\n%s", i, strings.Repeat("line\n", 2000)))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b, _ := os.ReadFile(box)
	for i, part := range strings.Split(string(b), "From MAILER-DAEMON ")[1:] {
		if n := strings.Count(part, "line\n"); n != 2000 || strings.Count(part, "N: ") != 1 {
			t.Errorf("message %d is mixed up: %d lines", i, n)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	dir := t.TempDir()
	box := filepath.Join(dir, "box")
	os.WriteFile(box, []byte("before"), 0o600)
	os.Symlink(box, filepath.Join(dir, "link"))
	for _, path := range []string{filepath.Join(dir, "link"), dir, "/dev/full"} {
		if err := Append(context.Background(), path, "", strings.NewReader(mail)); sysexits.Code(err) != sysexits.TempFail {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := Append(context.Background(), box, "", Whole(strings.NewReader("half"), 10)); sysexits.Code(err) != sysexits.TempFail {
		t.Errorf("half a message: %v", err)
	}
	if b, _ := os.ReadFile(box); string(b) != "before" {
		t.Errorf("box holds %q", b)
	}
	os.WriteFile(box+".lock", nil, 0o600)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := Append(ctx, box, "", strings.NewReader(mail)); err == nil || !strings.Contains(err.Error(), "locked by another program") {
		t.Errorf("locked: %v", err)
	}
	old := time.Now().Add(-time.Hour)
	os.Chtimes(box+".lock", old, old)
	if err := Append(context.Background(), box, "", strings.NewReader(mail)); err != nil {
		t.Errorf("behind a lock left an hour ago: %v", err)
	}
}

// A helper that gets half a message files nothing.
func TestWhole(t *testing.T) {
	dir := t.TempDir() + "/md"
	b := Mailbox{Maildir: dir, Name: "1700000000.Q1R0001.h"}
	if err := b.Put(Whole(strings.NewReader("half"), 10), 10); sysexits.Code(err) != sysexits.TempFail {
		t.Errorf("half: %v", err)
	}
	if files, _ := filepath.Glob(dir + "/*/*"); len(files) != 0 {
		t.Errorf("left behind: %q", files)
	}
	if err := b.Put(Whole(strings.NewReader("whole mail"), 10), 10); err != nil {
		t.Errorf("whole: %v", err)
	}
}
