package fulltext

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
)

// Fold makes the tail a segment and merges segments where there are many or
// where most of the documents are dead. alive, if not nil, says which UIDs
// still exist.
func (x *Index) Fold(ctx context.Context, alive func(uid uint32) bool) error {
	return x.foldLocked(ctx, alive, false)
}

// Merge is Fold, and in addition rewrites every segment that has dead documents.
func (x *Index) Merge(ctx context.Context, alive func(uid uint32) bool) error {
	return x.foldLocked(ctx, alive, true)
}

func (x *Index) foldLocked(ctx context.Context, alive func(uid uint32) bool, all bool) error {
	lx, err := x.lock()
	if err != nil {
		return err
	}
	return errors.Join(lx.fold(ctx, alive, all), lx.unlock())
}

func (x *lockedIndex) fold(ctx context.Context, alive func(uid uint32) bool, all bool) error {
	for {
		more, err := x.foldStep(ctx, alive, all)
		if errors.Is(err, errDamaged) && x.damaged(x.View()) {
			continue // without what is damaged
		}
		if err != nil || !more {
			return err
		}
	}
}

// foldStep writes one segment or manifest, and reports whether there is more to do.
func (x *lockedIndex) foldStep(ctx context.Context, alive func(uid uint32) bool, all bool) (more bool, err error) {
	v := x.View()
	if x.damaged(v) {
		return true, x.publish(nil, nil)
	}
	if len(v.tail) > 0 {
		s := newShard()
		for _, d := range v.tail[:min(len(v.tail), maxDocs/2)] {
			s.add(d.uid, d.text)
		}
		old := x.company(v, s.weight(), s.len())
		err := x.write(ctx, sourcesOf(s, old), old, alive)
		if err == nil {
			err = x.cutTail(s)
		}
		return true, err
	}
	if x.hasTail() { // a builder died before it came to this, or it is another folder's
		return true, x.cutTail(nil)
	}
	group := x.group(v, alive, all)
	if group == nil {
		return false, nil
	}
	err = x.write(ctx, sourcesOf(nil, group), group, alive)
	for _, s := range group {
		forget(s.data)
		runtime.KeepAlive(s)
	}
	return true, err
}

// hasTail reports whether there is a file of which nothing is in the View.
func (x *lockedIndex) hasTail() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tail.info != nil && len(x.View().tail) == 0
}

// damaged reports whether the manifest names segments that are of no use.
func (x *lockedIndex) damaged(v *View) bool {
	return v.damaged > 0 || slices.ContainsFunc(v.segments, func(s *segment) bool { return s.bad.Load() })
}

func sourcesOf(s *shard, segments []*segment) (list []source) {
	for _, seg := range segments {
		list = append(list, seg)
	}
	if s != nil {
		list = append(list, s)
	}
	return list
}

// company returns the segments that documents of this size are to be merged with: from the
// smallest on those at most twice as large as all before together. So segments grow
// in steps, and a document is rewritten as often as there are steps.
func (x *lockedIndex) company(v *View, size int64, docs int) (list []*segment) {
	for _, s := range bySize(v.segments) {
		if s.weight() > 2*size || size+s.weight() > full || docs+s.len() > maxDocs {
			break
		}
		size += s.weight()
		docs += s.len()
		list = append(list, s)
	}
	return list
}

// group returns the segments to be merged next, nil if there are none.
func (x *lockedIndex) group(v *View, alive func(uid uint32) bool, all bool) (list []*segment) {
	if alive != nil {
		size, docs := int64(0), 0
		for _, s := range v.segments {
			if dead := s.dead(alive); dead == 0 || !all && dead*3 < s.len() {
				continue
			}
			if len(list) > 0 && (size+s.weight() > full || docs+s.len() > maxDocs) {
				break
			}
			list, size, docs = append(list, s), size+s.weight(), docs+s.len()
		}
		if list != nil {
			return list
		}
	}
	segments := bySize(v.segments)
	for i, s := range segments {
		if more := x.company(&View{segments: segments[i+1:]}, s.weight(), s.len()); len(more) > 0 {
			return append(more, s)
		}
	}
	return nil
}

func bySize(segments []*segment) []*segment {
	segments = slices.Clone(segments)
	slices.SortFunc(segments, func(a, b *segment) int { return cmp.Compare(a.weight(), b.weight()) })
	return segments
}

func (s *segment) dead(alive func(uid uint32) bool) (n int) {
	defer runtime.KeepAlive(s)
	for i := range s.len() {
		if !alive(s.uid(i)) {
			n++
		}
	}
	return n
}

// Check reads everything and compares checksums. Damaged segments are taken out
// of the index, unless it is ReadOnly, and named in the error.
func (x *Index) Check(ctx context.Context) error {
	v, err := x.Refresh()
	if err != nil {
		return err
	}
	var found error
	if _, raw, err := readManifest(x.dir); err == nil && raw != nil {
		if _, err := parseManifest(raw); err != nil {
			found = fmt.Errorf("%s: %w", manifestName, err)
		}
	}
	if v.damaged > 0 {
		found = fmt.Errorf("%d segments of the text index: %w", v.damaged, errDamaged)
	}
	for _, s := range v.segments {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := safely(s.verify); err != nil {
			s.bad.Store(true)
			found = errors.Join(found, fmt.Errorf("%s: %w", segmentName(s.number), err))
		}
		runtime.KeepAlive(s)
	}
	if found == nil || x.opt.ReadOnly {
		return found
	}
	lx, err := x.lock()
	if err != nil {
		return errors.Join(found, err)
	}
	return errors.Join(found, lx.publish(nil, nil), lx.unlock())
}

// verify compares all checksums, those too that were right before.
func (s *segment) verify() error {
	for i := range s.checked {
		s.checked[i].Store(0)
	}
	return s.check(s.data[:s.footer.sums])
}
