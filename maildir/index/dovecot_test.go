package index

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/maildir"
)

const dovecotIMAP = "/usr/lib/dovecot/imap"

// dovecot runs an IMAP session without server or login on the tree at root, as
// nobody if we are root: Dovecot does not serve root.
func dovecot(t *testing.T, root, commands string) string {
	t.Helper()
	home := filepath.Dir(root)
	uid, gid := os.Getuid(), os.Getgid()
	var who *syscall.Credential
	if uid == 0 {
		uid, gid = 65534, 65534
		who = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	run := filepath.Join(home, "run")
	os.Mkdir(run, 0o700)
	config := filepath.Join(home, "dovecot.conf")
	text := fmt.Sprintf("base_dir = %s\nstate_dir = %[1]s\nlog_path = /dev/stderr\nstats_writer_socket_path =\nauth_socket_path =\n"+
		"protocols = imap\nssl = no\nmail_location = maildir:%s\nmail_home = %s\nmail_uid = %d\nmail_gid = %d\n"+
		"first_valid_uid = 0\nfirst_valid_gid = 0\nnamespace inbox {\n  inbox = yes\n}\n", run, root, home, uid, gid)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if who != nil {
		for _, dir := range []string{home, filepath.Dir(home)} {
			os.Chmod(dir, 0o755)
		}
		filepath.WalkDir(home, func(path string, _ fs.DirEntry, _ error) error { os.Lchown(path, uid, gid); return nil })
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, dovecotIMAP, "-c", config)
	cmd.Dir, cmd.Stdin = home, strings.NewReader(commands)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "USER=nobody", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("Dovecot: %v\n%s", err, out)
	}
	for _, bad := range []string{"Error:", "Warning:", "Panic:", " NO ", " BAD "} {
		if strings.Contains(string(out), bad) {
			t.Errorf("Dovecot: %s", out)
		}
	}
	return string(out)
}

var fetched = regexp.MustCompile(`\(UID (\d+) FLAGS \(([^)]*)\) BODY\[HEADER.FIELDS \(SUBJECT\)\] \{\d+\}\r\nSubject: ([^\r]*)\r\n`)

// theirs is what Dovecot shows: "UIDVALIDITY; UID subject flags; ...".
func theirs(t *testing.T, root, before string) string {
	t.Helper()
	out := dovecot(t, root, "1 SELECT INBOX\n"+before+"8 UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])\n9 LOGOUT\n")
	validity := regexp.MustCompile(`UIDVALIDITY (\d+)`).FindStringSubmatch(out)
	if validity == nil {
		t.Fatal(out)
	}
	list := []string{validity[1]}
	for _, m := range fetched.FindAllStringSubmatch(out, -1) {
		flags := slices.DeleteFunc(strings.Fields(m[2]), func(f string) bool { return f == `\Recent` })
		slices.Sort(flags)
		list = append(list, strings.Join(append([]string{m[1], m[3]}, flags...), " "))
	}
	return strings.Join(list, "; ")
}

func ours(t *testing.T, f *maildir.Folder, v *View) string {
	t.Helper()
	list := []string{fmt.Sprint(v.State().UIDValidity)}
	for row := range v.Len() {
		flags := slices.Clone(v.Keywords(row))
		for i, name := range []string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`, "$Forwarded"} {
			if v.Flags(row)&(1<<i) != 0 {
				flags = append(flags, name)
			}
		}
		slices.Sort(flags)
		list = append(list, strings.Join(append([]string{fmt.Sprint(v.UID(row)), subjectOf(mustRead(t, f.File(v.Entry(row))))}, flags...), " "))
	}
	return strings.Join(list, "; ")
}

// Rule 18: we come after Dovecot and Dovecot after us, and no client notices.
func TestRule18Dovecot(t *testing.T) {
	if _, err := os.Stat(dovecotIMAP); err != nil {
		t.Skip("Dovecot is not installed")
	}
	t.Parallel()
	f, _ := account(t)
	root := f.Path()
	for _, name := range []string{"cur/1700000001.a:2,S", "new/1700000002.b", "new/1700000003.c"} {
		put(t, f, name)
	}
	theirs(t, root, "") // which gives UIDs
	put(t, f, "new/1600000000.z")
	before := theirs(t, root, "2 STORE 2 +FLAGS (work $Forwarded)\n3 STORE 3 +FLAGS (\\Flagged)\n4 STORE 1 +FLAGS (\\Deleted)\n5 EXPUNGE\n")
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	if err := x.Flush(t.Context()); err != nil { // $Forwarded has a letter there, and P with us
		t.Fatal(err)
	}
	v := x.View()
	if got := ours(t, f, v); got != before {
		t.Errorf("imported\n%s, want\n%s", got, before)
	}
	if _, _, err := x.AppendKeywords(t.Context(), maildir.Delivery{Flags: "S"}, []string{"home"}, strings.NewReader(letterOf("appended"))); err != nil {
		t.Fatal(err)
	}
	setFlags(t, x, FlagChange{Add: Replied, AddKeywords: []string{"home"}, RemoveKeywords: []string{"work"}}, v.UID(0))
	if _, err := x.Expunge(t.Context(), []UID{v.UID(1)}); err != nil {
		t.Fatal(err)
	}
	if err := x.ExportDovecot(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := ours(t, f, x.View())
	if got := theirs(t, root, ""); got != want {
		t.Errorf("exported\n%s, want\n%s", got, want)
	}
	if got := ours(t, f, syncIndex(t, x)); got != want {
		t.Errorf("after Dovecot\n%s, want\n%s", got, want)
	}
}
