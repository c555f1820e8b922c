// Package fulltext is the text index of one Maildir folder: which messages hold
// these bytes?
//
// A document is a UID and the message's searchable text, folded by the caller.
// A needle is folded alike, and a document is found exactly if
// bytes.Contains(text, needle): the substring rule of IMAP SEARCH (RFC 9051,
// 6.4.4), not words or prefixes.
package fulltext

import (
	"context"
	"errors"
	"iter"
)

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
	// Memory bounds what a Builder holds, roughly; 0 is 96 MB.
	Memory int64
	// Tail is the size in bytes at which Append says that it is time to fold; 0 is 4 MB.
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

// An Index is one folder's, open in this process. Its methods may be called
// from several goroutines.
type Index struct{}

// Open opens the index in dir. What is missing or damaged is not covered; an
// error means that dir cannot be read, or ErrVersion.
func Open(dir string, opt Options) (*Index, error) { return nil, errors.ErrUnsupported }

// Close gives up the index. Views stay valid.
func (x *Index) Close() error { return nil }

// View is what this process knows of the index, without a system call.
func (x *Index) View() *View { return nil }

// Refresh is View after a look at what others wrote.
func (x *Index) Refresh() (*View, error) { return nil, errors.ErrUnsupported }

// Append adds a document to the tail, from a delivery: one write, no sync, no
// wait for a builder. A uid that is covered already is left as it is. full
// says that it is time to Fold.
func (x *Index) Append(uid uint32, text []byte) (full bool, err error) {
	return false, errors.ErrUnsupported
}

// Fold makes the tail a segment and merges segments where there are many.
// alive, if not nil, says which UIDs still exist.
func (x *Index) Fold(ctx context.Context, alive func(uid uint32) bool) error {
	return errors.ErrUnsupported
}

// Merge is Fold, and in addition rewrites every segment that has dead documents.
func (x *Index) Merge(ctx context.Context, alive func(uid uint32) bool) error {
	return errors.ErrUnsupported
}

// Check reads everything and compares checksums. Damaged segments are taken out
// of the index, unless it is ReadOnly, and named in the error.
func (x *Index) Check(ctx context.Context) error { return errors.ErrUnsupported }

// Remove deletes the index.
func (x *Index) Remove() error { return errors.ErrUnsupported }

// A View is an immutable state of the index, for any number of goroutines.
type View struct{}

// Find yields the UIDs of documents that hold needle, newest segment first and
// the highest UID of a segment first. With exact false the caller must look
// into the message itself: the case of damage, not the rule. An empty needle is in
// every document. It stops when ctx ends: ask ctx.Err afterwards.
func (v *View) Find(ctx context.Context, needle []byte) iter.Seq2[uint32, bool] {
	return func(func(uint32, bool) bool) {}
}

// Has reports whether uid is covered.
func (v *View) Has(uid uint32) bool { return false }

// Missing returns those of uids, which ascend, that are not covered.
func (v *View) Missing(uids []uint32) []uint32 { return uids }

// Covered returns the UIDs covered, as ascending ranges.
func (v *View) Covered() []Range { return nil }

// Text returns the folded text of a document, as it was added.
func (v *View) Text(uid uint32) ([]byte, bool) { return nil, false }

// Stat says how large the index is.
func (v *View) Stat() Stat { return Stat{} }

// A Builder adds many documents. There is one at a time for a folder, in all
// processes. Its methods may be called from several goroutines.
type Builder struct{}

// Builder starts to build; ErrBusy if someone else does. Documents become part
// of the index, and durable, segment by segment as memory fills up.
func (x *Index) Builder(ctx context.Context) (*Builder, error) { return nil, errors.ErrUnsupported }

// Add adds a document in any order. A uid that is covered already is left as it is.
func (b *Builder) Add(uid uint32, text []byte) error { return errors.ErrUnsupported }

// Docs returns how many documents were added and how many of these are in the
// index by now.
func (b *Builder) Docs() (added, written int) { return 0, 0 }

// Close writes what was added, folds the tail, merges small segments and ends
// the Builder. After an error of Add, or the end of the context, it writes
// nothing more; what was written before stays.
func (b *Builder) Close() error { return nil }
