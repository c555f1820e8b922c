package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"pneu/maildir"
)

// compacted fills an index and leaves some of it in the snapshot and some in the
// log.
func compacted(t *testing.T, n int) *maildir.Folder {
	t.Helper()
	f := newFolder(t)
	x := mustOpen(t, f, Options{})
	fill(t, x, n, benchNames["pneu"])
	x.mu.Lock()
	if err := x.compact(); err != nil {
		t.Fatal(err)
	}
	x.mu.Unlock()
	tx := mustBegin(t, x)
	for k := range n {
		if _, err := tx.add(Message{Entry: maildir.Entry{File: fmt.Sprintf("late.%d.h:2,F", k)}}); err != nil {
			t.Fatal(err)
		}
	}
	mustCommit(t, tx)
	tx.end()
	x.Close()
	return f
}

func TestDamage(t *testing.T) {
	t.Parallel()
	const n = 50
	overwrite := func(f *maildir.Folder, name string, at int64, with ...byte) {
		g, err := os.OpenFile(filepath.Join(f.Path(), name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if _, err := g.WriteAt(with, at); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		damage  func(f *maildir.Folder)
		rows    int
		lost    bool
		version bool // a new UIDVALIDITY is due
	}{
		{"log removed", func(f *maildir.Folder) { os.Remove(filepath.Join(f.Path(), logName)) }, n, false, false},
		{"log overwritten", func(f *maildir.Folder) { overwrite(f, logName, 0, make([]byte, 4096)...) }, n, false, false},
		{"record overwritten", func(f *maildir.Folder) { overwrite(f, logName, pageSize+100, 1, 2, 3) }, n, false, false},
		{"log cut", func(f *maildir.Folder) { os.Truncate(filepath.Join(f.Path(), logName), pageSize+7) }, n, false, false},
		{"log empty", func(f *maildir.Folder) { os.Truncate(filepath.Join(f.Path(), logName), 0) }, n, false, false},
		{"snapshot removed", func(f *maildir.Folder) { os.Remove(filepath.Join(f.Path(), idxName)) }, n, false, false},
		{"snapshot overwritten", func(f *maildir.Folder) { overwrite(f, idxName, 0, make([]byte, 4096)...) }, n, false, false},
		{"snapshot cut", func(f *maildir.Folder) { os.Truncate(filepath.Join(f.Path(), idxName), 5000) }, n, false, false},
		{"snapshot spoilt in the middle", func(f *maildir.Folder) { overwrite(f, idxName, pageSize+100, make([]byte, 64)...) }, n, false, false},
		{"both removed", func(f *maildir.Folder) {
			os.Remove(filepath.Join(f.Path(), logName))
			os.Remove(filepath.Join(f.Path(), idxName))
		}, 0, false, true},
		{"both overwritten", func(f *maildir.Folder) {
			overwrite(f, logName, 0, make([]byte, 4096)...)
			overwrite(f, idxName, 0, make([]byte, 4096)...)
		}, 0, true, true},
		{"cache removed", func(f *maildir.Folder) { os.Remove(filepath.Join(f.Path(), cacheName)) }, 2 * n, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := compacted(t, n)
			before := mustOpen(t, f, Options{ReadOnly: true}).View().State()
			tt.damage(f)
			x := mustOpen(t, f, Options{})
			err, lost := x.Damage()
			if lost != tt.lost || (err == nil) != (tt.rows == 2*n || tt.rows == 0 && !tt.lost) {
				t.Errorf("damage %v, lost %v", err, lost)
			}
			v := x.View()
			if v.Len() != tt.rows {
				t.Errorf("%d rows, want %d", v.Len(), tt.rows)
			}
			if st := v.State(); !tt.version && (st.UIDValidity != before.UIDValidity || st.UIDNext < before.UIDNext || st.HighestModSeq < before.HighestModSeq) {
				t.Errorf("%+v\nbefore %+v", st, before)
			} else if _, known := v.Vanished(before.HighestModSeq); err != nil && !tt.version && (known || len(v.Changed(before.HighestModSeq)) != v.Len()) {
				t.Error("what is lost is said to be unchanged")
			} else if err != nil && st.Dir != (DirState{}) {
				t.Error("directories are trusted after damage")
			}
			tx := mustBegin(t, x)
			if _, err := tx.add(Message{Entry: maildir.Entry{File: "after.1.h"}}); err != nil {
				t.Fatal(err)
			}
			v = mustCommit(t, tx)
			tx.end()
			y := mustOpen(t, f, Options{})
			if errs := y.check(); len(errs) > 0 || y.View().Len() != tt.rows+1 || y.View().UID(tt.rows) != v.UID(tt.rows) {
				t.Errorf("afterwards: %d rows, %v", y.View().Len(), errs)
			}
		})
	}
}

func TestNewerVersion(t *testing.T) {
	for _, name := range []string{logName, idxName} {
		f := compacted(t, 3)
		path := filepath.Join(f.Path(), name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		binary.LittleEndian.PutUint32(b[8:], version+1)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(f, Options{}); !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != string(b) {
			t.Errorf("%s was changed", name)
		}
	}
}

// fullFS has no room from some moment on.
type fullFS struct {
	disk
	full bool
}

type fullFile struct {
	file
	f *fullFS
}

func (f *fullFS) Open(path string, write bool) (file, error) {
	g, err := f.disk.Open(path, write)
	if err != nil {
		return nil, err
	}
	return fullFile{g, f}, nil
}

// Create works on a full disk, as it mostly does.
func (f *fullFS) Create(path string) (file, error) {
	g, err := f.disk.Create(path)
	if err != nil {
		return nil, err
	}
	return fullFile{g, f}, nil
}

func (g fullFile) WriteAt(p []byte, off int64) (int, error) {
	if g.f.full {
		return 0, unix.ENOSPC
	}
	return g.file.WriteAt(p, off)
}

func TestNoSpace(t *testing.T) {
	for _, late := range []bool{false, true} {
		f := newFolder(t)
		fsys := &fullFS{full: !late}
		x := mustOpen(t, f, Options{fs: fsys})
		for k := range 5 {
			fsys.full = !late || k >= 2
			tx := mustBegin(t, x)
			uid, err := tx.add(Message{Entry: maildir.Entry{File: fmt.Sprintf("%d.%d.h", k, k)}, Digest: []byte{byte(k)}, Head: []byte("head")})
			if err != nil {
				// The digest had no room; the message has.
				if uid, err = tx.add(Message{Entry: maildir.Entry{File: fmt.Sprintf("%d.%d.h", k, k)}}); err != nil {
					t.Fatal(err)
				}
			}
			v := mustCommit(t, tx)
			tx.end()
			if v.Len() != k+1 || v.UID(k) != uid || v.State().Sticky == fsys.full {
				t.Errorf("late %v: %d rows, %+v", late, v.Len(), v.State())
			}
		}
		if !errors.Is(x.Volatile(), unix.ENOSPC) {
			t.Errorf("late %v: %v", late, x.Volatile())
		}
		x.Close()
		if left, _ := filepath.Glob(filepath.Join(f.Path(), "*"+tmpSuffix)); len(left) > 0 {
			t.Errorf("late %v: on a full disk there is left %q", late, left)
		}
		fsys.full = false
		y := mustOpen(t, f, Options{})
		if want := 2; late && y.View().Len() != want || !late && y.View().Len() != 0 {
			t.Errorf("late %v: %d rows on disk", late, y.View().Len())
		}
	}
}

func TestReadOnly(t *testing.T) {
	f := newFolder(t)
	x := mustOpen(t, f, Options{ReadOnly: true})
	if _, err := x.begin(context.Background()); !errors.Is(err, ErrReadOnly) {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(f.Path(), logName)); !errors.Is(err, os.ErrNotExist) {
		t.Error("reading made a file")
	}
}

func TestBusy(t *testing.T) {
	f := newFolder(t)
	x, y := mustOpen(t, f, Options{}), mustOpen(t, f, Options{})
	tx := mustBegin(t, x)
	for _, z := range []*Index{x, y} {
		if _, err := z.tryBegin(); !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := y.begin(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	tx.end()
	if tx, err := y.tryBegin(); err != nil {
		t.Error(err)
	} else {
		tx.end()
	}
}

// TestTwoMachines, each started at another time, take turns without
// jumps in the UIDs: told by options, or by a file in the tree.
func TestTwoMachines(t *testing.T) {
	t.Run("options", func(t *testing.T) { twoMachines(t, newFolder(t), true) })
	t.Run("pneu.safe", func(t *testing.T) {
		f := newFolder(t)
		if err := os.WriteFile(filepath.Join(f.Path(), "pneu.safe"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		twoMachines(t, f, false)
	})
}

func twoMachines(t *testing.T, f *maildir.Folder, safe bool) {
	a, b := mustOpen(t, f, Options{Safe: safe, boot: 1000}), mustOpen(t, f, Options{Safe: safe, boot: 2000})
	for n := range 6 {
		x := a
		if n%2 == 1 {
			x = b
		}
		tx := mustBegin(t, x)
		if n == 3 {
			x.mu.Lock()
			if err := x.compact(); err != nil {
				t.Fatal(err)
			}
			x.mu.Unlock()
			tx.end()
			tx = mustBegin(t, x)
		}
		uid, err := tx.add(Message{Entry: maildir.Entry{File: fmt.Sprintf("%d.1.h", n)}})
		if err != nil || uid != UID(n+1) {
			t.Fatal(uid, err)
		}
		mustCommit(t, tx)
		tx.end()
	}
	if _, err := os.Stat(filepath.Join(f.Path(), lockName)); err != nil {
		t.Error(err)
	}
	if st, err := ReadState(f.Path()); err != nil || st.Total != 6 {
		t.Error(st, err)
	}
}

// TestCutUnderUs: a foreign program cuts the snapshot short while it is mapped.
// What reads much at once does not fall: who would copy it goes on with what is left.
func TestCutUnderUs(t *testing.T) {
	f := compacted(t, 3000)
	x := mustOpen(t, f, Options{})
	if err := os.Truncate(filepath.Join(f.Path(), idxName), pageSize); err != nil {
		t.Fatal(err)
	}
	if err := x.Compact(t.Context()); err != nil {
		t.Errorf("compact: %v", err)
	}
	if err, _ := x.Damage(); !errors.Is(err, ErrDamaged) {
		t.Errorf("damage: %v", err)
	}
	if errs := x.Check(); len(errs) == 0 {
		t.Error("check found nothing")
	}
}

// TestSeveral has two indexes of one folder, as two processes would, with a
// writer and readers each.
func TestSeveral(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	const rounds = 40
	var wg sync.WaitGroup
	done := make(chan struct{})
	var readers sync.WaitGroup
	for p := range 2 {
		x := mustOpen(t, f, Options{})
		wg.Go(func() {
			for n := range rounds {
				tx, err := x.begin(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				uid, err := tx.add(Message{Entry: maildir.Entry{File: fmt.Sprintf("%d.%d.h:2,", p, n)}, Digest: fmt.Appendf(nil, "digest of %d.%d.h", p, n), Head: []byte("h")})
				if err != nil {
					t.Error(err)
				}
				tx.flags([]UID{uid, uid / 2, uid / 3}, Seen, 0, []string{"k"}, nil, true)
				if n%10 == 9 {
					tx.expunge([]UID{uid / 4})
				}
				if _, err := tx.commit(); err != nil {
					t.Error(err)
				}
				tx.end()
				if n%20 == 19 {
					tx, err := x.begin(context.Background())
					if err != nil {
						t.Error(err)
						return
					}
					x.mu.Lock()
					if err := x.compact(); err != nil {
						t.Error(err)
					}
					x.mu.Unlock()
					tx.end()
				}
			}
		})
		for range 2 {
			readers.Go(func() {
				last := uint64(0)
				for {
					v, err := x.Refresh()
					if err != nil {
						t.Error(err)
						return
					}
					if m := v.State().HighestModSeq; m < last {
						t.Errorf("MODSEQ %d after %d", m, last)
					} else {
						last = m
					}
					unseen := 0
					for row := range v.Len() {
						if v.Flags(row)&Seen == 0 {
							unseen++
						}
						if b := string(v.Blob(row)); b != "digest of "+v.Base(row) {
							t.Errorf("digest %q of %q", b, v.Base(row))
						}
					}
					if unseen != v.State().Unseen {
						t.Errorf("%d unseen, counted %d", unseen, v.State().Unseen)
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
	}
	wg.Wait()
	close(done)
	readers.Wait()
	x := mustOpen(t, f, Options{})
	if errs := x.check(); len(errs) > 0 {
		t.Error(errs)
	}
	if next := x.View().State().UIDNext; next != 2*rounds+1 {
		t.Errorf("UIDNEXT %d after %d messages", next, 2*rounds)
	}
}

// forbidden is a file system on which another user's index lies.
type forbidden struct{ disk }

func (forbidden) Open(path string, write bool) (file, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
}

// An index that may not be read is not damaged, and is left as it is.
func TestForbidden(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,S")
	x := mustOpen(t, f, Options{})
	syncIndex(t, x)
	x.Close()
	log, said := logged()
	x = mustOpen(t, f, Options{fs: forbidden{}, Log: log})
	if v := syncIndex(t, x); v.Len() != 1 || v.State().Sticky {
		t.Errorf("%d messages, sticky %v", v.Len(), v.State().Sticky)
	}
	if err, lost := x.Damage(); err != nil || lost || x.Volatile() == nil {
		t.Errorf("damage %v, lost %v, volatile %v", err, lost, x.Volatile())
	}
	if strings.Contains(said.String(), "damaged") || strings.Contains(said.String(), "was lost") {
		t.Error(said)
	}
}

// Without pneu.idx nobody knows which flags were set before the log began: what is
// in the names stays there.
func TestFlagsSurviveLostSnapshot(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/1.a:2,S")
	put(t, f, "cur/2.b:2,ST")
	put(t, f, "cur/3.c,S=9:2,RS")
	x := mustOpen(t, f, Options{})
	v := syncIndex(t, x)
	x.keepRescue(v)
	if err := x.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	setFlags(t, x, FlagChange{AddKeywords: []string{"work"}}, 1)
	setFlags(t, x, FlagChange{Add: Flagged}, 2)
	setFlags(t, x, FlagChange{Remove: Replied}, 3)
	setFlags(t, x, FlagChange{Add: Draft}, 3)
	x.Close()
	if err := os.Remove(filepath.Join(f.Path(), idxName)); err != nil {
		t.Fatal(err)
	}
	x = mustOpen(t, f, Options{})
	syncIndex(t, x)
	if err := x.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantDisk(t, "in the end", f, "cur/1.a:2,Sa", "cur/2.b:2,FST", "cur/3.c,S=9:2,DS")
	v = syncIndex(t, x)
	wantShow(t, "in the end", v, "1 cur/1.a:2,Sa [S work]", "2 cur/2.b:2,FST [FST]", "3 cur/3.c,S=9:2,DS [DS]")
	x.Close()
	if errs := mustOpen(t, f, Options{}).check(); len(errs) > 0 {
		t.Error(errs)
	}
}

// What is wrong is said in one line, be it mended or gone without.
func TestDamageIsSaidOnce(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"cut":  func(path string) error { return os.Truncate(path, 9) },
		"dir":  func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"link": func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/dev/null", path)) },
	} {
		for _, file := range []string{logName, idxName} {
			f := compacted(t, 3)
			if err := damage(filepath.Join(f.Path(), file)); err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			x := mustOpen(t, f, Options{Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))})
			syncIndex(t, x)
			n := strings.Count(said.String(), "\n")
			if mended := x.Volatile() == nil; mended && n != 1 || !mended && n != 0 {
				t.Errorf("%s %s: volatile %v and said:\n%s", name, file, x.Volatile(), said.String())
			}
		}
	}
}

// Files of digests that could not be made do not take the last room there is.
func TestNoSpaceForDigests(t *testing.T) {
	f := newFolder(t)
	fsys := &fullFS{}
	x := mustOpen(t, f, Options{fs: fsys})
	tx := mustBegin(t, x)
	if _, err := tx.add(Message{Entry: maildir.Entry{File: "1.1.h"}}); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, tx)
	fsys.full = true
	if _, err := tx.add(Message{Entry: maildir.Entry{File: "2.2.h"}, Digest: []byte("d"), Head: []byte("h")}); !errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
	tx.end()
	if left, _ := filepath.Glob(filepath.Join(f.Path(), "*"+tmpSuffix)); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}
