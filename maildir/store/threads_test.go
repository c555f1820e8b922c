package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pneu/maildir/thread"
)

// Threads are the same made anew, loaded, and loaded and brought up to date; and whatever is
// wrong with the file.
func TestThreadsAreKept(t *testing.T) {
	w := newWorld(t, 200)
	var log bytes.Buffer
	path := filepath.Join(w.folder("INBOX").Path(), threadsFile)
	tree := func(opt Options) []thread.Spot {
		t.Helper()
		opt.Log = slog.New(slog.NewTextHandler(&log, nil))
		s := w.open(opt)
		s.keepThreads = 10
		b, v := w.box(s, "INBOX")
		tree, err := v.Threads(ctx, thread.Newest)
		if err != nil {
			t.Fatal(err)
		}
		if b.trees.mapped != nil && opt.NoIndex {
			t.Error("loaded threads without an index")
		}
		s.Close()
		return tree.Spots
	}
	same := func(what string) {
		t.Helper()
		want := tree(Options{NoIndex: true})
		if got := tree(Options{}); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", what, got, want)
		}
		if got := tree(Options{ReadOnly: true}); !slices.Equal(got, want) {
			t.Errorf("%s, reading only:\n got %v\nwant %v", what, got, want)
		}
	}
	same("made")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	same("loaded")
	w.put("INBOX")
	list, _ := w.folder("INBOX").List()
	os.Remove(w.folder("INBOX").File(list[20]))
	same("brought up to date")
	for range 30 {
		w.put("INBOX")
	}
	before, _ := os.Stat(path)
	same("much came")
	if after, _ := os.Stat(path); os.SameFile(before, after) {
		t.Error("not saved")
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(good); i += len(good) / 40 {
		bad := slices.Clone(good)
		for k := range bad[i:min(len(bad), i+40)] {
			bad[i+k] ^= 0x15
		}
		if i > len(good)/2 {
			bad = good[:i]
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		same("damaged")
	}
}

// A file of threads that has a good checksum and says what cannot be is not believed.
func TestThreadsThatCannotBe(t *testing.T) {
	w := newWorld(t, 120)
	path := filepath.Join(w.folder("INBOX").Path(), threadsFile)
	tree := func(opt Options) []thread.Node {
		t.Helper()
		s := w.open(opt)
		s.keepThreads = 10
		_, v := w.box(s, "INBOX")
		x, err := v.Facts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		return thread.Join([]*thread.Facts{x}, thread.Options{}).Nodes()
	}
	want := tree(Options{})
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	mark := int(binary.NativeEndian.Uint32(good[12:]))
	at := 24 + 8*20 + (mark+7)&^7
	for column := range 7 { // up to references
		n := int(binary.NativeEndian.Uint64(good[24+8*column:]))
		if column >= 4 { // boxes, where references begin, and these
			bad := slices.Clone(good)
			copy(bad[at+n/2&^3:], []byte{0xff, 0xff, 0xff, 0x7f})
			sum := crc32.Checksum(bad[12:], crc32.MakeTable(crc32.Castagnoli))
			sum = crc32.Checksum(binary.NativeEndian.AppendUint32(nil, sum), crc32.MakeTable(crc32.Castagnoli))
			binary.NativeEndian.PutUint32(bad[8:], sum)
			for _, opt := range []Options{{ReadOnly: true}, {}} {
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				if got := tree(opt); !slices.Equal(got, want) {
					t.Errorf("array %d, reading only %v: other threads", column+1, opt.ReadOnly)
				}
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now[24+8*20:at+n], good[24+8*20:at+n]) {
				t.Errorf("array %d: the file was not made anew: %v", column+1, err)
			}
		}
		at += (n + n/64 + 256 + 7) &^ 7
	}
}

// A file that is cut off while it is read costs what it said, and not the process.
func TestThreadsCutOffMeanwhile(t *testing.T) {
	w := newWorld(t, 120)
	s := w.open(Options{})
	s.keepThreads = 10
	_, v := w.box(s, "INBOX")
	if _, err := v.Threads(ctx, thread.Newest); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.folder("INBOX").Path(), threadsFile)
	var trees trees
	for _, size := range []int64{8192, 0} {
		b, err := mapFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		if err := trees.take(b, v.mark()); !errors.Is(err, errTrees) || trees.f != nil || trees.mapped != nil {
			t.Errorf("cut to %d: %v", size, err)
		}
	}
}
