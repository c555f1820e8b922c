package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pneu/maildir"
)

// asNobody runs the test in a process of its own as nobody if we are root, and
// reports whether it did: Dovecot does not serve root, and then all who work on
// the Maildir are one user.
func asNobody(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return false
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	os.Chmod(filepath.Dir(dir), 0o755)
	program := filepath.Join(dir, "test")
	// No process that another test starts meanwhile may inherit the file while it is open
	// for writing: it could not be run then.
	syscall.ForkLock.RLock()
	err = os.WriteFile(program, b, 0o755)
	syscall.ForkLock.RUnlock()
	if err := errors.Join(err, os.Chmod(program, 0o755), os.Chmod(dir, 0o755)); err != nil { // whatever the umask
		t.Fatal(err)
	}
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Skip(err)
	}
	c, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(c, program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "USER=nobody"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("as nobody: %v\n%s", err, out)
	} else if strings.Contains(string(out), "--- SKIP") {
		t.Skip(string(out))
	}
	return true
}

// A peer is another program on our Maildir, with a home of its own.
type peer struct {
	t    *testing.T
	home string
	root string
}

func newPeer(t *testing.T, programs ...string) *peer {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
	home := t.TempDir()
	p := &peer{t, home, filepath.Join(home, "Maildir")}
	if _, err := maildir.Create(p.root); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *peer) command(c context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c, args[0], args[1:]...)
	cmd.Dir = p.home
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "USER=nobody", "TERM=xterm", "LC_ALL=C.UTF-8"}
	return cmd
}

// run runs a program and returns what it says; it must not fail.
func (p *peer) run(stdin string, args ...string) string {
	p.t.Helper()
	c, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	cmd := p.command(c, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (p *peer) file(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.home, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// put files message n as a deliverer does that knows nothing of us.
func (p *peer) put(folder string, n int) {
	p.t.Helper()
	dir := p.root
	if folder != "INBOX" {
		dir += "/." + folder
	}
	text := fmt.Sprintf("From: ada@example.org\nTo: b@example.org\nDate: Sat, 14 Nov 2026 10:00:00 +0000\nMessage-ID: <%d@example.org>\nSubject: s%[1]d\n\nword number %[1]d\n", n)
	name := fmt.Sprintf("17%08d.M%dP1.host", n, n)
	if err := os.WriteFile(dir+"/tmp/"+name, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(dir+"/tmp/"+name, dir+"/new/"+name); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) open() *Store {
	p.t.Helper()
	s, err := Open(p.root, Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { s.Close() })
	return s
}

func (p *peer) box(s *Store, name string) (*Box, *View) {
	p.t.Helper()
	b, err := s.Box(name)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { b.Close() })
	v, err := b.Sync(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return b, v
}

const dovecotLib = "/usr/lib/dovecot/"

// dovecot begins an IMAP session without server or login.
func (p *peer) dovecot() *session {
	p.t.Helper()
	for _, program := range []string{"imap", "pop3"} {
		if _, err := os.Stat(dovecotLib + program); err != nil {
			p.t.Skip("Dovecot is not installed with ", program)
		}
	}
	s := &session{t: p.t, cmd: p.command(p.t.Context(), dovecotLib+"imap", "-c", p.dovecotConfig())}
	s.cmd.Stderr = &s.said
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *peer) dovecotConfig() string {
	run := filepath.Join(p.home, "run")
	os.Mkdir(run, 0o700)
	return p.file("dovecot.conf", fmt.Sprintf("base_dir = %s\nstate_dir = %[1]s\nlog_path = /dev/stderr\nstats_writer_socket_path =\n"+
		"auth_socket_path =\nprotocols = imap pop3\nssl = no\nmail_location = maildir:%s\nmail_home = %s\nmail_uid = %d\nmail_gid = %d\n"+
		"first_valid_uid = 0\nfirst_valid_gid = 0\nnamespace inbox {\n  inbox = yes\n}\nprotocol pop3 {\n  pop3_save_uidl = yes\n  pop3_uidl_format = old-%%u-%%f\n}\n",
		run, p.root, p.home, os.Getuid(), os.Getgid()))
}

type session struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said strings.Builder
}

// do sends a command and returns the answers; literals are part of their line.
func (s *session) do(command string) (lines []string) {
	s.t.Helper()
	fmt.Fprintf(s.in, "x %s\r\n", command)
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Errorf("Dovecot ended at %q: %v %s", command, err, s.said.String())
			return lines
		}
		for {
			m := literal.FindStringSubmatch(line)
			if m == nil {
				break
			}
			n, _ := strconv.Atoi(m[1])
			text := make([]byte, n)
			io.ReadFull(s.out, text)
			rest, _ := s.out.ReadString('\n')
			line = line[:len(line)-len(m[0])] + strings.TrimSpace(string(text)) + rest
		}
		if strings.HasPrefix(line, "x ") {
			if !strings.HasPrefix(line, "x OK") {
				s.t.Errorf("Dovecot: %s: %s", command, line)
			}
			return lines
		}
		lines = append(lines, strings.TrimRight(line, "\r\n"))
	}
}

var literal = regexp.MustCompile(`\{(\d+)\}\r\n$`)

func (s *session) close() {
	s.t.Helper()
	s.do("LOGOUT")
	s.in.Close()
	s.cmd.Wait()
	for _, bad := range []string{"Error:", "Warning:", "Panic:"} {
		if strings.Contains(s.said.String(), bad) {
			s.t.Errorf("Dovecot: %s", s.said.String())
		}
	}
}

var fetchLine = regexp.MustCompile(`\(UID (\d+) FLAGS \(([^)]*)\) BODY\[HEADER.FIELDS \(SUBJECT\)\] Subject: ([^\s)]*)`)

// shown is what a client sees of the folder: by subject, UID and flags.
func (s *session) shown(folder string) (validity string, list map[string]string) {
	s.t.Helper()
	for _, l := range s.do("SELECT " + folder) {
		if m := regexp.MustCompile(`UIDVALIDITY (\d+)`).FindStringSubmatch(l); m != nil {
			validity = m[1]
		}
	}
	list = map[string]string{}
	for _, l := range s.do("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])") {
		if m := fetchLine.FindStringSubmatch(l); m != nil {
			flags := slices.DeleteFunc(strings.Fields(m[2]), func(f string) bool { return f == `\Recent` })
			slices.Sort(flags)
			list[m[3]] = m[1] + " " + strings.Join(flags, " ")
		}
	}
	return validity, list
}

// shownBy is what we show, in the same form.
func shownBy(v *View) (validity string, list map[string]string) {
	list = map[string]string{}
	for n := range v.Len() {
		r := v.Row(n)
		flags := slices.Clone(r.Keywords())
		for _, f := range []struct {
			letter byte
			name   string
		}{{'S', `\Seen`}, {'R', `\Answered`}, {'F', `\Flagged`}, {'T', `\Deleted`}, {'D', `\Draft`}, {'P', "$Forwarded"}} {
			if r.Flags().Has(f.letter) {
				flags = append(flags, f.name)
			}
		}
		slices.Sort(flags)
		list[r.Subject()] = fmt.Sprint(r.UID()) + " " + strings.Join(flags, " ")
	}
	return fmt.Sprint(v.State().UIDValidity), list
}

func sameShown(t *testing.T, what string, v1 string, l1 map[string]string, v2 string, l2 map[string]string) {
	t.Helper()
	if v1 != v2 {
		t.Errorf("%s: UIDVALIDITY %s, then %s", what, v1, v2)
	}
	for _, subject := range slices.Sorted(maps.Keys(l1)) {
		if l2[subject] != l1[subject] {
			t.Errorf("%s: %s was %q, is %q", what, subject, l1[subject], l2[subject])
		}
	}
	if len(l1) != len(l2) {
		t.Errorf("%s: %d messages, then %d", what, len(l1), len(l2))
	}
}

// Rules 6, 18 and 20: an account moves from Dovecot to us and back, and neither
// IMAP nor POP3 clients notice: UIDs, UIDVALIDITY, keywords, subscriptions and UIDLs.
func TestMigrationFromDovecotAndBack(t *testing.T) {
	t.Parallel()
	if asNobody(t) {
		return
	}
	p := newPeer(t)
	d := p.dovecot()
	d.do("CREATE Work")
	d.do("SUBSCRIBE Work")
	d.do("SUBSCRIBE INBOX")
	for n := range 10 {
		p.put("INBOX", n)
		d.do("NOOP")
	}
	d.do("SELECT INBOX")
	d.do("UID STORE 1,3 +FLAGS (project-x $Label1)")
	d.do(`UID STORE 2:4 +FLAGS (\Seen $Forwarded)`)
	d.do(`UID STORE 5 +FLAGS (\Deleted)`)
	d.do("EXPUNGE")
	d.do("UID COPY 1:3 Work")
	d.do(`UID STORE 6 +FLAGS (\Deleted)`)
	d.do("EXPUNGE")
	inValidity, in := d.shown("INBOX")
	workValidity, work := d.shown("Work")
	d.close()
	uidls := p.run("UIDL\r\nQUIT\r\n", dovecotLib+"pop3", "-c", p.dovecotConfig())

	s := p.open()
	inbox, v := p.box(s, "INBOX")
	gotValidity, got := shownBy(v)
	sameShown(t, "INBOX imported", inValidity, in, gotValidity, got)
	wb, wv := p.box(s, "Work")
	gotValidity, got = shownBy(wv)
	sameShown(t, "Work imported", workValidity, work, gotValidity, got)
	folders, err := s.Folders()
	if err != nil || len(folders) != 2 || !folders[0].Subscribed || !folders[1].Subscribed {
		t.Errorf("folders %+v, %v", folders, err)
	}
	for n := range v.Len() {
		uidl, ok := v.Index().UIDL(n)
		if !ok || !strings.Contains(uidls, fmt.Sprintf("%d %s\r\n", n+1, uidl)) {
			t.Errorf("UIDL %q, %v of UID %d; POP3 said\n%s", uidl, ok, v.Row(n).UID(), uidls)
		}
	}

	uid := func(v *View, n int) UID { return v.Row(n).UID() }
	step := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = inbox.SetFlags(ctx, []UID{uid(v, 0), uid(v, 1)}, FlagChange{Add: 1 << 1, AddKeywords: []string{"ours", "project-x"}, RemoveKeywords: []string{"$Label1"}})
	step(err)
	_, err = inbox.Append(ctx, maildir.Delivery{Flags: "F"}, []string{"ours"}, strings.NewReader("Subject: appended\n\nx\n"))
	step(err)
	p.put("INBOX", 50)
	_, err = inbox.Move(ctx, []UID{uid(v, 2)}, wb)
	step(err)
	_, err = inbox.Expunge(ctx, []UID{uid(v, 3)})
	step(err)
	for _, b := range []*Box{inbox, wb} {
		if _, err := b.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		step(b.x.ExportDovecot(ctx))
		old, _ := filepath.Glob(b.f.Path() + "/dovecot.index*")
		for _, path := range old { // as the page on migration says
			step(os.Remove(path))
		}
	}
	inValidity, in = shownBy(inbox.View())
	workValidity, work = shownBy(wb.View())
	d = p.dovecot()
	gotValidity, got = d.shown("INBOX")
	sameShown(t, "INBOX exported", inValidity, in, gotValidity, got)
	gotValidity, got = d.shown("Work")
	sameShown(t, "Work exported", workValidity, work, gotValidity, got)
	if lines := strings.Join(d.do(`LSUB "" *`), " "); !strings.Contains(lines, "Work") || !strings.Contains(lines, "INBOX") {
		t.Errorf("subscribed: %s", lines)
	}
	d.close()
	// And once more with us: what Dovecot did after the export counts.
	v, err = inbox.Sync(ctx)
	step(err)
	gotValidity, got = shownBy(v)
	sameShown(t, "INBOX after Dovecot", inValidity, in, gotValidity, got)
}

// Dovecot's and our flags, on one Maildir at one time, while mail is delivered: no
// message is lost, UIDs stay on both sides, and both see all flags in the end.
func TestBesideRunningDovecot(t *testing.T) {
	t.Parallel()
	if asNobody(t) {
		return
	}
	p := newPeer(t)
	const before, rounds = 60, 40
	for n := range before {
		p.put("INBOX", n)
	}
	d := p.dovecot()
	d.shown("INBOX")
	s := p.open()
	b, v := p.box(s, "INBOX")
	_, ours := shownBy(v)
	uids := map[string]string{} // of Dovecot
	number := func(list map[string]string, subject string) string {
		uid, _, _ := strings.Cut(list[subject], " ")
		return uid
	}
	var wg sync.WaitGroup
	wg.Go(func() { // a client of Dovecot's
		for i := range rounds {
			d.do(fmt.Sprintf(`UID STORE %d,%d +FLAGS (\Flagged theirs)`, 1+i%before, 1+(i*7)%before))
			if i%10 == 0 {
				_, list := d.shown("INBOX")
				for subject := range list {
					if was := uids[subject]; was != "" && was != number(list, subject) {
						t.Errorf("Dovecot has %s as UID %s, then %s", subject, was, number(list, subject))
					}
					uids[subject] = number(list, subject)
				}
			}
		}
	})
	wg.Go(func() { // a deliverer
		for i := range rounds {
			p.put("INBOX", before+i)
			time.Sleep(2 * time.Millisecond)
		}
	})
	for i := range rounds { // we
		v, err := b.Sync(ctx)
		if err != nil {
			t.Error(err)
			break
		}
		_, list := shownBy(v)
		for subject := range ours {
			if number(ours, subject) != number(list, subject) {
				t.Errorf("we have %s as UID %s, then %q", subject, number(ours, subject), list[subject])
			}
		}
		maps.Copy(ours, list)
		some := []UID{UID(1 + i%before), UID(1 + (i*5)%before), UID(1 + (i*11)%before)}
		slices.Sort(some)
		if _, err := b.SetFlags(ctx, slices.Compact(some), FlagChange{Add: 1, AddKeywords: []string{"ours"}}); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := b.Flush(ctx); err != nil {
		t.Error(err)
	}
	d.do("CHECK")
	_, theirs := d.shown("INBOX")
	d.close()
	v, err := b.Sync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, list := shownBy(v)
	want := map[string][]string{}
	for i := range before + rounds {
		want[fmt.Sprintf("s%d", i)] = nil
	}
	for i := range rounds {
		for _, n := range []int{1 + i%before, 1 + (i*7)%before} {
			want[fmt.Sprintf("s%d", n-1)] = append(want[fmt.Sprintf("s%d", n-1)], `\Flagged`, "theirs")
		}
		for _, n := range []int{1 + i%before, 1 + (i*5)%before, 1 + (i*11)%before} {
			want[fmt.Sprintf("s%d", n-1)] = append(want[fmt.Sprintf("s%d", n-1)], `\Seen`, "ours")
		}
	}
	for subject, flags := range want {
		slices.Sort(flags)
		flags = slices.Compact(flags)
		for side, l := range map[string]map[string]string{"Dovecot": theirs, "we": list} {
			if _, got, _ := strings.Cut(l[subject], " "); got != strings.Join(flags, " ") || l[subject] == "" {
				t.Errorf("%s: %s is %q, want %q", side, subject, l[subject], flags)
			}
		}
		if was := uids[subject]; was != "" && was != number(theirs, subject) {
			t.Errorf("Dovecot has %s as UID %s, then %q", subject, was, theirs[subject])
		}
		if was := number(ours, subject); was != "" && was != number(list, subject) {
			t.Errorf("we have %s as UID %s, then %q", subject, was, list[subject])
		}
	}
	if len(list) != len(want) || len(theirs) != len(want) {
		t.Errorf("%d messages here, %d there, want %d", len(list), len(theirs), len(want))
	}
}
