package fulltext

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
)

// A View is an immutable state of the index, for any number of goroutines.
type View struct {
	segments []*segment // newest first
	tail     []tailDoc  // oldest first; none is in a segment
	bytes    int64      // of all segment files
	tailSize int64
	damaged  int
	workers  int

	once   sync.Once
	ranges []Range
}

type tailDoc struct {
	uid  uint32
	text []byte
}

// Has reports whether uid is covered.
func (v *View) Has(uid uint32) bool {
	ranges := v.covered()
	_, ok := slices.BinarySearchFunc(ranges, uid, func(r Range, uid uint32) int {
		switch {
		case r.Last < uid:
			return -1
		case r.First > uid:
			return 1
		}
		return 0
	})
	return ok
}

// Missing returns those of uids, which ascend, that are not covered.
func (v *View) Missing(uids []uint32) (list []uint32) {
	ranges := v.covered()
	for _, uid := range uids {
		for len(ranges) > 0 && ranges[0].Last < uid {
			ranges = ranges[1:]
		}
		if len(ranges) == 0 || uid < ranges[0].First {
			list = append(list, uid)
		}
	}
	return list
}

// Covered returns the UIDs covered, as ascending ranges.
func (v *View) Covered() []Range { return slices.Clone(v.covered()) }

func (v *View) covered() []Range {
	v.once.Do(func() {
		var all []Range
		for _, d := range v.tail {
			all = append(all, Range{d.uid, d.uid})
		}
		for _, s := range v.segments {
			all = append(all, s.covered()...)
		}
		slices.SortFunc(all, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
		for _, r := range all {
			if n := len(v.ranges); n > 0 && (r.First <= v.ranges[n-1].Last || r.First-1 == v.ranges[n-1].Last) {
				v.ranges[n-1].Last = max(v.ranges[n-1].Last, r.Last)
			} else {
				v.ranges = append(v.ranges, r)
			}
		}
	})
	return v.ranges
}

// Text returns the folded text of a document, as it was added: for the lines
// around a hit, without a look at the message.
func (v *View) Text(uid uint32) (text []byte, ok bool) {
	for _, d := range v.tail {
		if d.uid == uid {
			return slices.Clone(d.text), true
		}
	}
	for _, s := range v.segments {
		if doc, found := s.docOf(uid); found {
			err := safely(func() (err error) {
				text, err = s.text(doc)
				return err
			})
			if err != nil {
				s.bad.Store(true)
			}
			return text, err == nil
		}
	}
	return nil, false
}

func (s *segment) text(doc int) (text []byte, err error) {
	defer runtime.KeepAlive(s)
	for _, b := range [][]byte{s.ends, s.heap, s.blocks} {
		if err := s.check(b); err != nil {
			return nil, err
		}
	}
	codes := s.codesOf(doc)
	if err := s.check(codes); err != nil {
		return nil, err
	}
	for _, id := range decode(nil, codes) {
		if id >= s.terms {
			return nil, errDamaged
		}
		text = append(text, s.term(id)...)
	}
	return text, nil
}

// Stat says how large the index is.
func (v *View) Stat() Stat {
	st := Stat{Segments: len(v.segments), Bytes: v.bytes + v.tailSize, TailDocs: len(v.tail), TailBytes: v.tailSize,
		Docs: len(v.tail), Damaged: v.damaged}
	for _, s := range v.segments {
		st.Docs += s.len()
		st.Terms += s.countTerms()
		st.Dictionary += int64(len(s.heap) + len(s.blocks))
		st.Postings += int64(len(s.posts))
		st.Texts += int64(len(s.texts))
		if s.bad.Load() {
			st.Damaged++
		}
	}
	return st
}
