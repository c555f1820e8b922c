package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
)

// CheckKept compares the checksums of what can be made again, pneu.cache, pneu.head and
// pneu.uids, and says what is wrong. Progress, which may be nil, is told of rows.
func (x *Index) CheckKept(ctx context.Context, progress func(done, total int)) (errs []error) {
	v, err := x.Refresh()
	if err != nil {
		return []error{err}
	}
	defer runtime.KeepAlive(v)
	lost, first := 0, UID(0)
	for row := range v.Len() {
		if row&1023 == 0 {
			if ctx.Err() != nil {
				return append(errs, context.Cause(ctx))
			}
			if progress != nil {
				progress(row, v.Len())
			}
		}
		if v.HasDigest(row) && v.Blob(row) == nil {
			if lost++; lost == 1 {
				first = v.UID(row)
			}
		}
	}
	if lost > 0 {
		errs = append(errs, fmt.Errorf("pneu.cache: what is kept of %d messages, UID %d the first, is damaged or missing", lost, first))
	}
	if v.Len() > 0 && v.st.Undigested < v.Len() {
		if err := v.blob.checkHeads(v.headEnd); err != nil {
			errs = append(errs, fmt.Errorf("pneu.head: %w", err))
		}
	}
	list, err := readUIDFile(filepath.Join(x.dir, uidsName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		errs = append(errs, fmt.Errorf("pneu.uids: %w", err))
	case list.skipped > 0:
		errs = append(errs, fmt.Errorf("pneu.uids: %d lines cannot be read", list.skipped))
	}
	return errs
}

// checkHeads reads pneu.head as a search does, and compares the checksums.
func (b *blobs) checkHeads(end int64) error {
	if b.fs == nil || b.id == 0 {
		return nil
	}
	if err := b.open(); err != nil {
		return err
	}
	return shield(func() error {
		m, err := b.head.reach(end)
		if err != nil {
			return err
		}
		for at := int64(pageSize); at < end; {
			stop := min(at/headBlock*headBlock+headBlock, end)
			if stop-at < blobHeader || binary.LittleEndian.Uint32(m.b[at:]) == 0 {
				at = stop
				continue
			}
			n, good := record(m.b[at:stop])
			if !good {
				return fmt.Errorf("at %d: wrong checksum: %w", at, ErrDamaged)
			}
			at += n
		}
		return nil
	})
}
