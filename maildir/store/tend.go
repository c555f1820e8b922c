package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"pneu/maildir/fulltext"
	"pneu/maildir/index"
	"pneu/maildir/thread"
)

// Volatile returns why the index of the folder exists in memory only, nil if it does not.
func (b *Box) Volatile() error {
	if b.without != nil {
		return b.without
	}
	return b.x.Volatile()
}

// Check reads all files of the index and says what is wrong with them. It changes nothing but
// that damaged parts of the index of texts are taken out of it. Progress may be nil.
func (b *Box) Check(ctx context.Context, progress func(done, total int)) []error {
	errs := b.x.Check()
	errs = append(errs, b.x.CheckKept(ctx, progress)...)
	if b.threadsDamaged() {
		errs = append(errs, errThreads)
	}
	if x := b.text(); x != nil {
		if err := x.Check(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// errThreads: they are made anew without anybody's doing; it is the disk that should be looked at.
var errThreads = errors.New(threadsFile + " is damaged")

// threadsDamaged reports whether the saved threads are those of this folder, and not whole.
func (b *Box) threadsDamaged() bool {
	file, err := mapFile(filepath.Join(b.f.Path(), threadsFile))
	if err != nil {
		return false
	}
	defer unmap(file)
	mark := b.View().mark()
	if have, err := thread.Mark(file); err != nil || !bytes.Equal(have, mark) {
		return false // of another version, or another numbering
	}
	_, err = thread.Load(file, mark)
	return err != nil
}

// Broken says what is wrong with what the index alone knows, UIDs and keywords among it, so that it
// has to be put together of what else is left. What was found when it was opened is repaired by then,
// and not meant.
func (b *Box) Broken() error {
	damage, _ := b.x.Damage()
	for _, err := range b.x.Check() {
		if damage == nil || !errors.Is(err, damage) {
			return err
		}
	}
	return nil
}

// Rebuild makes all that can be made from the messages anew: what is kept of each, threads,
// and, if there is one, the index of texts is emptied. UIDs and keywords stay.
func (b *Box) Rebuild(ctx context.Context, progress func(done, total int)) error {
	return b.rebuild(ctx, progress, b.x.Build)
}

// RebuildText is Rebuild and EnsureText in one reading of the files.
func (b *Box) RebuildText(ctx context.Context, progress func(done, total int)) error {
	return b.rebuild(ctx, progress, b.EnsureText)
}

func (b *Box) rebuild(ctx context.Context, progress func(done, total int), build func(context.Context, func(done, total int)) error) error {
	if b.s.opt.ReadOnly || b.s.opt.NoIndex {
		return fs.ErrPermission
	}
	if x := b.text(); x != nil && fulltext.Exists(b.f.Path()) {
		if err := x.Remove(); err != nil {
			return err
		}
	}
	b.trees.mu.Lock()
	b.trees.drop()
	b.trees.mu.Unlock()
	if err := os.Remove(filepath.Join(b.f.Path(), threadsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := b.x.Forget(ctx); err != nil {
		return err
	}
	if err := build(ctx, progress); err != nil {
		return err
	}
	// EnsureText leaves messages to others that are at it.
	if err := b.x.Build(ctx, progress); err != nil {
		return err
	}
	return b.x.Compact(ctx)
}

// ExportDovecot writes what lets Dovecot go on with the UIDs and keywords that are here: see
// [index.Index.ExportDovecot].
func (b *Box) ExportDovecot(ctx context.Context) error { return b.x.ExportDovecot(ctx) }

// HasText reports whether a search of texts finds the message in the index.
func (r Row) HasText() bool {
	x := r.v.box.text()
	if x == nil {
		return false
	}
	t, err := x.Refresh()
	revised, all := r.v.ix.Revised()
	return err == nil && !all && t.Has(uint32(r.UID())) &&
		!slices.ContainsFunc(revised, func(o index.Revised) bool { return o.UID == r.UID() })
}
