package fulltext

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// An Index is one folder's, open in this process. Its methods may be called
// from several goroutines.
type Index struct {
	dir  string
	opt  Options
	fsys files
	view atomic.Pointer[View]

	mu       sync.Mutex
	tail     tail
	manifest manifest
	raw      []byte              // of the manifest's file
	segments map[uint64]*segment // by number; nil for those that cannot be read
}

// Open opens the index in dir. What is missing or damaged is not covered; an
// error means that dir cannot be read, or ErrVersion.
func Open(dir string, opt Options) (*Index, error) { return open(dir, opt, disk{}) }

func open(dir string, opt Options, fsys files) (*Index, error) {
	opt, err := opt.complete()
	if err != nil {
		return nil, err
	}
	x := newIndex(dir, opt, fsys)
	if _, err := x.Refresh(); err != nil {
		return nil, err
	}
	return x, nil
}

func (opt Options) complete() (Options, error) {
	if len(opt.Identity) > maxIdentity {
		return opt, errors.New("identity of a text index is too long")
	}
	if opt.Memory <= 0 {
		opt.Memory = 48 << 20
	}
	if opt.Tail <= 0 {
		opt.Tail = 4 << 20
	}
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	return opt, nil
}

func newIndex(dir string, opt Options, fsys files) *Index {
	x := &Index{dir: dir, opt: opt, fsys: fsys, segments: map[uint64]*segment{}}
	x.view.Store(&View{workers: opt.Workers})
	return x
}

// Append is Index.Append for a program that delivers one message and ends: see
// [Appender].
func Append(dir string, opt Options, uid uint32, text []byte) (full bool, err error) {
	return new(Appender).Append(dir, opt, uid, text)
}

// Exists reports whether anybody has made an index of texts in dir.
func Exists(dir string) bool {
	for _, name := range []string{manifestName, tailName} {
		if fi, err := os.Lstat(filepath.Join(dir, name)); err == nil && fi.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// Close gives up the index. Views stay valid.
func (x *Index) Close() error {
	x.view.Store(&View{})
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tail, x.manifest, x.raw, x.segments = tail{}, manifest{}, nil, map[uint64]*segment{}
	return nil
}

// View is what this process knows of the index, without a system call.
func (x *Index) View() *View { return x.view.Load() }

// Refresh is View after a look at what others wrote.
func (x *Index) Refresh() (*View, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.refresh()
}

func (x *Index) refresh() (*View, error) {
	// The tail first: documents that leave it are in a manifest by then.
	changed, err := x.tail.refresh(x.dir, x.opt.Identity)
	if err != nil {
		return nil, err
	}
	// Read, not compared by its time: it is small, and inodes are used again within a tick of the clock.
	m, raw, err := readManifest(x.dir)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(raw, x.raw) {
		if err := x.load(m, raw); err != nil {
			return nil, err
		}
	} else if !changed {
		return x.View(), nil
	}
	return x.renew(), nil
}

// load opens the segments of m, as read, or of a later manifest.
func (x *Index) load(m manifest, raw []byte) (err error) {
	for try := 0; ; try++ {
		if m.identity != x.opt.Identity {
			m = manifest{}
		}
		segments := map[uint64]*segment{}
		gone := false
		for _, e := range m.segments {
			s, known := x.segments[e.number]
			if !known || s == nil || s.sum != e.sum {
				s, err = openSegment(filepath.Join(x.dir, segmentName(e.number)))
				switch {
				case errors.Is(err, fs.ErrNotExist):
					gone = true
				case err != nil && !errors.Is(err, errDamaged) && !errors.Is(err, ErrVersion):
					return err // no more files may be open, say: nothing to call it damaged for
				}
				if err != nil || uint64(len(s.data)) != e.size || s.sum != e.sum || s.number != e.number {
					s = nil
				}
			}
			segments[e.number] = s
		}
		if gone && try < 10 { // merged since the manifest was read
			if m, raw, err = readManifest(x.dir); err != nil {
				return err
			}
			continue
		}
		x.manifest, x.raw, x.segments = m, raw, segments
		return nil
	}
}

// renew makes a View of what was read.
func (x *Index) renew() *View {
	v := &View{workers: x.opt.Workers, tailSize: x.tail.size}
	for _, e := range x.manifest.segments {
		v.bytes += int64(e.size)
		if s := x.segments[e.number]; s != nil {
			v.segments = append(v.segments, s)
		} else {
			v.damaged++
		}
	}
	slices.SortFunc(v.segments, func(a, b *segment) int {
		return cmp.Compare(b.uid(b.len()-1), a.uid(a.len()-1))
	})
	for _, d := range x.tail.docs {
		if !v.inSegment(d.uid) {
			v.tail = append(v.tail, d)
		}
	}
	x.view.Store(v)
	return v
}

// grow makes a View with the last document of the tail in addition. A View has
// the first documents of the list that it shares with later ones.
func (x *Index) grow() {
	old := x.View()
	v := &View{segments: old.segments, bytes: old.bytes, damaged: old.damaged, workers: old.workers, tailSize: x.tail.size}
	v.tail = append(old.tail, x.tail.docs[len(x.tail.docs)-1])
	x.view.Store(v)
}

func (v *View) inSegment(uid uint32) bool {
	for _, s := range v.segments {
		if _, ok := s.docOf(uid); ok {
			return true
		}
	}
	return false
}

// Append adds a document to the tail, from a delivery: one write, no sync, no
// wait for a builder. A uid that is covered already is left as it is. full
// says that it is time to Fold; ErrTailFull, that no one did for long.
func (x *Index) Append(uid uint32, text []byte) (full bool, err error) {
	if x.opt.ReadOnly {
		return false, ErrReadOnly
	}
	if !indexable(text) {
		return false, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	defer func() {
		if err != nil {
			err = fmt.Errorf("append to text index: %w", err)
		}
	}()
	var f file
	read := x.tail.size
	for {
		var info os.FileInfo
		if f, info, err = lockTail(x.fsys, x.dir); err != nil {
			return false, err
		}
		if err = x.tail.read(f, info, x.opt.Identity); err != nil {
			f.Close()
			return false, err
		}
		if x.tail.size > 0 || x.tail.seen == 0 {
			break
		}
		// Of another identity, or its first write was torn.
		err = x.fsys.Remove(filepath.Join(x.dir, tailName))
		f.Close()
		if err != nil {
			return false, err
		}
	}
	defer f.Close()
	if x.tail.size != read {
		x.renew()
	}
	if x.tail.has[uid] || x.View().inSegment(uid) {
		return x.tail.size >= x.opt.Tail, nil
	}
	if x.tail.size >= 8*x.opt.Tail {
		return true, ErrTailFull
	}
	if err = x.tail.append(f, x.opt.Identity, uid, text); err != nil {
		x.tail = tail{} // to be read again
		x.renew()
		return false, err
	}
	x.grow()
	return x.tail.size >= x.opt.Tail, nil
}

// indexable reports whether a text can be covered. Others are left to those
// who look into messages.
func indexable(text []byte) bool {
	return len(text) <= maxText && bytes.IndexByte(text, end) < 0
}

// A lockedIndex is an Index of which this process may write segments.
type lockedIndex struct {
	*Index
	file  file
	stale []uint64 // segments of another identity, until there is a manifest
}

// lock takes the lock of builders, looks at what is there and removes what
// builders that died have left.
func (x *Index) lock() (*lockedIndex, error) {
	if x.opt.ReadOnly {
		return nil, ErrReadOnly
	}
	f, err := x.fsys.Open(filepath.Join(x.dir, lockName))
	if err != nil {
		return nil, err
	}
	if err := f.Lock(false); err != nil {
		f.Close()
		return nil, err
	}
	lx := &lockedIndex{Index: x, file: f}
	if err := lx.prepare(); err != nil {
		f.Close()
		return nil, err
	}
	return lx, nil
}

func (x *lockedIndex) unlock() error { return x.file.Close() }

func (x *lockedIndex) prepare() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := x.refresh(); err != nil {
		return err
	}
	onDisk, _, err := readManifest(x.dir)
	if err != nil {
		return err
	}
	numbers, err := segmentFiles(x.dir)
	if err != nil {
		return err
	}
	x.manifest.next = max(x.manifest.next, onDisk.next, 1)
	x.manifest.generation = max(x.manifest.generation, onDisk.generation)
	for _, n := range numbers {
		if n >= x.manifest.next && n < math.MaxUint64 {
			x.manifest.next = n + 1
		}
		if !slices.ContainsFunc(onDisk.segments, func(e entry) bool { return e.number == n }) {
			x.fsys.Remove(filepath.Join(x.dir, segmentName(n)))
		} else if onDisk.identity != x.opt.Identity {
			x.stale = append(x.stale, n)
		}
	}
	return nil
}

// write makes a segment of sources and publishes it in the place of the
// segments old.
func (x *lockedIndex) write(ctx context.Context, sources []source, old []*segment, alive func(uint32) bool) error {
	x.mu.Lock()
	number := x.manifest.next
	x.manifest.next++
	x.mu.Unlock()
	path := filepath.Join(x.dir, segmentName(number))
	f, err := x.fsys.Create(path)
	if err != nil {
		return err
	}
	docs, err := writeSegment(ctx, f, number, sources, alive)
	err = errors.Join(err, f.Close())
	var s *segment
	if err == nil && docs > 0 {
		s, err = openSegment(path)
	}
	if err != nil || docs == 0 {
		x.fsys.Remove(path)
	}
	if errors.Is(err, errDamaged) {
		blame(old)
	}
	if err != nil {
		return fmt.Errorf("write segment of text index: %w", err)
	}
	return x.publish(s, old)
}

// blame marks those of segments that are damaged: all, if it cannot be told
// which, since they could not be read.
func blame(segments []*segment) {
	found := false
	for _, s := range segments {
		if s.bad.Load() || safely(s.verify) != nil {
			s.bad.Store(true)
			found = true
		}
		runtime.KeepAlive(s)
	}
	for _, s := range segments {
		s.bad.Store(s.bad.Load() || !found)
	}
}

// publish writes a manifest with s, if not nil, and without old.
func (x *lockedIndex) publish(s *segment, old []*segment) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	m := x.manifest
	m.identity = x.opt.Identity
	m.generation++
	m.segments = nil
	gone := x.stale
	for _, e := range x.manifest.segments {
		have := x.segments[e.number]
		if have == nil || have.bad.Load() || slices.Contains(old, have) {
			gone = append(gone, e.number)
		} else {
			m.segments = append(m.segments, e)
		}
	}
	if s != nil {
		m.segments = append(m.segments, entry{s.number, uint64(len(s.data)), s.sum})
	}
	if err := writeManifest(x.fsys, x.dir, m); err != nil {
		// It may have been put in place: look what there is.
		next := x.manifest.next
		x.refresh()
		x.manifest.next = max(x.manifest.next, next)
		return fmt.Errorf("write manifest of text index: %w", err)
	}
	x.manifest = m
	if s != nil {
		x.segments[s.number] = s
	}
	x.stale = nil
	x.raw = m.append(nil)
	for _, n := range gone {
		delete(x.segments, n)
		x.fsys.Remove(filepath.Join(x.dir, segmentName(n)))
	}
	x.renew()
	return nil
}

// cutTail takes the documents of s, if not nil, and others that are in segments, out of the tail.
func (x *lockedIndex) cutTail(s *shard) error {
	folded := map[uint32]bool{}
	if s != nil {
		for _, d := range s.docs {
			folded[d.uid] = true // the dead too, which are in no segment
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	f, info, err := lockTail(x.fsys, x.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := x.tail.read(f, info, x.opt.Identity); err != nil {
		return err
	}
	path, tmp := filepath.Join(x.dir, tailName), filepath.Join(x.dir, newTailName)
	var b []byte
	for _, d := range x.tail.docs {
		if !folded[d.uid] && !x.View().inSegment(d.uid) {
			b = appendRecord(b, d.uid, d.text)
		}
	}
	x.tail = tail{}
	if b == nil {
		if err := x.fsys.Remove(path); err != nil {
			return err
		}
		_, err := x.refresh()
		return err
	}
	if err := x.fsys.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Those who wait for the old file's lock find it without a name, and open the new one.
	nf, err := x.fsys.Create(tmp)
	if err != nil {
		return err
	}
	_, err = nf.Write(append(tailHeader(x.opt.Identity, rand.Uint64()), b...))
	if err := errors.Join(err, nf.Close()); err != nil {
		x.fsys.Remove(tmp)
		return err
	}
	if err := x.fsys.Rename(tmp, path); err != nil {
		return err
	}
	_, err = x.refresh()
	return err
}

// Remove deletes the index.
func (x *Index) Remove() error {
	lx, err := x.lock()
	if err != nil {
		return err
	}
	defer lx.unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	numbers, err := segmentFiles(x.dir)
	if err != nil {
		return err
	}
	names := []string{manifestName, tailName, newName, newTailName}
	for _, n := range numbers {
		names = append(names, segmentName(n))
	}
	for _, name := range names {
		if e := x.fsys.Remove(filepath.Join(x.dir, name)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	_, e := x.refresh()
	return errors.Join(err, e)
}
