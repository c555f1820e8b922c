package index

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/maildir"
)

// Rule 1: neither a message's bytes nor its time change, whatever the index does.
// Rule 21: its time is INTERNALDATE, also of what is copied and moved.
func TestRule01Immutable(t *testing.T) {
	in, other := account(t)
	at := time.Unix(1600000000, 0)
	x, y := mustOpen(t, in, Options{}), mustOpen(t, other, Options{})
	uid, _, err := x.Append(t.Context(), maildir.Delivery{Time: at, Flags: "D"}, strings.NewReader(letterOf("a")))
	if err != nil {
		t.Fatal(err)
	}
	setFlags(t, x, FlagChange{Add: Seen, AddKeywords: []string{"k"}}, uid)
	copies, err := x.CopyTo(t.Context(), y, []UID{uid})
	if err != nil || len(copies) != 1 {
		t.Fatal(copies, err)
	}
	moved, err := x.MoveTo(t.Context(), y, []UID{uid})
	if err != nil || len(moved) != 1 {
		t.Fatal(moved, err)
	}
	v := y.View()
	if x.View().Len() != 0 || v.Len() != 2 {
		t.Fatalf("%d and %d messages", x.View().Len(), v.Len())
	}
	for row := range 2 {
		st, err := os.Stat(other.File(v.Entry(row)))
		if err != nil || !st.ModTime().Equal(at) || v.Received(row) != at.Unix() {
			t.Errorf("time %v, %d, %v", st.ModTime(), v.Received(row), err)
		}
		if got := mustRead(t, other.File(v.Entry(row))); string(got) != letterOf("a") {
			t.Errorf("text %q", got)
		}
		if v.Flags(row) != Draft|Seen || !v.HasKeyword(row, "k") || !v.HasDigest(row) || v.Size(row) != int64(len(letterOf("a"))) {
			t.Errorf("filed:\n%s", show(v))
		}
	}
	for _, i := range []*Index{x, y} {
		s, _ := i.stamps()
		if isNew, cur := i.View().State().Dir.agrees(s); in.Fine() && !(isNew && cur) {
			t.Errorf("%s must be read again", i.f.Name())
		}
	}
}

// Rules 4, 5, 8: a flag is one rename, of the same file; fields, letters and sets
// that we do not know stay.
func TestRule04SameFile(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a,U=7,FMD5=abc,zz=1:2,Sqx,set")
	before, err := os.Stat(f.Path() + "/cur/1.a,U=7,FMD5=abc,zz=1:2,Sqx,set")
	if err != nil {
		t.Fatal(err)
	}
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	setFlags(t, x, FlagChange{Add: Flagged, Remove: Seen}, 1)
	after, err := os.Stat(f.Path() + "/cur/1.a,U=7,FMD5=abc,zz=1:2,Fqx,set")
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("%q, %v", onDisk(t, f), err)
	}
}

// Rule 7: another folder, another base, without what held in the old one alone.
// Letters have the meaning of their folder.
func TestRule07FreshBase(t *testing.T) {
	in, other := account(t)
	os.WriteFile(in.Path()+"/dovecot-keywords", []byte("0 work\n1 home\n"), 0o600)
	os.WriteFile(other.Path()+"/dovecot-keywords", []byte("0 home\n"), 0o600)
	put(t, in, "cur/1700000000.M1P1.h,S=9,U=7,FMD5=abc:2,Sabx")
	x, y := mustOpen(t, in, Options{}), mustOpen(t, other, Options{})
	syncIndex(t, x)
	if _, err := x.MoveTo(t.Context(), y, []UID{1, 77}); err != nil {
		t.Fatal(err)
	}
	v := syncIndex(t, y)
	e := v.Entry(0)
	if strings.Contains(e.File, "U=") || strings.Contains(e.File, "FMD5") || !strings.Contains(e.File, ",S=9") ||
		!strings.HasPrefix(e.File, "1700000000.M") || strings.Contains(e.File, "M1P1") {
		t.Errorf("named %q", e.File)
	}
	if got := v.Keywords(0); !slices.Equal(got, []string{"home", "work"}) || e.Flags() != "Sab" {
		t.Errorf("keywords %q, letters %q", got, e.Flags())
	}
	if got := string(mustRead(t, other.Path()+"/dovecot-keywords")); got != "0 home\n1 work\n" {
		t.Errorf("dovecot-keywords %q", got)
	}
}

// Rule 9: messages leave new/ when asked to, and one that another took is no error.
func TestRule09TakeNew(t *testing.T) {
	f := newFolder(t)
	put(t, f, "new/1.a")
	put(t, f, "new/2.b:2,F")
	put(t, f, "new/3.c")
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	high := v.State().HighestModSeq
	if v.State().New != 3 {
		t.Errorf("Sync took them: %+v", v.State())
	}
	shift(t, f, "new/3.c", "cur/3.c:2,S")
	v, err := x.TakeNew(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantShow(t, "taken", v, "1 cur/1.a:2, []", "2 cur/2.b:2,F [F]", "3 cur/3.c:2,S [S]")
	if v.ModSeq(0) > high || v.ModSeq(1) > high {
		t.Error("a change of place is a change")
	}
	// The same if it was done after we have looked.
	put(t, f, "new/4.d")
	put(t, f, "new/5.e")
	syncIndex(t, x)
	shift(t, f, "new/4.d", "cur/4.d:2,")
	os.Remove(f.Path() + "/new/5.e")
	if _, err := x.takeBatch(t.Context()); err != nil {
		t.Error(err)
	}
	wantShow(t, "taken by another", syncIndex(t, x), "1 cur/1.a:2, []", "2 cur/2.b:2,F [F]", "3 cur/3.c:2,S [S]", "4 cur/4.d:2, []")
}

// Rule 10: info in new/, no info in cur/, other delimiters: read, and kept.
func TestRule10OddNames(t *testing.T) {
	f := newFolder(t)
	for _, name := range []string{"new/1.a:2,S", "cur/2.b", "cur/3.c;2,F", "cur/4.d!2,", "cur/5.e:1,x", "cur/6.f:2,F:2,S"} {
		put(t, f, name)
	}
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	wantShow(t, "read", v, "1 new/1.a:2,S [S]", "2 cur/2.b []", "3 cur/3.c;2,F [F]", "4 cur/4.d!2, []", "5 cur/5.e:1,x []", "6 cur/6.f:2,F:2,S [S]")
	setFlags(t, x, FlagChange{Add: Replied}, 1, 2, 3, 4, 5, 6)
	wantDisk(t, "written", f, "cur/1.a:2,RS", "cur/2.b:2,R", "cur/3.c;2,FR", "cur/4.d!2,R", "cur/5.e:1,x", "cur/6.f:2,F:2,RS")
}

// Rule 12: a file that is not where the index has it was renamed; only when it
// is nowhere the message is gone.
func TestRule12Open(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	read := func() error {
		r, e, err := x.OpenMessage(t.Context(), 1)
		if err != nil {
			return err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if string(b) != letterOf("1.a") {
			t.Errorf("%q says %q", e.File, b)
		}
		return err
	}
	shift(t, f, "cur/1.a:2,", "cur/1.a:2,S")
	if err := read(); err != nil {
		t.Error(err)
	}
	y := mustOpen(t, f, Options{}) // another process renames, and says so
	setFlags(t, y, FlagChange{Add: Flagged}, 1)
	if err := read(); err != nil {
		t.Error(err)
	}
	os.Remove(f.Path() + "/cur/1.a:2,FS")
	if err := read(); !errors.Is(err, maildir.ErrGone) {
		t.Errorf("removed: %v", err)
	}
}

// Rule 24: who reads a message when it is removed reads on.
func TestRule24OpenFile(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	r, _, err := x.OpenMessage(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if gone, err := x.Expunge(t.Context(), []UID{1}); err != nil || len(gone) != 1 {
		t.Fatal(gone, err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != letterOf("1.a") {
		t.Errorf("%q, %v", b, err)
	}
	if gone, err := x.Expunge(t.Context(), []UID{1}); err != nil || len(gone) != 0 {
		t.Errorf("again: %v, %v", gone, err)
	}
}

// Rule 13: no directories, sockets, pipes, hidden names or links out of the tree.
func TestRule13NoMail(t *testing.T) {
	f := newFolder(t)
	cur := f.Path() + "/cur/"
	os.Mkdir(cur+"1.dir", 0o700)
	syscall.Mkfifo(cur+"2.pipe", 0o600)
	os.WriteFile(cur+".3.hidden", nil, 0o600)
	os.Symlink("/etc/passwd", cur+"4.out")
	put(t, f, "cur/5.real:2,")
	os.Symlink("5.real:2,", cur+"6.in:2,S")
	os.Symlink("nowhere", cur+"7.nowhere")
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	wantShow(t, "seen", v, "1 cur/5.real:2, []", "2 cur/6.in:2,S [S]")
	if !v.HasDigest(1) {
		t.Error("a link within the tree was not read")
	}
}

// Rule 14: one base, two messages: one of them gets another base, and a UID goes
// on meaning the message that it meant.
func TestRule14Duplicates(t *testing.T) {
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprint("listening ", live), func(t *testing.T) {
			f := newFolder(t)
			put(t, f, "cur/1.a:2,")
			x := mustOpen(t, f, Options{})
			syncIndex(t, x)
			if live {
				listening(t, x)
			}
			old := time.Now().Add(-time.Hour)
			for i, name := range []string{"cur/1.a:2,F", "new/1.a"} { // the first is older, the second younger than what we know
				os.WriteFile(filepath.Join(f.Path(), name), []byte(letterOf(fmt.Sprint("other", i))), 0o600)
				if i == 0 {
					os.Chtimes(filepath.Join(f.Path(), name), old, old)
				}
				syncIndex(t, x)
				v := syncIndex(t, x)
				if v.Len() != 2+i || v.UID(0) != 1 {
					t.Fatalf("after %q:\n%s", name, show(v))
				}
				texts := []string{}
				for row := range v.Len() {
					texts = append(texts, subjectOf(mustRead(t, f.File(v.Entry(row)))))
				}
				if want := []string{"1.a", "other0", "other1"}[:2+i]; !slices.Equal(texts, want) {
					t.Errorf("UIDs mean %q, want %q\n%s", texts, want, show(v))
				}
			}
			// One file with two names is one message.
			e := x.View().Entry(1)
			os.Link(f.File(e), f.Path()+"/new/"+e.Base())
			if v := syncIndex(t, x); v.Len() != 3 {
				t.Errorf("after a link:\n%s", show(v))
			}
		})
	}
	t.Run("first sight", func(t *testing.T) {
		f := newFolder(t)
		put(t, f, "cur/1.a:2,")
		put(t, f, "cur/1.a:2,S")
		put(t, f, "cur/1.b:2,S")
		x := mustOpen(t, f, Options{})
		syncIndex(t, x)
		v := syncIndex(t, x)
		if files := onDisk(t, f); v.Len() != 3 || len(files) != 3 {
			t.Errorf("%q:\n%s", files, show(v))
		}
	})
}

// Rule 16: our files are plain files beside cur/, named pneu.*, for us alone.
func TestRule16OurFiles(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	if err := x.rescue(v); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if n := e.Name(); n == "cur" || n == "new" || n == "tmp" {
			continue
		}
		st, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), "pneu.") || !st.Mode().IsRegular() || st.Mode().Perm() != 0o600 {
			t.Errorf("%q with mode %v", e.Name(), st.Mode())
		}
	}
}

// Rule 22: sizes on the wire are those with CRLF, whatever the file has.
func TestRule22WireSize(t *testing.T) {
	f := newFolder(t)
	for i, text := range []string{"A: b\n\nx\ny\n", "A: b\r\n\r\nx\r\ny\r\n", "A: b\n\r\nx\ny\r\n", "A: b\n\nx"} {
		os.WriteFile(fmt.Sprintf("%s/cur/%d.a:2,", f.Path(), i), []byte(text), 0o600)
	}
	v := syncIndex(t, mustOpen(t, f, Options{}))
	for row, want := range []int64{14, 14, 14, 9} {
		if got := v.WireSize(row); got != want {
			t.Errorf("message %d: %d on the wire, want %d", row, got, want)
		}
	}
}

// Rule 23: a compressed message is read like another.
func TestRule23Compressed(t *testing.T) {
	f := newFolder(t)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, letterOf("zipped"))
	w.Close()
	os.WriteFile(fmt.Sprintf("%s/cur/1.a,S=%d:2,", f.Path(), len(letterOf("zipped"))), b.Bytes(), 0o600)
	v := syncIndex(t, mustOpen(t, f, Options{}))
	var heads []string
	v.HeadScan(func(_ int, rec []byte) bool { heads = append(heads, string(rec)); return true })
	if len(heads) != 1 || !strings.Contains(heads[0], "zipped") || v.Size(0) != int64(len(letterOf("zipped"))) {
		t.Errorf("%q, %d bytes", heads, v.Size(0))
	}
}

// Rule 27: times are compared for equality: a clock that was set back hides
// nothing.
func TestRule27ClockBack(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	future := time.Now().Add(48 * time.Hour)
	os.Chtimes(f.Path()+"/cur", future, future)
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	shift(t, f, "cur/1.a:2,", "cur/1.a:2,S")
	wantShow(t, "set back", syncIndex(t, x), "1 cur/1.a:2,S [S]")
	shift(t, f, "cur/1.a:2,S", "cur/1.a:2,F")
	past := time.Unix(1, 0)
	os.Chtimes(f.Path()+"/cur", past, past)
	wantShow(t, "to 1970", syncIndex(t, x), "1 cur/1.a:2,F [F]")
}

// Names that would break a text file, a terminal or a length are messages too.
func TestHostileNames(t *testing.T) {
	f := newFolder(t)
	long := "1700000000." + strings.Repeat("x", 255-len("1700000000.")-len(":2,"))
	names := []string{"1.a\nb:2,", "2.\xff\xfe:2,S", long + ":2,", "4.\x1b[31m\t:2,", "5.é,S=-3,W=x:2,", "99999999999999999999.M9P1:2,", "6.a%20:2,,:2,"}
	for _, n := range names {
		if err := os.WriteFile(f.Path()+"/cur/"+n, []byte(letterOf("x")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	if v.Len() != len(names) || v.State().Undigested != 0 {
		t.Fatalf("%d messages:\n%s", v.Len(), show(v))
	}
	row, ok := v.FindBase(long)
	if !ok {
		t.Fatal("the long one is missing")
	}
	r := setFlags(t, x, FlagChange{Add: Seen}, v.UID(row)) // its name has no room left
	if !r.View.Flags(row).Has(Seen) || r.View.Pending(row) {
		t.Errorf("pending %v:\n%s", r.View.Pending(row), show(r.View))
	}
	w := syncIndex(t, mustOpen(t, f, Options{}))
	if got, want := show(w), show(r.View); got != want {
		t.Errorf("opened anew:\n%swant:\n%s", got, want)
	}
}

// Files that grow, vanish or may not be read do not stop the others.
func TestBuildBadFiles(t *testing.T) {
	f := newFolder(t)
	const n = 3 * digestLimit
	for i := range n {
		put(t, f, fmt.Sprintf("cur/1%05d.a:2,", i))
	}
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	if v.State().Undigested != n {
		t.Fatalf("%d undigested", v.State().Undigested)
	}
	os.Remove(f.File(v.Entry(0)))
	shift(t, f, "cur/"+v.Entry(1).File, "cur/"+v.Entry(1).File+"S")
	os.Remove(f.File(v.Entry(2)))
	os.Mkdir(f.File(v.Entry(2)), 0o700)
	unreadable := 0
	if os.Getuid() != 0 {
		os.Chmod(f.File(v.Entry(3)), 0)
		unreadable = 1
	}
	os.WriteFile(f.File(v.Entry(4)), nil, 0o600)
	last := 0
	if err := x.Build(t.Context(), func(done, total int) { last = done }); err != nil {
		t.Fatal(err)
	}
	v = syncIndex(t, x)
	if s := v.State(); s.Total != n-2 || s.Undigested != unreadable || last == 0 {
		t.Errorf("last progress %d; %+v", last, s)
	}
}

func logged() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

// A Maildir that may not be written is read, and flags stay in memory.
func TestReadOnlyMaildir(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	for _, sub := range []string{"/cur", "/new", ""} {
		os.Chmod(f.Path()+sub, 0o500)
		defer os.Chmod(f.Path()+sub, 0o700)
	}
	log, said := logged()
	x := mustOpen(t, f, Options{Log: log})
	v := syncIndex(t, x)
	if v.Len() != 1 || x.Volatile() == nil || v.State().Sticky {
		t.Errorf("%d messages, volatile: %v", v.Len(), x.Volatile())
	}
	r := setFlags(t, x, FlagChange{Add: Seen}, 1)
	if !r.View.Flags(0).Has(Seen) {
		t.Error("the flag is not seen")
	}
	for range 3 {
		syncIndex(t, x)
	}
	if n := strings.Count(said.String(), "\n"); n > 3 {
		t.Errorf("it says %s", said)
	}
}

// Options.ReadOnly: what the directory says is seen, and nothing is written.
func TestSyncReadOnly(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	syncIndex(t, mustOpen(t, f, Options{}))
	put(t, f, "cur/2.b:2,")
	before := mustRead(t, f.Path()+"/"+logName)
	x := mustOpen(t, f, Options{ReadOnly: true})
	v, err := x.Sync(t.Context())
	if err != nil || v.Len() != 2 {
		t.Errorf("%d messages, %v", v.Len(), err)
	}
	if !bytes.Equal(mustRead(t, f.Path()+"/"+logName), before) {
		t.Error("written to")
	}
}

// Rule 11: what happens while a directory is read, and thereafter until the writers' lock is
// free, is heard.
func TestRule11Meanwhile(t *testing.T) {
	for _, live := range []bool{false, true} {
		f := newFolder(t)
		for _, name := range []string{"cur/1.a:2,", "cur/2.b:2,", "cur/3.c:2,", "new/4.d"} {
			put(t, f, name)
		}
		x, other := mustOpen(t, f, Options{}), mustOpen(t, f, Options{})
		syncIndex(t, x)
		if live {
			listening(t, x)
			x.sync.mu.Lock()
			x.sync.sure = false // so that it reads all the same
			x.sync.mu.Unlock()
		}
		put(t, f, "cur/5.e:2,")
		held := mustBegin(t, other)
		done := make(chan error)
		go func() {
			_, err := x.Sync(t.Context())
			done <- err
		}()
		// By then it has read; if it has not, it reads what is true, and nothing is tried.
		time.Sleep(50 * time.Millisecond)
		shift(t, f, "cur/1.a:2,", "cur/1.a:2,S")
		os.Remove(f.Path() + "/cur/2.b:2,")
		shift(t, f, "cur/3.c:2,", "new/3.c")
		shift(t, f, "new/4.d", "cur/4.d:2,F")
		put(t, f, "new/6.f")
		held.end()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if !f.Fine() {
			time.Sleep(2 * maildir.Tick)
		}
		wantShow(t, fmt.Sprint("listening ", live), syncIndex(t, x), "1 cur/1.a:2,S [S]", "3 new/3.c []", "4 cur/4.d:2,F [F]", "5 cur/5.e:2, []", "6 new/6.f []")
	}
}

// Rule 11, where there are no notices: what is less than two seconds old proves nothing gone.
func TestRule11Safe(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	put(t, f, "cur/2.b:2,")
	now := time.Now()
	x := mustOpen(t, f, Options{Safe: true, Now: func() time.Time { return now }})
	syncIndex(t, x)
	os.Remove(f.Path() + "/cur/1.a:2,")
	put(t, f, "new/3.c")
	wantShow(t, "at once", syncIndex(t, x), "1 cur/1.a:2, []", "2 cur/2.b:2, []", "3 new/3.c []")
	now = now.Add(safeAge + time.Second)
	v := syncIndex(t, x)
	wantShow(t, "settled", v, "2 cur/2.b:2, []", "3 new/3.c []")
	if w := syncIndex(t, x); w != v {
		t.Error("read again although settled")
	}
	if x.sync.live != nil {
		t.Error("listening")
	}
}
