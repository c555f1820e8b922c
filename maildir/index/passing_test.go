package index

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A crowdedFS cannot open files of one name, as in a process that has too many open.
type crowdedFS struct {
	disk
	name string
}

func (c *crowdedFS) Open(path string, write bool) (file, error) {
	if filepath.Base(path) == c.name {
		return nil, unix.EMFILE
	}
	return c.disk.Open(path, write)
}

// Too many open files are no damage: the index and its UIDs are as they were, and so are the
// digests.
func TestTooManyOpenFiles(t *testing.T) {
	for _, name := range []string{"pneu.log", "pneu.idx", "pneu.cache", "pneu.head"} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			f := newFolder(t)
			put(t, f, "cur/1.1.h:2,")
			x := mustOpen(t, f, Options{})
			if _, err := x.Sync(ctx); err != nil {
				t.Fatal(err)
			}
			x.mu.Lock()
			err := x.compact() // makes pneu.idx
			x.mu.Unlock()
			if err != nil {
				t.Fatal(err)
			}
			was, pair := x.View().State(), x.core.slot.cacheID
			x.Close()

			crowd := &crowdedFS{name: name}
			x, err = Open(f, Options{fs: crowd})
			if base := name[len("pneu."):]; base == "log" || base == "idx" {
				if !errors.Is(err, unix.EMFILE) {
					t.Errorf("open: %v", err)
				}
			} else if err != nil {
				t.Fatal(err)
			} else {
				put(t, f, "cur/2.2.h:2,")
				if _, err := x.Sync(ctx); err != nil && !errors.Is(err, unix.EMFILE) {
					t.Errorf("sync: %v", err)
				}
				crowd.name = ""
			}
			if x != nil {
				x.Close()
			}

			y := mustOpen(t, f, Options{})
			v, err := y.Sync(ctx)
			if err != nil {
				t.Fatal(err)
			}
			now := v.State()
			if now.GUID != was.GUID || now.UIDValidity != was.UIDValidity || y.core.slot.cacheID != pair || !v.HasDigest(0) || v.UID(0) != 1 {
				t.Errorf("%+v, then %+v", was, now)
			}
			y.Close()
		})
	}
}
