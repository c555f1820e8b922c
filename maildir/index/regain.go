package index

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// An index that went into memory goes on on the disk when there is room again, or
// whatever else kept it from being written has passed. Nothing that anybody was shown
// meanwhile may mean something else from then on:
//
//   - If the files are as they were when the memory went on from them, all that it has is
//     written: UIDs, MODSEQs, flags and keywords become what they were shown to be.
//   - If others have committed meanwhile, what they wrote holds. Messages of theirs under a
//     UID that was shown here for another one get a new UID, as do those that only the
//     memory knew; no UID and no MODSEQ that either has shown is given again, and every
//     row gets a new MODSEQ. Flags that no name has yet are taken along.
//   - If theirs has another UIDVALIDITY, that says all there is to say.
//   - If theirs is lost, what the memory has is all that is left.

const (
	// retryFirst is how long it takes until the first try. What fails, or does not hold for
	// long, is tried half as often, down to once in retryMax: a try writes a snapshot.
	retryFirst = 10 * time.Second
	retryMax   = 5 * time.Minute
)

// retry is when an index in memory tries to be written again.
type retry struct {
	at   time.Time // zero: since it is in memory nobody has asked
	wait time.Duration
	back time.Time // when it succeeded last
}

// fork is the commit that an index in memory went on from.
type fork struct {
	gen, seq uint64
	next     UID
	modseq   uint64
}

// tryAgain reports whether it is time for regain.
func (x *Index) tryAgain() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := &x.again
	if x.volatile == nil || x.closed || x.opt.ReadOnly || x.opt.Memory {
		r.at = time.Time{}
		return false
	}
	now := x.now()
	if !r.at.IsZero() {
		return !now.Before(r.at) || now.Before(r.at.Add(-r.wait)) // a clock may be set back
	}
	if r.wait == 0 || now.Sub(r.back) > 2*retryMax {
		r.wait = retryFirst
	} else {
		r.wait = min(2*r.wait, retryMax)
	}
	r.at = now.Add(r.wait)
	return false
}

// regain tries to go on on the disk. It waits for nobody. The caller holds sync.mu, for
// what was heard of the directories may be in the memory alone.
func (x *Index) regain() {
	select {
	case x.writer <- struct{}{}:
	default:
		return
	}
	defer func() { <-x.writer }()
	err := x.flock(context.Background(), false)
	if errors.Is(err, ErrBusy) {
		return
	}
	if err == nil {
		defer x.unflock()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed || x.volatile == nil {
		return
	}
	if err == nil {
		err = x.takeOver()
	}
	r := &x.again
	if err != nil {
		r.wait = min(2*r.wait, retryMax)
		r.at = x.now().Add(r.wait)
		return
	}
	*r = retry{wait: r.wait, back: x.now()}
	x.sync.sure = false
	x.opt.Log.Info("index is on the disk again", "folder", x.f.Name())
}

// takeOver does what regain says. After an error all is as it was. Called with mu and
// the lock held.
func (x *Index) takeOver() error {
	old, mine := x.core, x.cur.Load()
	if !old.forked {
		why := x.volatile
		if err := x.load(); err != nil || x.volatile != nil {
			return cmp.Or(err, x.volatile)
		}
		err := x.prepare()
		if err != nil {
			x.volatile = why // which was said
			x.setVolatile(err)
		}
		return err
	}
	c, b, damage, lost, _, err := x.read()
	if err != nil {
		return err
	}
	if c.log != nil {
		defer c.log.Close()
	}
	if c.readonly != nil {
		return c.readonly
	}
	ours := (lost || damage == nil && old.fork.of(c, &b.st)) && mine.provenSnap() == nil
	same := b.st.UIDValidity == mine.st.UIDValidity
	s := c.slot
	if ours {
		c.id.guid, c.id.seed = mine.st.GUID, mine.seed
		b = newBuilder(mine.table, mine.st)
	} else if same {
		if err := b.outdo(mine, &old.fork); err != nil {
			return err
		}
	}
	if lost { // what others have committed nobody knows
		b.raise(UID(min(uint64(b.st.UIDNext)+lostUIDs, 1<<32-2)), min(b.st.HighestModSeq+lostModSeqs, maxModSeq-1))
	}
	if damage != nil || !ours && same {
		b.touch()
	}
	if damage != nil {
		b.st.Dir = DirState{}
	}
	if ours || damage != nil || c.booted {
		b.forgetBlobs(&old.slot, &s, c.booted || damage != nil)
	}
	if b.err != nil {
		return b.err
	}
	s.st = b.st
	c.slot = s
	blob := &blobs{fs: x.fs, dir: x.dir, guid: b.st.GUID, id: s.cacheID}
	defer blob.close()
	gen := c.id.gen
	if err = x.generation(c, newView(b.done(), &s, blob)); err == nil {
		err = x.load()
	}
	if err != nil && ours && c.id.gen != gen {
		// The snapshot is in place: all of this is on the disk, and is what we go on from.
		old.fork = fork{c.id.gen, c.slot.seq, b.st.UIDNext, b.st.HighestModSeq}
	}
	return err
}

// of reports whether nobody has committed anything since f to what c is of now.
func (f *fork) of(c *core, st *State) bool {
	if st.UIDValidity == 0 { // nothing was ever shown
		return true
	}
	// Who makes a new generation of the same commits counts one more.
	same := c.id.gen == f.gen && c.slot.seq == f.seq || c.id.gen == f.gen+1 && c.slot.seq == f.seq+1
	return same && st.UIDNext == f.next && st.HighestModSeq == f.modseq
}

// forgetBlobs takes from rows the digests that the files of s do not have: a commit in memory
// writes none to them.
func (b *builder) forgetBlobs(of, s *slot, all bool) {
	if all || of.cacheID != s.cacheID {
		b.dropCache()
		s.cacheBounds(&slot{})
		return
	}
	for k := range b.parts {
		c := b.chunk(k)
		for i, at := range c.cache {
			if int64(at)*8 >= s.cacheEnd {
				b.own(k, ownDetail).cache[i] = 0
				if !c.dead.has(i) {
					b.st.Undigested++
				}
			}
		}
	}
}

// outdo changes what others have committed so that it says nothing else than mine did, which
// went its own way from f.
func (b *builder) outdo(mine *View, f *fork) error {
	// A view of b is good until b changes.
	theirs := newView(b.done(), &slot{st: b.st}, &blobs{})
	gone, known := mine.Vanished(f.modseq)
	type again struct {
		was   UID
		row   rowData
		flags flagChange
	}
	var other []again
	from, _ := theirs.Find(f.next)
	for row := from; row < theirs.Len() && theirs.UID(row) < mine.st.UIDNext; row++ {
		uid := theirs.UID(row)
		if k, ok := mine.Find(uid); ok && mine.Base(k) == theirs.Base(row) {
			continue
		} else if !ok && known && !slices.ContainsFunc(gone, func(r UIDRange) bool { return r.Lo <= uid && uid <= r.Hi }) {
			continue // it was shown as nothing
		}
		a := again{was: uid, row: rowData{
			file: []byte(theirs.Entry(row).File), isNew: theirs.InNew(row), size: theirs.Size(row),
			wire: theirs.WireSize(row), recv: theirs.Received(row), saved: theirs.Saved(row),
		}}
		a.flags.set, a.flags.clear = uint8(theirs.Flags(row)), ^uint8(theirs.Flags(row))&63
		a.flags.pending = theirs.Pending(row)
		for _, w := range theirs.Keywords(row) {
			if id, ok := b.keyword(w); ok {
				a.row.kw = append(a.row.kw, uint16(id))
			}
		}
		other = append(other, a)
	}
	pending, err := b.pendingOf(mine, theirs)
	if err != nil {
		return err
	}
	b.raise(mine.st.UIDNext, mine.st.HighestModSeq)
	m := b.st.HighestModSeq + 1
	now := map[UID]UID{}
	for _, a := range other {
		if a.row.uid = b.st.UIDNext; a.row.uid >= 1<<32-2 {
			return ErrFull
		}
		now[a.was] = a.row.uid
		a.row.modseq, a.flags.modseq = m, m
		b.expunge([]UIDRange{{a.was, a.was}}, m)
		b.add(&a.row)
		b.flags([]UIDRange{{a.row.uid, a.row.uid}}, &a.flags)
	}
	for _, p := range pending {
		uid := cmp.Or(now[p.uid], p.uid)
		p.change.modseq = m
		b.flags([]UIDRange{{uid, uid}}, &p.change)
	}
	return nil
}

// pendingFlags are flags and keywords that a message has and its name does not.
type pendingFlags struct {
	uid    UID
	change flagChange
}

// pendingOf returns what is pending in mine, for the messages of theirs.
func (b *builder) pendingOf(mine, theirs *View) (all []pendingFlags, err error) {
	if mine.st.Pending == 0 {
		return nil, nil
	}
	for row := range mine.Len() {
		if !mine.Pending(row) {
			continue
		}
		there, ok := theirs.FindBase(mine.Base(row))
		if !ok {
			continue
		}
		f := uint8(mine.Flags(row))
		p := pendingFlags{theirs.UID(there), flagChange{set: f, clear: ^f & 63, pending: true}}
		for _, w := range mine.Keywords(row) {
			id, ok := b.keyword(w)
			if !ok {
				id = len(b.kwNames)
				if err := b.defineKeyword(id, w); err != nil {
					return nil, err
				}
			}
			p.change.add = append(p.change.add, uint16(id))
		}
		all = append(all, p)
	}
	return all, nil
}
