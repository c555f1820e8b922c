package index

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"pneu/maildir"
)

// How an index finds out what the directories say.
//
// The state S of the last complete look is in the journal: the times of new/ and
// cur/, and whether an equal time proves that nothing changed (settled). If both
// are as S has them, there is nothing to do. Else one or both are read, and what
// differs from the index is applied under the writers' lock.
//
// One reading of a directory proves little: a file that is renamed meanwhile may
// not show, or show twice. So the kernel's notices are asked for before the
// reading begins; reading and notices together are exact, however much happens.
// They are trusted on file systems that only this machine changes. Where there
// are none, a message is held to be gone only if the directory's time was the
// same before and after the reading, and is settled: old enough, or of a kernel
// that gives every change a time of its own.
//
// A flag that was changed in a name while a change of ours was still to be
// written there is merged flag by flag: what the other program toggled is taken
// from the name, all else is as we have it. A flag that both toggled went the
// same way, so there is never a conflict.

// scanRounds is how often directories are read that keep changing.
const scanRounds = 5

// lockedRound is the round from which the writers' lock is held while reading,
// which keeps at least our own programs still.
const lockedRound = 2

// safeAge is how long a time must have stood on a file system of other machines.
const safeAge = 2 * time.Second

// Messages found in numbers up to these are looked at while they are added:
// beyond it size and time come from their names at first.
const (
	statLimit   = 2000
	digestLimit = 64
)

// touched says of names whether they are there, as far as notices tell.
type touched map[maildir.Entry]bool

// syncer is what Sync keeps between calls.
type syncer struct {
	mu   sync.Mutex
	live *listener // while someone watches; under mu
	sure bool      // the view was right when live was last drained

	lingers bool // live is left of changes of ours
	used    bool // and was needed since it was last asked

	first map[bool]firstSeen // by directory: when its present time was first met
}

type firstSeen struct {
	stamp maildir.Stamp
	at    time.Time
}

// stamps are the times of both directories.
type stamps struct{ new, cur maildir.Stamp }

func (x *Index) stamps() (s stamps, err error) {
	if s.new, err = x.f.Stamp(true); err == nil {
		s.cur, err = x.f.Stamp(false)
	}
	return s, err
}

// agrees reports whether d proves that nothing has changed if the times are s.
func (d DirState) agrees(s stamps) (isNew, cur bool) {
	if d.Scanned == 0 {
		return false, false
	}
	return d.NewSettled && d.New == int64(s.new), d.CurSettled && d.Cur == int64(s.cur)
}

// Sync brings the index up to date with other processes and with the directory,
// and returns the result. If nothing changed that takes two stats, whatever the
// size of the folder.
//
// New messages get UIDs in the order of their arrival as their names say, and at
// first sight what other servers have given them is kept: see the package
// comment. What their files say follows with [Index.Build].
func (x *Index) Sync(ctx context.Context) (*View, error) {
	x.sync.mu.Lock()
	defer x.sync.mu.Unlock()
	return x.syncLocked(ctx)
}

func (x *Index) syncLocked(ctx context.Context) (*View, error) {
	v, err := x.syncNames(ctx)
	if err != nil {
		return v, err
	}
	return x.lookAgain(ctx, v)
}

func (x *Index) syncNames(ctx context.Context) (*View, error) {
	v, err := x.Refresh()
	if err != nil {
		return v, err
	}
	s, err := x.stamps()
	if err != nil {
		return v, err
	}
	if isNew, cur := v.State().Dir.agrees(s); isNew && cur {
		x.write(v)
		return v, nil
	}
	if x.sync.live != nil && x.sync.sure && v.State().Dir.Scanned != 0 {
		now, err := x.hear(ctx, v)
		if err == nil {
			x.write(now)
			return now, nil
		}
		if !errors.Is(err, errUnheard) {
			return v, x.tolerate(err)
		}
	}
	now, err := x.rescan(ctx, v)
	if err != nil {
		return v, x.tolerate(err)
	}
	if now.Len() <= rescueSmall {
		x.keepRescue(now)
	}
	x.write(now)
	return now, nil
}

// tolerate passes over what does not keep a reader from reading: an index that
// may not be written shows what it has.
func (x *Index) tolerate(err error) error {
	if errors.Is(err, ErrReadOnly) {
		return nil
	}
	return err
}

// errUnheard: notices were lost.
var errUnheard = errors.New("notices were lost")

// hear applies what the live listener has heard.
func (x *Index) hear(ctx context.Context, v *View) (*View, error) {
	t, err := x.beginLook(ctx)
	if err != nil {
		return nil, err
	}
	defer t.end()
	x.sync.sure = false
	ev := touched{}
	after, quiet, err := x.quiet(x.sync.live, ev, false)
	if err != nil {
		return nil, err
	}
	u := t.view()
	if u.st.GUID != v.st.GUID {
		return nil, errUnheard // what was known is not known of this index
	}
	r := &reading{v: u}
	r.all()
	r.overlay(ev, x.f)
	if err := x.apply(ctx, t, r, true); err != nil {
		return nil, err
	}
	x.state(t, after, r, quiet)
	now, err := t.commit()
	x.sync.sure = err == nil
	return now, err
}

// quiet drains l until nothing happens between a look at the times and the
// notices of what they have seen; then the times belong to what is known.
// With wait it sleeps off the tick in which a time proves nothing yet.
func (x *Index) quiet(l *listener, ev touched, wait bool) (s stamps, quiet bool, err error) {
	for range 4 {
		if s, err = x.stamps(); err != nil {
			return s, false, err
		}
		if wait && !(x.settled(true, s.new, true) && x.settled(false, s.cur, true)) {
			if s, err = x.stamps(); err != nil {
				return s, false, err
			}
		}
		l.barrier()
		heard, ok := l.drain(ev)
		if !ok {
			return s, false, errUnheard
		}
		if heard == 0 {
			return s, true, nil
		}
	}
	return s, false, nil
}

// settled reports whether a directory's time proves by itself that nothing
// changed since. With wait it sleeps the rest of a tick, if that will do.
func (x *Index) settled(isNew bool, s maildir.Stamp, wait bool) bool {
	if !x.opt.Safe && x.f.Fine() {
		return true
	}
	need := maildir.Tick
	if x.remote() {
		need = safeAge
	}
	// Only ages that our own clock has seen go by count: the directory's may be
	// ahead of it, or either may have been set.
	now := x.now()
	seen := x.sync.first[isNew]
	if seen.stamp != s {
		if x.sync.first == nil {
			x.sync.first = map[bool]firstSeen{}
		}
		seen = firstSeen{s, now}
		x.sync.first[isNew] = seen
	}
	age := max(s.Age(now), now.Sub(seen.at))
	if age > need {
		return true
	}
	if !wait || need > maildir.Tick {
		return false
	}
	time.Sleep(need - max(age, 0) + time.Millisecond)
	after, err := x.f.Stamp(isNew)
	return err == nil && after == s
}

// remote reports whether other machines may change the folder.
func (x *Index) remote() bool { return x.opt.Safe || !x.f.Local() }

func (x *Index) now() time.Time {
	if x.opt.Now != nil {
		return x.opt.Now()
	}
	return time.Now()
}

// rescan reads the directories that changed, and applies the difference.
func (x *Index) rescan(ctx context.Context, v *View) (*View, error) {
	l := x.sync.live
	if l == nil && !x.remote() {
		if own, err := listen(x.f, false); err == nil {
			defer own.letGo()
			l = own
		}
	}
	for round := 0; ; round++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		now, err := x.round(ctx, v, l, round)
		if !errors.Is(err, errUnheard) {
			return now, err
		}
		if v, err = x.Refresh(); err != nil {
			return nil, err
		}
	}
}

// round is one reading. errUnheard: once more.
func (x *Index) round(ctx context.Context, v *View, l *listener, round int) (*View, error) {
	var t *tx
	defer func() {
		if t != nil {
			t.end()
		}
	}()
	var err error
	lock := func() error {
		if t == nil {
			t, err = x.beginLook(ctx)
		}
		return err
	}
	if round >= lockedRound {
		if err := lock(); err != nil {
			return nil, err
		}
		v = t.view()
	}
	x.sync.sure = false
	ev := touched{}
	if l != nil {
		l.drain(touched{}) // the reading sees what was before
	}
	before, err := x.stamps()
	if err != nil {
		return nil, err
	}
	sameNew, sameCur := v.State().Dir.agrees(before)
	r := &reading{v: v, dirs: [2]bool{!sameCur, !sameNew}}
	if err := r.read(x.f); err != nil {
		return nil, err
	}
	if err := lock(); err != nil {
		return nil, err
	}
	var after stamps
	exact, quiet := true, true
	if l != nil {
		after, quiet, err = x.quiet(l, ev, true)
		if errors.Is(err, errUnheard) && round < scanRounds {
			return nil, err
		}
		exact = err == nil
		if err != nil && !errors.Is(err, errUnheard) {
			return nil, err
		}
	} else {
		if after, err = x.stamps(); err != nil {
			return nil, err
		}
		// Times that are not settled prove nothing, however often one looks; only
		// those that moved are worth another reading at once.
		exact = after == before && x.settled(true, after.new, true) && x.settled(false, after.cur, true)
		if after != before && round < scanRounds {
			return nil, errUnheard
		}
		quiet = exact
	}
	r.overlay(ev, x.f)
	if u := t.view(); u != v {
		if u.st.GUID != v.st.GUID {
			return nil, errUnheard // another index: UIDs mean something else
		}
		r.rebase(u)
	}
	if err := x.apply(ctx, t, r, exact); err != nil {
		return nil, err
	}
	x.state(t, after, r, quiet && exact)
	now, err := t.commit()
	x.sync.sure = err == nil && exact && l != nil && l == x.sync.live
	return now, err
}

// state notes what the directories were when they agreed with the index.
func (x *Index) state(t *tx, s stamps, r *reading, quiet bool) {
	d := DirState{New: int64(s.new), Cur: int64(s.cur), Scanned: max(x.now().UnixNano(), 1)}
	if quiet && !r.stirred {
		d.NewSettled = x.settled(true, s.new, false)
		d.CurSettled = x.settled(false, s.cur, false)
	}
	t.dir(d)
}

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
	for _, isNew := range []bool{true, false} {
		if !r.dirs[place(isNew)] {
			continue
		}
		err := f.ScanNames(isNew, func(name []byte) error {
			row, m := r.v.Lookup(name, isNew)
			if m == Same {
				r.seen[row>>6] |= 1 << (row & 63)
			} else {
				r.odd = append(r.odd, maildir.Entry{File: names.text(name), New: isNew})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
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

// apply brings the index to what r says. Unless it is exact nothing is held to
// be gone, and a name counts only if it is there now.
func (x *Index) apply(ctx context.Context, t *tx, r *reading, exact bool) error {
	u := t.view()
	if x.unknown(u) {
		return x.firstSight(ctx, t, r)
	}
	letters, err := x.learnLetters(t)
	if err != nil {
		return err
	}
	u = t.view()
	known := map[int][]maildir.Entry{}
	claimed := map[UID]bool{}
	var fresh []maildir.Entry
	for _, e := range r.odd {
		row, m := u.Lookup([]byte(e.File), e.New)
		if m == Same {
			claimed[u.UID(row)] = true // others were quicker
			continue
		}
		if !exact && !x.f.IsMail(e) {
			continue
		}
		if m == Renamed {
			known[row] = append(known[row], e)
		} else {
			fresh = append(fresh, e)
		}
	}
	var moves []move
	for row, entries := range known {
		m, more := x.sortOut(u, r, row, entries)
		moves = append(moves, m)
		fresh = append(fresh, more...)
		claimed[m.uid] = true
	}
	again, fresh := x.reborn(u, r, fresh, claimed, exact)
	for _, m := range again {
		claimed[m.uid] = true
	}
	moves = append(moves, again...)
	slices.SortFunc(moves, func(a, b move) int { return cmp.Compare(a.uid, b.uid) })
	var gone []UID
	if exact {
		for _, uid := range r.gone {
			if _, ok := u.Find(uid); ok && !claimed[uid] {
				gone = append(gone, uid)
			}
		}
	}
	messages := x.messages(r, fresh, &letters)
	if err := x.applyMoves(t, moves, &letters); err != nil {
		return err
	}
	if len(gone) > 0 {
		if _, err := t.expunge(gone); err != nil {
			return err
		}
	}
	for _, m := range messages {
		if _, err := t.add(m); err != nil {
			return err
		}
	}
	return nil
}

// unknown reports whether nothing is known of the folder, or nothing any more.
func (x *Index) unknown(v *View) bool {
	st := v.State()
	if st.Dir.Scanned != 0 {
		return false
	}
	_, lost := x.Damage()
	return lost || st.UIDValidity == 0 || st.Total == 0 && st.UIDNext <= 1
}

// A move is a message that is called otherwise than the index has it.
type move struct {
	uid      UID
	old, now maildir.Entry
	same     bool // it is not: there was another message of its base
}

// sortOut decides which of several files with a known message's base it is, and
// gives the others bases of their own (rule 14): they are fresh.
func (x *Index) sortOut(u *View, r *reading, row int, entries []maildir.Entry) (m move, fresh []maildir.Entry) {
	m = move{uid: u.UID(row), old: u.Entry(row)}
	if was, ok := r.v.Find(m.uid); ok && r.marked(was) && x.f.IsMail(m.old) {
		entries = append([]maildir.Entry{m.old}, entries...)
	}
	// Several goroutines and programs must see one order.
	slices.SortStableFunc(entries[1:], func(a, b maildir.Entry) int { return strings.Compare(a.File, b.File) })
	m.now = entries[0]
	for _, e := range entries[1:] {
		left := x.f.Separate([]maildir.Entry{m.now, e})
		r.stirred = true
		switch {
		case len(left) == 1: // one file with two names, or on its way
			m.now = left[0]
		case len(left) == 2 && left[0] == m.now && left[1] != e:
			fresh = append(fresh, left[1])
		case len(left) == 2 && left[0] == e:
			// The known one was the younger and has another base now.
			m.now = left[1]
			fresh = append(fresh, e)
		default:
			x.logOnce("two messages of one name", "file", e.File)
		}
	}
	m.same = m.now == m.old
	return m, fresh
}

// applyMoves notes new names, and what other programs changed of flags in them.
func (x *Index) applyMoves(t *tx, moves []move, letters *keywordLetters) error {
	type key struct {
		set, clear Flags
		add, drop  string
		pending    bool
	}
	groups := map[key][]UID{}
	var order []key
	u := t.view()
	for _, m := range moves {
		if m.same {
			continue
		}
		row, ok := u.Find(m.uid)
		if !ok {
			continue
		}
		was, is := letters.mean(m.old.Flags()), letters.mean(m.now.Flags())
		k := key{set: is.flags &^ was.flags, clear: was.flags &^ is.flags,
			add: without(is.words, was.words), drop: without(was.words, is.words)}
		if k == (key{}) {
			continue
		}
		k.pending = u.Pending(row)
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		}
		groups[k] = append(groups[k], m.uid)
	}
	for _, m := range moves {
		if !m.same {
			if err := t.rename(m.uid, m.now); err != nil {
				return err
			}
		}
	}
	for _, k := range order {
		if _, err := t.flags(groups[k], k.set, k.clear, strings.Fields(k.add), strings.Fields(k.drop), k.pending); err != nil {
			return err
		}
	}
	return nil
}

// without returns the words of a that b has not, as one string.
func without(a, b []string) string {
	var out []string
	for _, w := range a {
		if !slices.Contains(b, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// byArrival sorts entries by the time in their names, then by name.
func byArrival(entries []maildir.Entry) {
	type row struct {
		at int64
		e  maildir.Entry
	}
	rows := make([]row, len(entries))
	for i, e := range entries {
		rows[i].e = e
		if at := e.Time(); !at.IsZero() {
			rows[i].at = at.UnixMicro()
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		return strings.Compare(a.e.File, b.e.File)
	})
	for i := range rows {
		entries[i] = rows[i].e
	}
}

// distinct sorts fresh entries and tells apart those that share a base.
func (x *Index) distinct(r *reading, fresh []maildir.Entry) []maildir.Entry {
	byArrival(fresh)
	out := fresh[:0]
	for i := 0; i < len(fresh); {
		j := i + 1
		for at := fresh[i].Time(); j < len(fresh) && fresh[j].Time().Equal(at); j++ {
		}
		group := fresh[i:j]
		i = j
		if len(group) == 1 || !repeats(group) {
			out = append(out, group...)
			continue
		}
		r.stirred = true
		seen := map[string]bool{}
		for _, e := range x.f.Separate(group) {
			if !seen[e.Base()] {
				seen[e.Base()] = true
				out = append(out, e)
			}
		}
	}
	return out
}

func repeats(group []maildir.Entry) bool {
	seen := make(map[string]bool, len(group))
	for _, e := range group {
		if seen[e.Base()] {
			return true
		}
		seen[e.Base()] = true
	}
	return false
}

// messages makes of fresh entries what the index is to be told of them.
func (x *Index) messages(r *reading, fresh []maildir.Entry, letters *keywordLetters) []Message {
	fresh = x.distinct(r, fresh)
	out := make([]Message, 0, len(fresh))
	now := x.now().Unix()
	for _, e := range fresh {
		if m, ok := x.message(r, e, letters, len(fresh)); ok {
			m.Saved = now
			out = append(out, m)
		}
	}
	return out
}

// message is one of n fresh ones: if they are few, its file is looked at, or read.
func (x *Index) message(r *reading, e maildir.Entry, letters *keywordLetters, n int) (m Message, ok bool) {
	m = fromName(e, letters)
	if n > statLimit {
		return m, true
	}
	st, err := os.Lstat(x.f.File(e))
	if errors.Is(err, fs.ErrNotExist) {
		r.stirred = true // gone again, or renamed: the next Sync knows
		return m, false
	}
	if err == nil && st.Mode().IsRegular() {
		m.Received = st.ModTime().Unix()
		if m.Size < 0 {
			m.Size = st.Size()
		}
	}
	if n <= digestLimit {
		x.describe(&m)
	}
	return m, true
}

// fromName is what a name says of its message.
func fromName(e maildir.Entry, letters *keywordLetters) Message {
	m := Message{Entry: e, Size: -1, WireSize: -1}
	if n, ok := e.Size(); ok {
		m.Size = n
	}
	if n, ok := e.WireSize(); ok {
		m.WireSize = n
	}
	if at := e.Time(); !at.IsZero() {
		m.Received = at.Unix()
	}
	meaning := letters.mean(e.Flags())
	m.Keywords = meaning.words
	m.Extra = meaning.flags &^ FlagsOf(e.Flags())
	return m
}

// logOnce says something unusual once in the life of the Index.
func (x *Index) logOnce(text string, args ...any) {
	if x.opt.Log == nil {
		return
	}
	if _, said := x.said.LoadOrStore(text, true); !said {
		x.opt.Log.Warn(text, append([]any{"folder", x.f.Path()}, args...)...)
	}
}

// work is the part of an Index that keeps it in step with the directory.
type work struct {
	sync    syncer
	flagger flagWriter
	said    sync.Map
}

// stopWork ends what goes on in the background, and waits for it.
func (x *Index) stopWork() {
	x.flagger.stop()
	x.sync.mu.Lock()
	defer x.sync.mu.Unlock()
	if x.sync.lingers {
		x.unlinger()
	}
	if x.sync.live != nil {
		x.sync.live.close()
		x.sync.live = nil
	}
}
