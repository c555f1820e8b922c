package index

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"runtime"
)

// A folder through which mail passes would keep what was said of messages that have left:
// pneu.cache and pneu.head only grow. Who makes a new snapshot makes them anew, too, if
// more than half of them is of no use.

const (
	// repackFree is what must be free in pneu.cache at least. Below it is not worth
	// having others open the files again.
	repackFree = 16 << 20
	// repackSamples is of how many rows it is first reckoned what all of them take.
	repackSamples = 256
)

// wasteful reports whether more than half of pneu.cache, and no less than limit, is of no
// row. That is looked at closely only if it seems so.
func (v *View) wasteful(limit int64) bool {
	all := v.cacheEnd - pageSize
	if all < limit {
		return false
	}
	for _, step := range []int{max(v.Len()/repackSamples, 1), 1} {
		var kept int64
		for row := 0; row < v.Len(); row += step {
			c, i := v.at(row)
			if at := int64(c.cache[i]) * 8; at != 0 {
				kept += int64(step) * v.blob.cache.taken(at)
			}
		}
		if free := all - kept; free < limit || free <= kept {
			return false
		}
	}
	return true
}

// taken returns how much the record at a place takes, by its head. Read in place it would
// bring much of the file into memory for little of it.
func (g *growing) taken(at int64) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	var head [blobHeader]byte
	if g.f == nil {
		return 0
	}
	if _, err := g.f.ReadAt(head[:], at); err != nil {
		return 0
	}
	n := int64(binary.LittleEndian.Uint32(head[4:]))
	if n > maxBlob {
		return 0
	}
	return (blobHeader + n + 7) &^ 7
}

// heads returns where the newest record of every row lies in pneu.head, 0 for none.
func (b *blobs) heads(v *View) ([]int64, error) {
	m, err := b.head.reach(v.headEnd)
	if err != nil {
		return nil, err
	}
	at := make([]int64, v.Len())
	for from := int64(pageSize); from < v.headEnd; {
		stop := min(from/headBlock*headBlock+headBlock, v.headEnd)
		if stop-from < blobHeader || binary.LittleEndian.Uint32(m.b[from:]) == 0 {
			from = stop
			continue
		}
		n, good := record(m.b[from:stop])
		if n == 0 {
			return nil, ErrDamaged
		}
		if row, ok := v.Find(UID(binary.LittleEndian.Uint32(m.b[from:]))); ok && good {
			at[row] = from
		}
		from += n
	}
	return at, nil
}

// repack writes what is kept of v's rows into new files beside those that are there, and
// says in s what they hold. Places are those of the rows in the new pneu.cache; nil if
// there is nothing to gain, or no room. Putting the files in place is for the caller, when
// the snapshot that knows the places is written: readers of one find the other replaced, and
// read messages instead, until they have looked again.
func (x *Index) repack(v *View, s *slot) (places []uint32) {
	defer runtime.KeepAlive(v)
	x.dropRepacked() // what one that was killed may have left, as large as what is there
	if s.cacheID == 0 || v.blob.fs == nil || v.blob.open() != nil {
		return nil
	}
	if list, all := v.Revised(); all || len(list) > 0 {
		return nil // these know digests by their places
	}
	w := &blobWriter{cacheAt: pageSize, headAt: pageSize}
	defer w.close()
	next := *s
	limit := x.opt.repack
	if limit == 0 {
		limit = repackFree
	}
	err := shield(func() (err error) {
		if limit > 0 && !v.wasteful(limit) {
			return nil
		}
		heads, err := v.blob.heads(v)
		if err != nil {
			return err
		}
		next.cacheID = randomSeed() | 2
		id := identity{next.cacheID, v.st.GUID, 0}
		if w.cache, err = x.beginBlobs(cacheName, cacheMagic, id); err != nil {
			return err
		}
		if w.head, err = x.beginBlobs(headName, headMagic, id); err != nil {
			return err
		}
		moved := make([]uint32, v.Len())
		for row := range moved {
			c, i := v.at(row)
			if c.cache[i] == 0 {
				continue
			}
			blob, head := v.Blob(row), []byte(nil)
			if at := heads[row]; at != 0 {
				m, err := v.blob.head.reach(v.headEnd)
				if err != nil {
					return err
				}
				n := int64(binary.LittleEndian.Uint32(m.b[at+4:]))
				head = m.b[at+blobHeader : at+blobHeader+n]
			}
			if blob == nil || head == nil { // damaged: it is read again
				next.st.Undigested++
				continue
			}
			at, err := w.add(v.UID(row), blob, head)
			if err != nil {
				return err
			}
			moved[row] = uint32(at / 8)
		}
		if err := w.flush(); err != nil {
			return err
		}
		if err := errors.Join(w.cache.Sync(), w.head.Sync()); err != nil {
			return err
		}
		places = moved
		return nil
	})
	if err != nil {
		x.opt.Log.Info("free space of pneu.cache not given back", "folder", x.f.Name(), "err", err)
		x.dropRepacked()
		return nil
	}
	if places != nil {
		next.cacheEnd, next.headEnd = w.cacheAt, w.headAt
		next.cacheOK, next.headOK = w.cacheAt, w.headAt
		*s = next
	}
	return places
}

// putRepacked puts what repack wrote in place.
func (x *Index) putRepacked() error {
	for _, name := range []string{cacheName, headName} {
		path := filepath.Join(x.dir, name)
		if err := x.fs.Rename(path+tmpSuffix, path); err != nil {
			return err
		}
	}
	return nil
}

// dropRepacked deletes what repack wrote.
func (x *Index) dropRepacked() {
	for _, name := range []string{cacheName, headName} {
		x.fs.Remove(filepath.Join(x.dir, name+tmpSuffix))
	}
}
