package queue

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A model is a file system that knows what is durable. It stops the program
// before any chosen step, and shows what is found after the process was
// killed (everything it did) or the power cut (what was synced for certain,
// of the rest some).
type model struct {
	dirs    map[string]bool
	names   map[string]*inode // as programs see them
	durable map[string]*inode // as of the last commit
	ops     []nameOp          // since then, in order
	strict  bool              // a sync of a file does not commit its name
	ino     uint64

	step    int
	stopAt  int   // panic(stopped{}) before that step
	half    bool  // a write at that step is done by half
	failAt  int   // that step fails with err
	failOn  bool  // and all later ones too
	err     error // what it fails with
	trace   []string
	tracing bool
}

type stopped struct{}

type inode struct {
	n      uint64
	data   []byte
	mtime  time.Time
	synced []byte // durable content
	writes []write
	lock   *handle
}

type write struct {
	off  int
	data []byte
}

type nameOp struct {
	from, to string // remove: to "", create: from ""
	node     *inode
}

func newModel(strict bool) *model {
	m := &model{dirs: map[string]bool{}, names: map[string]*inode{}, durable: map[string]*inode{}, strict: strict}
	for _, d := range []string{"q", "hold", "log", "bad", "drop", "dest"} {
		m.dirs["/m/"+d] = true
	}
	return m
}

// at counts a step that changes something.
func (m *model) at(what, name string) error {
	m.step++
	if m.tracing {
		m.trace = append(m.trace, what+" "+name)
	}
	if m.step == m.stopAt && !(m.half && what == "write") {
		panic(stopped{})
	}
	if m.failAt > 0 && (m.step == m.failAt || m.failOn && m.step > m.failAt) {
		return &fs.PathError{Op: what, Path: name, Err: m.err}
	}
	return nil
}

type handle struct {
	m      *model
	node   *inode
	name   string
	append bool
}

func (m *model) Open(name string, flag int, perm uint32) (File, error) {
	node := m.names[name]
	switch {
	case node != nil && flag&syscall.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EEXIST}
	case node == nil && flag&syscall.O_CREAT == 0, node == nil && !m.dirs[path.Dir(name)]:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	case node == nil:
		if err := m.at("create", name); err != nil {
			return nil, err
		}
		m.ino++
		node = &inode{n: m.ino, mtime: time.Now()}
		m.change(nameOp{"", name, node})
	}
	if flag&syscall.O_TRUNC != 0 {
		node.data = nil
	}
	return &handle{m, node, name, flag&syscall.O_APPEND != 0}, nil
}

func (m *model) change(op nameOp) {
	m.ops = append(m.ops, op)
	apply(m.names, op)
}

func apply(names map[string]*inode, op nameOp) {
	if op.from != "" {
		delete(names, op.from)
	}
	if op.to != "" {
		names[op.to] = op.node
	}
}

func (m *model) Mkdir(name string, perm uint32) error {
	if m.dirs[name] {
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.EEXIST}
	}
	m.dirs[name] = true
	return nil
}

func (m *model) Rename(from, to string) error {
	node := m.names[from]
	if node == nil || !m.dirs[path.Dir(to)] {
		return &fs.PathError{Op: "rename", Path: from, Err: syscall.ENOENT}
	}
	if err := m.at("rename", from); err != nil {
		return err
	}
	m.change(nameOp{from, to, node})
	return nil
}

func (m *model) Remove(name string) error {
	node := m.names[name]
	if node == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOENT}
	}
	if err := m.at("remove", name); err != nil {
		return err
	}
	m.change(nameOp{name, "", node})
	return nil
}

func (m *model) Names(dir string) ([]string, error) {
	if !m.dirs[dir] {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOENT}
	}
	var list []string
	for n := range m.names {
		if path.Dir(n) == dir {
			list = append(list, path.Base(n))
		}
	}
	for d := range m.dirs {
		if path.Dir(d) == dir {
			list = append(list, path.Base(d))
		}
	}
	slices.Sort(list)
	return list, nil
}

func (m *model) info(n *inode) Info {
	links := uint64(0)
	for _, node := range m.names {
		if node == n {
			links++
		}
	}
	return Info{Size: int64(len(n.data)), ModTime: n.mtime, Inode: n.n, Links: links, Regular: true}
}

func (m *model) Stat(name string) (Info, error) {
	if n := m.names[name]; n != nil {
		return m.info(n), nil
	}
	if m.dirs[name] {
		return Info{}, nil
	}
	return Info{}, &fs.PathError{Op: "stat", Path: name, Err: syscall.ENOENT}
}

func (m *model) SetTime(name string, t time.Time) error {
	n := m.names[name]
	if n == nil {
		return &fs.PathError{Op: "set time", Path: name, Err: syscall.ENOENT}
	}
	if err := m.at("set time", name); err != nil {
		return err
	}
	n.mtime = t
	return nil
}

func (m *model) SyncDir(dir string) error {
	if err := m.at("sync folder", dir); err != nil {
		return err
	}
	m.commit(func(op nameOp) bool { return path.Dir(op.from) == dir || path.Dir(op.to) == dir })
	return nil
}

// commit makes name changes durable: in strict those chosen, with a journal
// all up to now.
func (m *model) commit(which func(nameOp) bool) {
	rest := m.ops[:0:0]
	for _, op := range m.ops {
		if m.strict && !which(op) {
			rest = append(rest, op)
		} else {
			apply(m.durable, op)
		}
	}
	m.ops = rest
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(h.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) Write(p []byte) (int, error) { return h.WriteAt(p, int64(len(h.node.data))) }

func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	if err := h.m.at("write", h.name); err != nil {
		if len(p) > 1 { // a full disk takes what it can
			h.put(p[:len(p)/2], int(off))
		}
		return 0, err
	}
	if h.m.step == h.m.stopAt && h.m.half {
		if len(p) > lineLen { // less lies in one page, and a kill does not part it
			h.put(p[:len(p)/2], int(off))
		}
		panic(stopped{})
	}
	h.put(p, int(off))
	return len(p), nil
}

func (h *handle) put(p []byte, off int) {
	h.node.write(off, p)
	h.node.writes = append(h.node.writes, write{off, slices.Clone(p)})
	h.node.mtime = time.Now()
}

func (n *inode) write(off int, p []byte) { n.data = over(n.data, off, p) }

func over(data []byte, off int, p []byte) []byte {
	if need := off + len(p); need > len(data) {
		data = append(data, make([]byte, need-len(data))...)
	}
	copy(data[off:], p)
	return data
}

func (h *handle) Sync() error {
	if err := h.m.at("sync", h.name); err != nil {
		return err
	}
	h.node.synced, h.node.writes = slices.Clone(h.node.data), nil
	h.m.commit(func(nameOp) bool { return false })
	return nil
}

func (h *handle) Datasync() error {
	if err := h.m.at("sync data", h.name); err != nil {
		return err
	}
	h.node.synced, h.node.writes = slices.Clone(h.node.data), nil
	return nil
}

func (h *handle) Lock(wait bool) error {
	if h.node.lock != nil && h.node.lock != h {
		if wait {
			panic("deadlock")
		}
		return ErrBusy
	}
	h.node.lock = h
	return nil
}

func (h *handle) Stat() (Info, error) { return h.m.info(h.node), nil }

func (h *handle) Close() error {
	if h.node.lock == h {
		h.node.lock = nil
	}
	return nil
}

// kill ends the process: locks go, all that it did stays.
func (m *model) kill() {
	for _, n := range m.names {
		n.lock = nil
	}
	m.age()
}

// cut cuts the power. Of what was not synced, r decides what is found: of
// each file's writes any, torn in the middle too; of the names a first part
// (strict: of each folder's).
func (m *model) cut(r *rand.Rand) {
	keep := map[string]int{}
	all := r.IntN(len(m.ops) + 1)
	for i, op := range m.ops {
		dir := path.Dir(op.to)
		if op.to == "" {
			dir = path.Dir(op.from)
		}
		if _, ok := keep[dir]; !ok {
			keep[dir] = r.IntN(4)
		}
		if m.strict && keep[dir] > 0 || !m.strict && i < all {
			apply(m.durable, op)
			keep[dir]--
		} else if m.strict {
			keep[dir] = 0
		}
	}
	m.ops = nil
	m.names = map[string]*inode{}
	for name, n := range m.durable {
		m.names[name] = n
		data := slices.Clone(n.synced)
		for _, w := range n.writes {
			switch r.IntN(3) {
			case 0:
				data = over(data, w.off, w.data)
			case 1:
				data = over(data, w.off, w.data[:r.IntN(len(w.data)+1)])
			}
		}
		n.data, n.synced, n.writes, n.lock = data, slices.Clone(data), nil, nil
	}
	m.age()
}

// age lets two minutes pass.
func (m *model) age() {
	for _, n := range m.names {
		n.mtime = n.mtime.Add(-2 * abandoned)
	}
}

// left lists what a spool should not hold when all is done.
func (m *model) left(bad bool) []string {
	var list []string
	for n := range m.names {
		if bad || !strings.HasPrefix(n, "/m/bad/") {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}
