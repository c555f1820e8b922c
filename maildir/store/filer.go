package store

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/fulltext"
	"pneu/maildir/index"
	"pneu/maildir/message"
)

// A Filer tells indexes of deliveries into many folders, for a program that delivers and
// reads nothing: it keeps those open to which mail came last. It may be used by many
// goroutines. The zero value is ready.
type Filer struct {
	mu    sync.Mutex
	desks map[string]*desk
	clock uint64
}

// A desk is a folder whose index is open.
type desk struct {
	mu   sync.Mutex // deliveries of this process wait for each other, not for other programs
	dir  os.FileInfo
	x    *index.Index
	used uint64 // under Filer.mu

	texts fulltext.Appender
}

// maxDesks bounds how many indexes are kept open.
const maxDesks = 32

// Filed tells the indexes of a folder of a message that was just delivered into it, raw being
// the whole of it. A folder that nobody has opened yet stays without an index. It waits for no
// other program and cannot fail: what is not noted now is found out by whoever reads next.
func (l *Filer) Filed(f *maildir.Folder, e maildir.Entry, raw []byte) {
	if e.File == "" || !f.Local() { // files shared over NFS want locks of another kind
		return
	}
	d := l.desk(f)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ready(f) {
		return
	}
	d.x.Filed(e, raw)
	v, err := d.x.Refresh()
	if err != nil || !v.State().Sticky || !fulltext.Exists(f.Path()) {
		return // nobody searches texts here yet
	}
	if row, ok := v.FindBase(e.Base()); ok {
		opt := fulltext.Options{Identity: numberingOf(v.State())}
		d.texts.Append(f.Path(), opt, uint32(v.UID(row)), digest.Fold(nil, digest.Text(message.Parse(raw))))
	}
}

// Close closes the indexes that are open.
func (l *Filer) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for path, d := range l.desks {
		delete(l.desks, path)
		d.mu.Lock()
		d.close()
		d.mu.Unlock()
	}
}

// desk returns that of a folder, and gives up the one not used for longest if there are many.
func (l *Filer) desk(f *maildir.Folder) *desk {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock++
	d := l.desks[f.Path()]
	if d == nil {
		if l.desks == nil {
			l.desks = map[string]*desk{}
		}
		d = &desk{}
		l.desks[f.Path()] = d
	}
	d.used = l.clock
	if len(l.desks) > maxDesks {
		oldest := ""
		for path, o := range l.desks {
			if oldest == "" || o.used < l.desks[oldest].used {
				oldest = path
			}
		}
		if o := l.desks[oldest]; o.mu.TryLock() {
			delete(l.desks, oldest)
			o.close()
			o.mu.Unlock()
		}
	}
	return d
}

// ready opens the index of the folder that is there now.
func (d *desk) ready(f *maildir.Folder) bool {
	dir, err := os.Stat(f.Path())
	if err != nil {
		return false
	}
	if d.x != nil && os.SameFile(dir, d.dir) && d.x.Volatile() == nil {
		return true
	}
	d.close()
	if _, err := index.ReadState(f.Path()); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	x, err := index.Open(f, index.Options{})
	if err != nil {
		return false // of a newer version: not ours to touch
	}
	d.x, d.dir = x, dir
	return x.Volatile() == nil
}

func (d *desk) close() {
	if d.x != nil {
		d.x.Close()
		d.x = nil
	}
}
