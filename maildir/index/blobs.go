package index

import (
	"path/filepath"
	"slices"
)

// keep appends a digest and returns its place in units of 8 bytes.
func (t *tx) keep(uid UID, blob, head []byte) (uint32, error) {
	v := t.x.cur.Load()
	if v.blob.fs == nil && v.blob.id != 0 {
		v.blob.mu.Lock()
		defer v.blob.mu.Unlock()
		n := int64(len(v.blob.kept) + 1)
		v.blob.kept[8*n] = slices.Clone(blob)
		v.blob.text = appendBlob(v.blob.text, uid, head)
		return uint32(n), nil
	}
	if t.x.opt.ReadOnly || t.blob == nil && t.x.volatileNow() {
		return 0, nil // the files are for those who commit
	}
	if t.blob == nil {
		if err := t.openBlobs(); err != nil {
			return 0, err
		}
	}
	at, err := t.blob.add(uid, blob, head)
	if err != nil {
		return 0, err
	}
	t.slot.cacheEnd = t.blob.cacheAt + int64(len(t.blob.cacheBuf))
	t.slot.headEnd = t.blob.headAt + int64(len(t.blob.headBuf))
	return uint32(at / 8), nil
}

// openBlobs opens pneu.cache and pneu.head for appending, and makes new ones if
// those that are there are not ours.
func (t *tx) openBlobs() error {
	x := t.x
	w := &blobWriter{cacheAt: (t.slot.cacheEnd + 7) &^ 7, headAt: t.slot.headEnd}
	guid := x.core.id.guid
	have := &blobs{fs: x.fs, dir: x.dir, guid: guid, id: t.slot.cacheID}
	found := have.open()
	if passing(found) {
		return found
	}
	ok := found == nil
	if ok {
		ok = have.cache.size.Load() >= t.slot.cacheEnd && have.head.size.Load() >= t.slot.headEnd
		have.close()
	}
	var err error
	if ok {
		if w.cache, err = x.fs.Open(filepath.Join(x.dir, cacheName), true); err == nil {
			x.renew(w.cache) // or pages are written back whole, as they were
			if w.head, err = x.fs.Open(filepath.Join(x.dir, headName), true); err == nil {
				x.renew(w.head)
			}
		}
	} else {
		id := randomSeed() | 2
		if w.cache, err = x.makeBlobs(cacheName, cacheMagic, identity{id, guid, 0}); err == nil {
			w.head, err = x.makeBlobs(headName, headMagic, identity{id, guid, 0})
		}
		if err != nil {
			w.close()
			return err
		}
		w.cacheAt, w.headAt = pageSize, pageSize
		t.slot.cacheID, t.slot.cacheEnd, t.slot.headEnd = id, pageSize, pageSize
		t.slot.cacheOK, t.slot.headOK = 0, 0
		b := t.build()
		if b.st.Undigested != b.st.Total {
			b.dropCache()
			t.put(append(t.out, recCache))
		}
	}
	if err != nil {
		w.close()
		return err
	}
	t.blob = w
	return nil
}

// makeBlobs makes an empty file for digests or heads.
func (x *Index) makeBlobs(name, magic string, id identity) (file, error) {
	f, err := x.beginBlobs(name, magic, id)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(x.dir, name)
	if err := x.fs.Rename(path+tmpSuffix, path); err != nil {
		f.Close()
		x.fs.Remove(path + tmpSuffix)
		return nil, err
	}
	return f, nil
}

// beginBlobs makes it under its temporary name.
func (x *Index) beginBlobs(name, magic string, id identity) (file, error) {
	path := filepath.Join(x.dir, name+tmpSuffix)
	f, err := x.fs.Create(path)
	if err != nil {
		return nil, err
	}
	adopt(f, x.dir)
	page := make([]byte, pageSize)
	copy(page, id.encode(magic))
	if _, err = f.WriteAt(page, 0); err != nil {
		f.Close()
		x.fs.Remove(path)
		return nil, err
	}
	return f, nil
}
