package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"pneu/maildir"
)

// maxSize is when the file is put aside as FILE.old and a new one begun: some
// 100,000 operations.
const maxSize = 32 << 20

// ErrNewer is returned by Undo and Redo if a later version has written to the journal: what was
// done last is not known then.
var ErrNewer = errors.New("the journal was written by a newer pneu: update this one")

// ErrNothing is returned by Undo and Redo when there is nothing to do.
var ErrNothing = errors.New("nothing to undo")

// An Op is one change to one message; of bulk (flags) and words (keywords) to many.
type Op struct {
	Kind                 string // flags, keywords, move, copy, purge, append, replace, mkdir; bulk, words
	Store                string // root of the tree
	FromFolder, ToFolder string // names of the folders
	From, To             string // their directories
	Old, New             maildir.Entry
	Add, Remove          []string // keywords, of keywords and words; letters of flags, of bulk
	Bulk                 Bulk     // the messages, of bulk and words; of move, the number it had, if that is known
}

// Base returns the base of the name before the operation.
func (o Op) Base() string { return o.Old.Base() }

// NewBase returns the base of the name after it.
func (o Op) NewBase() string { return o.New.Base() }

// A Record is a batch as the log shows it.
type Record struct {
	ID     string
	Time   time.Time
	Actor  string // tui, cli, rule
	What   string // for people: "archive", "mark read"
	Undone bool
	Ops    []Op
}

// Messages returns how many operations were on a message: not those that made folders.
func (r Record) Messages() (n int) {
	for _, o := range r.Ops {
		switch o.Kind {
		case "mkdir":
		case "bulk", "words":
			n += o.Bulk.Count()
		default:
			n++
		}
	}
	return n
}

// A Failure is an operation that could not be undone (or done again), and why.
type Failure struct {
	Op  Op
	Err error
}

func (f Failure) Error() string {
	return fmt.Sprintf("%s %s: %v", f.Op.Kind, f.Op.Old.Base(), f.Err)
}

// A Report says what Undo or Redo did.
type Report struct {
	Batches []Record  // newest first
	Paths   []string  // where the messages are now
	Failed  []Failure // what another program made impossible
}

// A Journal is open for appending and reading. It may be used by several
// goroutines, and its file by several programs.
type Journal struct {
	path     string
	keywords Keywords // nil: they cannot be changed
	numbers  Numbers  // nil: nor flags by number
	mover    Mover    // nil: messages are moved one by one
	progress func(done, total int)
	readonly error // why nothing can be written
	mu       sync.Mutex
	file     *os.File
}

// Open opens the journal at path and creates it and its directory if missing.
// Messages that Undo took out of a folder lie in the Maildir PATH.kept, and those
// that have lain there for 30 days are deleted now.
func Open(path string) (*Journal, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{path: path}
	if err := j.reopen(); err != nil {
		return nil, err
	}
	j.forget(time.Now())
	return j, nil
}

func (j *Journal) reopen() error {
	f, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	j.readonly = nil
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		if r, rerr := os.Open(j.path); rerr == nil { // it can be looked at
			f, j.readonly, err = r, fmt.Errorf("open journal: %w", err), nil
		}
	}
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file = f
	return nil
}

// Close closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Close()
}

// lock takes the file for this process and goroutine. If another process has
// put the file aside meanwhile, the new one is opened.
func (j *Journal) lock() (unlock func(), err error) {
	j.mu.Lock()
	for {
		if err := flock(j.file); err != nil {
			j.mu.Unlock()
			return nil, fmt.Errorf("lock journal: %w", err)
		}
		here, err := j.file.Stat()
		if err == nil {
			var there fs.FileInfo
			if there, err = os.Stat(j.path); err == nil && os.SameFile(here, there) {
				break
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			funlock(j.file)
			j.mu.Unlock()
			return nil, fmt.Errorf("lock journal: %w", err)
		}
		funlock(j.file)
		if err := j.reopen(); err != nil {
			j.mu.Unlock()
			return nil, err
		}
	}
	return func() { funlock(j.file); j.mu.Unlock() }, nil
}

// write appends lines; the lock is held. A torn line of a process that died is
// ended first, so that it spoils no other.
func (j *Journal) write(lines ...line) error {
	if j.readonly != nil {
		return j.readonly
	}
	end, err := j.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	var out []byte
	if end > 0 {
		var last [1]byte
		if _, err := j.file.ReadAt(last[:], end-1); err != nil {
			return fmt.Errorf("write journal: %w", err)
		}
		if last[0] != '\n' {
			out = append(out, '\n')
		}
	}
	for _, l := range lines {
		out = append(out, l.encode()...)
	}
	if _, err := j.file.Write(out); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// append is write under the lock.
func (j *Journal) append(lines ...line) error {
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return j.write(lines...)
}

// rotate puts a file aside that has grown large, between two batches.
func (j *Journal) rotate() error {
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	st, err := j.file.Stat()
	if err != nil || st.Size() < maxSize {
		return err
	}
	return os.Rename(j.path, j.path+".old")
}

// read replays the whole file; the lock is held.
func (j *Journal) read() (*history, error) {
	st, err := j.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	h := &history{byID: map[string]*batch{}}
	if err := h.replay(io.NewSectionReader(j.file, 0, st.Size())); err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	return h, nil
}

// Log returns the last n batches, newest first; all if n is not positive.
func (j *Journal) Log(n int) ([]Record, error) {
	unlock, err := j.lock()
	if err != nil {
		return nil, err
	}
	h, err := j.read()
	unlock()
	if err != nil {
		return nil, err
	}
	var out []Record
	for i := len(h.order) - 1; i >= 0 && (n <= 0 || len(out) < n); i-- {
		if b := h.order[i]; b.live() {
			out = append(out, b.record())
		}
	}
	return out, nil
}
