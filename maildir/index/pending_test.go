package index

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pneu/maildir"
)

func setFlags(t testing.TB, x *Index, c FlagChange, uids ...UID) FlagResult {
	t.Helper()
	r, err := x.SetFlags(context.Background(), uids, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantDisk(t testing.TB, what string, f *maildir.Folder, want ...string) {
	t.Helper()
	if got := onDisk(t, f); !slices.Equal(got, want) {
		t.Errorf("%s: files %q, want %q", what, got, want)
	}
}

// still stops the background of x: names stay as they are.
func still(x *Index) { x.flagger.stop() }

func TestSetFlags(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,q")
	put(t, f, "new/2.b")
	put(t, f, "cur/3.c:1,exp")
	put(t, f, "cur/4.d;2,F,set")
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	r := setFlags(t, x, FlagChange{Add: Seen | Trashed}, 1, 2, 3, 4, 99)
	wantShow(t, "set", r.View, "1 cur/1.a:2,STq [ST]", "2 cur/2.b:2,ST [ST]", "3 cur/3.c:1,exp [ST]", "4 cur/4.d;2,FST,set [FST]")
	wantDisk(t, "set", f, "cur/1.a:2,STq", "cur/2.b:2,ST", "cur/3.c:1,exp", "cur/4.d;2,FST,set")
	if s := r.View.State(); s.Deleted != 4 || s.Unseen != 0 || s.HighestModSeq <= v.State().HighestModSeq {
		t.Errorf("state %+v", s)
	}
	if w := syncIndex(t, x); f.Fine() && w != r.View {
		t.Error("our own renames made the directory unknown")
	}
	high := r.View.State().HighestModSeq
	r = setFlags(t, x, FlagChange{Remove: Trashed}, 2)
	r = setFlags(t, x, FlagChange{Add: Flagged, Conditional: true, UnchangedSince: high}, 1, 2, 3)
	if !slices.Equal(r.Modified, []UID{2}) || r.View.Flags(1).Has(Flagged) || !r.View.Flags(0).Has(Flagged) {
		t.Errorf("conditional: %v\n%s", r.Modified, show(r.View))
	}
	r = setFlags(t, x, FlagChange{Replace: true, Add: Replied, AddKeywords: []string{"work"}}, 1)
	r = setFlags(t, x, FlagChange{Replace: true, Add: Draft}, 1)
	wantShow(t, "replaced", r.View, "1 cur/1.a:2,Dq [D]", "2 cur/2.b:2,S [S]", "3 cur/3.c:1,exp [FST]", "4 cur/4.d;2,FST,set [FST]")
	if _, err := x.SetFlags(context.Background(), []UID{1}, FlagChange{AddKeywords: []string{"two words"}}); !errors.Is(err, maildir.ErrName) {
		t.Errorf("a keyword with a blank: %v", err)
	}
	// All of it is in the journal.
	y := mustOpen(t, f, Options{})
	if got, want := show(y.View()), show(x.View()); got != want {
		t.Errorf("opened anew:\n%swant:\n%s", got, want)
	}
}

// A process that ends before the names are written leaves that to the next.
func TestPendingResumed(t *testing.T) {
	f := newFolder(t)
	for i := range 10 {
		put(t, f, fmt.Sprintf("cur/1%03d.a:2,", i))
	}
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	still(x)
	x.sync.mu.Lock() // nor may SetFlags
	r := setFlags(t, x, FlagChange{Add: Seen}, v.AllUIDs(nil)...)
	x.sync.mu.Unlock()
	if n := r.View.State().Pending; n != 10 || !r.View.Pending(0) || r.View.DiskFlags(0) != 0 {
		t.Fatalf("%d pending", n)
	}
	x.Close()
	y := mustOpen(t, f, Options{})
	if err := y.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	v = syncIndex(t, y)
	for i, name := range onDisk(t, f) {
		if want := fmt.Sprintf("cur/1%03d.a:2,S", i); name != want {
			t.Errorf("file %q, want %q", name, want)
		}
	}
	if s := v.State(); s.Pending != 0 || s.Unseen != 0 {
		t.Errorf("state %+v", s)
	}
}

// What another program changes in a name while ours is pending is merged flag by
// flag: what it toggled is as it says, the rest as we say.
func TestPendingMerge(t *testing.T) {
	tests := []struct {
		name, was     string
		add, remove   Flags
		foreign, want string
	}{
		{"nothing foreign", "F", Seen, 0, "F", "FS"},
		{"another flag set", "", Seen, 0, "R", "RS"},
		{"another flag cleared", "FR", Seen, 0, "R", "RS"},
		{"the same flag set", "", Seen, 0, "S", "S"},
		{"the same flag cleared", "FS", 0, Seen, "F", "F"},
		{"both ways", "FS", Replied, Seen, "FST", "FRT"},
		{"an unknown letter", "", Seen, 0, "q", "Sq"},
		{"an unknown letter gone", "Fq", Seen, 0, "F", "FS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t)
			put(t, f, "cur/1.a:2,"+tt.was)
			x := mustOpen(t, f, Options{})
			syncIndex(t, x)
			still(x)
			x.sync.mu.Lock()
			setFlags(t, x, FlagChange{Add: tt.add, Remove: tt.remove}, 1)
			x.sync.mu.Unlock()
			if tt.foreign != tt.was {
				shift(t, f, "cur/1.a:2,"+tt.was, "cur/1.a:2,"+tt.foreign)
			}
			v := syncIndex(t, x)
			if got := v.Flags(0); got != FlagsOf(maildir.Flags(tt.want)) {
				t.Errorf("merged to %q, want %q", got.Maildir(), tt.want)
			}
			if err := x.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			wantDisk(t, "written", f, "cur/1.a:2,"+tt.want)
			if v := syncIndex(t, x); v.Pending(0) || v.UID(0) != 1 || v.State().UIDNext != 2 {
				t.Errorf("in the end:\n%s", show(v))
			}
		})
	}
}

func TestStrictFlags(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	for i := range writeBatch + 50 {
		if err := os.WriteFile(fmt.Sprintf("%s/cur/1%05d.a:2,", f.Path(), i), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := mustOpen(t, f, Options{StrictFlags: true})
	v := syncIndex(t, x)
	r := setFlags(t, x, FlagChange{Add: Seen}, v.AllUIDs(nil)...)
	if n := r.View.State().Pending; n != 0 {
		t.Errorf("%d pending", n)
	}
	for _, name := range onDisk(t, f) {
		if !strings.HasSuffix(name, ":2,S") {
			t.Fatalf("file %q", name)
		}
	}
	if w := syncIndex(t, x); f.Fine() && w.State().Dir != r.View.State().Dir {
		t.Error("our own renames made the directory unknown")
	}
}

// Rule 6: letters are those of dovecot-keywords; keywords beyond 26 are in the
// journal; P is $Forwarded.
func TestRule06Keywords(t *testing.T) {
	f := newFolder(t)
	os.WriteFile(f.Path()+"/dovecot-keywords", []byte("0 $Forwarded\n1 work\n3 home\nrubbish\n1 again\n99 x\n"), 0o640)
	os.Chmod(f.Path()+"/dovecot-keywords", 0o660) // more than an umask leaves
	put(t, f, "cur/1.a:2,abce")
	put(t, f, "cur/2.b:2,P")
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	if v.Flags(0) != Passed || !v.HasKeyword(0, "work") || v.Flags(1) != Passed {
		t.Errorf("read:\n%s", show(v))
	}
	// c and e stand in names and mean something to someone; f is the first free one.
	set := func(c FlagChange, uid UID) FlagResult {
		t.Helper()
		r := setFlags(t, x, c, uid)
		// The P that is yet to be written may be in the background's hands.
		if err := x.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.View = x.View()
		return r
	}
	r := set(FlagChange{AddKeywords: []string{"NEW", "Work"}, Remove: Passed}, 1)
	wantShow(t, "set", r.View, "1 cur/1.a:2,bcef [ NEW work]", "2 cur/2.b:2,P [P]")
	b, _ := os.ReadFile(f.Path() + "/dovecot-keywords")
	if string(b) != "0 $Forwarded\n1 work\n3 home\n5 NEW\n" {
		t.Errorf("dovecot-keywords is now %q", b)
	}
	if st, err := os.Stat(f.Path() + "/dovecot-keywords"); err != nil || st.Mode().Perm() != 0o660 {
		t.Errorf("its mode %v, %v", st.Mode(), err)
	}
	r = set(FlagChange{AddKeywords: []string{"$forwarded", "home"}}, 1)
	wantShow(t, "forwarded", r.View, "1 cur/1.a:2,Pabcdef [P NEW home work]", "2 cur/2.b:2,P [P]")
	// More than there are letters.
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("k%02d", i))
	}
	r = set(FlagChange{AddKeywords: many}, 2)
	if got := r.View.Keywords(1); len(got) != 40 || r.View.Pending(1) {
		t.Errorf("%d keywords, pending %v", len(got), r.View.Pending(1))
	}
	letters := r.View.Entry(1).Flags()
	if len(letters) != 1+1+20 { // P, $Forwarded's letter, and those not given or taken before
		t.Errorf("letters %q", letters)
	}
	y := mustOpen(t, f, Options{})
	if got := y.View().Keywords(1); len(got) != 40 {
		t.Errorf("%d keywords when opened anew", len(got))
	}
	// Another program takes a keyword away, and gives a letter a meaning.
	e := y.View().Entry(0)
	shift(t, f, "cur/"+e.File, "cur/1.a:2,Pacdef")
	v = syncIndex(t, y)
	if got := v.Keywords(0); !slices.Equal(got, []string{"NEW", "home"}) {
		t.Errorf("after another took work away: %q", got)
	}
	text := "2 theirs\n" + string(mustRead(t, f.Path()+"/dovecot-keywords"))
	os.WriteFile(f.Path()+"/dovecot-keywords", []byte(text), 0o640)
	put(t, f, "new/9.z")
	v = syncIndex(t, y)
	if got := v.Keywords(0); !slices.Equal(got, []string{"NEW", "home", "theirs"}) {
		t.Errorf("after c got a meaning: %q", got)
	}
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Rule 6: dovecot-keywords is changed under Dovecot's lock only; without it the
// journal has the keyword.
func TestRule06KeywordLock(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	host, _ := os.Hostname()
	lock := f.Path() + "/dovecot-uidlist.lock"
	os.WriteFile(lock, fmt.Appendf(nil, "%d:%s", os.Getppid(), host), 0o600)
	if _, err := giveLetters(f, []string{"work"}, 0); !errors.Is(err, maildir.ErrServed) {
		t.Errorf("with Dovecot at work: %v", err)
	}
	if _, err := os.Stat(f.Path() + "/dovecot-keywords"); err == nil {
		t.Error("written all the same")
	}
	os.Remove(lock)
	if l, err := giveLetters(f, []string{"work"}, 1); err != nil || l[1] != "work" {
		t.Errorf("%q, %v", l, err)
	}
	if _, err := os.Stat(lock); err == nil {
		t.Error("lock left behind")
	}
}

func FuzzKeywordLetters(f *testing.F) { // what is read can be written, and read again alike
	f.Add([]byte("0 $Forwarded\n25 x y\n1 \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := parseKeywordLetters(b)
		if again := parseKeywordLetters(l.bytes()); again != l {
			t.Errorf("%q is read again as %q", l, again)
		}
	})
}
