package fulltext

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	tailMagic  = "pneutail"
	tailFixed  = 24 // of the header, before the identity
	recordHead = 12
	maxText    = 64 << 20
)

// tailHeader is that of a new file. The nonce tells it from one before it that
// had the same inode.
func tailHeader(identity string, nonce uint64) []byte {
	le := binary.LittleEndian
	b := []byte(tailMagic)
	b = le.AppendUint32(b, version)
	b = le.AppendUint32(b, uint32(len(identity)))
	b = le.AppendUint64(b, nonce)
	b = append(b, identity...)
	return le.AppendUint32(b, checksum(b))
}

// headerOf returns the header of a tail of identity that b starts with, nil if
// it starts with something else. An error is ErrVersion.
func headerOf(b []byte, identity string) ([]byte, error) {
	le := binary.LittleEndian
	if len(b) < tailFixed || string(b[:8]) != tailMagic {
		return nil, nil
	}
	if le.Uint32(b[8:]) > version {
		return nil, ErrVersion
	}
	h := tailHeader(identity, le.Uint64(b[16:]))
	if !bytes.HasPrefix(b, h) {
		return nil, nil
	}
	return h, nil
}

func appendRecord(dst []byte, uid uint32, text []byte) []byte {
	le := binary.LittleEndian
	start := len(dst)
	dst = le.AppendUint32(dst, uid)
	dst = le.AppendUint32(dst, uint32(len(text)))
	dst = le.AppendUint32(dst, updateSum(checksum(dst[start:]), text))
	return append(dst, text...)
}

// parseRecords returns the records at the start of b that are whole, and their length.
func parseRecords(b []byte) (docs []tailDoc, n int) {
	le := binary.LittleEndian
	for len(b)-n >= recordHead {
		r := b[n:]
		size := le.Uint32(r[4:])
		if size > maxText || int(size) > len(r)-recordHead {
			break
		}
		text := r[recordHead : recordHead+int(size) : recordHead+int(size)]
		if updateSum(checksum(r[:8]), text) != le.Uint32(r[8:]) || !indexable(text) {
			break
		}
		docs = append(docs, tailDoc{le.Uint32(r), text})
		n += recordHead + int(size)
	}
	return docs, n
}

// maxTailRead bounds what a tail of nonsense can make us read at once.
const maxTailRead = 64 << 20

// A tail is the file of recent documents, as far as this process has read it.
type tail struct {
	info   os.FileInfo // of the file read; nil if there was none
	header []byte
	size   int64 // of the header and of the records that are whole
	seen   int64 // size of the file when it was last read
	docs   []tailDoc
	has    map[uint32]bool
}

// read reads on in f, or all of it if it is not the file that t has read.
func (t *tail) read(f io.ReaderAt, info os.FileInfo, identity string) error {
	if t.info == nil || !os.SameFile(t.info, info) || info.Size() < t.size {
		*t = tail{}
	}
	if t.size > 0 {
		h := make([]byte, len(t.header))
		if _, err := f.ReadAt(h, 0); err != nil || !bytes.Equal(h, t.header) {
			*t = tail{}
		}
	}
	t.info, t.seen = info, info.Size()
	if t.seen == t.size {
		return nil
	}
	b := make([]byte, min(t.seen-t.size, maxTailRead)) // what is beyond is as if it were not covered
	n, err := f.ReadAt(b, t.size)
	if err != nil && err != io.EOF {
		return err
	}
	b = b[:n]
	if t.size == 0 {
		h, err := headerOf(b, identity)
		if h == nil {
			return err // nothing of it is ours, or it is being made
		}
		t.has = map[uint32]bool{}
		t.header, t.size = h, int64(len(h))
		b = b[t.size:]
	}
	docs, n := parseRecords(b)
	t.size += int64(n)
	for _, d := range docs {
		if !t.has[d.uid] {
			t.has[d.uid] = true
			t.docs = append(t.docs, d)
		}
	}
	return nil
}

// refresh reads what is new in dir's tail, and reports whether anything was.
func (t *tail) refresh(dir, identity string) (changed bool, err error) {
	path := filepath.Join(dir, tailName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		changed = t.info != nil
		*t = tail{}
		return changed, nil
	case err != nil:
		return false, err
	case t.info != nil && os.SameFile(t.info, info) && info.Size() == t.seen && info.ModTime().Equal(t.info.ModTime()):
		return false, nil
	}
	f, err := openPlain(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		changed = t.info != nil
		*t = tail{}
		return changed, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return false, err
	}
	return true, t.read(f, info, identity)
}

// lockTail opens the tail and takes its lock: of the file that has the name.
func lockTail(fsys files, dir string) (file, os.FileInfo, error) {
	path := filepath.Join(dir, tailName)
	for {
		f, err := fsys.Open(path)
		if err != nil {
			return nil, nil, err
		}
		if err := f.Lock(true); err != nil {
			f.Close()
			return nil, nil, err
		}
		info, err := f.Stat()
		if err == nil {
			var named os.FileInfo
			if named, err = os.Stat(path); err == nil && os.SameFile(info, named) {
				return f, info, nil
			}
		}
		f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
}

// append adds a record to f, which is locked and read.
func (t *tail) append(f file, identity string, uid uint32, text []byte) error {
	var b []byte
	if t.size == 0 {
		t.header = tailHeader(identity, rand.Uint64())
		b = bytes.Clone(t.header)
		t.has = map[uint32]bool{}
	}
	if t.seen > t.size { // torn
		if err := f.Truncate(t.size); err != nil {
			return err
		}
	}
	b = appendRecord(b, uid, text)
	if n, err := f.Write(b); err != nil {
		if n > 0 {
			f.Truncate(t.size)
		}
		return err
	}
	t.docs = append(t.docs, tailDoc{uid, b[len(b)-len(text):]})
	t.has[uid] = true
	t.size += int64(len(b))
	t.seen = t.size
	if info, err := f.Stat(); err == nil {
		t.info = info
	}
	return nil
}

// An Appender adds documents for a program that delivers and does not search: no
// segment is opened, and of the tail it is only seen to that it is whole. It is
// used by one goroutine at a time. The zero value is ready.
type Appender struct {
	info   os.FileInfo // of the tail that was whole
	header []byte
	whole  int64
}

// Append is Index.Append. uid must be new.
func (a *Appender) Append(dir string, opt Options, uid uint32, text []byte) (full bool, err error) {
	if opt, err = opt.complete(); err != nil {
		return false, err
	}
	if indexable(text) && !opt.ReadOnly {
		if full, done, err := a.blind(disk{}, dir, opt, uid, text); done {
			return full, err
		}
	}
	return newIndex(dir, opt, disk{}).Append(uid, text)
}

// blind adds a record to a tail whose records make up all of its file. It does
// nothing, and says so, where that is not so: then someone has to read it.
func (a *Appender) blind(fsys files, dir string, opt Options, uid uint32, text []byte) (full, done bool, err error) {
	f, info, err := lockTail(fsys, dir)
	if err != nil {
		return false, true, fmt.Errorf("append to text index: %w", err)
	}
	defer f.Close()
	if info.Size() == 0 || info.Size() >= 8*opt.Tail {
		return false, false, nil
	}
	if !a.check(f, info, opt.Identity) {
		a.info = nil
		return false, false, nil
	}
	b := appendRecord(nil, uid, text)
	a.info = nil
	if n, err := f.Write(b); err != nil {
		if n > 0 {
			f.Truncate(info.Size())
		}
		return false, true, fmt.Errorf("append to text index: %w", err)
	}
	a.info, a.whole = info, info.Size()+int64(len(b))
	return a.whole >= opt.Tail, true, nil
}

// check goes over what it has not gone over before, and reports whether the tail is
// whole.
func (a *Appender) check(f file, info os.FileInfo, identity string) (whole bool) {
	head := make([]byte, min(info.Size(), tailFixed+maxIdentity+4))
	if _, err := f.ReadAt(head, 0); err != nil {
		return false
	}
	h, err := headerOf(head, identity)
	if h == nil || err != nil {
		return false
	}
	if a.info == nil || !os.SameFile(a.info, info) || !bytes.Equal(h, a.header) || a.whole > info.Size() {
		a.header, a.whole = h, int64(len(h))
	}
	d, ok := f.(diskFile)
	if !ok || info.Size()-a.whole < 64<<10 {
		b := make([]byte, info.Size()-a.whole)
		if _, err := f.ReadAt(b, a.whole); err != nil {
			return false
		}
		return walkRecords(b)
	}
	data, unmap, err := mapFile(d.File, int(info.Size()))
	if err != nil {
		return false
	}
	defer unmap(data)
	err = safely(func() error {
		whole = walkRecords(data[a.whole:])
		return nil
	})
	return whole && err == nil
}

// walkRecords goes from record to record by their lengths, and reports whether they
// are all there is.
func walkRecords(b []byte) bool {
	le := binary.LittleEndian
	for len(b) > 0 {
		if len(b) < recordHead {
			return false
		}
		size := le.Uint32(b[4:])
		if size > maxText || int(size) > len(b)-recordHead || le.Uint32(b) == 0 {
			return false // 0: never written
		}
		b = b[recordHead+int(size):]
	}
	return true
}
