package journal

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"

	"pneu/maildir"
)

// Replace files raw in the place of a message: with its flags and times, under a new
// name, for a file in a Maildir never changes. The message as it was is kept beside the
// journal for undo. A crash on the way leaves both, never none.
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
	fresh, err := f.Deliver(maildir.Delivery{Flags: now.Flags(), Time: st.ModTime(), Cur: !now.New}, bytes.NewReader(raw))
	if err != nil {
		return maildir.Entry{}, err
	}
	var got maildir.Entry
	if fresh, err = b.j.carry(f, now, f, fresh); err == nil {
		got, err = b.replace(f, now, fresh)
	}
	if err != nil {
		// The old one is in its place still, or gone by another hand: the new one is not wanted.
		if rerr := f.Remove(fresh); rerr != nil && !errors.Is(rerr, maildir.ErrGone) {
			err = errors.Join(err, rerr)
		}
		return maildir.Entry{}, err
	}
	return got, nil
}

// replace takes the old message away.
func (b *Batch) replace(f *maildir.Folder, e, fresh maildir.Entry) (maildir.Entry, error) {
	return b.try(f, e, f, func(now maildir.Entry) (Op, error) {
		return Op{Kind: "replace", To: f.Path(), ToFolder: f.Name(), New: fresh, Bulk: b.j.number(f, now)}, nil
	}, func(o Op) error { return b.j.keep(f, o.Old, o.Old.File) })
}

// swap puts the message that was kept as want back and keeps the one at have.
func (j *Journal) swap(f *maildir.Folder, have, want maildir.Entry) (string, error) {
	now, err := f.Find(have.Base())
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
	old, err := k.Find(want.Base())
	if errors.Is(err, maildir.ErrGone) || errors.Is(err, fs.ErrNotExist) {
		if there, ferr := f.Find(want.Base()); ferr == nil {
			return f.File(there), j.keep(f, now, now.File) // the deed stopped half way
		}
		return "", errors.New("what it was before is not kept any longer")
	}
	if err != nil {
		return "", err
	}
	as := want
	if now != have {
		if as, err = merge(now, have, want); err != nil {
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
