package index

import (
	"context"

	"pneu/maildir"
)

// A tx is one writer's batch of changes. Nothing of it is seen before commit,
// and all of it after. Messages are named by UIDs, for rows move as the batch
// expunges.
//
//	t, err := x.begin(ctx)
//	if err != nil {
//		return err
//	}
//	defer t.end()
//	t.flags(uids, Seen, 0, nil, nil, true)
//	v, err := t.commit()
//
// A tx belongs to one goroutine.
type tx struct {
	x *Index
}

// begin waits for the folder's lock and reads what others have committed.
func (x *Index) begin(ctx context.Context) (*tx, error) { return nil, ErrClosed }

// tryBegin is begin for who does not wait: ErrBusy if the lock is taken.
func (x *Index) tryBegin() (*tx, error) { return nil, ErrBusy }

// view returns the folder with the changes so far. It is good until the next
// change.
func (t *tx) view() *View { return nil }

// add appends a message and returns its UID.
func (t *tx) add(m Message) (UID, error) { return 0, nil }

// flags changes flags and keywords. Pending says that the names on disk are yet
// to follow; without it the rows' names are taken to be up to date. UIDs that
// are gone are passed over. It returns the MODSEQ that the changed messages
// have now; messages it does not change keep theirs.
func (t *tx) flags(uids []UID, set, clear Flags, addKw, removeKw []string, pending bool) (uint64, error) {
	return 0, nil
}

// flagsRanges is flags for ranges.
func (t *tx) flagsRanges(uids []UIDRange, set, clear Flags, addKw, removeKw []string, pending bool) (uint64, error) {
	return 0, nil
}

// rename says what the file is called by now. It ends the row's pending state if
// the name's flags are those of the row, and does not touch flags or MODSEQ.
func (t *tx) rename(uid UID, e maildir.Entry) error { return nil }

// written ends the pending state of the messages: their names got no letter for
// it (keywords beyond 26), or have it by now.
func (t *tx) written(uids []UID) error { return nil }

// expunge removes messages and leaves tombstones. It returns their MODSEQ.
func (t *tx) expunge(uids []UID) (uint64, error) { return 0, nil }

// detail fills in what the file of a message says.
func (t *tx) detail(uid UID, d Detail) error { return nil }

// saved changes the save date.
func (t *tx) saved(uid UID, at int64) error { return nil }

// dir notes the state of the directories that the index now agrees with.
func (t *tx) dir(d DirState) {}

// meta sets a value; nil removes the key.
func (t *tx) meta(key string, val []byte) error { return nil }

// reset empties the index under a new UIDVALIDITY (0: keep the old one): what
// import and rebuild begin with. The next UID is 1, and add takes UIDs in
// ascending order.
func (t *tx) reset(uidValidity uint32) error { return nil }

// raise makes UIDNext and HighestModSeq at least as high as said.
func (t *tx) raise(next UID, modseq uint64) error { return nil }

// commit makes the changes seen by all, and returns the new view. The tx may go
// on with further changes and commits until end.
func (t *tx) commit() (*View, error) { return nil, nil }

// end drops what was not committed and lets go of the lock.
func (t *tx) end() {}
