package index

import (
	"errors"
	"log/slog"
	"time"

	"pneu/maildir"
)

// Errors that callers look for with errors.Is.
var (
	// ErrVersion: the index was written by a newer pneu. It is left alone.
	ErrVersion = errors.New("index was written by a newer pneu: update this one")
	// ErrDamaged: the index cannot be read. Sync rebuilds it.
	ErrDamaged = errors.New("index is damaged")
	// ErrBusy: another writer has the lock, and the caller would not wait.
	ErrBusy = errors.New("index is locked")
	// ErrReadOnly: the index was opened for reading.
	ErrReadOnly = errors.New("index is open for reading only")
	// ErrClosed: the index was closed.
	ErrClosed = errors.New("index is closed")
	// ErrFull: no UID, keyword or keyword combination is left to give.
	ErrFull = errors.New("index is full")
	// ErrNotKept: a keyword has no letter for the names of files, and there is no index to
	// note it in.
	ErrNotKept = errors.New("it cannot be kept")
)

// UID names a message in its folder for good (RFC 3501, 2.3.1.1).
type UID uint32

// A UIDRange is all UIDs from Lo to Hi, both included.
type UIDRange struct{ Lo, Hi UID }

// Options say how a folder's index is used.
type Options struct {
	// ReadOnly takes no lock and writes nothing. What the files say and the index on
	// disk does not, Sync adds in memory.
	ReadOnly bool
	// Memory keeps the index in memory: nothing of one on disk is read or written.
	Memory bool
	// Safe is for folders that several machines share over NFS: locks go
	// through a file of their own, every commit is synced, and no state of a
	// directory is trusted. All programs on the folder must agree on it, so it
	// holds as well in a tree of which maildir.Store.Shared is true.
	Safe bool
	// SyncEach makes every commit durable against loss of power. Without it a
	// commit survives the death of the process; after loss of power, what was
	// lost of it is found again in the files, under new UIDs.
	SyncEach bool
	// StrictFlags has SetFlags rename files before it returns.
	StrictFlags bool
	// Log gets a line for everything unusual. Nil: nothing is logged.
	Log *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time

	fs   fileSystem // nil: the machine's
	boot uint64     // 0: the machine's
	// early has the log applied when it is read.
	early bool
	// repack is what may be free in pneu.cache before it is made anew. 0: repackFree;
	// negative: it always is.
	repack int64
}

// DirState is what was last known of the directories. Times are nanoseconds
// since 1970 as stat(2) gives them; zero is "never scanned".
type DirState struct {
	New, Cur   int64 // modification times at the last complete scan
	NewSettled bool  // an equal time means an unchanged directory
	CurSettled bool
	Scanned    int64 // when the last complete scan ended
}

// State is what is known of a folder without looking at any message.
type State struct {
	GUID          [16]byte
	UIDValidity   uint32
	UIDNext       UID
	HighestModSeq uint64
	FloorModSeq   uint64 // Vanished cannot answer for anything before this
	Total         int
	Unseen        int // without Seen
	Deleted       int // with Trashed
	New           int // in new/
	Pending       int // whose flags are not yet in the file name
	Undigested    int // of which no digest is kept
	Bytes         int64
	WireBytes     int64 // sum of the CRLF sizes
	Dir           DirState
	// Sticky says that UIDs will be the same tomorrow: false of an index that
	// exists in memory only, as long as it does.
	Sticky bool
}

// Message is what the index is told of a message it is to add.
type Message struct {
	// Entry is the file. Flags are those in its name.
	Entry maildir.Entry
	// UID is zero for the next free one. Else it must not be below UIDNext.
	UID UID
	// Size and WireSize (with CRLF) are in bytes. Negative: not known yet.
	Size, WireSize int64
	// Received is INTERNALDATE, the modification time of the file, and Saved
	// when it came into this folder (0: as Received); in seconds since 1970.
	Received, Saved int64
	// Sent is what the Date field says, in seconds since 1970.
	Sent int64
	// Class has the bits of the digest.
	Class uint16
	// Keywords, of any number.
	Keywords []string
	// Extra flags the file name does not have yet; they are pending.
	Extra Flags
	// ModSeq is zero for a fresh one. Only import and rebuild give another.
	ModSeq uint64
	// Digest is the encoded digest and Head the folded header text. Nil: to
	// be made later.
	Digest, Head []byte

	seen sighting // of its file, when that was read
}

// Detail is what reading a message's file has told: see tx.detail.
type Detail struct {
	Size, WireSize int64
	Received       int64 // 0: as it was
	Sent           int64
	Class          uint16
	Digest, Head   []byte

	seen sighting
}
