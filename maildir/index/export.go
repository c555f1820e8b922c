package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// exportWait is how long an export waits for Dovecot to let go of the folder.
const exportWait = 500 * time.Millisecond

// ExportDovecot writes dovecot-uidlist and dovecot-keywords, so that a Dovecot
// started afterwards shows every message under the UID it has here, and every
// keyword that has a letter; the log says which have none. It brings the index up to date first and writes all
// flags into the names. maildir.ErrServed: Dovecot has the folder.
//
// Dovecot's own index (dovecot.index*) must be removed if it was used since the
// import; what there is of it is named in the error.
func (x *Index) ExportDovecot(ctx context.Context) error {
	if err := x.exportDovecot(ctx); err != nil {
		return fmt.Errorf("export to Dovecot: %w", err)
	}
	return nil
}

func (x *Index) exportDovecot(ctx context.Context) error {
	unlock, err := x.f.LockDovecot(exportWait)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := x.Sync(ctx); err != nil {
		return err
	}
	if err := x.Flush(ctx); err != nil {
		return err
	}
	v, err := x.Sync(ctx)
	if err != nil {
		return err
	}
	if !v.State().Sticky { // nobody was ever shown these UIDs, and Dovecot would show them for good
		return fmt.Errorf("there are no UIDs that last: %w", x.Volatile())
	}
	letters := v.letters()
	if now, _, _, err := loadKeywordLetters(x.f.Path(), fileMark{}); err == nil && now == (keywordLetters{}) && letters != now {
		if err := replaceFile(filepath.Join(x.f.Path(), keywordFile), letters.bytes()); err != nil {
			return err
		}
	}
	if words := withoutLetter(v); len(words) > 0 {
		x.logOnce("keywords stay behind, for names have letters for 26", "keywords", words)
	}
	// The lock is ours, so that Dovecot's own temporary name cannot be in use.
	path := filepath.Join(x.f.Path(), "dovecot-uidlist")
	return writeAside(path, path+".pneu", func(w io.Writer) error { return writeUIDList(w, v, false) })
}

// withoutLetter returns the keywords in use that no name says.
func withoutLetter(v *View) (words []string) {
	letters := v.letters()
	seen := map[int]bool{}
	for row := range v.Len() {
		set := v.KeywordSet(row)
		if seen[set] {
			continue
		}
		seen[set] = true
		for _, w := range v.Keywords(row) {
			if letters.letter(w) == 0 && !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	slices.Sort(words)
	return words
}

// keepRescue is rescue for those who have something else to do.
func (x *Index) keepRescue(v *View) {
	if err := x.rescue(v); err != nil {
		x.logOnce("rescue copy of the UIDs not written", "err", err)
	}
}

// rescueSmall is up to how many messages Sync itself writes the copy; of a larger
// folder it is left to Build and Watch.
const rescueSmall = 2000

// rescue writes pneu.uids, if it is not there or due: for people to read, and for the next
// index if this one is lost. It does not wait for the lock, but holds it: two that write one
// temporary file would rename a torn one.
func (x *Index) rescue(v *View) error {
	if x.opt.ReadOnly || x.Volatile() != nil || v.State().UIDValidity == 0 || !x.rescueDue(v) {
		return nil
	}
	t, err := x.tryBegin()
	if err != nil {
		if errors.Is(err, ErrBusy) {
			return nil // it stays due
		}
		return err
	}
	defer t.end()
	path := filepath.Join(x.f.Path(), rescueFile)
	return writeAside(path, path+tmpSuffix, func(w io.Writer) error { return writeUIDList(w, v, true) })
}

// rescueAge is how old the copy may become.
const rescueAge = 7 * 24 * time.Hour

// rescueDue looks at the header of the copy alone.
func (x *Index) rescueDue(v *View) bool {
	f, err := os.OpenFile(filepath.Join(x.f.Path(), rescueFile), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return true
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || time.Since(st.ModTime()) > rescueAge {
		return true
	}
	head := make([]byte, 256)
	n, _ := io.ReadFull(f, head)
	line, _, ok := bytes.Cut(head[:n], []byte{'\n'})
	if !ok {
		return true
	}
	l, err := readUIDs(bytes.NewReader(append(line, '\n')), true)
	now := v.State()
	return err != nil || l.validity != now.UIDValidity || uint64(l.next) < uint64(now.UIDNext)+rescueAhead/2 ||
		l.modseq < now.HighestModSeq+rescueAheadModSeq/2
}

// writeAside writes a file under another name, makes it durable and renames it
// into place. The mode is that of the file before, else 0600.
func writeAside(path, aside string, write func(io.Writer) error) error {
	mode := os.FileMode(0o600)
	if st, err := os.Stat(path); err == nil {
		mode = st.Mode().Perm()
	}
	os.Remove(aside) // of a process that died
	w, err := os.OpenFile(aside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	adopt(diskFile{w}, filepath.Dir(path))
	w.Chmod(mode) // whatever the umask
	err = write(w)
	if err == nil {
		err = w.Sync()
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(aside, path)
	}
	if err != nil {
		os.Remove(aside)
	}
	return err
}
