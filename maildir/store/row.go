package store

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/index"
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
func (r Row) Unread() bool { return !r.v.ix.Flags(r.n).Has(index.Seen) }

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
	n := r.v.ix.Size(r.n)
	if n >= 0 {
		return n
	}
	r.peek(func(d digest.Digest) { n = d.Size() })
	return n
}

// WireSize returns its length with CRLF line ends.
func (r Row) WireSize() int64 {
	n := r.v.ix.WireSize(r.n)
	if n >= 0 {
		return n
	}
	r.peek(func(d digest.Digest) { n = d.WireSize() })
	return n
}

// Received returns when it came: the time of its file, IMAP's INTERNALDATE.
func (r Row) Received() time.Time { return moment(r.v.ix.Received(r.n)) }

// Saved returns when it came into this folder.
func (r Row) Saved() time.Time { return moment(r.v.ix.Saved(r.n)) }

// Date returns the date it bears, in its writer's zone, else when it came.
func (r Row) Date() time.Time {
	var at time.Time
	r.peek(func(d digest.Digest) { at = d.Date() })
	if at.IsZero() {
		at = r.Received()
	}
	return at
}

// Class returns what kind of message it is.
func (r Row) Class() digest.Class {
	if r.v.ix.HasDigest(r.n) {
		return digest.Class(r.v.ix.Class(r.n))
	}
	var c digest.Class
	r.peek(func(d digest.Digest) { c = d.Class() })
	return c
}

// Digest returns what is kept of the message; if nothing is, it is made from the file. An
// error is that of reading the file, and the digest then that of nothing.
func (r Row) Digest() (d digest.Digest, err error) {
	err = r.peek(func(kept digest.Digest) { d, _ = digest.Decode(bytes.Clone(kept.Bytes())) })
	return d, err
}

// peek calls fn with the digest as it lies in the index, which fn may not keep: the memory is
// the view's.
func (r Row) peek(fn func(d digest.Digest)) error {
	defer runtime.KeepAlive(r.v)
	if b := r.v.ix.Blob(r.n); b != nil {
		if d, err := digest.Decode(b); err == nil {
			fn(d)
			return nil
		}
	}
	d, err := r.v.box.digest(r.UID(), r.Entry())
	fn(d)
	return err
}

// From returns the sender as a list shows it: the name, else the address.
func (r Row) From() (s string) {
	r.peek(func(d digest.Digest) { s = d.FromName() })
	return s
}

// Subject returns the subject in one line. Like all that strangers wrote it has to be
// cleaned before a terminal sees it (package safe).
func (r Row) Subject() (s string) {
	r.peek(func(d digest.Digest) { s = d.Subject() })
	return s
}

// Preview returns how the text begins.
func (r Row) Preview() (s string) {
	r.peek(func(d digest.Digest) { s = d.Preview() })
	return s
}

// Summary returns what a list shows of the message.
func (r Row) Summary() (s message.Summary) {
	r.peek(func(d digest.Digest) { s = r.summary(d) })
	return s
}

// summary is that of d, or of the file if not all of it fit into d.
func (r Row) summary(d digest.Digest) message.Summary {
	if d.Truncated() {
		if raw, err := r.Read(); err == nil {
			if s, err := message.ReadSummary(bytes.NewReader(raw)); err == nil {
				return s
			}
		}
	}
	return d.Summary()
}

// Read returns the whole message as it was received: unpacked, if Dovecot has compressed its
// file. Another program's rename is followed.
func (r Row) Read() ([]byte, error) {
	f, err := r.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readFile(f)
}

// Open opens the message's file as it lies there, following it if another program renamed it.
func (r Row) Open() (io.ReadCloser, error) {
	f, err := r.open()
	if err != nil {
		return nil, err
	}
	return f, nil
}

// open also lets the index see whether the message is the one that it knows.
func (r Row) open() (*os.File, error) {
	f, _, err := r.v.box.f.Open(r.Entry())
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err == nil {
		r.v.box.x.Opened(r.UID(), st)
	}
	return f, nil
}

func moment(sec int64) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0)
}
