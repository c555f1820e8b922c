package fulltext

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// textOf is the text of a message, the same in all processes.
func textOf(uid uint32) []byte {
	text := randomText(rand.New(rand.NewPCG(uint64(uid), 11)))
	for i, c := range text {
		if c == end {
			text[i] = '?'
		}
	}
	return text
}

// breaker is a disk that fails at its nth change. It fails every change from
// there on until it is mended.
type breaker struct {
	disk
	mu      sync.Mutex
	left    int  // changes until it breaks
	mended  bool // nothing fails any more
	broken  bool
	partial bool // a write that fails has written half
	// unsynced is by name what power loss takes away: everything from an offset on.
	unsynced map[string]int64
}

var errBroken = syscall.ENOSPC

func (b *breaker) change() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mended {
		return nil
	}
	if b.left--; b.left < 0 {
		b.broken = true
		return errBroken
	}
	return nil
}

func (b *breaker) Create(path string) (file, error) {
	if err := b.change(); err != nil {
		return nil, &os.PathError{Op: "create", Path: path, Err: err}
	}
	f, err := b.disk.Create(path)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unsynced[path] = 0
	return &brokenFile{f, b, path}, nil
}

func (b *breaker) Open(path string) (file, error) {
	if err := b.change(); err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f, err := b.disk.Open(path)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.unsynced[path]; !ok {
		b.unsynced[path] = 0
	}
	return &brokenFile{f, b, path}, nil
}

func (b *breaker) Rename(from, to string) error {
	if err := b.change(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unsynced[to] = b.unsynced[from]
	delete(b.unsynced, from)
	return b.disk.Rename(from, to)
}

func (b *breaker) Remove(path string) error {
	if err := b.change(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.unsynced, path)
	return b.disk.Remove(path)
}

func (b *breaker) SyncDir(string) error { return b.change() }

// powerLoss makes what was not synced zeros, or cuts it off.
func (b *breaker) powerLoss(t *testing.T, cut bool) {
	for path, from := range b.unsynced {
		st, err := os.Stat(path)
		if err != nil || st.Size() <= from {
			continue
		}
		if cut {
			err = os.Truncate(path, from+(st.Size()-from)/2)
		} else {
			var f *os.File
			if f, err = os.OpenFile(path, os.O_WRONLY, 0); err == nil {
				_, err = f.WriteAt(make([]byte, st.Size()-from), from)
				err = errors.Join(err, f.Close())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

type brokenFile struct {
	file
	b    *breaker
	path string
}

func (f *brokenFile) Write(p []byte) (int, error) {
	if err := f.b.change(); err != nil {
		n := 0
		if f.b.partial {
			n, _ = f.file.Write(p[:len(p)/2])
		}
		return n, err
	}
	return f.file.Write(p)
}

func (f *brokenFile) Truncate(size int64) error {
	if err := f.b.change(); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

func (f *brokenFile) Sync() error {
	if err := f.b.change(); err != nil {
		return err
	}
	st, err := f.file.Stat()
	if err != nil {
		return err
	}
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	f.b.unsynced[f.path] = st.Size()
	return nil
}

// work is one of everything.
func work(x *Index) error {
	ctx := context.Background()
	b, err := x.Builder(ctx)
	if err != nil {
		return err
	}
	for uid := range uint32(30) {
		if err := b.Add(uid+1, textOf(uid+1)); err != nil {
			return errors.Join(err, b.Close())
		}
	}
	if err := b.Close(); err != nil {
		return err
	}
	for uid := range uint32(10) {
		if _, err := x.Append(uid+31, textOf(uid+31)); err != nil {
			return err
		}
		if uid == 6 {
			if err := x.Fold(ctx, nil); err != nil {
				return err
			}
		}
	}
	return x.Merge(ctx, func(uid uint32) bool { return uid%10 != 0 })
}

// checkSome compares what v says with the texts it should have, whichever of
// them it covers, and returns their number.
func checkSome(t *testing.T, v *View, needles int) int {
	t.Helper()
	texts := map[uint32][]byte{}
	for _, r := range v.Covered() {
		for uid := r.First; uid <= r.Last; uid++ {
			texts[uid] = textOf(uid)
		}
	}
	if len(texts) == 0 {
		return 0
	}
	checkCovered(t, v, texts)
	r := rand.New(rand.NewPCG(uint64(len(texts)), 3))
	for range needles {
		checkFind(t, v, texts, randomNeedle(r, texts))
	}
	return len(texts)
}

func TestEveryChangeFails(t *testing.T) {
	opt := Options{Identity: "folder 1", Memory: 60 << 10, Tail: 2 << 10, Workers: 1}
	for first, how := range []string{"no space", "died", "died in a write", "power lost", "power lost, files cut"} {
		t.Run(how, func(t *testing.T) {
			step := 5 // every change fails in one of the ways
			if raceEnabled {
				step = 20
			}
			for n := first; ; n += step {
				dir := t.TempDir()
				b := &breaker{left: n, unsynced: map[string]int64{}, partial: how != "died"}
				x, err := open(dir, opt, b)
				if err != nil {
					t.Fatal(err)
				}
				err = work(x)
				if !b.broken {
					if err != nil {
						t.Fatal(err)
					}
					if n < 40 {
						t.Fatalf("only %d changes", n)
					}
					return
				}
				checkSome(t, x.View(), 2)
				switch how {
				case "no space":
					b.mended = true
				case "power lost":
					b.powerLoss(t, false)
				case "power lost, files cut":
					b.powerLoss(t, true)
				}
				y := x
				if how != "no space" {
					if y, err = open(dir, opt, &breaker{mended: true, unsynced: map[string]int64{}}); err != nil {
						t.Fatal(err)
					}
				}
				checkSome(t, y.View(), 2)
				if err := work(y); err != nil {
					t.Fatalf("change %d failed; then %v", n, err)
				}
				if got := checkSome(t, y.View(), 2); got != 36 {
					t.Fatalf("change %d failed; then %d covered", n, got)
				}
				if names, _ := os.ReadDir(dir); len(names) != 2+y.View().Stat().Segments {
					t.Fatalf("change %d failed; left is %v", n, names)
				}
			}
		})
	}
}

func TestOtherIdentity(t *testing.T) {
	dir := t.TempDir()
	x := mustOpen(t, dir, Options{})
	build(t, x, map[uint32][]byte{1: textOf(1), 2: textOf(2)})
	if _, err := x.Append(3, textOf(3)); err != nil {
		t.Fatal(err)
	}
	y := mustOpen(t, dir, Options{Identity: "folder 2"})
	if st := y.View().Stat(); st.Docs != 0 {
		t.Fatalf("covers another folder: %+v", st)
	}
	if _, err := y.Append(2, []byte("two")); err != nil {
		t.Fatal(err)
	}
	build(t, y, map[uint32][]byte{1: []byte("one")})
	checkCovered(t, y.View(), map[uint32][]byte{1: []byte("one"), 2: []byte("two")})
	if v, err := x.Refresh(); err != nil || v.Stat().Docs != 0 {
		t.Fatalf("%v, %v", v, err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 3 {
		t.Fatal(names)
	}
}

func TestSharedBetweenProcesses(t *testing.T) {
	dir := t.TempDir()
	x, y := mustOpen(t, dir, Options{}), mustOpen(t, dir, Options{})
	texts := map[uint32][]byte{}
	for uid := range uint32(200) {
		texts[uid] = textOf(uid)
	}
	b, err := x.Builder(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := y.Builder(context.Background()); !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
	if err := y.Fold(context.Background(), nil); !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { // a delivery does not wait for a builder
		for uid := range uint32(50) {
			if _, err := y.Append(uid, texts[uid]); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 4 {
		wg.Go(func() {
			for uid := 50 + i; uid < 200; uid += 4 {
				if err := b.Add(uint32(uid), texts[uint32(uid)]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, z := range []*Index{x, y} {
		v, err := z.Refresh()
		if err != nil {
			t.Fatal(err)
		}
		checkCovered(t, v, texts)
	}
	old := y.View()
	if err := x.Merge(context.Background(), func(uid uint32) bool { return uid%2 == 0 }); err != nil {
		t.Fatal(err)
	}
	checkCovered(t, old, texts) // its files are gone, its maps are not
	maps.DeleteFunc(texts, func(uid uint32, _ []byte) bool { return uid%2 != 0 })
	v, err := y.Refresh()
	if err != nil {
		t.Fatal(err)
	}
	checkCovered(t, v, texts)
	if w, err := y.Refresh(); err != nil || w != v {
		t.Errorf("a look at nothing new: %v, %v", w, err)
	}
}

func TestDamage(t *testing.T) {
	texts := map[uint32][]byte{}
	for uid := range uint32(300) {
		texts[uid] = textOf(uid)
	}
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			build(t, mustOpen(t, dir, Options{Memory: 100 << 10}), texts)
			names, err := segmentFiles(dir)
			if err != nil || len(names) == 0 {
				t.Fatal(names, err)
			}
			r := rand.New(rand.NewPCG(seed, 5))
			path := dir + "/" + segmentName(names[r.IntN(len(names))])
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			x := mustOpen(t, dir, Options{})
			v := x.View()
			left := maps.Clone(texts)
			maps.DeleteFunc(left, func(uid uint32, _ []byte) bool { return !v.Has(uid) })
			for range 20 {
				checkFind(t, v, left, randomNeedle(r, texts))
			}
			if err := x.Check(context.Background()); !errors.Is(err, errDamaged) {
				t.Fatalf("check: %v", err)
			}
			if err := x.Check(context.Background()); err != nil {
				t.Fatalf("check once more: %v", err)
			}
			missing := map[uint32][]byte{}
			for _, uid := range x.View().Missing(slices.Sorted(maps.Keys(texts))) {
				missing[uid] = texts[uid]
			}
			if len(missing) == 0 {
				t.Fatal("nothing is missing")
			}
			build(t, x, missing)
			checkCovered(t, x.View(), texts)
		})
	}
}

func TestCutShortWhileMapped(t *testing.T) {
	texts := map[uint32][]byte{}
	for uid := range uint32(600) {
		texts[uid] = textOf(uid)
	}
	dir := t.TempDir()
	build(t, mustOpen(t, dir, Options{}), texts)
	x := mustOpen(t, dir, Options{ReadOnly: true})
	names, _ := segmentFiles(dir)
	if err := os.Truncate(dir+"/"+segmentName(names[0]), 0); err != nil {
		t.Fatal(err)
	}
	v := x.View()
	n := 0
	for range v.Find(context.Background(), []byte("nowhere")) {
		n++
	}
	if n != len(texts) {
		t.Errorf("%d of %d are to be looked into", n, len(texts))
	}
}

func TestNewerVersion(t *testing.T) {
	dir := t.TempDir()
	x := mustOpen(t, dir, Options{})
	build(t, x, map[uint32][]byte{1: textOf(1)})
	b := manifest{identity: "folder 1"}.append(nil)
	b[8] = version + 1
	b = b[:len(b)-4]
	b = append(b, 0, 0, 0, 0)
	sum := checksum(b[:len(b)-4])
	for i := range 4 {
		b[len(b)-4+i] = byte(sum >> (8 * i))
	}
	if err := os.WriteFile(dir+"/"+manifestName, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrVersion) {
		t.Errorf("open: %v", err)
	}
	if err := x.Merge(context.Background(), nil); !errors.Is(err, ErrVersion) {
		t.Errorf("merge: %v", err)
	}
	if names, _ := segmentFiles(dir); len(names) != 1 {
		t.Errorf("segments are %v", names)
	}
}

func TestCanceled(t *testing.T) {
	dir := t.TempDir()
	x := mustOpen(t, dir, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	b, err := x.Builder(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add(1, textOf(1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := b.Add(2, textOf(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("add: %v", err)
	}
	if err := b.Close(); !errors.Is(err, context.Canceled) {
		t.Errorf("close: %v", err)
	}
	build(t, x, map[uint32][]byte{1: textOf(1), 2: textOf(2), 3: textOf(3)})
	for range x.View().Find(ctx, nil) {
		t.Error("found after the end")
	}
}

func TestMergeDropsWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	x := mustOpen(t, dir, Options{})
	for first := uint32(1); first < 200; first += 100 {
		texts := map[uint32][]byte{}
		for uid := first; uid < first+100; uid++ {
			texts[uid] = textOf(uid)
		}
		build(t, x, texts)
	}
	names, _ := segmentFiles(dir)
	if err := os.Truncate(dir+"/"+segmentName(names[0]), 0); err != nil {
		t.Fatal(err)
	}
	if err := x.Merge(context.Background(), func(uid uint32) bool { return uid%2 == 0 }); err != nil {
		t.Fatal(err)
	}
	if n := checkSome(t, x.View(), 5); n != 0 && n != 50 {
		t.Errorf("%d left", n)
	}
}
