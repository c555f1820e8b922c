package index

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"pneu/maildir"
)

// The files of a folder, beside cur, new and tmp.
const (
	logName   = "pneu.log"
	idxName   = "pneu.idx"
	cacheName = "pneu.cache"
	headName  = "pneu.head"
	uidsName  = "pneu.uids"
	lockName  = "pneu.lock" // with Options.Safe, or where a directory cannot be locked
	tmpSuffix = ".tmp"
)

// Index is a folder's index, open in this process. Its methods may be called
// from several goroutines, and several Index values, in one process or many, may
// be open on one folder.
type Index struct {
	f    *maildir.Folder
	opt  Options
	fs   fileSystem
	dir  string
	boot uint64

	writer chan struct{} // held by the tx of this Index
	lock   *os.File      // what is locked against others; by the writer only

	mu     sync.Mutex
	core   *core
	damage error
	lost   bool
	// distrusted is a snapshot that was found damaged while it was in use.
	distrusted fileInfo
	distrust   error
	volatile   error
	again      retry
	closed     bool
	cur        atomic.Pointer[View]

	work
}

// core is the generation of files an Index goes on from.
type core struct {
	log      file // nil: none can be used
	info     fileInfo
	readonly error // why it cannot be written to
	id       identity
	slot     slot
	res      reservation
	at       int64 // how far it is applied
	work     int   // records up to there, as builder counts them
	snapInfo fileInfo
	idxSize  int64
	// stale says why nothing may be appended before there is a new generation.
	stale error
	// booted says that the machine was started since the last commit.
	booted bool
	// forked says that there were commits in memory, which the files lack.
	forked bool
	fork   fork // where those began
	blob   *blobs
}

// Open opens the index of f. It reads no directory and, if the folder is large,
// only a few pages: Sync brings it up to date. A folder without an index
// gets an empty one with the first commit. Where none can be written it lives in
// memory, and Volatile says why. The one error to expect is ErrVersion.
func Open(f *maildir.Folder, opt Options) (*Index, error) {
	x := &Index{f: f, opt: opt, fs: opt.fs, dir: f.Path(), boot: opt.boot, writer: make(chan struct{}, 1)}
	if x.fs == nil {
		x.fs = disk{}
	}
	if x.boot == 0 {
		x.boot = bootID()
	}
	if opt.Safe || f.Store().Shared() {
		x.opt.Safe = true
		// Several machines take turns, and none knows when another was started:
		// nothing may be left to be lost.
		x.boot, x.opt.SyncEach = sharedBoot, true
	}
	if x.opt.Log == nil {
		x.opt.Log = slog.New(slog.DiscardHandler)
	}
	if x.opt.Now == nil {
		x.opt.Now = time.Now
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.load(); err != nil {
		return nil, err
	}
	if x.damage != nil && (x.opt.ReadOnly || x.core.readonly == nil) { // else Volatile says what is wrong
		x.opt.Log.Warn("index damaged", "folder", f.Name(), "err", x.damage, "uids lost", x.lost)
	}
	return x, nil
}

// Close lets go of the files. Views stay usable; digests they have only where
// some were read before.
func (x *Index) Close() error {
	x.stopWork()
	x.writer <- struct{}{} // after the last tx
	defer func() { <-x.writer }()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	if x.core.log != nil {
		x.core.log.Close()
	}
	if x.core.blob.fs != nil {
		x.core.blob.close()
	}
	if x.lock != nil {
		x.lock.Close()
	}
	return nil
}

// Folder returns the folder.
func (x *Index) Folder() *maildir.Folder { return x.f }

// Volatile returns why the index exists in memory only, nil if it does not. That may pass:
// see Refresh.
func (x *Index) Volatile() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.volatile
}

// Damage returns what was wrong with the index as found on disk, nil if nothing
// was; lost says that UIDs went with it, so that import or rebuild is due before
// any message is added.
func (x *Index) Damage() (err error, lost bool) { //nolint:staticcheck // the error is the answer
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.damage, x.lost
}

// View returns the newest state this process knows. It makes no system call.
func (x *Index) View() *View { return x.cur.Load() }

// Refresh returns the state with what other processes have committed. An index that
// went into memory tries from time to time to go on on the disk: see the package comment.
func (x *Index) Refresh() (*View, error) {
	if x.tryAgain() && x.sync.mu.TryLock() {
		x.regain()
		x.sync.mu.Unlock()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, ErrClosed
	}
	if err := x.refresh(); err != nil {
		return nil, err
	}
	return x.cur.Load(), nil
}

// refresh is called with mu held.
func (x *Index) refresh() error {
	c := x.core
	if c.forked {
		return nil
	}
	replaced, err := x.replaced()
	if err != nil {
		return err
	}
	if replaced {
		return x.load()
	}
	if c.log == nil {
		return nil
	}
	page, err := readPage(c.log)
	if err != nil {
		return x.load()
	}
	s, ok := newest(page)
	if !ok || c.stale != nil || s.seq <= c.slot.seq {
		// A slot that is being written is not seen until it is whole.
		return nil
	}
	if x.volatile != nil {
		return x.load() // ours went on in memory, theirs on disk
	}
	b := newBuilder(x.cur.Load().table, c.slot.st)
	at, err := b.replay(c.log, c.at, s.length)
	if err != nil {
		return x.load()
	}
	c.at = at
	c.work += b.work
	c.slot = s
	c.booted = s.boot != x.boot
	x.takeState(b, s.st)
	c.slot.st = b.st
	x.publish(b.done())
	return nil
}

// takeState takes from a slot what records do not say.
func (x *Index) takeState(b *builder, st State) {
	b.st.Dir = st.Dir
	b.st.UIDValidity = st.UIDValidity
	b.st.UIDNext = max(b.st.UIDNext, st.UIDNext)
	b.st.HighestModSeq = max(b.st.HighestModSeq, st.HighestModSeq)
	b.st.FloorModSeq = max(b.st.FloorModSeq, st.FloorModSeq)
	b.st.Sticky = true
}

// publish shows the state of core.slot to View. Called with mu held.
func (x *Index) publish(t *table) {
	c := x.core
	if c.blob == nil || c.blob.fs != nil && c.blob.id != c.slot.cacheID {
		c.blob = &blobs{fs: x.fs, dir: x.dir, guid: c.id.guid, id: c.slot.cacheID}
	}
	x.cur.Store(newView(t, &c.slot, c.blob))
}

// replaced reports whether another process has made a new generation.
func (x *Index) replaced() (bool, error) {
	c := x.core
	if c.log == nil {
		// There was none we could use: is there another by now?
		info, err := x.fs.Stat(filepath.Join(x.dir, logName))
		if err != nil {
			return false, nil
		}
		return !info.same(c.info), nil
	}
	path := filepath.Join(x.dir, logName)
	if x.opt.Safe {
		// An NFS client answers from what it has read once. Opening has it ask the server what
		// file that is by now.
		x.renewNames()
		if f, err := x.fs.Open(path, false); err == nil {
			x.renew(f)
			info, err := f.Stat()
			f.Close()
			return err == nil && !info.same(c.info), nil
		} else if passing(err) {
			return false, err
		}
	}
	if info, err := x.fs.Stat(path); err == nil {
		return !info.same(c.info), nil
	}
	// Nothing is there to go over to: while the folder is on its way to another name
	// it is as it was.
	info, err := c.log.Stat()
	return err != nil || info.nlink == 0, nil
}

// renew has what is read of f from now on be what other machines have written.
func (x *Index) renew(f file) {
	if r, ok := f.(interface{ Renew() error }); ok && x.opt.Safe {
		r.Renew() // who cannot lock has what the client has
	}
}

// renewNames has files be found that other machines have made.
func (x *Index) renewNames() {
	if !x.opt.Safe {
		return
	}
	if d, err := os.Open(x.dir); err == nil {
		d.Close()
	}
}

// load opens the files and makes a view of them. Called with mu held.
func (x *Index) load() error {
	var c *core
	var b *builder
	var damage error
	lost := false
	for try := 0; ; try++ {
		var again bool
		var err error
		c, b, damage, lost, again, err = x.read()
		if err != nil {
			return err
		}
		if !again || try == 3 {
			break
		}
		// Another process is between its two renames, or died there.
		if c.log != nil {
			c.log.Close()
		}
		time.Sleep(time.Millisecond << try)
	}
	if x.core != nil && x.core.log != nil {
		x.core.log.Close()
	}
	if damage != nil {
		b.st.Dir = DirState{}
		b.touch()
		c.slot.st = b.st
	}
	if damage != nil || x.core == nil {
		x.damage, x.lost = damage, lost
		if errors.Is(damage, fs.ErrPermission) { // another's: Volatile says so
			x.damage, x.lost = nil, false
		}
	}
	x.core = c
	switch {
	case x.opt.ReadOnly:
		x.volatile = nil
		if c.log == nil && c.slot.seq == 0 {
			x.volatile = ErrReadOnly
		}
	case c.readonly != nil:
		x.volatile = c.readonly
	default:
		x.volatile = nil
	}
	c.slot.st.Sticky = x.volatile == nil || c.slot.seq != 0
	x.publish(b.done())
	switch {
	case x.opt.Memory:
		x.setVolatile(errMemory)
	case x.opt.ReadOnly && x.volatile != nil:
		x.setVolatile(ErrReadOnly)
	}
	return nil
}

// errMemory is why an index is in memory that was asked to be.
var errMemory = errors.New("index is kept in memory")

// read is one attempt of load.
func (x *Index) read() (c *core, b *builder, damage error, lost, again bool, err error) {
	c = &core{}
	if x.opt.Memory {
		c.id = identity{guid: randomGUID(), seed: randomSeed()}
		b = newBuilder(&table{names: &overlay{}, sets: newKeywordSets([][]uint16{nil}), seed: c.id.seed}, State{UIDNext: 1, GUID: c.id.guid})
		c.stale, c.slot = fs.ErrNotExist, slot{st: b.st}
		return c, b, nil, false, false, nil
	}
	path := filepath.Join(x.dir, logName)
	var page []byte
	x.renewNames()
	log, logErr := x.fs.Open(path, !x.opt.ReadOnly)
	if logErr != nil && !x.opt.ReadOnly && noSpace(logErr) {
		c.readonly = logErr
		log, logErr = x.fs.Open(path, false)
	}
	if logErr == nil {
		x.renew(log)
		if c.info, logErr = log.Stat(); logErr == nil {
			if page, logErr = readPage(log); logErr == nil {
				c.id, logErr = decodeIdentity(page, logMagic)
			}
		}
	}
	defer func() {
		if (c == nil || c.log == nil) && log != nil {
			log.Close()
		}
	}()
	snap, snapErr := openSnapshot(x.fs, filepath.Join(x.dir, idxName))
	if snapErr == nil && x.distrust != nil && snap.info.same(x.distrusted) {
		snapErr = x.distrust
	}
	for _, e := range []error{logErr, snapErr} {
		if errors.Is(e, ErrVersion) {
			return nil, nil, nil, false, false, fmt.Errorf("index of %s: %w", x.dir, e)
		}
		if passing(e) {
			return nil, nil, nil, false, false, e
		}
		if e != nil && !errors.Is(e, ErrDamaged) && !errors.Is(e, fs.ErrNotExist) {
			c.readonly = e // permission, say: nothing of it may be replaced
		}
	}
	noLog, noSnap := errors.Is(logErr, fs.ErrNotExist), errors.Is(snapErr, fs.ErrNotExist)
	start := func(s *snapshot) {
		t := &table{names: &overlay{}, sets: newKeywordSets([][]uint16{nil}), seed: c.id.seed}
		st := State{UIDNext: 1, HighestModSeq: 1, GUID: c.id.guid} // RFC 7162, 3.1.1: never zero
		if s != nil {
			t.snap, t.parts, t.slots, t.seed = s, s.chunks(), s.n, s.id.seed
			t.kwNames, t.sets, t.tombs = s.kwNames, newKeywordSets(s.kwSets), s.tombs()
			st = s.st.st
			st.GUID = s.id.guid
			c.snapInfo, c.idxSize = s.info, s.size
		}
		b = newBuilder(t, st)
	}
	alone := func() { // what the snapshot says, without a log
		c.id = snap.id
		start(snap)
		c.slot = snap.st
		c.res = snap.res
		c.booted = c.slot.boot != x.boot
	}
	switch {
	case noLog && noSnap:
		c.id = identity{guid: randomGUID(), seed: randomSeed()}
		start(nil)
		c.stale = fs.ErrNotExist
		c.slot = slot{st: b.st}
		return c, b, nil, false, false, nil

	case logErr == nil && (snapErr == nil && snap.id.gen == c.id.gen || noSnap && c.id.gen == 0):
		c.log = log
		start(snap)

	case logErr == nil && snapErr == nil && snap.id.gen > c.id.gen:
		// The snapshot has all that is in this older log, and all of its commits
		// are later ones.
		again = true
		alone()
		c.stale = errHalf
		if s, ok := newest(page); ok && s.seq >= snap.st.seq {
			// But for one that did not look and went on: it has shown UIDs and MODSEQs.
			b.raise(s.st.UIDNext, s.st.HighestModSeq)
			b.st.Dir = DirState{}
			b.touch()
		}
		c.slot.st = b.st
		return c, b, nil, false, again, nil

	case snapErr == nil && logErr != nil:
		// How far UIDs and MODSEQs went in the log nobody knows: they were fewer
		// than a log can hold.
		again = noLog
		alone()
		b.raise(UID(min(uint64(b.st.UIDNext)+lostUIDs, 1<<32-2)), min(b.st.HighestModSeq+lostModSeqs, maxModSeq-1))
		damage = fmt.Errorf("pneu.log: %w", orDamaged(logErr))
		c.stale = damage
		c.slot.st = b.st
		return c, b, damage, false, again, nil

	case logErr == nil:
		// Without its snapshot the log has what came since; pneu.uids has older
		// rows.
		again = noSnap
		c.log = log
		if snapErr == nil {
			start(snap) // an older one, from a backup say
			snapErr = errors.New("older than pneu.log")
		} else {
			start(nil)
			if s, ok := newest(page); ok {
				b.st.UIDValidity = s.st.UIDValidity
			}
			b.lenient = true
			x.readUIDs(b)
		}
		damage = fmt.Errorf("pneu.idx: %w", orDamaged(snapErr))

	default:
		c.id = identity{gen: uint64(x.opt.Now().UnixNano()), guid: randomGUID(), seed: randomSeed()}
		start(nil)
		c.slot = slot{st: b.st}
		c.stale = fmt.Errorf("%w; %w", orDamaged(logErr), orDamaged(snapErr))
		return c, b, c.stale, true, false, nil
	}

	// From here there is a log.
	var ok bool
	if c.slot, ok = newest(page); ok {
		late := damage == nil && !x.opt.early
		if late {
			c.at = c.slot.length
			if late = b.replayLate(c.log, &c.slot) == nil; !late {
				start(snap)
			}
		}
		if !late {
			c.at, err = b.replay(c.log, pageSize, c.slot.length)
			if damage == nil {
				damage = err
			}
			err = nil
		}
		x.takeState(b, c.slot.st)
	} else {
		c.at, c.slot.seq = b.salvage(c.log)
		c.slot.length = c.at
		damage = fmt.Errorf("pneu.log: no commit is whole: %w", ErrDamaged)
	}
	var found bool
	if c.res, found = reserved(page); !found {
		damage = fmt.Errorf("pneu.log: reservation: %w", ErrDamaged)
		c.res.uid = min(uint64(b.st.UIDNext)+lostUIDs, 1<<32-2)
		c.res.modseq = min(b.st.HighestModSeq+lostModSeqs, maxModSeq-1)
	}
	c.booted = c.slot.boot != x.boot
	if damage != nil || c.booted {
		// UIDs and MODSEQs that were shown may be missing here.
		b.raise(UID(min(c.res.uid, 1<<32-2)), min(c.res.modseq, maxModSeq-1))
	}
	c.stale = damage
	c.slot.st = b.st
	c.work = b.work
	return c, b, damage, false, again, nil
}

// errHalf: the process that made the snapshot died before it made the log.
var errHalf = errors.New("new generation has no log yet")

// How far counters go on after a log was lost: a log is compacted long before
// it holds as many.
const (
	lostUIDs    = 1 << 20
	lostModSeqs = 1 << 32
)

func orDamaged(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// readUIDs adds the rows of the text copy of the index, as far as the log does
// not bring them itself.
func (x *Index) readUIDs(b *builder) {
	l, err := readUIDFile(filepath.Join(x.dir, uidsName))
	if err != nil || b.st.UIDValidity != 0 && l.validity != b.st.UIDValidity {
		return
	}
	b.st.UIDValidity = l.validity
	for _, r := range l.rows {
		if UID(r.uid) < b.st.UIDNext || r.uid >= 1<<32-2 || len(r.name) > maxName || len(r.name) == 0 {
			continue
		}
		row := rowData{uid: UID(r.uid), file: []byte(r.name), size: r.size, wire: r.wire, modseq: b.st.HighestModSeq + 1}
		if !r.saved.IsZero() {
			row.saved = r.saved.Unix()
		}
		for _, k := range r.keywords {
			id, ok := b.keyword(k)
			if !ok && b.defineKeyword(len(b.kwNames), k) == nil {
				id, ok = b.keyword(k)
			}
			if ok {
				row.kw = append(row.kw, uint16(id))
			}
		}
		b.add(&row)
	}
}

func randomGUID() (g [16]byte) {
	rand.Read(g[:])
	return g
}

func randomSeed() uint64 {
	g := randomGUID()
	return binary.LittleEndian.Uint64(g[:])
}
