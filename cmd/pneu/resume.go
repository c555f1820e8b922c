package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"

	"pneu/maildir"
	"pneu/maildir/journal"
)

// An earlier import into the folder that did not end, because it was killed, or an error came,
// has filed some of what is to be filed now, perhaps all. Which messages these are the journal
// knows; that they are the same is told by their bytes. Each stands for one message of the
// input, for there may be several alike.
type resumed struct {
	f       *maildir.Folder
	filed   map[int64]*sameSize // by size
	unmet   map[string]int      // batches, and how many of what they filed was not met yet
	largest int64
	passed  int
}

// sameSize are messages of one size: those not read yet, in the order they were filed in, which is
// that of the input most likely, and those read.
type sameSize struct {
	unread []filing
	read   map[[sha256.Size]byte][]filing
}

// A filing is a message that was filed by a batch.
type filing struct {
	e     maildir.Entry
	batch string
}

// resume returns what earlier imports have filed; nil if all of them ended, or are going on: what
// such a one files is not in place of what is filed now.
func resume(j *journal.Journal, f *maildir.Folder) (*resumed, error) {
	list, err := j.Unfinished("import ")
	if err != nil || len(list) == 0 {
		return nil, err
	}
	r := &resumed{f: f, filed: map[int64]*sameSize{}, unmet: map[string]int{}}
	places := realPlaces{}
	for _, b := range list {
		if isAtWork(b.ID) {
			continue
		}
		for _, o := range b.Ops {
			if o.Kind != "append" || places.path(o.To) != places.dir(f) {
				continue
			}
			size, ok := o.New.Size()
			if !ok {
				continue
			}
			r.largest = max(r.largest, size)
			if r.filed[size] == nil {
				r.filed[size] = &sameSize{read: map[[sha256.Size]byte][]filing{}}
			}
			r.filed[size].unread = append(r.filed[size].unread, filing{o.New, b.ID})
			r.unmet[b.ID]++
		}
	}
	if len(r.unmet) == 0 {
		return nil, nil
	}
	return r, nil
}

// look reads a message, or of one that is longer than any that was filed as much as tells that:
// what is no mail may be longer than memory has room for. all reads it from its beginning.
func (r *resumed) look(in io.Reader) (raw []byte, all io.Reader, err error) {
	raw, err = io.ReadAll(io.LimitReader(in, r.largest+1))
	return raw, io.MultiReader(bytes.NewReader(raw), in), err
}

// pass returns where a message lies that need not be filed. One that has left the folder since
// is filed anew: whoever took it out may have wanted to begin again.
func (r *resumed) pass(raw []byte) (maildir.Entry, bool) {
	same := r.filed[int64(len(raw))]
	if same == nil {
		return maildir.Entry{}, false
	}
	sum := sha256.Sum256(raw)
	for len(same.read[sum]) == 0 && len(same.unread) > 0 {
		m := same.unread[0]
		same.unread = same.unread[1:]
		var err error
		if m.e, err = r.f.Current(m.e); err == nil {
			var there []byte
			if there, err = (&msg{path: r.f.File(m.e), f: r.f, e: m.e}).bytes(); err == nil {
				key := sha256.Sum256(there)
				same.read[key] = append(same.read[key], m)
				continue
			}
		}
		if errors.Is(err, maildir.ErrGone) || errors.Is(err, fs.ErrNotExist) {
			r.unmet[m.batch]--
		}
	}
	list := same.read[sum]
	if len(list) == 0 {
		return maildir.Entry{}, false
	}
	same.read[sum] = list[1:]
	r.unmet[list[0].batch]--
	r.passed++
	return list[0].e, true
}

// end ends the earlier imports of which nothing is left that was not met.
func (r *resumed) end(j *journal.Journal) error {
	for id, n := range r.unmet {
		if n > 0 {
			continue
		}
		if err := j.End(id); err != nil {
			return err
		}
	}
	return nil
}
