package index

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// A machine is a file system as one of several NFS clients has it: what was read of a file may be
// old until it is renewed, and what a name leads to until it is opened.
type machine struct {
	disk
	mu    sync.Mutex
	files map[string]*cached // by inode and identity, for inodes are used again
	names map[string]fileInfo
}

type cached struct {
	info fileInfo
	data []byte
}

type remoteFile struct {
	file
	m *machine
	c *cached
}

func (m *machine) Open(path string, write bool) (file, error) {
	f, err := m.disk.Open(path, write)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, info.size)
	if info.size > 0 {
		if _, err := f.ReadAt(data, 0); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files == nil {
		m.files, m.names = map[string]*cached{}, map[string]fileInfo{}
	}
	id := fmt.Sprint(info.ino, data[:min(len(data), identitySize)])
	c := m.files[id]
	if c == nil {
		c = &cached{info, data}
		m.files[id] = c
	}
	m.names[path] = info
	return &remoteFile{f, m, c}, nil
}

func (f *remoteFile) Renew() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	data := make([]byte, info.size)
	if _, err := f.file.ReadAt(data, 0); err != nil {
		return err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.c.info, f.c.data = info, data
	return nil
}

func (m *machine) Stat(path string) (fileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if info, ok := m.names[path]; ok {
		return info, nil
	}
	return m.disk.Stat(path)
}

func (m *machine) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.names, to)
	return m.disk.Rename(from, to)
}

func (f *remoteFile) Stat() (fileInfo, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.c.info, nil
}

func (f *remoteFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if off >= int64(len(f.c.data)) {
		return f.file.ReadAt(p, off)
	}
	n := copy(p, f.c.data[off:])
	if n < len(p) {
		k, err := f.file.ReadAt(p[n:], off+int64(n))
		return n + k, err
	}
	return n, nil
}

func (f *remoteFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.file.WriteAt(p, off)
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if end := off + int64(n); end > int64(len(f.c.data)) && off <= int64(len(f.c.data)) {
		f.c.data = append(f.c.data, make([]byte, end-int64(len(f.c.data)))...)
		f.c.info.size = end
	}
	if off < int64(len(f.c.data)) {
		copy(f.c.data[off:], p[:n])
	}
	return n, err
}

// Two machines give out UIDs in turns, and each sees what the other has done.
func TestMachinesTakeTurns(t *testing.T) {
	f := newFolder(t)
	put(t, f, "cur/0.a:2,")
	var xs [2]*Index
	for i := range xs {
		xs[i] = mustOpen(t, f, Options{Safe: true, fs: &machine{}})
		syncIndex(t, xs[i])
	}
	shown := map[UID]string{1: "0.a"}
	look := func(k int, x *Index) {
		t.Helper()
		v := syncIndex(t, x)
		for row := range v.Len() {
			uid, base := v.UID(row), v.Entry(row).Base()
			if was, ok := shown[uid]; ok && was != base {
				t.Fatalf("after %d: UID %d was %s, is %s", k, uid, was, base)
			}
			shown[uid] = base
		}
		if err, _ := x.Damage(); err != nil {
			t.Fatalf("after %d: %v", k, err)
		}
	}
	for k := 1; k < 40; k++ {
		x, y := xs[k%3%2], xs[1-k%3%2]
		put(t, f, fmt.Sprintf("cur/%d.a:2,", k))
		look(k, x)
		if k%7 == 0 {
			x.mu.Lock()
			err := x.compact()
			x.mu.Unlock()
			if err != nil {
				t.Fatal(err)
			}
		}
		if k%5 == 0 {
			setFlags(t, y, FlagChange{Add: Flagged}, 1)
		}
		if k%2 == 0 { // gone before the other machine has seen it, and another is there
			if err := os.Remove(filepath.Join(f.Path(), fmt.Sprintf("cur/%d.a:2,", k))); err != nil {
				t.Fatal(err)
			}
			put(t, f, fmt.Sprintf("cur/%d.b:2,", k))
		}
		look(k, y)
		look(k, x)
	}
}
