package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"pneu/maildir"
)

// opBatch is how many messages are moved, copied or removed under one hold of
// the locks.
const opBatch = 500

// appendBuffer is how much of a message is kept for its digest while it is
// written; of a larger one the digest follows with Build.
const appendBuffer = 32 << 20

// Append files a message and returns its UID, durable in both respects: what
// maildir.Folder.Deliver promises, and a row.
func (x *Index) Append(ctx context.Context, d maildir.Delivery, r io.Reader) (UID, *View, error) {
	return x.AppendKeywords(ctx, d, nil, r)
}

// AppendKeywords is Append with keywords, seen from the first moment.
func (x *Index) AppendKeywords(ctx context.Context, d maildir.Delivery, words []string, r io.Reader) (UID, *View, error) {
	c := FlagChange{AddKeywords: words}
	if err := c.plain(); err != nil {
		return 0, nil, err
	}
	if _, err := x.ready(ctx); err != nil {
		return 0, nil, err
	}
	if len(c.AddKeywords) > 0 {
		x.giveLettersTo(c.AddKeywords)
	}
	letters := x.View().letters()
	if now, _, _, err := loadKeywordLetters(x.f.Path(), fileMark{}); err == nil && now != (keywordLetters{}) {
		letters = now
	}
	flags := letters.want(d.Flags, c.Add|FlagsOf(d.Flags), c.AddKeywords)
	if d.Flags != "" || flags != "" {
		d.Flags = flags
	}
	text := &keeper{limit: appendBuffer}
	l := x.listenNow()
	if l != nil {
		defer l.letGo()
	}
	// Deliver first, lock later: writing and syncing may take long.
	e, err := x.quietFolder().Deliver(d, io.TeeReader(r, text))
	if err != nil {
		return 0, nil, err
	}
	x.sync.mu.Lock()
	defer x.sync.mu.Unlock()
	t, err := x.begin(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("append: %w", err)
	}
	defer t.end()
	if len(c.AddKeywords) > 0 {
		if _, err := x.learnLetters(t); err != nil {
			return 0, nil, fmt.Errorf("append: %w", err)
		}
	}
	uid, err := x.addFile(t, e, text.bytes(), c.AddKeywords)
	if err != nil {
		return 0, nil, fmt.Errorf("append: %w", err)
	}
	if err := x.heard(ctx, t, l); err != nil {
		return 0, nil, fmt.Errorf("append: %w", err)
	}
	v, err := t.commit()
	return uid, v, err
}

// listenNow listens to what is about to be done without a lock, if the index is
// right and nobody listens anyway.
func (x *Index) listenNow() *listener {
	if !x.sync.mu.TryLock() {
		return nil
	}
	defer x.sync.mu.Unlock()
	if x.sync.live != nil && !x.sync.lingers {
		return nil
	}
	v, err := x.Refresh()
	if err != nil {
		return nil
	}
	return x.listenSure(v.State().Dir)
}

// heard ends what listenNow began. The caller holds sync.mu.
func (x *Index) heard(ctx context.Context, t *tx, l *listener) error {
	if x.sync.live != nil && x.sync.sure {
		l = x.sync.live
	}
	g := minder{x: x, t: t, l: l}
	return g.end(ctx)
}

// keeper keeps what is written to it, up to a limit.
type keeper struct {
	b     bytes.Buffer
	limit int
	over  bool
}

func (k *keeper) Write(p []byte) (int, error) {
	if k.over = k.over || k.b.Len()+len(p) > k.limit; !k.over {
		k.b.Write(p)
	}
	return len(p), nil
}

func (k *keeper) bytes() []byte {
	if k.over {
		return nil
	}
	return k.b.Bytes()
}

// addFile adds a file that was just filed, unless someone was quicker; raw may
// be nil.
func (x *Index) addFile(t *tx, e maildir.Entry, raw []byte, words []string) (UID, error) {
	u := t.view()
	if row, m := u.Lookup([]byte(e.File), e.New); m != Unknown {
		uid := u.UID(row)
		var missing []string
		for _, w := range words {
			if !u.HasKeyword(row, w) {
				missing = append(missing, w)
			}
		}
		if len(missing) > 0 {
			if _, err := t.flags([]UID{uid}, 0, 0, missing, nil, true); err != nil {
				return 0, err
			}
		}
		return uid, nil
	}
	letters := u.letters()
	m := fromName(e, &letters)
	for _, w := range words {
		if !containsFold(m.Keywords, w) {
			m.Keywords = append(m.Keywords, w)
		}
	}
	m.Saved = x.now().Unix()
	st, err := os.Lstat(x.f.File(e))
	if err == nil {
		m.Received = st.ModTime().Unix()
	} else {
		m.Received = m.Saved // renamed already: Build looks again
	}
	if errors.Is(err, fs.ErrNotExist) {
		// Renamed or removed already, and what was heard of it others may have taken
		// for a message they did not know.
		x.doubt(t)
	}
	if raw != nil {
		c := contents{raw: raw, size: int64(len(raw)), wire: -1, received: m.Received}
		m.fill(detailOf(c))
	}
	return t.file(m)
}

// ready makes sure that the index knows the folder: before, no UID may be given.
func (x *Index) ready(ctx context.Context) (*View, error) {
	if v := x.View(); v.State().Dir.Scanned != 0 {
		return v, nil
	}
	return x.Sync(ctx)
}

// Filed tells the index of a delivery while the message is in memory: raw is the
// whole of it. It never waits and never fails: if another has the index, or the
// folder was never indexed, whoever looks next finds the message.
func (x *Index) Filed(e maildir.Entry, raw []byte) { x.filed(e, raw, nil) }

// Expect is to be called before a delivery and what it returns after it, in place
// of Filed, by a program that stays: then not even new/ need be looked at again,
// however much is in it. Without a delivery the entry is the zero one.
//
// A program that ends after one delivery should call Filed: letting go of what
// the kernel told takes milliseconds.
func (x *Index) Expect() (filed func(e maildir.Entry, raw []byte)) {
	l := x.listenNow()
	return func(e maildir.Entry, raw []byte) {
		if l != nil {
			defer l.letGo()
		}
		if e.File != "" {
			x.filed(e, raw, l)
		}
	}
}

func (x *Index) filed(e maildir.Entry, raw []byte, l *listener) {
	v, err := x.Refresh()
	if err != nil || v.State().Dir.Scanned == 0 {
		return
	}
	if row, match := v.Lookup([]byte(e.File), e.New); match != Unknown && v.HasDigest(row) {
		return // a watcher was quicker
	}
	// The work is done before the lock is asked for.
	st, err := os.Lstat(x.f.File(e))
	if err != nil {
		return
	}
	letters := v.letters()
	m := fromName(e, &letters)
	m.fill(detailOf(contents{raw: raw, size: int64(len(raw)), wire: -1, received: st.ModTime().Unix()}))
	m.Saved = x.now().Unix()
	if !x.sync.mu.TryLock() {
		return
	}
	defer x.sync.mu.Unlock()
	t, err := x.tryBegin()
	if err != nil {
		return
	}
	defer t.end()
	if _, match := t.view().Lookup([]byte(e.File), e.New); match == Unknown {
		if _, err := os.Lstat(x.f.File(e)); err != nil {
			return // heard of already, perhaps, by who had the lock before
		}
		if _, err := t.file(m); err != nil {
			return
		}
	}
	if l == nil && x.sync.live == nil {
		err = x.lookNew(t)
	} else {
		err = x.heard(context.Background(), t, l)
	}
	if err == nil {
		_, err = t.commit()
	}
	if err != nil {
		x.logOnce("delivery not noted: the next look finds it", "err", err)
	}
}

// lookLimit is how much in new/ is too much to be read at each delivery.
const lookLimit = 400

// lookNew notes the state of the directories after a delivery, if reading new/ is
// cheap and shows that all else is as it was: so that a folder to which mail is
// delivered all day is not read when it is opened.
func (x *Index) lookNew(t *tx) error {
	u := t.view()
	d := u.State().Dir
	before, err := x.stamps()
	if err != nil || x.remote() || !d.CurSettled || d.Cur != int64(before.cur) || u.State().New > lookLimit {
		return err
	}
	r := &reading{v: u}
	r.all()
	same := 0
	err = x.f.ScanNames(true, func(name []byte) error {
		if _, m := u.Lookup(name, true); m == Same {
			same++
		} else {
			r.odd = append(r.odd, maildir.Entry{File: string(name), New: true})
		}
		return nil
	})
	if err != nil {
		return err
	}
	after, err := x.stamps()
	if err != nil || after != before || same != u.State().New || !x.settled(true, after.new, false) {
		return err // rule 11: the next Sync finds out
	}
	if len(r.odd) > 0 { // of other deliverers
		if err := x.apply(context.Background(), t, r, true); err != nil {
			return err
		}
	}
	x.state(t, after, r, true)
	return nil
}

// A Filing is a message in its new folder.
type Filing struct {
	From, To UID
}

// MoveTo moves messages into another folder, under fresh names, with flags,
// keywords, time and digest. It returns where they are; messages that are gone,
// or that cannot be moved, are left out, and the error is of the first of those.
func (x *Index) MoveTo(ctx context.Context, to *Index, uids []UID) ([]Filing, error) {
	return x.file(ctx, to, uids, true)
}

// CopyTo is MoveTo for copies: links where the file system permits.
func (x *Index) CopyTo(ctx context.Context, to *Index, uids []UID) ([]Filing, error) {
	return x.file(ctx, to, uids, false)
}

func (x *Index) file(ctx context.Context, to *Index, uids []UID, move bool) (out []Filing, err error) {
	if move && x.f.Path() == to.f.Path() {
		return nil, nil
	}
	if err := x.settleBoth(ctx, to); err != nil {
		return nil, err
	}
	how := Copied
	if move {
		how = Moved
	}
	var first error
	for batch := range slices.Chunk(uids, opBatch) {
		wishes := make([]Wish, len(batch))
		for i, uid := range batch {
			wishes[i].UID = uid
		}
		done, err := x.fileAll(ctx, to, how, wishes, nil)
		if err != nil {
			return out, err
		}
		for _, d := range done {
			switch {
			case d.Err == nil && d.To != 0:
				out = append(out, Filing{d.From, d.To})
			case d.Old.File != "": // else it was gone before
				first = cmpErr(first, d.Err)
			}
		}
	}
	to.write(to.View())
	return out, first
}

// settleBoth makes both indexes ready, and keywords of messages known in to.
func (x *Index) settleBoth(ctx context.Context, to *Index) error {
	if _, err := x.ready(ctx); err != nil {
		return err
	}
	_, err := to.ready(ctx)
	return err
}

// lockBoth locks two indexes in an order that all programs have.
func lockBoth(ctx context.Context, a, b *Index) (ta, tb *tx, unlock func(), err error) {
	if a == b || a.f.Path() == b.f.Path() {
		a.sync.mu.Lock()
		t, err := a.begin(ctx)
		if err != nil {
			a.sync.mu.Unlock()
			return nil, nil, nil, err
		}
		return t, t, func() { t.end(); a.sync.mu.Unlock() }, nil
	}
	x, y := a, b
	if x.f.Path() > y.f.Path() {
		x, y = y, x
	}
	x.sync.mu.Lock()
	y.sync.mu.Lock()
	mutexes := func() { y.sync.mu.Unlock(); x.sync.mu.Unlock() }
	tx1, err := x.begin(ctx)
	if err != nil {
		mutexes()
		return nil, nil, nil, err
	}
	tx2, err := y.begin(ctx)
	if err != nil {
		tx1.end()
		mutexes()
		return nil, nil, nil, err
	}
	unlock = func() { tx2.end(); tx1.end(); mutexes() }
	if x == a {
		return tx1, tx2, unlock, nil
	}
	return tx2, tx1, unlock, nil
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// plainLetters are the letters that mean the same in every folder.
func plainLetters(f maildir.Flags, l *keywordLetters) maildir.Flags {
	var b []byte
	for i := 0; i < len(f); i++ {
		if c := f[i]; c < 'a' || c > 'z' {
			b = append(b, c)
		}
	}
	return maildir.Flags(b)
}

// lettersFor gives the keywords of messages that are on their way to another
// folder letters there.
func (x *Index) lettersFor(to *Index, uids []UID) {
	v := x.View()
	var words []string
	for _, uid := range uids {
		if row, ok := v.Find(uid); ok {
			for _, w := range v.Keywords(row) {
				if !slices.Contains(words, w) {
					words = append(words, w)
				}
			}
		}
	}
	if len(words) == 0 {
		return
	}
	to.giveLettersTo(words)
}

// Expunge removes messages for good and returns those that it has removed, or
// that were gone.
func (x *Index) Expunge(ctx context.Context, uids []UID) (gone []UID, err error) {
	if _, err := x.ready(ctx); err != nil {
		return nil, err
	}
	var first error
	for batch := range slices.Chunk(uids, opBatch) {
		done, failed, err := x.expungeBatch(ctx, batch)
		gone = append(gone, done...)
		first = cmpErr(first, failed)
		if err != nil {
			return gone, err
		}
	}
	return gone, first
}

func (x *Index) expungeBatch(ctx context.Context, uids []UID) (gone []UID, failed, err error) {
	f := x.quietFolder()
	var hold maildir.Hold
	defer hold.Release()
	if len(uids) > 1 {
		hold.Take(f)
	}
	x.sync.mu.Lock()
	defer x.sync.mu.Unlock()
	t, err := x.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer t.end()
	g := x.mind(t)
	u := t.view()
	for _, uid := range uids {
		row, ok := u.Find(uid)
		if !ok {
			continue
		}
		if err := f.Remove(u.Entry(row)); err != nil && !errors.Is(err, maildir.ErrGone) {
			failed = cmpErr(failed, err)
			continue
		}
		gone = append(gone, uid)
	}
	slices.Sort(gone)
	if len(gone) > 0 {
		if _, err := t.expunge(gone); err != nil {
			return nil, failed, err
		}
	}
	if err := g.end(ctx); err != nil {
		return nil, failed, err
	}
	_, err = t.commit()
	return gone, failed, err
}

// TakeNew moves all messages from new/ to cur/, as a program does in which a
// person opens the folder; one that only counts or lists leaves them, so that
// others still show them as new.
func (x *Index) TakeNew(ctx context.Context) (*View, error) {
	v, err := x.Sync(ctx)
	if err != nil {
		return v, err
	}
	for v.State().New > 0 {
		before := v.State().New
		if v, err = x.takeBatch(ctx); err != nil {
			return v, err
		}
		if v.State().New >= before {
			break // deliveries are as fast as we are, or nothing can be moved
		}
	}
	return v, nil
}

func (x *Index) takeBatch(ctx context.Context) (*View, error) {
	f := x.quietFolder()
	var hold maildir.Hold
	defer hold.Release()
	hold.Take(f)
	x.sync.mu.Lock()
	defer x.sync.mu.Unlock()
	t, err := x.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer t.end()
	g := x.mind(t)
	u := t.view()
	type renamed struct {
		uid UID
		e   maildir.Entry
	}
	var moved []renamed
	for row := u.Len() - 1; row >= 0 && len(moved) < writeBatch; row-- {
		if !u.InNew(row) {
			continue
		}
		e := u.Entry(row)
		n, err := maildir.ParseName(e.File)
		if err != nil {
			continue
		}
		if n.Sep == 0 {
			n.Sep, n.Info = ':', "2,"
		}
		to := maildir.Entry{File: n.String()}
		err = f.MoveAs(e, f, to)
		switch {
		case err == nil:
			moved = append(moved, renamed{u.UID(row), to})
		case errors.Is(err, fs.ErrNotExist): // someone else did it
		case errors.Is(err, maildir.ErrExists):
			g.stirred = true
		default:
			x.logOnce("messages stay in new/", "err", err)
		}
	}
	for _, m := range moved {
		if err := t.rename(m.uid, m.e); err != nil {
			return nil, err
		}
	}
	if err := g.end(ctx); err != nil {
		return nil, err
	}
	return t.commit()
}

// openTries is how often a file is looked for that others rename.
const openTries = 10

// OpenMessage opens the file of a message. One that is not where the index has
// it is a rename on its way: others' records are looked at, then the directory.
// maildir.ErrGone: it is not there any more.
func (x *Index) OpenMessage(ctx context.Context, uid UID) (*os.File, maildir.Entry, error) {
	v := x.View()
	for try := range openTries {
		row, ok := v.Find(uid)
		if !ok {
			break
		}
		e := v.Entry(row)
		f, err := openMessage(x.f, e)
		if err == nil {
			if st, err := f.Stat(); err == nil {
				x.Opened(uid, st)
			}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return f, e, err
		}
		if try == 0 {
			v, err = x.Refresh()
		} else {
			v, err = x.Sync(ctx)
		}
		if err != nil {
			return nil, e, err
		}
	}
	return nil, maildir.Entry{}, fmt.Errorf("message %d: %w", uid, maildir.ErrGone)
}
