package journal

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"

	"pneu/maildir"
)

// Replace files raw in the place of a message: with its flags, keywords and times, under a new
// name, for a file in a Maildir never changes. The message as it was is kept beside the
// journal for undo. A crash on the way leaves both, never none, and undo the one.
func (b *Batch) Replace(f *maildir.Folder, e maildir.Entry, raw []byte) (maildir.Entry, error) {
	file, now, err := f.Open(e)
	if err != nil {
		return maildir.Entry{}, err
	}
	st, err := file.Stat()
	file.Close()
	if err != nil {
		return maildir.Entry{}, err
	}
	n := 0 // of the operation, once that is noted
	o := Op{Kind: "replace", Store: f.Store().Root(), FromFolder: f.Name(), From: f.Path(), ToFolder: f.Name(), To: f.Path(), Old: now, Bulk: b.j.number(f, now)}
	d := maildir.Delivery{Flags: now.Flags(), Time: st.ModTime(), Cur: !now.New, Noting: func(e maildir.Entry, do func() error) (err error) {
		o.New = e
		n, err = b.noted(o, do)
		return err
	}}
	if b.started() || now.New {
		b.hold.Take(f)
	}
	fresh, err := f.Deliver(d, bytes.NewReader(raw))
	if err == nil {
		if fresh, err = b.j.carry(f, now, f, fresh); err == nil {
			err = b.j.putAside(f, now)
		}
		if err == nil {
			return fresh, nil
		}
		// The old one is in its place still, or gone by another hand: the new one is not wanted.
		if rerr := f.Remove(fresh); rerr != nil && !errors.Is(rerr, maildir.ErrGone) {
			err = errors.Join(err, rerr)
		}
	}
	if n > 0 {
		err = b.struck(n, err)
	}
	return maildir.Entry{}, err
}

// putAside keeps a message that another program may rename meanwhile.
func (j *Journal) putAside(f *maildir.Folder, e maildir.Entry) (err error) {
	now := e
	for range attempts {
		if err = j.keep(f, now, e.File); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if now, err = f.Current(e); err != nil {
			return err
		}
	}
	return err
}

// swap puts the message that was kept as want back and keeps the one at have.
func (j *Journal) swap(f *maildir.Folder, have, want maildir.Entry) (string, error) {
	now, err := f.Current(have)
	if err != nil {
		if there, ferr := f.Find(want.Base()); ferr == nil {
			return f.File(there), nil // never done: a crash came between note and deed
		}
		return "", err
	}
	k, err := j.kept()
	if err != nil {
		return "", err
	}
	old, err := k.Current(maildir.Entry{File: want.File})
	if errors.Is(err, maildir.ErrGone) || errors.Is(err, fs.ErrNotExist) {
		if there, ferr := f.Find(want.Base()); ferr == nil {
			return f.File(there), j.keep(f, now, now.File) // the deed stopped half way
		}
		return "", errors.New("what it was before is not kept any longer")
	}
	if err != nil {
		return "", err
	}
	as := maildir.Returned(want)
	if now != have {
		if as, err = merge(now, have, as); err != nil {
			return "", err
		}
	}
	if err := k.MoveAs(old, f, as); err != nil {
		return "", err
	}
	if as, err = j.carry(f, now, f, as); err != nil {
		return "", err
	}
	return f.File(as), j.keep(f, now, have.File)
}

// keep moves a message out of its folder to where undo and redo find it.
func (j *Journal) keep(f *maildir.Folder, e maildir.Entry, as string) error {
	k, err := j.kept()
	if err != nil {
		return err
	}
	return f.MoveAs(e, k, maildir.Entry{File: filepath.Base(as)})
}
