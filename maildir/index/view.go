package index

import (
	"pneu/maildir"
)

// View is a folder at one moment. It never changes and may be used by any
// number of goroutines. Its rows are 0 to Len-1 in ascending order of UIDs: the
// message sequence number is the row plus one.
type View struct {
	st State
}

// Len returns the number of messages.
func (v *View) Len() int { return v.st.Total }

// State returns the counters.
func (v *View) State() State { return v.st }

// UID returns the UID of a row.
func (v *View) UID(row int) UID { return 0 }

// Find returns the row of a UID. Without one, row is where it would stand.
func (v *View) Find(uid UID) (row int, ok bool) { return 0, false }

// FindBase returns the row of the message whose file name has that base.
func (v *View) FindBase(base string) (row int, ok bool) { return 0, false }

// Lookup compares a file found in a directory with what is known. It touches no
// name as long as the file is called what the index says.
func (v *View) Lookup(file []byte, isNew bool) (row int, m Match) { return 0, Unknown }

// Match is what Lookup found.
type Match int

// What a file name can be to an index.
const (
	Unknown Match = iota // no message of that base
	Renamed              // the message is known under another name or directory
	Same                 // exactly as the index has it
)

// Flags returns the flags of a row.
func (v *View) Flags(row int) Flags { return 0 }

// DiskFlags returns the flags in the file name of a row, which lag behind Flags
// while Pending.
func (v *View) DiskFlags(row int) Flags { return 0 }

// Pending reports whether the file name lacks a change of flags or keywords.
func (v *View) Pending(row int) bool { return false }

// Keywords returns the keywords of a row, sorted. The caller does not change them.
func (v *View) Keywords(row int) []string { return nil }

// HasKeyword reports whether a row has the keyword, in any case.
func (v *View) HasKeyword(row int, name string) bool { return false }

// KeywordNames returns all keywords the folder has known, by their number.
func (v *View) KeywordNames() []string { return nil }

// ModSeq returns when, in order of changes, the row changed last.
func (v *View) ModSeq(row int) uint64 { return 0 }

// Size returns the size of the file in bytes; negative if not known.
func (v *View) Size(row int) int64 { return 0 }

// WireSize returns the size with CRLF line ends; negative if not known.
func (v *View) WireSize(row int) int64 { return 0 }

// Received returns INTERNALDATE in seconds since 1970.
func (v *View) Received(row int) int64 { return 0 }

// Saved returns when the message came into this folder.
func (v *View) Saved(row int) int64 { return 0 }

// Sent returns what the Date field says, or Received if it says nothing.
func (v *View) Sent(row int) int64 { return 0 }

// Class returns the bits of the digest.
func (v *View) Class(row int) uint16 { return 0 }

// Entry returns the file of a row.
func (v *View) Entry(row int) maildir.Entry { return maildir.Entry{} }

// Base returns the part of the file name that stays.
func (v *View) Base(row int) string { return "" }

// HasDigest reports whether a digest of the row is kept.
func (v *View) HasDigest(row int) bool { return false }

// Blob returns the encoded digest of a row, nil if none is kept or it is
// damaged. It must not be changed, nor used after v is let go of.
func (v *View) Blob(row int) []byte { return nil }

// HeadScan calls fn with every row's folded header text, from several goroutines
// and in no order. A row without a digest is not visited; a row may be visited
// twice. It stops when fn returns false.
func (v *View) HeadScan(fn func(row int, rec []byte) bool) error { return nil }

// Changed returns the rows whose MODSEQ is higher than since.
func (v *View) Changed(since uint64) []int { return nil }

// Vanished returns what was expunged after since. Known is false if since is
// before FloorModSeq: then nobody remembers.
func (v *View) Vanished(since uint64) (gone []UIDRange, known bool) { return nil, false }

// Meta returns the value of a key set with tx.meta.
func (v *View) Meta(key string) (val []byte, ok bool) { return nil, false }

// MetaKeys returns the keys with that prefix, sorted.
func (v *View) MetaKeys(prefix string) []string { return nil }

// AllFlags appends the flags of every row to dst.
func (v *View) AllFlags(dst []Flags) []Flags { return dst }

// AllUIDs appends the UID of every row to dst.
func (v *View) AllUIDs(dst []UID) []UID { return dst }

// AllReceived appends INTERNALDATE of every row to dst.
func (v *View) AllReceived(dst []int64) []int64 { return dst }

// AllSent appends Sent of every row to dst.
func (v *View) AllSent(dst []int64) []int64 { return dst }

// AllSizes appends the size of every row to dst.
func (v *View) AllSizes(dst []int64) []int64 { return dst }

// AllClass appends the class bits of every row to dst.
func (v *View) AllClass(dst []uint16) []uint16 { return dst }
