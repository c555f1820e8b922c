package index

import (
	"context"
	"errors"
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
	rested  bool // and before those nothing was done for a while

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
	if x.tryAgain() {
		x.regain()
	}
	v, err := x.Refresh()
	if err != nil {
		return v, err
	}
	x.relisten()
	s, err := x.stamps()
	if err != nil {
		return v, err
	}
	if isNew, cur := v.State().Dir.agrees(s); isNew && cur && (x.sync.live == nil || x.sync.live.silent() || !x.sync.sure) {
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
		if !ok || !l.at(x.f) {
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
	if x.sync.lingers && x.sync.rested {
		x.sync.live.leave() // the process is about to end, and would have to wait
		x.sync.live, x.sync.sure, x.sync.lingers = nil, false, false
	}
	if x.sync.lingers {
		x.unlinger()
	}
	if x.sync.live != nil {
		x.sync.live.close()
		x.sync.live = nil
	}
}
