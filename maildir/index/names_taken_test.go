package index

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// Whatever bears a name of ours, the messages are there.
func TestNamesTaken(t *testing.T) {
	for _, name := range []string{"pneu.log", "pneu.idx", "pneu.cache", "pneu.head", "pneu.uids", "pneu.log.tmp", "pneu.cache.tmp", "pneu.lock"} {
		for _, made := range []bool{false, true} {
			f := newFolder(t)
			put(t, f, "cur/1.1.h:2,")
			if made { // an index was there before
				x := mustOpen(t, f, Options{})
				if err := x.Build(context.Background(), nil); err != nil {
					t.Fatal(err)
				}
				x.Close()
				put(t, f, "cur/2.2.h:2,")
			}
			path := filepath.Join(f.Path(), name)
			os.Remove(path)
			if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
				t.Fatal(err)
			}
			x := mustOpen(t, f, Options{})
			v, err := x.Sync(context.Background())
			want := 1
			if made {
				want = 2
			}
			if err != nil || v.Len() != want {
				t.Errorf("%s is a directory, made %v: %v, want %d messages", name, made, err, want)
			}
			if err := x.Build(context.Background(), nil); err == nil && x.Volatile() == nil {
				if v, err = x.Sync(context.Background()); err != nil || !v.HasDigest(0) {
					t.Errorf("%s is a directory, made %v: %v, nothing is known of the message", name, made, err)
				}
			} else if name != "pneu.cache" && name != "pneu.head" && name != "pneu.cache.tmp" && err != nil {
				t.Errorf("%s is a directory, made %v: build: %v", name, made, err)
			}
			x.Close()
			if _, err := os.Stat(path + "/full"); err != nil {
				t.Error(err)
			}
		}
	}
}

// A disk that fills up hides no message that came since.
func TestSyncWithoutRoom(t *testing.T) {
	for _, cache := range []bool{false, true} { // whether pneu.cache is there, and has room
		f := newFolder(t)
		put(t, f, "cur/1.1.h:2,")
		fsys := &fullFS{}
		x := mustOpen(t, f, Options{fs: fsys})
		if _, err := x.Sync(context.Background()); err != nil {
			t.Fatal(err)
		}
		if !cache {
			os.Remove(filepath.Join(f.Path(), "pneu.cache"))
		}
		fsys.full = true
		put(t, f, "cur/2.2.h:2,")
		if v, err := x.Sync(context.Background()); err != nil || v.Len() != 2 {
			t.Errorf("cache %v: %v", cache, err)
		}
		x.Close()
	}
}
