package store

import (
	"context"
	"io"
	"io/fs"

	"pneu/maildir"
	"pneu/maildir/index"
)

// A FlagChange says what is to become of flags and keywords.
type FlagChange = index.FlagChange

// Flags are those with a meaning, as a FlagChange has them.
type Flags = index.Flags

// The flags, and their letters in names of files.
const (
	Seen    = index.Seen    // S
	Replied = index.Replied // R
	Flagged = index.Flagged // F
	Trashed = index.Trashed // T
	Draft   = index.Draft   // D
	Passed  = index.Passed  // P, the keyword $Forwarded
)

// SetFlags changes flags and keywords of messages. It is kept, and seen by all programs that
// use the index, when it returns: with one record, however many messages there are. The files'
// names follow within a moment. Messages that are gone are passed over.
func (b *Box) SetFlags(ctx context.Context, uids []UID, c FlagChange) (index.FlagResult, error) {
	if b.s.opt.ReadOnly {
		return index.FlagResult{}, fs.ErrPermission
	}
	return b.x.SetFlags(ctx, uids, c)
}

// Flush waits until all names of files are as SetFlags has left the flags.
func (b *Box) Flush(ctx context.Context) error {
	if b.s.opt.ReadOnly {
		return nil
	}
	return b.x.Flush(ctx)
}

// Append files the message r says, durable when it returns, with keywords besides the
// delivery's flags.
func (b *Box) Append(ctx context.Context, d maildir.Delivery, keywords []string, r io.Reader) (UID, error) {
	if b.s.opt.ReadOnly {
		return 0, fs.ErrPermission
	}
	uid, _, err := b.x.AppendKeywords(ctx, d, keywords, r)
	return uid, err
}

// A Filing is a message's old UID and that in its new folder.
type Filing = index.Filing

// Copy copies messages to another folder. Those that are gone are left out.
func (b *Box) Copy(ctx context.Context, uids []UID, to *Box) ([]Filing, error) {
	if b.s.opt.ReadOnly {
		return nil, fs.ErrPermission
	}
	return b.x.CopyTo(ctx, to.x, uids)
}

// Move moves messages to another folder. Those that are gone are left out.
func (b *Box) Move(ctx context.Context, uids []UID, to *Box) ([]Filing, error) {
	if b.s.opt.ReadOnly {
		return nil, fs.ErrPermission
	}
	return b.x.MoveTo(ctx, to.x, uids)
}

// Expunge removes messages for good, whatever their flags, and returns those that are gone by
// now.
func (b *Box) Expunge(ctx context.Context, uids []UID) ([]UID, error) {
	if b.s.opt.ReadOnly {
		return nil, fs.ErrPermission
	}
	return b.x.Expunge(ctx, uids)
}

// TakeNew moves what is in new/ to cur/, as a program does in which a person opens the folder.
func (b *Box) TakeNew(ctx context.Context) (*View, error) {
	if b.s.opt.ReadOnly {
		return b.Sync(ctx)
	}
	ix, err := b.x.TakeNew(ctx)
	if err != nil {
		return nil, err
	}
	return b.wrap(ix), nil
}

// Build reads the files of messages of which nothing is kept yet: after the first Sync of a
// folder all of them. Views work meanwhile and before, more slowly.
func (b *Box) Build(ctx context.Context, progress func(done, total int)) error {
	if b.s.opt.ReadOnly || b.s.opt.NoIndex {
		return nil
	}
	return b.x.Build(ctx, progress)
}
