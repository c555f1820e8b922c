package maildir

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseName(t *testing.T) {
	tests := []struct {
		name, file string
		want       Name
		flags      Flags
		err        error
	}{
		{"new message", "1700000000.M1P2.host", Name{"1700000000.M1P2.host", 0, ""}, "", nil},
		{"flags", "1.M1P2.host:2,FS", Name{"1.M1P2.host", ':', "2,FS"}, "FS", nil},
		{"rule 4: the last :2, ends the base", "1.x:2,S:2,F", Name{"1.x:2,S", ':', "2,F"}, "F", nil},
		{"rule 5: letters sorted, each once", "1.x:2,SFSa", Name{"1.x", ':', "2,SFSa"}, "FSa", nil},
		{"rule 5: a further set", "1.x:2,S,zz", Name{"1.x", ':', "2,S,zz"}, "S", nil},
		{"rule 10: semicolon", "1.x;2,S", Name{"1.x", ';', "2,S"}, "S", nil},
		{"rule 10: exclamation mark", "1.x!2,S", Name{"1.x", '!', "2,S"}, "S", nil},
		{"rule 10: no info in cur", "odd", Name{"odd", 0, ""}, "", nil},
		{"experimental info", "1.x:1,FS", Name{"1.x", ':', "1,FS"}, "", nil},
		{"a colon alone", "1.x:", Name{"1.x:", 0, ""}, "", nil},
		{"newline and bytes", "1.\n\xff:2,S", Name{"1.\n\xff", ':', "2,S"}, "S", nil},
		{"empty", "", Name{}, "", ErrName},
		{"rule 13: dot", ".nfs0001", Name{}, "", ErrName},
		{"dot dot", "..", Name{}, "", ErrName},
		{"slash", "a/../../b", Name{}, "", ErrName},
		{"nul", "a\x00b", Name{}, "", ErrName},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := ParseName(tt.file)
			if n != tt.want || !errors.Is(err, tt.err) {
				t.Fatalf("ParseName(%q) = %#v, %v; want %#v, %v", tt.file, n, err, tt.want, tt.err)
			}
			if got := ParseFlags(tt.file); got != tt.flags {
				t.Errorf("flags %q, want %q", got, tt.flags)
			}
		})
	}
}

// Rules 5, 8, 10: what is not understood in a name stays.
func TestRule05WithFlags(t *testing.T) {
	tests := []struct {
		name, file  string
		add, remove Flags
		want        string
		err         error
	}{
		{"first flag", "1.x", "S", "", "1.x:2,S", nil},
		{"sorted", "1.x:2,S", "RF", "", "1.x:2,FRS", nil},
		{"rule 5: unknown letters stay", "1.x:2,QSac", "F", "S", "1.x:2,FQac", nil},
		{"rule 5: the further set stays", "1.x:2,S,k=v", "F", "", "1.x:2,FS,k=v", nil},
		{"rule 8: fields of the base stay", "1.x,U=7,FMD5=ab,S=3:2,", "S", "", "1.x,U=7,FMD5=ab,S=3:2,S", nil},
		{"rule 10: delimiter written back", "1.x;2,", "S", "", "1.x;2,S", nil},
		{"nothing changes, nothing is sorted", "1.x:2,SF", "S", "", "1.x:2,SF", nil},
		{"bytes that are no flags stay", "1.x:2,\xffS", "F", "", "1.x:2,FS\xff", nil},
		{"experimental info is left alone", "1.x:1,a", "S", "", "", ErrInfo},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := ParseName(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			n, err = n.WithFlags(n.Flags().Change(tt.add, tt.remove))
			if !errors.Is(err, tt.err) || err == nil && n.String() != tt.want {
				t.Errorf("got %q, %v; want %q, %v", n, err, tt.want, tt.err)
			}
		})
	}
}

func TestEntry(t *testing.T) {
	e := Entry{File: "1700000000.M250P1.host,S=42,W=50:2,FS"}
	if got := e.Base(); got != "1700000000.M250P1.host,S=42,W=50" {
		t.Errorf("base %q", got)
	}
	if want := time.Unix(1700000000, 250000); !e.Time().Equal(want) {
		t.Errorf("time %v, want %v", e.Time(), want)
	}
	if n, ok := e.Size(); n != 42 || !ok || e.Unread() {
		t.Errorf("size %d %v, unread %v", n, ok, e.Unread())
	}
	for _, odd := range []string{"x", "99999999999999999999.x", "-1.x,S=-4", "1700000000", "0.M.x,S=", "1.x,S=9999999999999999999"} {
		e := Entry{File: odd}
		if n, ok := e.Size(); ok {
			t.Errorf("%q states the size %d", odd, n)
		}
		if odd != "1.x,S=9999999999999999999" && !e.Time().IsZero() {
			t.Errorf("%q states the time %v", odd, e.Time())
		}
	}
}

// Rule 3: the form of names we make.
func TestRule03FreshNames(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		n := freshUnique(time.Time{})
		if seen[n] || len(n) > 150 || strings.ContainsAny(n, "/:,\n") || n[0] == '.' {
			t.Fatalf("bad or repeated name %q", n)
		}
		seen[n] = true
	}
	for host, want := range map[string]string{"mx.example.org": "mx.example.org", "a/b:c": `a\057b\072c`,
		"a,b c": `a\054b\040c`, ".x": `\056x`, "e\n": `e\012`} {
		if got := escapeHost(host); got != want {
			t.Errorf("escapeHost(%q) = %q, want %q", host, got, want)
		}
	}
	if n := len(escapeHost(strings.Repeat("/", 300))); n > 64 {
		t.Errorf("host of %d bytes", n)
	}
}

func FuzzName(f *testing.F) { // what we parse we can write, and flags we set are the flags we read
	f.Add("1700000000.M1P2.host:2,FS", "aT", "S")
	f.Add("x;2,\xff,U=3:2,S", "F", "")
	f.Fuzz(func(t *testing.T, file, add, remove string) {
		n, err := ParseName(file)
		if err != nil {
			return
		}
		if n.String() != file {
			t.Fatalf("%q rewritten as %q", file, n)
		}
		want := n.Flags().Change(MakeFlags(add), MakeFlags(remove))
		m, err := n.WithFlags(want)
		if err != nil {
			if n.Sep == 0 || strings.HasPrefix(n.Info, "2,") {
				t.Fatalf("%q: %v", file, err)
			}
			return
		}
		again, err := ParseName(m.String())
		if err != nil || again.Flags() != want || again.Base != n.Base {
			t.Fatalf("%q with %q: %q, which reads %q %q, %v", file, want, m, again.Base, again.Flags(), err)
		}
		e := Entry{File: file}
		if e.Time().Before(time.Time{}) {
			t.Fatalf("%q arrived %v", file, e.Time())
		}
		e.Size()
		if fresh := Fresh(e); fresh.Flags() != n.Flags() || strings.Contains(fresh.Base(), ",U=") {
			t.Fatalf("%q moves as %q", file, fresh.File)
		}
	})
}

func FuzzUTF7(f *testing.F) { // every valid name survives the disk, and what is not ours stands for itself
	f.Add("Entwürfe & Co")
	f.Add("&AOk-t&AOk-")
	f.Fuzz(func(t *testing.T, s string) {
		if text, ok := decodeUTF7(s); ok && encodeUTF7(text) != s {
			t.Errorf("decodeUTF7(%q) = %q, which encodes otherwise", s, text)
		}
		if _, err := cleanName(s); err != nil {
			return
		}
		if got, ok := decodeUTF7(encodeUTF7(s)); !ok || got != s {
			t.Errorf("%q came back as %q, %v", s, got, ok)
		}
	})
}

func TestUTF7(t *testing.T) {
	for text, disk := range map[string]string{ // RFC 3501, 5.1.3, and what Dovecot writes
		"~peter/mail/台北/日本語": "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "R&D": "R&-D", "Entwürfe": "Entw&APw-rfe", "😀": "&2D3eAA-"} {
		if got := encodeUTF7(text); got != disk {
			t.Errorf("encode %q = %q, want %q", text, got, disk)
		}
		if got, ok := decodeUTF7(disk); got != text || !ok {
			t.Errorf("decode %q = %q %v, want %q", disk, got, ok, text)
		}
	}
	for _, odd := range []string{"R&D", "&AA", "&!-", "&AGE-", "&APw-&AOk-", "&-&AP-", "&2D0-"} {
		if got, ok := decodeUTF7(odd); ok {
			t.Errorf("decode %q = %q: not the one form", odd, got)
		}
	}
}

// Rule 10: offlineimap and Dovecot write info parts in new/.
func TestRule10InfoInNew(t *testing.T) {
	f := newInbox(t)
	put(t, f, "new/1.a:2,FS", "x")
	list, err := f.List()
	if err != nil || len(list) != 1 || !list[0].New || list[0].Flags() != "FS" || list[0].Unread() {
		t.Fatalf("%v, %v", list, err)
	}
	if e, err := f.SetFlags(list[0], "R", "F"); err != nil || e != (Entry{File: "1.a:2,RS"}) {
		t.Errorf("%v, %v", e, err)
	}
}
