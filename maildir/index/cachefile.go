package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
)

// pneu.cache holds digests and pneu.head folded header text. Both begin with an
// identity and a page; both grow only, and what is in them can be made again
// from the messages at any time.
//
// A record is 12 bytes (UID, length, CRC32C of both and the text) and the text.
// In pneu.cache it begins at a multiple of 8. In pneu.head it ends before the
// next multiple of headBlock, so that several processors can read the file;
// UID 0 means that nothing follows up to there.
const (
	blobHeader = 12
	headBlock  = 1 << 20
	maxBlob    = 16 << 20
	maxHead    = 64 << 10
)

func appendBlob(dst []byte, uid UID, text []byte) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(uid))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	dst = append(dst, 0, 0, 0, 0)
	dst = append(dst, text...)
	binary.LittleEndian.PutUint32(dst[at+8:], blobSum(dst[at:]))
	return dst
}

func blobSum(rec []byte) uint32 {
	return checksum(rec[blobHeader:]) ^ checksum(rec[:8])
}

// blobs are the two files of one cacheID, opened when first asked for.
type blobs struct {
	fs   fileSystem
	dir  string
	guid [16]byte
	id   uint64

	once  sync.Once
	bad   error
	cache growing
	head  growing
	// kept are digests of an index in memory.
	mu   sync.Mutex
	kept map[int64][]byte
	text []byte
}

// growing is a file that others append to, mapped beyond its end.
type growing struct {
	f    file
	size atomic.Int64 // known to be there
	mu   sync.Mutex
	now  atomic.Pointer[mapping]
	old  []*mapping // slices of them may be in use as long as the blobs are
}

func (b *blobs) open() error {
	b.once.Do(func() {
		if b.id == 0 || b.fs == nil {
			b.bad = fs.ErrNotExist
			return
		}
		if b.bad = b.cache.open(b.fs, filepath.Join(b.dir, cacheName), cacheMagic, b.guid, b.id); b.bad == nil {
			b.bad = b.head.open(b.fs, filepath.Join(b.dir, headName), headMagic, b.guid, b.id)
		}
		if b.bad != nil {
			b.cache.close()
			b.head.close()
		}
	})
	return b.bad
}

// close lets go of the files; what is mapped stays readable.
func (b *blobs) close() {
	b.once.Do(func() { b.bad = ErrClosed })
	if b.bad == nil {
		b.cache.close()
		b.head.close()
	}
}

func (g *growing) open(fsys fileSystem, path, magic string, guid [16]byte, id uint64) error {
	f, err := fsys.Open(path, false)
	if err != nil {
		return err
	}
	var page [identitySize]byte
	if _, err = f.ReadAt(page[:], 0); err == nil {
		var got identity
		if got, err = decodeIdentity(page[:], magic); err == nil && (got.gen != id || got.guid != guid) {
			err = fmt.Errorf("%s belongs to another index: %w", path, ErrDamaged)
		}
	}
	if err != nil {
		f.Close()
		return err
	}
	g.f = f
	_, err = g.reach(pageSize)
	return err
}

func (g *growing) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.f != nil {
		g.f.Close()
		g.f = nil
	}
}

// reach returns the mapping if the file has as many bytes, else nil.
func (g *growing) reach(end int64) (*mapping, error) {
	if m := g.now.Load(); m != nil && end <= g.size.Load() && end <= int64(len(m.b)) {
		return m, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.f == nil {
		return nil, ErrClosed
	}
	info, err := g.f.Stat()
	if err != nil {
		return nil, err
	}
	if end > info.size {
		return nil, ErrDamaged
	}
	m := g.now.Load()
	if m == nil || info.size > int64(len(m.b)) {
		// Room to grow: pages beyond the end are not touched before they are there.
		b, err := g.f.Map((2*info.size + 1<<20) &^ (pageSize - 1))
		if err != nil {
			return nil, err
		}
		if m != nil {
			g.old = append(g.old, m)
		}
		m = newMapping(b)
		g.now.Store(m)
	}
	g.size.Store(info.size)
	return m, nil
}

// has reports whether there is a file that reaches as far.
func (b *blobs) has(end int64) bool {
	if b.fs == nil {
		return b.id != 0
	}
	if b.open() != nil {
		return false
	}
	if end <= b.cache.size.Load() {
		return true
	}
	m, err := b.cache.reach(end)
	return err == nil && m != nil
}

func (b *blobs) read(at int64, uid UID) (out []byte) {
	if b.fs == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.kept[at]
	}
	if b.open() != nil {
		return nil
	}
	shield(func() (err error) {
		out, err = b.record(at, uid)
		return err
	})
	return out
}

// scan walks pneu.head.
func (b *blobs) scan(v *View, walk func(block []byte) bool) error {
	if v.Len() == 0 || b.id == 0 {
		return nil
	}
	if b.fs == nil {
		b.mu.Lock()
		text := b.text[:len(b.text):len(b.text)]
		b.mu.Unlock()
		walk(text)
		return nil
	}
	if err := b.open(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	end := v.headEnd
	m, err := b.head.reach(end)
	if err != nil {
		return err
	}
	var next atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	blocks := (end + headBlock - 1) / headBlock
	workers := min(int64(runtime.GOMAXPROCS(0)), blocks)
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			errs[w] = shield(func() error {
				for !stop.Load() {
					k := next.Add(1) - 1
					if k >= blocks {
						return nil
					}
					lo, hi := max(k*headBlock, pageSize), min((k+1)*headBlock, end)
					if lo < hi && !walk(m.b[lo:hi]) {
						stop.Store(true)
					}
				}
				return nil
			})
		})
	}
	wg.Wait()
	runtime.KeepAlive(b)
	return errors.Join(errs...)
}

// scanHeads walks the records of a block. They mostly come in the order of rows.
func scanHeads(b []byte, v *View, fn func(row int, rec []byte) bool) bool {
	row := -1
	for len(b) >= blobHeader {
		uid := UID(binary.LittleEndian.Uint32(b))
		n := int64(binary.LittleEndian.Uint32(b[4:]))
		if uid == 0 || n > int64(len(b)-blobHeader) {
			break
		}
		text := b[blobHeader : blobHeader+n]
		b = b[blobHeader+n:]
		if row+1 < v.Len() && v.UID(row+1) == uid {
			row++
		} else if r, ok := v.Find(uid); ok {
			row = r
		} else {
			continue
		}
		if !fn(row, text) {
			return false
		}
	}
	return true
}

// intact reports whether what was appended since it was last known to be on the
// disk is there: the question after a loss of power.
func (b *blobs) intact(s *slot) bool {
	if s.cacheID == 0 {
		return true
	}
	if b.open() != nil {
		return false
	}
	ok := true
	err := shield(func() error {
		m, err := b.cache.reach(s.cacheEnd)
		if err != nil {
			return err
		}
		for at := max(s.cacheOK, pageSize); at < s.cacheEnd && ok; {
			n, good := record(m.b[at:s.cacheEnd])
			ok = good
			at = (at + n + 7) &^ 7
		}
		if m, err = b.head.reach(s.headEnd); err != nil {
			return err
		}
		for at := max(s.headOK, pageSize); at < s.headEnd && ok; {
			end := min(at/headBlock*headBlock+headBlock, s.headEnd)
			if end-at < blobHeader || binary.LittleEndian.Uint32(m.b[at:]) == 0 {
				at = end
				continue
			}
			n, good := record(m.b[at:end])
			ok = good
			at += n
		}
		return nil
	})
	runtime.KeepAlive(b)
	return ok && err == nil
}

// record checks the record at the head of b.
func record(b []byte) (size int64, ok bool) {
	if len(b) < blobHeader {
		return 0, false
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	if n > int64(len(b)-blobHeader) {
		return 0, false
	}
	size = blobHeader + n
	return size, blobSum(b[:size]) == binary.LittleEndian.Uint32(b[8:])
}

// blobWriter appends to both files on behalf of a tx.
type blobWriter struct {
	cache, head       file
	cacheAt, headAt   int64 // where what is buffered goes
	cacheBuf, headBuf []byte
}

func (w *blobWriter) add(uid UID, blob, head []byte) (at int64, err error) {
	if len(blob) > maxBlob {
		return 0, fmt.Errorf("digest of %d bytes: %w", len(blob), ErrFull)
	}
	head = head[:min(len(head), maxHead)]
	for len(w.cacheBuf)%8 != 0 {
		w.cacheBuf = append(w.cacheBuf, 0)
	}
	at = w.cacheAt + int64(len(w.cacheBuf))
	if at/8 >= 1<<32-1 {
		return 0, fmt.Errorf("pneu.cache: %w", ErrFull)
	}
	w.cacheBuf = appendBlob(w.cacheBuf, uid, blob)
	end := w.headAt + int64(len(w.headBuf))
	if room := headBlock - end%headBlock; room < int64(blobHeader+len(head)) {
		w.headBuf = append(w.headBuf, make([]byte, room)...)
	}
	w.headBuf = appendBlob(w.headBuf, uid, head)
	if len(w.cacheBuf)+len(w.headBuf) > 1<<20 {
		err = w.flush()
	}
	return at, err
}

func (w *blobWriter) flush() error {
	for len(w.cacheBuf)%8 != 0 {
		w.cacheBuf = append(w.cacheBuf, 0)
	}
	if len(w.cacheBuf) > 0 {
		if _, err := w.cache.WriteAt(w.cacheBuf, w.cacheAt); err != nil {
			return err
		}
		w.cacheAt += int64(len(w.cacheBuf))
		w.cacheBuf = w.cacheBuf[:0]
	}
	if len(w.headBuf) > 0 {
		if _, err := w.head.WriteAt(w.headBuf, w.headAt); err != nil {
			return err
		}
		w.headAt += int64(len(w.headBuf))
		w.headBuf = w.headBuf[:0]
	}
	return nil
}

func (w *blobWriter) close() {
	if w.cache != nil {
		w.cache.Close()
	}
	if w.head != nil {
		w.head.Close()
	}
}
