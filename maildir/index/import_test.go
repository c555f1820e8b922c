package index

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
)

func TestReadUIDs(t *testing.T) {
	guid := "98de6b36148c016b2145000083ecc375"
	tests := []struct {
		name, text string
		want       string // "validity next skipped: uid name ..."
		err        error
	}{
		{"version 3", "3 V17 N9 G" + guid + "\n1 :a,S=14\n4 W24 S20 P0007 Gabc :b:2,F\n", "17 9 0: 1 a,S=14; 4 b:2,F 20 24 0007", nil},
		{"version 1", "1 17 9\n1 a\n4 b:2,S\n", "17 9 0: 1 a; 4 b:2,S", nil},
		{"rows past the header's next", "3 V17 N1\n1 :a\n7 :b\n", "17 8 0: 1 a; 7 b", nil},
		{"unknown fields", "3 V17 Xy N3 Zoo\n1 Q1 x :a\n", "17 3 0: 1 a", nil},
		{"a colon in a name", "3 V17 N3\n1 ::a:b\n", "17 3 0: 1 :a:b", nil},
		{"a blank in a name", "3 V17 N3\n1 :a b\n", "17 3 0: 1 a b", nil},
		{"cut off in a name", "3 V17 N3\n1 :a\n2 :bcd", "17 3 0: 1 a", nil},
		{"out of order", "3 V17 N3\n5 :a\n2 :b\n6 :c\nrubbish\n7\n8 W1\n9 :.x\n10 :a/b\n", "17 7 6: 5 a; 6 c", nil},
		{"UID too large", "3 V17 N3\n4294967295 :a\n4294967296 :b\n0 :c\n", "17 3 3:", nil},
		{"a line too long", "3 V17 N3\n1 :" + strings.Repeat("x", 200<<10) + "\n2 :b\n", "17 3 1: 2 b", nil},
		{"empty", "", "", errUIDList},
		{"version 2", "2 V17 N3\n", "", errUIDList},
		{"no UIDVALIDITY", "3 N3\n1 :a\n", "", errUIDList},
		{"UIDVALIDITY no number", "3 Vx N3\n1 :a\n", "", errUIDList},
		{"header cut off", "3 V17 N", "", errUIDList},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := readUIDs(strings.NewReader(tt.text), false)
			if !errors.Is(err, tt.err) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			var rows []string
			for _, r := range l.rows {
				s := fmt.Sprintf(" %d %s", r.uid, r.name)
				if r.size >= 0 {
					s += fmt.Sprintf(" %d %d %s", r.size, r.wire, r.uidl)
				}
				rows = append(rows, s)
			}
			if got := fmt.Sprintf("%d %d %d:%s", l.validity, l.next, l.skipped, strings.Join(rows, ";")); got != tt.want {
				t.Errorf("read %q, want %q", got, tt.want)
			}
		})
	}
}

// Damage in our own list takes rows away, or all of it, and makes no other rows. Programs from
// before there were checksums read it as ever, and what they wrote is read.
func TestUIDSums(t *testing.T) {
	l := &uidList{validity: 1700000000, next: 1 << 20, guid: [16]byte{1, 2}, modseq: 1 << 40, rows: []uidRow{
		{uid: 3, name: "1.a", size: 12, wire: 13},
		{uid: 11, name: "2.b :C", size: -1, wire: -1, keywords: []string{"x", "y"}},
		{uid: 12, name: "3.c,S=9", size: -1, wire: 10, uidl: "u", order: 7},
	}}
	var b bytes.Buffer
	if err := l.write(&b, true, rowsIn(l)); err != nil {
		t.Fatal(err)
	}
	text := b.Bytes()
	truth := func(l *uidList) map[string]bool {
		all := map[string]bool{}
		for _, r := range l.rows {
			all[fmt.Sprintf("%+v", r)] = true
		}
		return all
	}
	want, head := truth(l), fmt.Sprint(l.validity, l.next, l.guid, l.modseq)
	old := regexp.MustCompile(` C[0-9a-f]{8}`).ReplaceAll(text, nil)
	for what, read := range map[string]func() (*uidList, error){
		"new":                  func() (*uidList, error) { return readUIDs(bytes.NewReader(text), true) },
		"new by older program": func() (*uidList, error) { return readUIDs(bytes.NewReader(text), false) },
		"old":                  func() (*uidList, error) { return readUIDs(bytes.NewReader(old), true) },
	} {
		got, err := read()
		if err != nil || got.skipped > 0 || !maps.Equal(truth(got), want) || fmt.Sprint(got.validity, got.next, got.guid, got.modseq) != head {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	for at := range text {
		for _, change := range []byte{1, 2, 16, 64} {
			bad := slices.Clone(text)
			bad[at] ^= change
			got, err := readUIDs(bytes.NewReader(bad), true)
			if err != nil {
				continue
			}
			if fmt.Sprint(got.validity, got.next, got.guid, got.modseq) != head || got.skipped == 0 && at < len(bad)-1 {
				t.Errorf("%q: %+v", bad, got)
			}
			for r := range truth(got) {
				if !want[r] {
					t.Errorf("%q: row %s", bad, r)
				}
			}
			if len(got.rows) < len(l.rows)-2 {
				t.Errorf("%q: %d rows are left", bad, len(got.rows))
			}
		}
	}
}

func rowsIn(l *uidList) iter.Seq[*uidRow] {
	return func(yield func(*uidRow) bool) {
		for i := range l.rows {
			if !yield(&l.rows[i]) {
				return
			}
		}
	}
}

func FuzzReadUIDs(f *testing.F) { // what is read can be written, and read again alike
	f.Add([]byte("3 V17 N9 G98de6b36148c016b2145000083ecc375 M7\n1 :a,S=14\n4 W24 S20 P7 D9 Kx%y O3 :b:2,F\n"))
	f.Add([]byte("1 17 9\n1 a\n4 b:2,S\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := readUIDs(bytes.NewReader(text), false)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := l.write(&b, true, rowsIn(l)); err != nil {
			t.Fatal(err)
		}
		again, err := readUIDs(&b, true)
		if err != nil {
			t.Fatalf("%v: %q", err, b.Bytes())
		}
		if again.validity != l.validity || again.next != l.next || again.guid != l.guid || again.modseq != l.modseq || len(again.rows) != len(l.rows) {
			t.Errorf("%+v is read again as %+v", l, again)
		}
		for i := range l.rows {
			if a, b := l.rows[i], again.rows[i]; a.uid != b.uid || a.name != b.name || a.size != b.size || a.wire != b.wire || !a.saved.Equal(b.saved) {
				t.Errorf("row %+v is read again as %+v", a, b)
			}
		}
	})
}

// Rule 18: UIDs, UIDVALIDITY, keywords and UIDLs of another server are kept.
func TestRule18Import(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		validity         uint32
		next             UID
	}{
		{"dovecot-uidlist 3", "dovecot-uidlist", "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n" +
			"7 :1700000003.c,S=9\n25 W30 Pu-25 O4 :1700000001.a\n99 :gone\n25006 Gabc :1700000004.d:2,S\n", 1275660208, 25022},
		{"dovecot-uidlist 1", "dovecot-uidlist", "1 1275660208 25022\n7 1700000003.c,S=9\n25 1700000001.a\n25006 1700000004.d:2,F\n", 1275660208, 25022},
		{"courierimapuiddb", "courierimapuiddb", "1 1275660208 25022\n7 1700000003.c,S=9\n25 1700000001.a\n25006 1700000004.d\n", 1275660208, 25022},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t)
			put(t, f, "cur/1700000001.a:2,Sb")
			put(t, f, "new/1700000002.b")
			put(t, f, "cur/1700000003.c,S=9,U=7:2,") // mbsync came after
			put(t, f, "cur/1700000004.d:2,F")
			os.WriteFile(f.Path()+"/"+tt.file, []byte(tt.text), 0o600)
			os.WriteFile(f.Path()+"/dovecot-keywords", []byte("0 x\n1 work\n"), 0o600)
			x := mustOpen(t, f, Options{})
			v := syncIndex(t, x)
			wantShow(t, "imported", v, "7 cur/1700000003.c,S=9,U=7:2, []", "25 cur/1700000001.a:2,Sb [S work]",
				"25006 cur/1700000004.d:2,F [F]", "25022 new/1700000002.b []")
			if s := v.State(); s.UIDValidity != tt.validity || s.UIDNext != tt.next+1 {
				t.Errorf("state %+v", s)
			}
			if strings.Contains(tt.text, "Pu-25") {
				if uidl, ok := v.UIDL(1); !ok || uidl != "u-25" {
					t.Errorf("UIDL %q, %v", uidl, ok)
				}
			}
			// Once: what the file says later is another server's affair.
			os.WriteFile(f.Path()+"/"+tt.file, []byte("3 V1 N2\n1 :1700000001.a\n"), 0o600)
			put(t, f, "new/1700000009.z")
			if v = syncIndex(t, x); v.State().UIDValidity != tt.validity || v.UID(4) != tt.next+1 {
				t.Errorf("later:\n%s", show(v))
			}
		})
	}
}

// Rule 19: UIDVALIDITY changes only if nothing is left to go by, and then upwards.
func TestRule19UIDValidity(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	put(t, f, "cur/2.b:2,")
	now := time.Unix(1700000000, 0)
	opt := Options{Now: func() time.Time { return now }}
	x := mustOpen(t, f, opt)
	v := syncIndex(t, x)
	if got := v.State().UIDValidity; got != 1700000000 {
		t.Errorf("UIDVALIDITY %d", got)
	}
	if _, err := x.Expunge(t.Context(), []UID{1}); err != nil {
		t.Fatal(err)
	}
	setFlags(t, x, FlagChange{AddKeywords: []string{"work"}}, 2)
	if err := x.rescue(x.View()); err != nil {
		t.Fatal(err)
	}
	if x.rescueDue(x.View()) {
		t.Error("the rescue copy is due again")
	}
	high := x.View().State()
	x.Close()
	lose := func() {
		for _, name := range []string{logName, idxName, cacheName, headName} {
			os.Remove(f.Path() + "/" + name)
		}
	}
	lose()
	now = now.Add(time.Hour)
	put(t, f, "new/3.c")
	x = mustOpen(t, f, opt)
	v = syncIndex(t, x)
	if s := v.State(); s.UIDValidity != high.UIDValidity || v.UID(0) != 2 || v.UID(1) < high.UIDNext || s.HighestModSeq < high.HighestModSeq {
		t.Errorf("with the rescue copy: %+v\n%s", s, show(v))
	}
	if got := v.Keywords(0); !slices.Equal(got, []string{"work"}) {
		t.Errorf("keywords %q", got)
	}
	x.Close()
	lose()
	os.Remove(f.Path() + "/" + rescueFile)
	x = mustOpen(t, f, opt)
	if s := syncIndex(t, x).State(); s.UIDValidity <= high.UIDValidity || s.UIDNext != 3 {
		t.Errorf("with nothing left: %+v", s)
	}
}

// Rule 18: the way back. Nothing is written while Dovecot has the folder.
func TestRule18Export(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	os.WriteFile(f.Path()+"/dovecot-uidlist", []byte("3 V17 N9 G98de6b36148c016b2145000083ecc375\n3 Pu-3 :1.a\n"), 0o640)
	put(t, f, "cur/1.a:2,")
	put(t, f, "new/2.b,S=20,W=30")
	put(t, f, "new/3\n.c")
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	still(x)
	x.sync.mu.Lock()
	setFlags(t, x, FlagChange{Add: Seen, AddKeywords: []string{"work"}}, 3)
	x.sync.mu.Unlock()
	host, _ := os.Hostname()
	lock := f.Path() + "/dovecot-uidlist.lock"
	os.WriteFile(lock, fmt.Appendf(nil, "%d:%s", os.Getppid(), host), 0o600)
	old := mustRead(t, f.Path()+"/dovecot-uidlist")
	if err := x.ExportDovecot(t.Context()); !errors.Is(err, maildir.ErrServed) || !bytes.Equal(mustRead(t, f.Path()+"/dovecot-uidlist"), old) {
		t.Errorf("with Dovecot at work: %v", err)
	}
	os.Remove(lock)
	if err := x.ExportDovecot(t.Context()); err != nil {
		t.Fatal(err)
	}
	size := v.Size(0)
	want := fmt.Sprintf("3 V17 N%d G98de6b36148c016b2145000083ecc375\n3 S%d W%d Pu-3 :1.a\n10 :2.b,S=20,W=30\n", v.State().UIDNext, size, v.WireSize(0))
	if got := string(mustRead(t, f.Path()+"/dovecot-uidlist")); got != want {
		t.Errorf("dovecot-uidlist %q, want %q", got, want)
	}
	if got := string(mustRead(t, f.Path()+"/dovecot-keywords")); got != "0 work\n" {
		t.Errorf("dovecot-keywords %q", got)
	}
	if st, err := os.Stat(f.Path() + "/dovecot-uidlist"); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	wantDisk(t, "names", f, "cur/1.a:2,Sa", "new/2.b,S=20,W=30", "new/3\n.c")
	if _, err := os.Stat(lock); err == nil {
		t.Error("lock left behind")
	}
}

// What Dovecot has given out and removed again is not given again.
func TestRule18NextUID(t *testing.T) {
	for _, list := range []string{"3 V17 N90\n3 :1.a\n", "1 17 90\n3 1.a\n"} {
		for _, more := range []bool{false, true} {
			f := newFolder(t)
			os.WriteFile(f.Path()+"/dovecot-uidlist", []byte(list), 0o600)
			put(t, f, "cur/1.a:2,")
			if more {
				put(t, f, "cur/2.b:2,")
			}
			v := syncIndex(t, mustOpen(t, f, Options{}))
			want := UID(90)
			if more {
				want++
			}
			if v.UID(0) != 3 || v.State().UIDNext != want || more && v.UID(1) != 90 {
				t.Errorf("%q, more %v: next UID %d\n%s", list, more, v.State().UIDNext, show(v))
			}
		}
	}
}

// Keywords that no name says are lost to Dovecot: that is not passed over in silence.
func TestRule18ExportKeywords(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	put(t, f, "cur/2.b:2,")
	log, said := logged()
	x := mustOpen(t, f, Options{Log: log})
	syncIndex(t, x)
	for i := range 28 {
		setFlags(t, x, FlagChange{AddKeywords: []string{fmt.Sprintf("k%02d", i)}}, UID(1+i%2))
	}
	if err := x.ExportDovecot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "[k26 k27]") {
		t.Errorf("said %q", said)
	}
	if got := string(mustRead(t, f.Path()+"/dovecot-keywords")); !strings.HasSuffix(got, "25 k25\n") {
		t.Errorf("dovecot-keywords %q", got)
	}
}

// Rule 19: the log tells why there is a new UIDVALIDITY.
func TestRule19Said(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,")
	log, said := logged()
	now := time.Unix(1700000000, 0)
	opt := Options{Log: log, Now: func() time.Time { return now }}
	x := mustOpen(t, f, opt)
	was := syncIndex(t, x).State().UIDValidity
	x.Close()
	os.Remove(f.Path() + "/" + rescueFile)
	if err := os.WriteFile(f.Path()+"/"+logName, make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	v := syncIndex(t, mustOpen(t, f, opt))
	if got := v.State().UIDValidity; got <= was || v.Len() != 1 {
		t.Errorf("UIDVALIDITY %d after %d, %d messages", got, was, v.Len())
	}
	if !strings.Contains(said.String(), "no list of UIDs is left") {
		t.Errorf("said %q", said)
	}
}

// Rule 18: of several lists ours counts: Dovecot's goes its own way after the import.
func TestRule18Order(t *testing.T) {
	f := newFolder(t)
	os.WriteFile(f.Path()+"/dovecot-uidlist", []byte("3 V17 N90\n3 :1.a\n"), 0o600)
	put(t, f, "cur/1.a:2,")
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	put(t, f, "cur/2.b:2,")
	v := syncIndex(t, x)
	if err := x.rescue(v); err != nil {
		t.Fatal(err)
	}
	x.Close()
	os.Remove(f.Path() + "/" + rescueFile)
	x = mustOpen(t, f, Options{})
	if err := x.rescue(x.View()); err != nil {
		t.Fatal(err)
	}
	x.Close()
	os.WriteFile(f.Path()+"/dovecot-uidlist", []byte("3 V17 N99\n3 :1.a\n98 :2.b\n"), 0o600)
	for _, name := range []string{logName, idxName, cacheName, headName} {
		os.Remove(f.Path() + "/" + name)
	}
	if w := syncIndex(t, mustOpen(t, f, Options{})); w.UID(1) != v.UID(1) || w.State().UIDValidity != 17 {
		t.Errorf("numbered anew:\n%s", show(w))
	}
}
