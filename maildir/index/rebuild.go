package index

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
)

// Forget throws away what is kept of messages, which Build reads again. UIDs, flags, keywords
// and what else only the index knows stay. Compact, after that, makes the log short.
func (x *Index) Forget(ctx context.Context) error {
	v, err := x.Sync(ctx)
	if err != nil {
		return err
	}
	if v.snap != nil && v.snap.verify(copied) != nil {
		// A snapshot of what is left, and the directories say the rest.
		if err := x.Compact(ctx); err != nil {
			return err
		}
		if _, err := x.Sync(ctx); err != nil {
			return err
		}
	}
	return x.forget(ctx)
}

// forget begins new files of digests and heads. Who has mapped the old ones keeps them.
func (x *Index) forget(ctx context.Context) error {
	t, err := x.begin(ctx)
	if err != nil {
		return err
	}
	defer t.end()
	if x.volatileNow() {
		return x.Volatile()
	}
	for _, name := range []string{cacheName, headName} {
		if err := x.fs.Remove(filepath.Join(x.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := t.openBlobs(); err != nil {
		return err
	}
	t.changed = true
	_, err = t.commit()
	return err
}
