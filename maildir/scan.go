package maildir

import (
	"os"
	"slices"
	"strconv"
	"time"
)

// What an index needs to know of a directory beyond the list of its messages:
// its time before and after, and the names as the kernel gives them.

// A Stamp is a directory's modification time in nanoseconds. It is compared for
// equality only, for clocks step back; zero is the time of no directory.
type Stamp int64

// Stamp returns the time of new/ or cur/, asked of the directory opened anew: on
// NFS that is what makes the client ask the server.
func (f *Folder) Stamp(isNew bool) (Stamp, error) {
	if !f.Local() {
		d, err := os.Open(f.dir(isNew))
		if err != nil {
			return 0, f.missing(err)
		}
		defer d.Close()
		st, err := d.Stat()
		if err != nil {
			return 0, err
		}
		return Stamp(st.ModTime().UnixNano()), nil
	}
	st, err := os.Stat(f.dir(isNew))
	if err != nil {
		return 0, f.missing(err)
	}
	return Stamp(st.ModTime().UnixNano()), nil
}

// Fine reports whether every change to the folder's directories gives them a new
// time once it was asked for: Linux since 6.13 on ext4, xfs and btrfs. Then
// equal stamps prove that nothing happened in between; elsewhere only stamps
// older than a tick do.
func (f *Folder) Fine() bool { return fineStamps() && fineDir(f.path) }

// Tick is more than the grain of file times on local file systems.
const Tick = tick

// Age returns how long ago s was, by this machine's clock.
func (s Stamp) Age(now time.Time) time.Duration { return now.Sub(time.Unix(0, int64(s))) }

// ScanNames reads new/ or cur/ once and calls fn for every name that can be a
// message's; names with a leading dot, directories, sockets and links that lead
// out of the tree are passed over. A rename meanwhile can hide a name or show a
// file under two: only equal stamps before and after prove that it is the whole
// truth. The kernel is read ahead of fn, and name is valid during the call only.
func (f *Folder) ScanNames(isNew bool, fn func(name []byte) error) error {
	dir := f.dir(isNew)
	err := readDirAhead(dir, func(name []byte, k kind) error {
		if k != plain && !f.mail(dir, string(name), k) {
			return nil
		}
		return fn(name)
	})
	return f.missing(err)
}

// Local reports whether the folder lies on a file system that only this machine
// changes, as far as its kind tells: then the kernel's notices miss nothing.
func (f *Folder) Local() bool { return localDir(f.path) }

// IsMail reports whether what is at e now can be a message: a plain file, or a
// link to one inside the tree.
func (f *Folder) IsMail(e Entry) bool {
	if _, err := ParseName(e.File); err != nil {
		return false
	}
	return f.mail(f.dir(e.New), e.File, unknown)
}

// Separate gives each of several entries with one base that turn out to be
// messages of their own a fresh base, but the oldest. It returns the entries
// there are by then.
func (f *Folder) Separate(entries []Entry) []Entry { return f.separate(slices.Clone(entries)) }

// WireSize returns the size with CRLF line ends that the name states (",W=").
func (e Entry) WireSize() (n int64, ok bool) {
	v, ok := field(e.Base(), "W")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil && n >= 0
}

// Unique returns the part of a base that stays whatever fields other programs
// add to it or take from it: U and FMD5 of mbsync and offlineimap, sizes.
func Unique(base string) string { return unique(base) }

// Unobserved returns the same folder for changes that the observer of its store
// need not hear of, because it makes them itself.
func (f *Folder) Unobserved() *Folder {
	s := &Store{root: f.store.root, layout: f.store.layout, files: f.store.files}
	return s.folder(f.name, f.path)
}
