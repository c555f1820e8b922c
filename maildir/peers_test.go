package maildir

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// needs skips the test where a peer is not installed.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
}

// peer is another program on our Maildir, with a home of its own.
type peer struct {
	t    *testing.T
	home string
	mail *Store
}

// run runs a program and returns what it says; it must not fail.
func (p *peer) run(stdin string, args ...string) string {
	p.t.Helper()
	return p.runAs(nil, stdin, args...)
}

func (p *peer) runAs(who *syscall.Credential, stdin string, args ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = p.home
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "USER=nobody", "TERM=xterm", "LC_ALL=C.UTF-8"}
	if stdin != "" {
		cmd.Stdin = strings.NewReader(stdin)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// file writes a file into the peer's home.
func (p *peer) file(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.home, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *peer) inbox() string { return p.mail.Root() }

// A peer's way to set F or S on all messages of INBOX.
var peers = map[string]struct {
	needs []string
	flag  func(p *peer, flag string)
}{
	"mutt":    {[]string{"mutt", "script"}, func(p *peer, flag string) { muttFlag(p, "mutt", flag) }},
	"neomutt": {[]string{"neomutt", "script"}, func(p *peer, flag string) { muttFlag(p, "neomutt", flag) }},
	"mblaze": {[]string{"mlist", "mflag", "minc"}, func(p *peer, flag string) {
		p.run("", "minc", p.inbox()) // new/ to cur/
		p.run(p.run("", "mlist", p.inbox()), "mflag", "-"+flag)
	}},
	"notmuch": {[]string{"notmuch"}, func(p *peer, flag string) {
		config := p.file("notmuch", "[database]\npath="+p.inbox()+"\n[user]\nprimary_email=a@example.org\n"+
			"[new]\ntags=unread;new\nignore=maildirfolder\n[maildir]\nsynchronize_flags=true\n")
		if out := p.run("", "notmuch", "--config="+config, "new", "--quiet"); out != "" {
			p.t.Errorf("notmuch new: %s", out)
		}
		p.run("", "notmuch", "--config="+config, "tag", map[string]string{"F": "+flagged", "S": "-unread"}[flag], "--", "*")
	}},
	"dovecot": {[]string{dovecotIMAP}, func(p *peer, flag string) {
		word := map[string]string{"F": `\Flagged`, "S": `\Seen`}[flag]
		n := strings.Count(p.dovecot("1 SELECT INBOX\n2 STORE 1:* +FLAGS ("+word+")\n3 FETCH 1:* BODY.PEEK[]\n9 LOGOUT\n"), "BODY[] {")
		list, err := mustFolder(p.t, p.mail, inbox).List()
		if err != nil || n != len(list) {
			p.t.Errorf("Dovecot sees %d messages, we %d; %v", n, len(list), err)
		}
	}},
}

func mustFolder(t *testing.T, s *Store, name string) *Folder {
	t.Helper()
	f, err := s.Folder(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func muttFlag(p *peer, program, flag string) {
	p.t.Helper()
	keys := "<set-flag>!"
	if flag == "S" {
		keys = "<clear-flag>N"
	}
	rc := p.file("muttrc", "set mbox_type=Maildir\nset folder='"+p.home+"'\nset spoolfile='"+p.inbox()+"'\nset header_cache=\n"+
		"set quit=yes\nset delete=no\nset sleep_time=0\nset sendmail=/bin/false\nset timeout=5\n"+
		`push "<tag-pattern>~A<enter><tag-prefix>`+keys+`<sync-mailbox><quit>"`+"\n")
	p.run("", "script", "-qec", program+" -n -F '"+rc+"' -f '"+p.inbox()+"'", "/dev/null")
}

const dovecotIMAP = "/usr/lib/dovecot/imap"

// dovecot runs an IMAP session without server or login, as nobody if we are
// root: Dovecot does not serve root.
func (p *peer) dovecot(commands string) string {
	p.t.Helper()
	who, config := p.dovecotConfig()
	out := p.runAs(who, commands, dovecotIMAP, "-c", config)
	for _, bad := range []string{"Error:", "Warning:", "Panic:", " NO ", " BAD "} {
		if strings.Contains(out, bad) {
			p.t.Errorf("Dovecot: %s", out)
		}
	}
	return out
}

func (p *peer) dovecotConfig() (*syscall.Credential, string) {
	uid, gid := os.Getuid(), os.Getgid()
	var who *syscall.Credential
	if uid == 0 {
		uid, gid = 65534, 65534
		who = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	run := filepath.Join(p.home, "run")
	os.Mkdir(run, 0o700)
	config := p.file("dovecot.conf", fmt.Sprintf("base_dir = %s\nstate_dir = %[1]s\nlog_path = /dev/stderr\nstats_writer_socket_path =\n"+
		"auth_socket_path =\nprotocols = imap\nssl = no\nmail_location = maildir:%s\nmail_home = %s\nmail_uid = %d\nmail_gid = %d\n"+
		"first_valid_uid = 0\nfirst_valid_gid = 0\nnamespace inbox {\n  inbox = yes\n}\n", run, p.inbox(), p.home, uid, gid))
	if who != nil {
		filepath.WalkDir(p.home, func(path string, _ fs.DirEntry, err error) error {
			os.Lchown(path, uid, gid)
			return nil
		})
	}
	return who, config
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	home := t.TempDir()
	for _, dir := range []string{home, filepath.Dir(home)} { // for a peer that does not run as root
		os.Chmod(dir, 0o755)
	}
	s, err := Create(filepath.Join(home, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	return &peer{t, home, s}
}

// letterOf is message i: LF, CRLF and mixed ends, all to be kept.
func letterOf(i int) string {
	end := []string{"\n", "\r\n"}[i%2]
	return fmt.Sprintf("From: a%d@example.org%[2]sTo: b@example.org%[2]sDate: Sat, 14 Nov 2026 10:00:%02[1]d +0000%[2]s"+
		"Message-ID: <%[1]d@example.org>%[2]sSubject: s%[1]d%[2]s%[2]sbody %[1]d\n", i, end)
}

// We deliver, a peer flags, we flag by names from before, move and copy, the
// peer flags again: nothing is lost, and all flags of both are there.
func TestInteropPeers(t *testing.T) {
	for name, c := range peers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needs(t, c.needs...)
			p := newPeer(t)
			p.t = t
			in, work := mustFolder(t, p.mail, inbox), newFolder(t, p.mail, "Work")
			var old []Entry
			for i, d := range []Delivery{{}, {Name: "1700000001.Qx.host"}, {Flags: "R"}, {Cur: true}, {Flags: "Da"}, {}} {
				old = append(old, deliver(t, in, d, letterOf(i)))
			}
			put(t, in, "new/1700000009.their,U=9", letterOf(6))
			old = append(old, Entry{"1700000009.their,U=9", true})
			c.flag(p, "F")
			for i, e := range old {
				now, err := in.SetFlags(e, "P", "")
				if err != nil || !now.Flags().Has('F') {
					t.Errorf("message %d is %v, %v", i, now, err)
				}
			}
			if _, err := in.Move(old[0], work); err != nil {
				t.Error(err)
			}
			if _, err := in.Copy(old[1], work); err != nil {
				t.Error(err)
			}
			late := deliver(t, in, Delivery{}, letterOf(7))
			c.flag(p, "S")
			list, err := in.List()
			if err != nil || len(list) != 7 {
				t.Fatalf("%d messages in INBOX: %v, %v", len(list), list, err)
			}
			for _, e := range list {
				want := "FPS"
				if e.Base() == late.Base() {
					want = "S"
				}
				for _, letter := range want {
					if !e.Flags().Has(byte(letter)) {
						t.Errorf("%s lacks %c", e.File, letter)
					}
				}
			}
			for i, letter := range map[int]byte{2: 'R', 4: 'a'} {
				if e, err := in.Find(old[i].Base()); err != nil || !e.Flags().Has(letter) {
					t.Errorf("message %d lost %c: %v, %v", i, letter, e, err)
				}
			}
			want := []string{letterOf(0), letterOf(1), letterOf(1)}
			for i := 2; i < 8; i++ {
				want = append(want, letterOf(i))
			}
			if got := contents(t, in, work); strings.Join(got, "|") != strings.Join(sorted(want), "|") {
				t.Errorf("texts\n%q, want\n%q", got, want)
			}
		})
	}
}

// mbsync carries flags both ways, takes our moves, and finds no duplicate UIDs.
func TestInteropMbsync(t *testing.T) {
	needs(t, "mbsync")
	t.Parallel()
	p := newPeer(t)
	far, near := p.mail, (*Store)(nil)
	var config strings.Builder
	for _, name := range []string{"far", "near"} {
		path := filepath.Join(p.home, name)
		os.MkdirAll(path, 0o700)
		if _, err := Create(path + "/INBOX"); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		newFolder(t, s, "Work")
		fmt.Fprintf(&config, "MaildirStore %s\nPath \"%s/\"\nInbox \"%[2]s/INBOX\"\nSubFolders Verbatim\n\n", name, path)
		far, near = near, s
	}
	config.WriteString("Channel c\nFar :far:\nNear :near:\nPatterns *\nSync All\nCreate Both\nExpunge Both\nSyncState *\n")
	rc := p.file("mbsyncrc", config.String())
	sync := func() {
		t.Helper()
		if out := p.run("", "mbsync", "-q", "-c", rc, "-a"); out != "" {
			t.Errorf("mbsync: %s", out)
		}
	}
	fin, nin := mustFolder(t, far, inbox), mustFolder(t, near, inbox)
	fwork, nwork := mustFolder(t, far, "Work"), mustFolder(t, near, "Work")
	var all []string
	for i := range 6 {
		deliver(t, fin, Delivery{}, letterOf(i))
		all = append(all, letterOf(i))
	}
	sync()
	list, err := nin.List()
	if err != nil || len(list) != 6 {
		t.Fatalf("%v, %v", list, err)
	}
	far6, _ := fin.List()
	for i, e := range list {
		if !strings.Contains(e.File, ",U=") {
			t.Errorf("%s has no UID", e.File)
		}
		if list[i], err = nin.SetFlags(e, "S", ""); err != nil {
			t.Error(err)
		}
		if _, err := fin.SetFlags(far6[i], "F", ""); err != nil {
			t.Error(err)
		}
	}
	moved, err := nin.Move(list[0], nwork)
	if err != nil || strings.Contains(moved.File, "U=") {
		t.Errorf("%v, %v", moved, err)
	}
	if _, err := nin.Copy(list[1], nwork); err != nil {
		t.Error(err)
	}
	deliver(t, nin, Delivery{}, letterOf(6))
	all = append(all, letterOf(6), letterOf(1))
	for range 2 { // and a peer's own renames do not make it start over
		sync()
	}
	mark := regexp.MustCompile(`X-TUID: .*\r?\n`) // by which mbsync finds what it stored
	for side, folders := range map[string][]*Folder{"far": {fin, fwork}, "near": {nin, nwork}} {
		if got := mark.ReplaceAllString(strings.Join(contents(t, folders...), "|"), ""); got != strings.Join(sorted(all), "|") {
			t.Errorf("%s has\n%q, want\n%q", side, got, all)
		}
		list, err := folders[0].List()
		if err != nil || len(list) != 6 {
			t.Errorf("%s INBOX: %v, %v", side, list, err)
		}
		flagged := 0
		for _, e := range list {
			if e.Flags() == "FS" {
				flagged++
			}
		}
		if flagged != 5 {
			t.Errorf("%s: %d messages have both flags: %q", side, flagged, names(list))
		}
	}
}

// A running Dovecot that looks while hundreds of messages are renamed sees each
// of them all the time: none is expunged, none comes back under a new UID.
func TestRule17Dovecot(t *testing.T) {
	needs(t, dovecotIMAP)
	t.Parallel()
	p := newPeer(t)
	in := mustFolder(t, p.mail, inbox)
	const messages = 1500
	for i := range messages {
		put(t, in, fmt.Sprintf("cur/17%08d.M%dP%d.a.rather.long.host.name.example.org,S=9:2,", i, i*7919%1000000, i), "S: x\n\nbo\n")
	}
	who, config := p.dovecotConfig()
	cmd := exec.CommandContext(t.Context(), dovecotIMAP, "-c", config)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "USER=nobody"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, _ := cmd.StdinPipe()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1)
	go func() {
		defer close(lines)
		buf := make([]byte, 64<<10)
		var rest []byte
		for {
			n, err := stdout.Read(buf)
			rest = append(rest, buf[:n]...)
			for {
				i := bytes.IndexByte(rest, '\n')
				if i < 0 {
					break
				}
				lines <- string(rest[:i])
				rest = rest[i+1:]
			}
			if err != nil {
				return
			}
		}
	}()
	bad := regexp.MustCompile(`EXPUNGE|EXISTS`)
	command := func(text string, check bool) {
		fmt.Fprintf(stdin, "x %s\r\n", text)
		for l := range lines {
			if check && bad.MatchString(l) {
				t.Errorf("Dovecot: %s", l)
			}
			if strings.HasPrefix(l, "x ") {
				return
			}
		}
		t.Fatal("Dovecot ended")
	}
	command("SELECT INBOX", false)
	os.Chmod(p.inbox()+"/dovecot-uidlist", 0o644) // its user is not ours if we are root
	list, err := in.List()
	if err != nil || len(list) != messages {
		t.Fatal(len(list), err)
	}
	renamed := make(chan error)
	go func() {
		var h Hold
		for round := range 10 {
			add, remove := Flags("FS"), Flags("")
			if round%2 == 1 {
				add, remove = remove, add
			}
			for i, e := range list {
				h.Take(in)
				if e, err := in.SetFlags(e, add, remove); err != nil {
					renamed <- err
					return
				} else {
					list[i] = e
				}
			}
			h.Release()
			time.Sleep(20 * time.Millisecond)
		}
		renamed <- nil
	}()
	for looks := 1; ; looks++ {
		command("CHECK", true) // looks even if it looked a moment ago
		select {
		case err := <-renamed:
			if err != nil {
				t.Error(err)
			}
			command("CHECK", true)
			t.Logf("Dovecot looked %d times", looks)
			stdin.Close()
			for range lines {
			}
			if cmd.Wait(); strings.Contains(said.String(), "Error:") || strings.Contains(said.String(), "Warning:") {
				t.Errorf("Dovecot: %s", said.String())
			}
			return
		default:
		}
	}
}
