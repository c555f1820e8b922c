package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"pneu/maildir"
)

// Flags are changed in the journal, in one record for any number of messages,
// and are then pending until their names say the same. A few names are written
// at once; the others by a goroutine of this process, or by the next process that
// brings the index up to date. Until then other programs see the old flags.

const (
	atOnce     = 32   // names written before SetFlags returns: 25 us each, and it is to return in 5 ms
	writeBatch = 1000 // names written under one hold of Dovecot's lock and ours
)

// A FlagChange says what is to become of messages' flags.
type FlagChange struct {
	Add, Remove                 Flags
	AddKeywords, RemoveKeywords []string
	// Replace makes Add and AddKeywords all the flags and keywords there are.
	// Letters in names that have no meaning here stay in any case.
	Replace bool
	// Conditional leaves out messages whose MODSEQ is above UnchangedSince
	// (RFC 7162, 3.1.3).
	Conditional    bool
	UnchangedSince uint64
}

// A FlagResult says what became of it.
type FlagResult struct {
	ModSeq   uint64 // of the messages that changed; 0 if none did
	Modified []UID  // left out for the condition, ascending
	View     *View
}

// SetFlags changes flags and keywords. The change is kept when it returns, and
// seen by all who use the index; the files' names follow. UIDs that are gone are
// passed over. $Forwarded is the flag Passed.
func (x *Index) SetFlags(ctx context.Context, uids []UID, c FlagChange) (FlagResult, error) {
	if !slices.IsSorted(uids) {
		uids = slices.Clone(uids)
		slices.Sort(uids)
	}
	return x.setFlags(ctx, ranges(uids), c)
}

// SetFlagsRanges is SetFlags for ranges of UIDs, in ascending order: it costs the
// same for one message and for all.
func (x *Index) SetFlagsRanges(ctx context.Context, r []UIDRange, c FlagChange) (FlagResult, error) {
	return x.setFlags(ctx, r, c)
}

// ranges joins neighbours.
func ranges(uids []UID) []UIDRange {
	var out []UIDRange
	for _, u := range uids {
		if n := len(out); n > 0 && u <= out[n-1].Hi+1 {
			out[n-1].Hi = max(out[n-1].Hi, u)
		} else {
			out = append(out, UIDRange{u, u})
		}
	}
	return out
}

// plain takes $Forwarded out of the words: it is a flag.
func (c *FlagChange) plain() error {
	take := func(words []string, f *Flags) ([]string, error) {
		var out []string
		for _, w := range words {
			if err := checkKeyword(w); err != nil {
				return nil, err
			}
			if strings.EqualFold(w, forwarded) {
				*f |= Passed
			} else {
				out = append(out, w)
			}
		}
		return out, nil
	}
	var err error
	if c.AddKeywords, err = take(c.AddKeywords, &c.Add); err != nil {
		return err
	}
	c.RemoveKeywords, err = take(c.RemoveKeywords, &c.Remove)
	return err
}

func (x *Index) setFlags(ctx context.Context, uids []UIDRange, c FlagChange) (FlagResult, error) {
	if err := c.plain(); err != nil {
		return FlagResult{}, err
	}
	if len(c.AddKeywords) > 0 && !x.opt.ReadOnly {
		x.giveLettersTo(c.AddKeywords)
	}
	t, err := x.begin(ctx)
	if err != nil {
		return FlagResult{}, err
	}
	defer t.end()
	if len(c.AddKeywords) > 0 {
		if _, err := x.learnLetters(t); err != nil {
			return FlagResult{}, err
		}
	}
	u := t.view()
	var r FlagResult
	if c.Conditional {
		uids, r.Modified = unchanged(u, uids, c.UnchangedSince)
	}
	set, clear, drop := c.Add, c.Remove, c.RemoveKeywords
	if c.Replace {
		clear, drop = ^c.Add, nil
		for _, w := range u.KeywordNames() {
			if !containsFold(c.AddKeywords, w) {
				drop = append(drop, w)
			}
		}
	}
	if err := x.notKept(u, c.AddKeywords, c.RemoveKeywords); err != nil {
		return r, err
	}
	if r.ModSeq, err = t.flagsRanges(uids, set, clear&63, c.AddKeywords, drop, true); err != nil {
		return r, err
	}
	if r.View, err = t.commit(); err != nil {
		return r, err
	}
	if err := x.notKept(r.View, c.AddKeywords, c.RemoveKeywords); err != nil {
		return r, err // the index turned volatile by this commit
	}
	n := r.View.State().Pending
	if n == 0 {
		return r, nil
	}
	// The lock order is Sync's: its mutex, then the folder's. It may be long in
	// other hands; then the goroutine does the work.
	if (n <= atOnce && !x.served() || x.opt.StrictFlags) && x.sync.mu.TryLock() {
		defer x.sync.mu.Unlock()
		var hold maildir.Hold
		defer hold.Release()
		if n > 1 {
			hold.Take(x.quietFolder())
		}
		for r.View.State().Pending > 0 {
			v, more, err := x.writeNames(ctx, t)
			if err != nil || v == nil {
				break
			}
			if r.View = v; !more {
				break
			}
		}
		return r, nil
	}
	if x.opt.StrictFlags {
		t.end()
		if err := x.Flush(ctx); err != nil {
			return r, err
		}
		r.View = x.View()
		return r, nil
	}
	x.write(r.View)
	return r, nil
}

// served reports whether Dovecot has the folder now: then names are left to the
// background, which can wait.
func (x *Index) served() bool {
	_, err := os.Lstat(x.f.Path() + "/dovecot-uidlist.lock")
	return err == nil
}

func containsFold(words []string, w string) bool {
	return slices.ContainsFunc(words, func(a string) bool { return strings.EqualFold(a, w) })
}

// notKept is an error if nothing would be left of a change of keywords when this process
// ends: neither has the index a file to note it in, nor have all words letters.
func (x *Index) notKept(v *View, words ...[]string) error {
	why := x.Volatile()
	if why == nil || x.opt.ReadOnly {
		return nil
	}
	l := v.letters()
	for _, list := range words {
		if w := l.missing(list); w != "" {
			return fmt.Errorf("keyword %s: %w: %w", w, ErrNotKept, why)
		}
	}
	return nil
}

// giveLettersTo has letters given to keywords that have none, before our lock is
// taken: Dovecot's may have to be waited for.
func (x *Index) giveLettersTo(words []string) {
	v := x.View()
	l := v.letters()
	if l.missing(words) == "" {
		return
	}
	if now, _, _, err := loadKeywordLetters(x.f.Path(), fileMark{}); err == nil {
		l = now
	}
	// Full: the journal alone has them from now on.
	if l.missing(words) == "" || !slices.Contains(l[:], "") {
		return
	}
	_, err := giveLetters(x.f, words, v.usedLetters()|v.metLetters())
	if err != nil {
		x.logOnce("keyword without letter", "keywords", words, "err", err)
	}
}

// unchanged parts the messages whose MODSEQ is not above since from the others.
func unchanged(u *View, uids []UIDRange, since uint64) (ok []UIDRange, modified []UID) {
	for _, r := range uids {
		row, _ := u.Find(r.Lo)
		for ; row < u.Len() && u.UID(row) <= r.Hi; row++ {
			uid := u.UID(row)
			if u.ModSeq(row) > since {
				modified = append(modified, uid)
			} else if n := len(ok); n > 0 && ok[n-1].Hi+1 == uid {
				ok[n-1].Hi = uid
			} else {
				ok = append(ok, UIDRange{uid, uid})
			}
		}
	}
	return ok, modified
}

func (x *Index) quietFolder() *maildir.Folder { return x.f.Unobserved() }

// Flush writes all pending flags into names.
func (x *Index) Flush(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		x.sync.mu.Lock()
		more, err := x.writeSome(ctx)
		x.sync.mu.Unlock()
		if err != nil || !more {
			return err
		}
	}
}

// writeSome writes one batch of names. The caller holds sync.mu.
func (x *Index) writeSome(ctx context.Context) (more bool, err error) {
	v, err := x.Refresh()
	if err != nil || v.State().Pending == 0 {
		return false, err
	}
	var hold maildir.Hold
	defer hold.Release()
	if v.State().Pending > 1 {
		hold.Take(x.quietFolder())
	}
	t, err := x.begin(ctx)
	if err != nil {
		return false, err
	}
	defer t.end()
	_, more, err = x.writeNames(ctx, t)
	return more, err
}

// writeNames renames up to a batch of files to what the journal says of their
// flags, and commits. More says that there are others, and that trying makes
// sense. The caller holds sync.mu.
func (x *Index) writeNames(ctx context.Context, t *tx) (v *View, more bool, err error) {
	letters, err := x.learnLetters(t)
	if err != nil {
		return nil, false, err
	}
	g := x.mind(t)
	f := x.quietFolder()
	u := t.view()
	type renamed struct {
		uid UID
		e   maildir.Entry
	}
	var moved, missing []renamed
	var done []UID // names that say all they can
	tried, refused := 0, error(nil)
	rows := u.PendingRows()
	// Where the last batch ended: names that cannot be written now must not keep
	// the others waiting.
	first, _ := slices.BinarySearch(rows, x.flagger.from(u))
	for i := range min(len(rows), writeBatch) {
		row := rows[(first+i)%len(rows)]
		if tried&63 == 63 && ctx.Err() != nil {
			break
		}
		tried++
		uid, e := u.UID(row), u.Entry(row)
		x.flagger.next = uid + 1
		to, ok := renamedTo(e, letters.want(e.Flags(), u.Flags(row), u.Keywords(row)))
		if !ok || to == e {
			done = append(done, uid)
			continue
		}
		switch err := f.MoveAs(e, f, to); {
		case err == nil:
			moved = append(moved, renamed{uid, to})
		case errors.Is(err, fs.ErrNotExist): // renamed or removed meanwhile
			missing = append(missing, renamed{uid, e})
		case errors.Is(err, maildir.ErrExists): // rule 14, for the next look
			g.stirred = true
		case errors.Is(err, maildir.ErrName), errors.Is(err, maildir.ErrNotMail), errors.Is(err, syscall.ENAMETOOLONG):
			done = append(done, uid) // a name that cannot have it
		default:
			refused = err
		}
		if refused != nil {
			break
		}
	}
	for _, m := range moved {
		if err := t.rename(m.uid, m.e); err != nil {
			return nil, false, err
		}
	}
	slices.Sort(done)
	if len(done) > 0 {
		if err := t.written(done); err != nil {
			return nil, false, err
		}
	}
	if err := g.end(ctx); err != nil {
		return nil, false, err
	}
	for u, i := t.view(), 0; i < len(missing); i++ {
		if row, ok := u.Find(missing[i].uid); ok && u.Entry(row) == missing[i].e {
			// Nothing was heard of it: what is held to be known is wrong.
			x.doubt(t)
			break
		}
	}
	if v, err = t.commit(); err != nil {
		return nil, false, err
	}
	if refused != nil {
		x.flagger.refuse()
		x.logOnce("flags stay in the index: names cannot be changed", "err", refused)
		return v, false, nil
	}
	return v, len(moved)+len(done) > 0 && v.State().Pending > 0, ctx.Err()
}

// renamedTo is e with those letters: in cur/, unless the letters are what it has.
func renamedTo(e maildir.Entry, letters maildir.Flags) (maildir.Entry, bool) {
	n, err := maildir.ParseName(e.File)
	if err != nil {
		return e, false
	}
	if n.Flags() == letters && (n.Sep != 0 || letters == "") {
		return e, true
	}
	if n, err = n.WithFlags(letters); err != nil {
		return e, false
	}
	return maildir.Entry{File: n.String()}, true
}

// flagWriter is the goroutine that writes names, and tidies up afterwards.
type flagWriter struct {
	mu      sync.Mutex
	running bool
	wanted  bool
	stopped bool
	refused bool // the folder may not be written
	cancel  context.CancelFunc
	done    chan struct{}

	next UID // where the next batch begins; under sync.mu
}

// from returns the row to go on from.
func (w *flagWriter) from(u *View) int {
	row, _ := u.Find(w.next)
	if row >= u.Len() {
		return 0
	}
	return row
}

func (w *flagWriter) refuse() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = true
}

// write has the names of v written in the background, if any are behind.
func (x *Index) write(v *View) {
	if v == nil || v.State().Pending == 0 || x.opt.ReadOnly {
		return
	}
	x.background()
}

// background has names written, and a new generation made if one is due.
func (x *Index) background() {
	w := &x.flagger
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted = true // the goroutine may be about to end
	if w.running || w.stopped || w.refused {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.running, w.cancel, w.done = true, cancel, make(chan struct{})
	go func() {
		defer close(w.done)
		for {
			err := x.Flush(ctx)
			if err == nil {
				x.tidy(ctx)
			}
			w.mu.Lock()
			again := w.wanted && err == nil && ctx.Err() == nil && !w.refused
			w.wanted = false
			if !again {
				w.running = false
				cancel()
				w.mu.Unlock()
				if err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
					x.logOnce("flags not written", "err", err)
				}
				return
			}
			w.mu.Unlock()
		}
	}()
}

// stop ends the goroutine after its batch.
func (w *flagWriter) stop() {
	w.mu.Lock()
	w.stopped = true
	done := w.done
	if w.running {
		w.cancel()
	}
	w.mu.Unlock()
	if done != nil {
		<-done
	}
}
