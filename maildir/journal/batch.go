package journal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"pneu/maildir"
)

// A Batch is one action of a person: undo takes it back as a whole, however
// many messages it touched.
type Batch struct {
	j           *Journal
	actor, what string
	mu          sync.Mutex
	id          string // empty until the first operation
	n           int
	hold        maildir.Hold // keeps Dovecot out from the second operation on
	filed       struct {     // by Deliver, last
		n    int
		base string
	}
}

// Begin starts a batch. actor is "tui", "cli" or "rule"; what is for people. A
// batch without operations leaves no trace.
func (j *Journal) Begin(actor, what string) *Batch {
	return &Batch{j: j, actor: actor, what: what}
}

// ID returns the batch's id in the log, empty before its first operation.
func (b *Batch) ID() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.id
}

// note writes an operation down and does it, both under the journal's lock:
// with two programs at one message, the file has the order of what happened. An
// operation that fails is struck out.
func (b *Batch) note(o Op, do func() error) error {
	_, err := b.noted(o, do)
	return err
}

// noted is note, and returns the number of the operation, 0 if it was not done.
func (b *Batch) noted(o Op, do func() error) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	begun := b.id != ""
	defer func() {
		if !begun {
			b.id = "" // the line it begins with was not written
		}
	}()
	lines, err := b.begin()
	if err != nil {
		return 0, err
	}
	b.n++
	lines = append(lines, line{T: "op", ID: b.id, N: []int{b.n}, Op: pack(o)})
	unlock, err := b.j.lock()
	if err != nil {
		return 0, err
	}
	defer unlock()
	if err := b.j.write(lines...); err != nil {
		return 0, err
	}
	begun = true
	if err := do(); err != nil {
		if werr := b.j.write(line{T: "fail", ID: b.id, N: []int{b.n}}); werr != nil {
			return 0, errors.Join(err, werr)
		}
		return 0, err
	}
	return b.n, nil
}

// begin returns the line a batch begins with, before its first operation.
func (b *Batch) begin() ([]line, error) {
	if b.id != "" {
		return nil, nil
	}
	if err := b.j.rotate(); err != nil {
		return nil, err
	}
	now := time.Now()
	b.id = now.UTC().Format("20060102T150405.000") + "-" + rand.Text()[:8]
	return []line{{T: "begin", ID: b.id, Time: now, Actor: b.actor, What: b.what}}, nil
}

// started reports whether the batch has an operation.
func (b *Batch) started() bool { return b.ID() != "" }

// attempts at an operation whose message another program renames at the same time.
const attempts = 10

// try notes the operation that plan makes of the current entry, and does it. If
// the entry is stale by then, the note is struck out and made anew.
func (b *Batch) try(f *maildir.Folder, e maildir.Entry, to *maildir.Folder, plan func(now maildir.Entry) (Op, error), do func(o Op) error) (maildir.Entry, error) {
	var last error
	for range attempts {
		now, err := f.Current(e)
		if err != nil {
			return maildir.Entry{}, err
		}
		o, err := plan(now)
		if err != nil {
			return maildir.Entry{}, err
		}
		o.Store, o.FromFolder, o.From, o.Old = f.Store().Root(), f.Name(), f.Path(), now
		if o.Old == o.New && o.From == o.To {
			return now, nil // nothing to do, nothing to note
		}
		if b.started() || now.New {
			b.hold.Take(f, to)
		}
		if last = b.note(o, func() error { return do(o) }); last == nil {
			return o.New, nil
		}
		if errors.Is(last, maildir.ErrExists) {
			// Another message of the same base: listing tells the two apart.
			if _, err := f.List(); err != nil {
				return maildir.Entry{}, err
			}
		} else if now2, err := f.Current(now); err == nil && now2 == now && !errors.Is(last, fs.ErrNotExist) {
			break // not stale: the error is a real one
		}
	}
	return maildir.Entry{}, last
}

// SetFlags changes flags as [maildir.Folder.SetFlags] does.
func (b *Batch) SetFlags(f *maildir.Folder, e maildir.Entry, add, remove maildir.Flags) (maildir.Entry, error) {
	return b.try(f, e, f, func(now maildir.Entry) (Op, error) {
		n, err := maildir.ParseName(now.File)
		if err == nil {
			n, err = n.WithFlags(n.Flags().Change(add, remove))
		}
		return Op{Kind: "flags", To: f.Path(), ToFolder: f.Name(), New: maildir.Entry{File: n.String()}}, err
	}, func(o Op) error { return f.MoveAs(o.Old, f, o.New) })
}

// Move moves a message to another folder. Moving to Trash is how it is deleted.
func (b *Batch) Move(f *maildir.Folder, e maildir.Entry, to *maildir.Folder) (maildir.Entry, error) {
	if f.Path() == to.Path() {
		return f.Find(e.Base())
	}
	return b.try(f, e, to, func(now maildir.Entry) (Op, error) {
		return Op{Kind: "move", To: to.Path(), ToFolder: to.Name(), New: maildir.Fresh(now), Bulk: b.j.number(f, now)}, nil
	}, func(o Op) error { return f.MoveAs(o.Old, to, o.New) })
}

// Copy copies a message to a folder, which may be its own.
func (b *Batch) Copy(f *maildir.Folder, e maildir.Entry, to *maildir.Folder) (maildir.Entry, error) {
	return b.try(f, e, to, func(now maildir.Entry) (Op, error) {
		return Op{Kind: "copy", To: to.Path(), ToFolder: to.Name(), New: maildir.Fresh(now)}, nil
	}, func(o Op) error { return f.CopyAs(o.Old, to, o.New) })
}

// Purge deletes a message for good. It is written down, but undo cannot bring it
// back and says so: what is purged must be gone from the disk.
func (b *Batch) Purge(f *maildir.Folder, e maildir.Entry) error {
	_, err := b.try(f, e, f, func(now maildir.Entry) (Op, error) {
		return Op{Kind: "purge"}, nil
	}, func(o Op) error { return f.Remove(o.Old) })
	return err
}

// Deliver files a message as [maildir.Folder.Deliver] does: a draft, an import. Undo takes it out
// again and keeps it beside the journal for redo.
func (b *Batch) Deliver(f *maildir.Folder, d maildir.Delivery, r io.Reader) (maildir.Entry, error) {
	n := 0 // of the operation, once that is noted
	d.Noting = func(e maildir.Entry, do func() error) (err error) {
		o := Op{Kind: "append", Store: f.Store().Root(), FromFolder: f.Name(), From: f.Path(), ToFolder: f.Name(), To: f.Path(), New: e}
		n, err = b.noted(o, do)
		return err
	}
	e, err := f.Deliver(d, r)
	if err != nil && n > 0 {
		err = b.struck(n, err)
	}
	b.filed.n, b.filed.base = n, e.Base()
	return e, err
}

// Withdraw removes the message that Deliver filed last, as if it had not: what it was to stand
// for could not be done, and there would be two of them.
func (b *Batch) Withdraw(f *maildir.Folder, e maildir.Entry) error {
	if b.filed.n == 0 || b.filed.base != e.Base() {
		return fmt.Errorf("withdraw %s: %w", e.File, maildir.ErrGone)
	}
	now, err := f.Current(e)
	if err == nil {
		err = f.Remove(now)
	}
	if err != nil {
		return err
	}
	return b.struck(b.filed.n, nil)
}

// struck strikes out an operation that was noted and then failed.
func (b *Batch) struck(n int, err error) error {
	if werr := b.j.append(line{T: "fail", ID: b.ID(), N: []int{n}}); werr != nil {
		return errors.Join(err, werr)
	}
	return err
}

// Commit ends the batch.
func (b *Batch) Commit() error {
	b.hold.Release()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.id == "" {
		return nil
	}
	if err := b.j.append(line{T: "end", ID: b.id}); err != nil {
		return fmt.Errorf("commit %s: %w", b.what, err)
	}
	return nil
}
