package index

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/message"
)

// A file is read as it is, however large, and nothing else than a file is.
func TestReadFile(t *testing.T) {
	f := newFolder(t)
	x, err := Open(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	dirs := openDirsOf(f)
	defer dirs.close()
	room := newRoom(digest.MaxRaw)
	path := func(name string) string { return filepath.Join(f.Path(), "cur", name) }
	const head = "Subject: s\r\n\r\n"
	for i, size := range []int{0, 1, 64<<10 - 1, 64 << 10, keptBuffer - 1, keptBuffer, largeUnit, 3*largeUnit + 1, digest.MaxRaw + 1} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			text := strings.Repeat(head+"line\n", size/18+1)[:size]
			e := maildir.Entry{File: fmt.Sprintf("17000000%02d.M1P1.host:2,", i)}
			if err := os.WriteFile(path(e.File), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			old := time.Now().Add(-time.Hour)
			for _, young := range []bool{true, false} {
				for _, r := range []fileReader{{f: f, dirs: dirs, room: room}, {f: f}} {
					if size > digest.MaxRaw && (young || r.room == nil) {
						continue // once will do
					}
					c, err := r.read(x, e)
					if err != nil {
						t.Fatal(err)
					}
					if want := text[:min(size, digest.MaxRaw)]; string(c.raw) != want || c.size != int64(size) || c.cut != (size > digest.MaxRaw) || (c.seen.at != 0) != young {
						t.Errorf("%d bytes of %d, cut %v, young %v", len(c.raw), c.size, c.cut, c.seen.at != 0)
					}
					d := detailOf(c)
					if bare := strings.Count(text, "\n") - strings.Count(text, "\r\n"); d.Size != int64(size) || d.WireSize != int64(size+bare) {
						t.Errorf("sizes %d and %d of %d and %d", d.Size, d.WireSize, size, size+bare)
					}
					r.done()
				}
				if err := os.Chtimes(path(e.File), old, old); err != nil {
					t.Fatal(err)
				}
			}
			if len(room.units) != cap(room.units) {
				t.Error("room was not given back")
			}
		})
	}
	odd := []struct {
		name string
		make func(path string) error
		want error
	}{
		{"pipe", func(p string) error { return syscall.Mkfifo(p, 0o600) }, maildir.ErrNotMail},
		{"directory", func(p string) error { return os.Mkdir(p, 0o700) }, maildir.ErrNotMail},
		{"link out of the tree", func(p string) error { return os.Symlink("/etc/passwd", p) }, maildir.ErrNotMail},
		{"nothing", func(string) error { return nil }, os.ErrNotExist},
	}
	for i, tt := range odd {
		e := maildir.Entry{File: fmt.Sprintf("18000000%02d.M1P1.host:2,", i)}
		if err := tt.make(path(e.File)); err != nil {
			t.Fatal(err)
		}
		r := fileReader{f: f, dirs: dirs, room: room}
		if _, err := r.read(x, e); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "../new/x", "cur"} {
		r := fileReader{f: f, dirs: dirs, room: room}
		if _, err := r.read(x, maildir.Entry{File: name}); err == nil {
			t.Errorf("%q was read", name)
		}
	}
}

// Rule 23: what Dovecot has compressed is the same message, however large.
func TestRule23ReadCompressed(t *testing.T) {
	f := newFolder(t)
	x, err := Open(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	room := newRoom(digest.MaxRaw)
	for i, size := range []int{0, 100, keptBuffer - 1, keptBuffer, keptBuffer + 1, digest.MaxRaw + 7} {
		text := strings.Repeat("Subject: s\r\n\r\nline\n", size/18+1)[:size]
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		z.Write([]byte(text))
		z.Close()
		e := maildir.Entry{File: fmt.Sprintf("17000000%02d.M1P1.host:2,", i)}
		for _, cut := range []int{0, 5} {
			if err := os.WriteFile(filepath.Join(f.Path(), "cur", e.File), b.Bytes()[:b.Len()-cut], 0o600); err != nil {
				t.Fatal(err)
			}
			r := fileReader{f: f, room: room}
			c, err := r.read(x, e)
			if err != nil {
				t.Fatal(err)
			}
			want := text
			if cut > 0 { // it is damaged
				want = string(b.Bytes()[:b.Len()-cut])
			}
			bare := strings.Count(want, "\n") - strings.Count(want, "\r\n")
			d := detailOf(c)
			if string(c.raw) != want[:min(len(want), digest.MaxRaw)] || d.Size != int64(len(want)) || d.WireSize != int64(len(want)+bare) || c.cut != (len(want) > digest.MaxRaw) {
				t.Errorf("%d bytes less %d packed: %d bytes, sizes %d and %d, cut %v; want %d and %d", size, cut, len(c.raw), d.Size, d.WireSize, c.cut, len(want), len(want)+bare)
			}
			r.done()
		}
	}
	if !room.unpacking.TryLock() {
		t.Error("room for unpacking was not given back")
	}
}

// What is handed to others while it is built is what is in the files, each once.
func TestBuildWith(t *testing.T) {
	f := newFolder(t)
	const n = 300
	for i := range n {
		name := filepath.Join(f.Path(), "cur", fmt.Sprintf("1700000%03d.M1P1.host:2,S", i))
		if err := os.WriteFile(name, []byte(fmt.Sprintf("Subject: s%d\n\ntext\n", i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x, err := Open(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if _, err := x.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 2*n)
	with := func(uid UID, m *message.Message) { got <- fmt.Sprint(uid, " ", m.Header(0).Text("Subject")) }
	check := func(step string) {
		t.Helper()
		seen := map[string]int{}
		for len(got) > 0 {
			seen[<-got]++
		}
		for i := range n {
			if s := fmt.Sprintf("%d s%d", i+1, i); seen[s] != 1 {
				t.Fatalf("%s: %q was handed on %d times", step, s, seen[s])
			}
		}
	}
	if err := x.BuildWith(t.Context(), nil, with); err != nil {
		t.Fatal(err)
	}
	check("built")
	v := x.View()
	if v.State().Undigested != 0 {
		t.Errorf("%d are left", v.State().Undigested)
	}
	uids := append(v.AllUIDs(nil), 9999) // one that is not there
	err = x.ReadMessages(t.Context(), v, uids, func(uid UID, m *message.Message, err error) {
		if err != nil {
			t.Error(uid, err)
			return
		}
		with(uid, m)
	})
	if err != nil {
		t.Fatal(err)
	}
	check("read")
}
