package index

import (
	"slices"
	"strings"

	"pneu/maildir"
)

// A reading is what directories say, as compared with a view.
type reading struct {
	v    *View
	dirs [2]bool  // cur/ and new/ were read
	seen []uint64 // rows whose file is exactly as the view has it
	odd  []maildir.Entry
	gone []UID // of v; set by overlay

	stirred bool // files were renamed by us since
}

func (r *reading) mark(row int, on bool) {
	for len(r.seen) <= row>>6 {
		r.seen = append(r.seen, 0)
	}
	if on {
		r.seen[row>>6] |= 1 << (row & 63)
	} else {
		r.seen[row>>6] &^= 1 << (row & 63)
	}
}

// all marks every row.
func (r *reading) all() { r.seen = slices.Repeat([]uint64{^uint64(0)}, (r.v.Len()+63)/64) }

func (r *reading) marked(row int) bool {
	return row>>6 < len(r.seen) && r.seen[row>>6]>>(row&63)&1 != 0
}

// read reads the directories asked for: new/ first, so that a message on its way
// to cur/ is seen twice rather than not at all.
func (r *reading) read(f *maildir.Folder) error {
	r.seen = make([]uint64, (r.v.Len()+63)/64)
	var names arena
	var odd blocks
	for _, isNew := range []bool{true, false} {
		if !r.dirs[place(isNew)] {
			continue
		}
		err := f.ScanNames(isNew, func(name []byte) error {
			row, m := r.v.Lookup(name, isNew)
			if m == Same {
				r.seen[row>>6] |= 1 << (row & 63)
			} else {
				odd.add(maildir.Entry{File: names.text(name), New: isNew})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.odd = odd.join(r.odd)
	return nil
}

// blocks gather entries without copying those that are there again and again: of a folder
// seen for the first time they are a million, perhaps.
type blocks [][]maildir.Entry

func (b *blocks) add(e maildir.Entry) {
	k := len(*b) - 1
	if k < 0 || len((*b)[k]) == cap((*b)[k]) {
		k++
		*b = append(*b, make([]maildir.Entry, 0, 16<<min(k, 8)))
	}
	(*b)[k] = append((*b)[k], e)
}

// join returns all of them behind dst, in a slice of just that size.
func (b blocks) join(dst []maildir.Entry) []maildir.Entry {
	n := len(dst)
	for _, part := range b {
		n += len(part)
	}
	if n > cap(dst) {
		dst = append(make([]maildir.Entry, 0, n), dst...)
	}
	for k, part := range b {
		dst = append(dst, part...)
		b[k] = nil
	}
	return dst
}

func place(isNew bool) int {
	if isNew {
		return 1
	}
	return 0
}

// An arena cuts strings from large ones: a million names in few allocations.
type arena struct{ b strings.Builder }

func (a *arena) text(s []byte) string {
	if a.b.Cap()-a.b.Len() < len(s) {
		a.b = strings.Builder{}
		a.b.Grow(max(64<<10, len(s)))
	}
	from := a.b.Len()
	a.b.Write(s)
	return a.b.String()[from:]
}

// overlay adds what was heard while the directories were read, or since the view
// was right, and finds what is gone. Of a directory that was not read only what
// was heard counts.
func (r *reading) overlay(ev touched, f *maildir.Folder) {
	if len(ev) > 0 {
		r.odd = slices.DeleteFunc(r.odd, func(e maildir.Entry) bool {
			_, heard := ev[e]
			return heard
		})
	}
	var left []int // rows whose file went away
	for e, there := range ev {
		row, m := r.v.Lookup([]byte(e.File), e.New)
		switch {
		case m == Same && there:
			r.mark(row, true)
		case m == Same:
			r.mark(row, false)
			left = append(left, row)
		case there && (m == Renamed || f.IsMail(e)): // a reading has looked, a notice has not
			r.odd = append(r.odd, e)
		}
	}
	// A message that shows under another name is not gone.
	renamed := map[int]bool{}
	for _, e := range r.odd {
		if row, m := r.v.Lookup([]byte(e.File), e.New); m == Renamed {
			renamed[row] = true
		}
	}
	if r.dirs == [2]bool{} {
		for _, row := range left {
			if !renamed[row] {
				r.gone = append(r.gone, r.v.UID(row))
			}
		}
		slices.Sort(r.gone)
		return
	}
	if r.dirs[0] != r.dirs[1] {
		// One directory was read: rows of the other are seen unless heard to be gone.
		was := r.v.State().New
		if r.dirs[0] || was > 0 {
			for row := range r.v.Len() {
				if r.v.InNew(row) != r.dirs[1] {
					r.mark(row, true)
				}
			}
		} else {
			r.all()
		}
		for _, row := range left {
			r.mark(row, false)
		}
	}
	n := r.v.Len()
	for w := range (n + 63) / 64 {
		if w < len(r.seen) && r.seen[w] == ^uint64(0) {
			continue
		}
		for row := w * 64; row < min(n, w*64+64); row++ {
			if !r.marked(row) && !renamed[row] {
				r.gone = append(r.gone, r.v.UID(row))
			}
		}
	}
}

// rebase takes account of what others committed while the directories were read:
// u is what there is by now. A row that they added must have been seen like any
// other; one whose file they renamed may since have got its old name back.
func (r *reading) rebase(u *View) {
	hit := map[int]bool{}
	for _, e := range r.odd {
		if row, m := u.Lookup([]byte(e.File), e.New); m != Unknown {
			hit[row] = true
		}
	}
	u.Files(0, u.Len(), func(row int, file []byte, isNew bool) bool {
		uid := u.UID(row)
		was, ok := r.v.Find(uid)
		if !ok {
			if !hit[row] {
				r.gone = append(r.gone, uid)
			}
		} else if r.marked(was) {
			_, m := r.v.Lookup(file, isNew)
			if m != Same {
				r.odd = append(r.odd, r.v.Entry(was))
			}
			if m == Unknown && !hit[row] { // to another base
				r.gone = append(r.gone, uid)
			}
		}
		return true
	})
}
