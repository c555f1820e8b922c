package store

import (
	"context"
	"io/fs"
)

// Annotate keeps a value under an entry's name with the folder: METADATA of RFC 5464. Nil removes
// it. Names are compared byte by byte, so that who takes them in any case folds them first; what a
// server has for itself, and not for a folder, goes to INBOX under names of another form. It is
// there for all programs when it returns, and lost with pneu.log and pneu.idx as keywords are.
func (b *Box) Annotate(ctx context.Context, entry string, value []byte) error {
	if b.s.opt.ReadOnly {
		return fs.ErrPermission
	}
	return b.x.Annotate(ctx, entry, value)
}

// Annotation returns what Annotate keeps under that name.
func (v *View) Annotation(entry string) (value []byte, ok bool) { return v.ix.Annotation(entry) }

// Annotations returns the names of all annotations, sorted.
func (v *View) Annotations() []string { return v.ix.Annotations() }
