package index

import "pneu/maildir"

// Index is a folder's index, open in this process. Its methods may be called
// from several goroutines, and several Index values, in one process or many, may
// be open on one folder.
type Index struct {
	f   *maildir.Folder
	opt Options
}

// Open opens the index of f. It reads no directory and, however large the
// folder, only a few pages: Sync brings it up to date. A folder without an index
// gets an empty one with the first commit. Where none can be written it lives in
// memory, and Volatile says why.
func Open(f *maildir.Folder, opt Options) (*Index, error) { return &Index{f: f, opt: opt}, nil }

// Close lets go of the files. Views stay usable.
func (x *Index) Close() error { return nil }

// Folder returns the folder.
func (x *Index) Folder() *maildir.Folder { return x.f }

// Volatile returns why the index exists in memory only, nil if it does not.
func (x *Index) Volatile() error { return nil }

// Damage returns what was wrong with the index as found on disk, nil if nothing
// was; lost says that UIDs went with it, so that import or rebuild is due before
// any message is added.
func (x *Index) Damage() (err error, lost bool) { return nil, false }

// View returns the newest state this process knows. It makes no system call.
func (x *Index) View() *View { return &View{} }

// Refresh returns the state with what other processes have committed.
func (x *Index) Refresh() (*View, error) { return &View{}, nil }

// ReadState returns the counters in the index of the folder at dir with one read
// of one page, and opens nothing else.
func ReadState(dir string) (State, error) { return State{}, nil }
