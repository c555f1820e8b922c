package index

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pneu/maildir"
)

var errDied = errors.New("the process has died")

// faultFS stops at the n-th change, as if the process died there, and knows what
// of the changes would be on the disk if the machine had lost its power.
type faultFS struct {
	disk
	left  int // changes until death; negative: never
	r     *rand.Rand
	nodes map[string]*node // by name: what the directory says now
	saved map[string]*node // as the disk has it
	log   []map[string]*node
}

// node is a file with the writes that no sync has followed.
type node struct {
	durable []byte
	pending []pendingWrite
}

type pendingWrite struct {
	off  int64
	data []byte
}

func (w pendingWrite) apply(b []byte, r *rand.Rand) []byte {
	if grow := int(w.off) + len(w.data) - len(b); grow > 0 {
		b = append(b, make([]byte, grow)...)
	}
	how := 0
	if r != nil {
		how = r.IntN(3)
	}
	for at := 0; at < len(w.data); {
		// Sectors are written whole or not at all, in any order.
		n := min(sector-(int(w.off)+at)%sector, len(w.data)-at)
		if how == 0 || how == 1 && r.IntN(2) == 0 {
			copy(b[int(w.off)+at:], w.data[at:at+n])
		}
		at += n
	}
	return b
}

func newFaultFS(left int, r *rand.Rand) *faultFS {
	return &faultFS{left: left, r: r, nodes: map[string]*node{}, saved: map[string]*node{}}
}

// step counts a change; it reports whether it still happens.
func (f *faultFS) step() bool {
	if f.left == 0 {
		return false
	}
	f.left--
	return true
}

func (f *faultFS) dead() bool { return f.left == 0 }

type faultFile struct {
	file
	f *faultFS
	n *node
}

func (f *faultFS) Open(path string, write bool) (file, error) {
	if f.dead() {
		return nil, errDied
	}
	g, err := f.disk.Open(path, write)
	if err != nil {
		return nil, err
	}
	n := f.nodes[filepath.Base(path)]
	if n == nil {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		n = &node{durable: b}
		f.nodes[filepath.Base(path)], f.saved[filepath.Base(path)] = n, n
	}
	return &faultFile{g, f, n}, nil
}

func (f *faultFS) note() { f.log = append(f.log, maps.Clone(f.nodes)) }

func (f *faultFS) Create(path string) (file, error) {
	if !f.step() {
		return nil, errDied
	}
	g, err := f.disk.Create(path)
	if err != nil {
		return nil, err
	}
	n := &node{}
	f.nodes[filepath.Base(path)] = n
	f.note()
	return &faultFile{g, f, n}, nil
}

func (f *faultFS) Rename(from, to string) error {
	if !f.step() {
		return errDied
	}
	f.nodes[filepath.Base(to)] = f.nodes[filepath.Base(from)]
	delete(f.nodes, filepath.Base(from))
	f.note()
	return f.disk.Rename(from, to)
}

func (f *faultFS) Remove(path string) error {
	if !f.step() {
		return errDied
	}
	delete(f.nodes, filepath.Base(path))
	f.note()
	return f.disk.Remove(path)
}

func (f *faultFS) SyncDir(string) error {
	if !f.step() {
		return errDied
	}
	f.saved, f.log = maps.Clone(f.nodes), nil
	return nil
}

func (g *faultFile) WriteAt(p []byte, off int64) (int, error) {
	if !g.f.step() {
		// A process dies between two pages of a write, if within it at all.
		if g.f.r.IntN(2) == 0 {
			n := g.f.r.IntN(len(p)/pageSize+1) * pageSize
			g.f.left = 1
			g.WriteAt(p[:n], off)
			g.f.left = 0
		}
		return 0, errDied
	}
	g.n.pending = append(g.n.pending, pendingWrite{off, slices.Clone(p)})
	return g.file.WriteAt(p, off)
}

func (g *faultFile) Sync() error {
	if !g.f.step() {
		return errDied
	}
	for _, w := range g.n.pending {
		g.n.durable = w.apply(g.n.durable, nil)
	}
	g.n.pending = nil
	return nil
}

// powerCut writes to dir what may be on the disk.
func (f *faultFS) powerCut(t *testing.T, dir string) {
	names := f.saved
	if k := f.r.IntN(len(f.log) + 1); k > 0 { // changes of a directory go in order
		names = f.log[k-1]
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := names[name]
		b := slices.Clone(n.durable)
		for _, w := range n.pending {
			b = w.apply(b, f.r)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shown is what a client could have seen.
type shown struct {
	commits int
	next    UID
	modseq  uint64
	uids    map[UID]string // name by UID, for all time
	now     map[UID]Flags
	before  map[UID]Flags // of the commit before, for one that died on its way
	coming  map[UID]Flags
}

// workload runs a script until the file system stops it.
func workload(t *testing.T, f *maildir.Folder, fsys *faultFS, each bool) (s shown) {
	s.uids, s.now = map[UID]string{}, map[UID]Flags{}
	x, err := Open(f, Options{fs: fsys, boot: 1000, SyncEach: each, repack: -1})
	if err != nil {
		return s
	}
	defer x.Close()
	for n := range 14 {
		tx, err := x.begin(context.Background())
		if err != nil || fsys.dead() {
			if err == nil {
				tx.end()
			}
			return s
		}
		now := maps.Clone(s.now)
		names := map[UID]string{}
		for k := range 1 + n%3 {
			m := Message{Entry: maildir.Entry{File: fmt.Sprintf("%d.%d.h:2,", n, k)}, Size: 5}
			if n%2 == 0 {
				m.Digest, m.Head = []byte("digest"), []byte("head")
			}
			uid, err := tx.add(m)
			if err != nil {
				tx.end()
				return s
			}
			names[uid], now[uid] = m.Entry.File, 0
		}
		for uid := range now {
			if int(uid)%4 == n%4 {
				tx.flags([]UID{uid}, Flagged|Seen, 0, []string{fmt.Sprint("k", n)}, nil, false)
				now[uid] = Flagged | Seen
			}
			if int(uid)%7 == n%7 && n%3 == 0 {
				tx.expunge([]UID{uid})
				delete(now, uid)
			}
		}
		tx.dir(DirState{New: int64(n), Cur: int64(n), Scanned: 1})
		s.coming = now
		v, err := tx.commit()
		tx.end()
		if err != nil || fsys.dead() || x.Volatile() != nil {
			return s
		}
		maps.Copy(s.uids, names)
		s.before, s.now, s.coming = s.now, now, nil
		s.next, s.modseq = v.st.UIDNext, v.st.HighestModSeq
		s.commits++
		if n == 4 || n == 9 {
			x.writer <- struct{}{}
			x.mu.Lock()
			err := x.compact()
			x.mu.Unlock()
			<-x.writer
			if err != nil {
				return s
			}
		}
	}
	return s
}

func rowsOf(v *View) map[UID]Flags {
	rows := map[UID]Flags{}
	for row := range v.Len() {
		rows[v.UID(row)] = v.Flags(row)
	}
	return rows
}

// afterwards opens what is left and goes on.
func afterwards(t *testing.T, dir string, s shown, boot uint64, exact bool) {
	t.Helper()
	f, err := maildir.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := Open(f, Options{ReadOnly: true, boot: boot})
	if err != nil {
		t.Fatalf("reader: %v", err)
	}
	defer reader.Close()
	x, err := Open(f, Options{boot: boot})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer x.Close()
	damage, lost := x.Damage()
	if exact {
		if damage != nil {
			t.Fatalf("damaged by the death of a process: %v", damage)
		}
		if rows := rowsOf(x.View()); !maps.Equal(rows, s.now) && !maps.Equal(rows, s.coming) {
			t.Fatalf("rows %v, committed %v, on the way %v", rows, s.now, s.coming)
		}
	}
	for name, v := range map[string]*View{"reader": reader.View(), "writer": x.View()} {
		if v.st.UIDNext < s.next || v.st.HighestModSeq < s.modseq {
			t.Fatalf("%s: UIDNEXT %d, HIGHESTMODSEQ %d after %d, %d were shown (lost %v, damage %v)", name, v.st.UIDNext, v.st.HighestModSeq, s.next, s.modseq, lost, damage)
		}
		for row := range v.Len() {
			if was, ok := s.uids[v.UID(row)]; ok && was != v.Entry(row).File {
				t.Fatalf("%s: UID %d was %q and is %q", name, v.UID(row), was, v.Entry(row).File)
			}
		}
	}
	tx, err := x.begin(context.Background())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	defer tx.end()
	uid, err := tx.add(Message{Entry: maildir.Entry{File: "after.1.h"}, Digest: []byte("again"), Head: []byte("head")})
	if err != nil || uid < s.next {
		t.Fatalf("UID %d after UIDNEXT %d: %v", uid, s.next, err)
	}
	v, err := tx.commit()
	tx.end()
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	if v.ModSeq(v.Len()-1) <= s.modseq {
		t.Fatalf("MODSEQ %d after %d", v.ModSeq(v.Len()-1), s.modseq)
	}
	for row := range v.Len() {
		if v.HasDigest(row) && v.Blob(row) == nil {
			t.Fatalf("the digest of UID %d is gone and nobody knows", v.UID(row))
		}
	}
	y, err := Open(f, Options{boot: boot})
	if err != nil {
		t.Fatal(err)
	}
	defer y.Close()
	if errs := y.check(); len(errs) > 0 {
		t.Fatal(errs)
	}
	if !maps.Equal(rowsOf(y.View()), rowsOf(v)) {
		t.Fatalf("reopened: %v, want %v", rowsOf(y.View()), rowsOf(v))
	}
	if w, err := reader.Refresh(); err != nil || !maps.Equal(rowsOf(w), rowsOf(v)) {
		t.Fatalf("reader: %v, %v, want %v", rowsOf(w), err, rowsOf(v))
	}
}

func TestDeathAtEveryStep(t *testing.T) {
	t.Parallel()
	step, steps := 1, 0
	if raceEnabled {
		step = 3
	}
	for n := 0; ; n += step {
		f := newFolder(t)
		fsys := newFaultFS(n, rand.New(rand.NewPCG(uint64(n), 2)))
		s := workload(t, f, fsys, n%2 == 0)
		done := !fsys.dead()
		if !t.Run(fmt.Sprint(n), func(t *testing.T) { afterwards(t, f.Path(), s, 1000, true) }) {
			return
		}
		if done {
			break
		}
		steps += step
	}
	if steps < 50 {
		t.Errorf("only %d steps", steps)
	}
}

func TestPowerCutAtEveryStep(t *testing.T) {
	t.Parallel()
	step := 1
	if raceEnabled {
		step = 5
	}
	for n := 0; ; n += step {
		done := false
		seeds := uint64(1)
		if n%8 == 0 && !raceEnabled {
			seeds = 3
		}
		for seed := range seeds {
			f := newFolder(t)
			fsys := newFaultFS(n, rand.New(rand.NewPCG(uint64(n), seed)))
			s := workload(t, f, fsys, n%3 == 0)
			done = !fsys.dead()
			after := newFolder(t)
			fsys.powerCut(t, after.Path())
			if !t.Run(fmt.Sprintf("%d-%d", n, seed), func(t *testing.T) { afterwards(t, after.Path(), s, 2000, false) }) {
				return
			}
		}
		if done {
			break
		}
	}
}
