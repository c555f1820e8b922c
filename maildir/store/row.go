package store

import (
	"io"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/message"
)

// A Row is a message in a View. It costs nothing until it is asked something; what its
// header says is read from what was kept of it, or else from its file.
type Row struct {
	v *View
	n int
}

// N returns the row's number.
func (r Row) N() int { return r.n }

// View returns the view it is in.
func (r Row) View() *View { return r.v }

// UID returns the message's UID.
func (r Row) UID() UID { return r.v.ix.UID(r.n) }

// Entry returns its file's name, as far as is known. The file may bear other flags by now:
// [maildir.Folder.Open] follows it.
func (r Row) Entry() maildir.Entry { return r.v.ix.Entry(r.n) }

// Base returns the part of the file's name that stays.
func (r Row) Base() string { return r.v.ix.Base(r.n) }

// Path returns the file's path.
func (r Row) Path() string { return r.v.box.f.File(r.Entry()) }

// Flags returns the letters of its flags, those that are no standard ones included. They
// may be ahead of those in the file's name.
func (r Row) Flags() maildir.Flags {
	std := r.v.ix.Flags(r.n).Maildir()
	more := r.Entry().Flags().Change("", "DFPRST")
	if more == "" {
		return std
	}
	return more.Change(std, "")
}

// Unread reports whether it lacks the flag S.
func (r Row) Unread() bool { return !r.v.ix.Flags(r.n).Has(seen) }

// New reports whether it lies in new/.
func (r Row) New() bool { return r.Entry().New }

// Keywords returns its keywords. They are not to be changed.
func (r Row) Keywords() []string { return r.v.ix.Keywords(r.n) }

// ModSeq returns when, in order of changes, it changed last.
func (r Row) ModSeq() uint64 { return r.v.ix.ModSeq(r.n) }

// Folder returns the name of its folder.
func (r Row) Folder() string { return r.v.box.f.Name() }

// Size returns the length of its file.
func (r Row) Size() int64 {
	if n := r.v.ix.Size(r.n); n >= 0 {
		return n
	}
	d, _ := r.Digest()
	return d.Size()
}

// WireSize returns its length with CRLF line ends.
func (r Row) WireSize() int64 {
	if n := r.v.ix.WireSize(r.n); n >= 0 {
		return n
	}
	d, _ := r.Digest()
	return d.WireSize()
}

// Received returns when it came: the time of its file, IMAP's INTERNALDATE.
func (r Row) Received() time.Time { return moment(r.v.ix.Received(r.n)) }

// Saved returns when it came into this folder.
func (r Row) Saved() time.Time { return moment(r.v.ix.Saved(r.n)) }

// Date returns the date it bears, in its writer's zone, else when it came.
func (r Row) Date() time.Time {
	if d, err := r.Digest(); err == nil {
		if t := d.Date(); !t.IsZero() {
			return t
		}
	}
	return r.Received()
}

// Class returns what kind of message it is.
func (r Row) Class() digest.Class {
	if r.v.ix.HasDigest(r.n) {
		return digest.Class(r.v.ix.Class(r.n))
	}
	d, _ := r.Digest()
	return d.Class()
}

// Digest returns what is kept of the message; if nothing is, it is made from the file. An
// error is that of reading the file, and the digest then that of nothing.
func (r Row) Digest() (digest.Digest, error) {
	if b := r.v.ix.Blob(r.n); b != nil {
		if d, err := digest.Decode(b); err == nil {
			return d, nil
		}
	}
	return r.v.box.digest(r.UID(), r.Entry())
}

// From returns the sender as a list shows it: the name, else the address.
func (r Row) From() string { d, _ := r.Digest(); return d.FromName() }

// Subject returns the subject in one line. Like all that strangers wrote it has to be
// cleaned before a terminal sees it (package safe).
func (r Row) Subject() string { d, _ := r.Digest(); return d.Subject() }

// Preview returns how the text begins.
func (r Row) Preview() string { d, _ := r.Digest(); return d.Preview() }

// Summary returns what a list shows of the message.
func (r Row) Summary() message.Summary { d, _ := r.Digest(); return d.Summary() }

// Open opens the message's file, following it if another program renamed it.
func (r Row) Open() (io.ReadCloser, error) {
	f, _, err := r.v.box.f.Open(r.Entry())
	if err != nil {
		return nil, err
	}
	return f, nil
}

func moment(sec int64) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0)
}
