package index

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"pneu/maildir"
)

// Messages are filed by a rename, whole (rule 2); but cp and many a script write into
// new/ or cur/ as they go, and a digest made meanwhile is that of the beginning.
// So a file that was written to shortly before it was read is read once more when it
// had time to be finished, unless it is as it was. Which these are is in the journal,
// for the process that read them may be gone by then.

const (
	// youngAge is how long a file must have been left alone to count as finished.
	youngAge = 2 * time.Second
	// maxYoung bounds the list. Who writes in place writes one after the other: it
	// is the last ones that count.
	maxYoung = 256
	youngKey = "young"
)

// A sighting is what a file was like when it was read.
type sighting struct {
	size  int64 // on disk
	mtime int64 // in ns
	at    int64 // when; 0: nobody needs to look again
}

func sightingOf(st *unix.Stat_t) sighting {
	return sighting{size: st.Size, mtime: st.Mtim.Nano()}
}

// same reports whether nothing was written in between.
func (s sighting) same(o sighting) bool { return s.size == o.size && s.mtime == o.mtime }

// seen says that s, of a file just read, is to be looked at again if it is young.
func (x *Index) seen(s sighting) sighting {
	now := x.now().UnixNano()
	if s.mtime > now-int64(youngAge) {
		s.at = max(now, 1)
	}
	return s
}

type youngFile struct {
	uid UID
	sighting
}

// youngFiles returns the list kept in v.
func (v *View) youngFiles() (list []youngFile) {
	b, ok := v.Meta(youngKey)
	if !ok {
		return nil
	}
	d := decoder{b: b}
	for len(d.b) > 0 {
		y := youngFile{UID(d.uint()), sighting{d.int(), d.int(), d.int()}}
		if d.bad {
			break
		}
		list = append(list, y)
	}
	return list
}

// keepYoung notes the list, with what was read in this batch.
func (t *tx) keepYoung(list []youngFile) error {
	if len(list) > maxYoung {
		slices.SortFunc(list, func(a, b youngFile) int { return cmp.Compare(b.mtime, a.mtime) })
		list = list[:maxYoung]
	}
	var b []byte
	for _, y := range list {
		b = appendUint(b, uint64(y.uid))
		for _, n := range []int64{y.size, y.mtime, y.at} {
			b = appendInt(b, n)
		}
	}
	return t.meta(youngKey, b)
}

// noteYoung is called before a commit.
func (t *tx) noteYoung() error {
	if len(t.young) == 0 {
		return nil
	}
	list := t.young
	t.young = nil
	for _, y := range t.view().youngFiles() {
		if !slices.ContainsFunc(list, func(o youngFile) bool { return o.uid == y.uid }) {
			list = append(list, y)
		}
	}
	return t.keepYoung(list)
}

// lookAgain looks at the files whose time has come. The caller holds sync.mu.
func (x *Index) lookAgain(ctx context.Context, v *View) (*View, error) {
	if x.opt.ReadOnly {
		return v, nil // a writer will
	}
	list := v.youngFiles()
	now := x.now().UnixNano()
	var changed []youngFile
	rest := list[:0:0]
	for _, y := range list {
		row, ok := v.Find(y.uid)
		if !ok {
			continue
		}
		if age := now - y.at; age >= 0 && age < int64(youngAge) { // below: the clock was set back
			rest = append(rest, y)
			continue
		}
		var st unix.Stat_t
		err := unix.Lstat(x.f.File(v.Entry(row)), &st)
		switch {
		case err == unix.ENOENT:
			rest = append(rest, y) // renamed: the next Sync knows its name
		case err != nil || sightingOf(&st).same(y.sighting):
		case len(changed) == digestLimit:
			rest = append(rest, y)
		default:
			changed = append(changed, y)
		}
	}
	if len(rest) == len(list) {
		return v, nil
	}
	t, err := x.begin(ctx)
	if err != nil {
		return v, x.tolerate(err)
	}
	defer t.end()
	// Others may have been here meanwhile, with the same list; what is done twice does no harm.
	if err := t.keepYoung(rest); err != nil {
		return v, err
	}
	r := fileReader{f: x.f}
	defer r.done()
	for _, y := range changed {
		if err := x.repair(t, &r, y.uid); errors.Is(err, errUnsteady) {
			y.at = max(now, 1)
			t.young = append(t.young, y)
		}
	}
	return t.commit()
}

// repair makes the digest of a message anew, if it turns out to be another.
func (x *Index) repair(t *tx, r *fileReader, uid UID) error {
	u := t.view()
	row, ok := u.Find(uid)
	if !ok {
		return nil
	}
	c, err := r.read(x, u.Entry(row))
	if err != nil {
		return err
	}
	d := detailOf(c)
	size, _ := packSizes(d.Size, d.WireSize)
	was, _ := packSizes(u.Size(row), u.WireSize(row))
	if size == was && clamp32(d.Received) == clamp32(u.Received(row)) && bytes.Equal(d.Digest, u.Blob(row)) {
		return nil
	}
	if err := t.detail(uid, d); err != nil {
		return err
	}
	return t.revise(uid)
}

// packed reports whether a file is compressed: then its size is not the message's.
func (x *Index) packed(e maildir.Entry) bool {
	f, err := openMessage(x.f, e)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [16]byte
	n, _ := f.ReadAt(head[:], 0)
	return maildir.Compressed(head[:n])
}

// Opened tells the index what the file of a message is like that was opened
// for a reader. A message never changes; one that is not what was digested was read
// too early, or something wrote over it, and is digested again. It waits for
// nobody: if another has the index, the next reader's is as good.
func (x *Index) Opened(uid UID, st fs.FileInfo) {
	v := x.View()
	row, ok := v.Find(uid)
	if x.opt.ReadOnly || !ok || !v.HasDigest(row) {
		return
	}
	size, _ := packSizes(st.Size(), -1)
	was, _ := packSizes(v.Size(row), -1)
	if int64(clamp32(st.ModTime().Unix())) == v.Received(row) && (size == was || x.packed(v.Entry(row))) {
		return
	}
	t, err := x.tryBegin()
	if err != nil {
		return
	}
	defer t.end()
	r := fileReader{f: x.f}
	defer r.done()
	if err := x.repair(t, &r, uid); err != nil {
		return
	}
	if _, err := t.commit(); err != nil {
		x.logOnce("digest not made again", "err", err)
	}
}
