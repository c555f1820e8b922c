package fulltext

import "errors"

var (
	// ErrBusy: another process, or another Builder of this one, is writing segments.
	ErrBusy = errors.New("text index is being built by someone else")
	// ErrReadOnly: the index was opened with ReadOnly.
	ErrReadOnly = errors.New("text index is open for reading only")
	// ErrTailFull: Append's file is full until someone calls Fold or Builder.
	ErrTailFull = errors.New("tail of the text index is full")
	// ErrVersion: the index was written by a newer version. It is left alone.
	ErrVersion = errors.New("text index is from a newer version")
)

// Options of an index.
type Options struct {
	// Identity names the folder and its UIDVALIDITY. An index on disk with
	// another one covers nothing, and the next to write starts anew.
	Identity string
	// ReadOnly: nothing is created, locked or written.
	ReadOnly bool
	// Memory bounds what a Builder holds, roughly; 0 is 48 MB, of which a
	// third are documents being collected and the rest those being written.
	// The garbage collector may need as much again. With 144 MB segments have
	// their full size at once and Close has nothing to merge.
	Memory int64
	// Tail is the size in bytes at which Append says that it is time to fold; 0
	// is 4 MB. At eight times this size Append refuses.
	Tail int64
	// Workers that add to one Builder at a time, and that search; 0 is GOMAXPROCS.
	Workers int
}

// Range is the UIDs from First to Last, both included.
type Range struct{ First, Last uint32 }

// Stat says how large an index is.
type Stat struct {
	Docs       int   // documents covered
	Segments   int   // segment files
	Bytes      int64 // on disk, tail included
	Terms      int   // in all dictionaries
	Dictionary int64 // bytes of all dictionaries
	Postings   int64 // bytes of all postings
	Texts      int64 // bytes of the texts as kept
	TailDocs   int
	TailBytes  int64
	Damaged    int // segments found damaged by this process
}
