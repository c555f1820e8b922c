package tui

import (
	"context"
	"errors"
	"strings"
	"time"

	"pneu/maildir"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	mstore "pneu/maildir/store"
	"pneu/tui/folders"
	"pneu/tui/look"
	"pneu/tui/store"
	"pneu/tui/term"
)

// openFolder opens a folder as its index has it; what is missing there follows behind.
func (a *App) openFolder(name string) term.Cmd {
	a.opening = name
	st, tree, opt, first, life := a.opt.Store, a.tree, a.boxOptions(name), a.size.H, a.jobs.ctx
	create := name != "INBOX" && a.isSpecial(name)
	return a.wait(a.jobs.run("open", func(ctx context.Context) term.Msg {
		f, err := tree.Folder(name)
		if create && errors.Is(err, maildir.ErrNoFolder) {
			f, err = tree.CreateFolder(name)
		}
		if err != nil {
			return store.Opened{Err: err}
		}
		o := store.Open(life, st, f, opt, first)
		if ctx.Err() != nil && o.Box != nil { // another one is wanted by now
			o.Box.Mail().Close()
			return nil
		}
		return o
	}))
}

func (a *App) boxOptions(name string) store.Options {
	top, _, _ := strings.Cut(strings.ToLower(name), "/")
	return store.Options{
		Me: a.isMe, Now: a.opt.Now, Threads: a.box == nil || a.box.Threads(),
		Sent: top == "sent" || top == "drafts", Oldest: a.box != nil && a.box.Sort() == store.ByDate && a.box.Oldest(),
	}
}

// opened shows the folder and reads on.
func (a *App) opened(o store.Opened) term.Cmd {
	if o.Box == nil {
		a.fail(o.Err)
		if a.box == nil {
			a.boxErr = o.Err
		}
		return nil
	}
	var done term.Cmd
	if a.box != nil {
		old := a.box.Mail()
		done = a.jobs.change(func() term.Msg { // behind the changes that were asked for there
			if err := old.Close(); err != nil {
				return failed{err}
			}
			return nil
		})
	}
	a.box, a.boxErr = o.Box, o.Err
	a.arranging, a.stale, a.following, a.again, a.reading, a.unread = false, false, false, false, false, nil
	a.building, a.texting, a.early, a.finding = progress{}, progress{}, false, false
	a.jobs.drop("build")
	a.jobs.drop("texts")
	a.jobs.drop("find")
	a.sidebar.Current = o.Box.Folder.Name()
	a.list.Reset(o.Box.Rows())
	a.screen, a.under = listScreen, nil
	a.reader.Open(safe.Text{}, nil, -1)
	a.place()
	if !a.status.notice && (a.status.auto || !a.status.err && !a.status.undo) {
		a.status = status{}
	}
	if o.Err != nil {
		a.fail(o.Err)
		return done
	}
	if a.watch != nil {
		a.watch()
	}
	ctx, stop := context.WithCancel(a.jobs.ctx)
	a.watch = stop
	var aim term.Cmd
	if hit := a.aim; hit != nil && hit.Folder == o.Box.Folder.Name() {
		aim = a.goToHit(*hit)
	}
	a.aim = nil
	return term.Batch(done, aim, a.build(), a.arrange(), a.wantRows(), a.preview(), a.startWatch(ctx), a.learn())
}

// wantRows reads what the rows on the screen need and the index does not have.
func (a *App) wantRows() term.Cmd {
	if a.box == nil {
		return nil
	}
	from, to := a.list.Visible()
	return a.read("heads", a.box.Unknown(from, to))
}

func (a *App) read(key string, ids []int) term.Cmd {
	if len(ids) == 0 {
		return nil
	}
	read := a.box.Reader(ids)
	return a.jobs.run(key, func(context.Context) term.Msg { return read() })
}

func (a *App) headsRead(r store.Read) term.Cmd {
	if a.box == nil || r.Serial != a.box.Serial {
		return nil
	}
	a.box.Apply(r)
	a.learnFrom(r.Heads)
	if a.reader.Len() > 1 {
		a.refreshReader()
	}
	return a.preview()
}

// arrange sorts and threads outside the loop. While that runs, another wish waits.
func (a *App) arrange() term.Cmd {
	if a.box == nil {
		return nil
	}
	if a.arranging {
		a.stale = true
		return nil
	}
	a.arranging, a.stale = true, false
	s, ctx := a.box.Snapshot(), a.jobs.ctx
	return func() term.Msg {
		began := time.Now()
		r := s.Arrange(ctx)
		return arranged{r, time.Since(began)}
	}
}

// arranged is an order and how long it took to make.
type arranged struct {
	store.Arranged
	took time.Duration
}

const (
	// breath is how many times as long as an order takes to make nothing is put in order for the sake of others: who
	// moves a million messages tells of it hundreds of times.
	breath = 5
	// breathMost is the longest that what others did stays unseen, and how long it does while mail is changed here.
	breathMost = 900 * time.Millisecond
)

// followDue ends a wait to follow others in the folder of that number.
type followDue int64

// follow puts messages in order after others changed the folder: soon, but not all the time.
func (a *App) follow() term.Cmd {
	wait := time.Until(a.calm)
	switch {
	case a.following:
		return nil
	case a.arranging: // the order under way may be without it
		a.again = true
		return nil
	case wait <= 0:
		return a.arrange()
	}
	a.following = true
	return a.after(wait, followDue(a.box.Serial))
}

func (a *App) arranged(r arranged) term.Cmd {
	if a.box == nil || r.Serial != a.box.Serial {
		return nil
	}
	a.arranging = false
	rest := min(breath*r.took, breathMost)
	if a.jobs.changing() {
		rest = breathMost
	}
	a.calm = time.Now().Add(rest)
	if a.box.Len() >= largeFrom {
		a.tidy = tidyAfter
	}
	if r.Err != nil {
		return nil // the program ends
	}
	if !a.box.SetView(r.Arranged) {
		return a.arrange()
	}
	a.list.SetSource(a.box.Rows())
	var again term.Cmd
	if a.again {
		a.again = false
		again = a.follow()
	}
	if a.stale {
		return term.Batch(again, a.arrange())
	}
	if !a.building.on {
		a.list.Hold()
	}
	return term.Batch(again, a.wantRows(), a.preview())
}

// progress is how far something behind the screen has come.
type progress struct {
	on          bool
	done, total int
}

func (p progress) percent() int { return p.done * 100 / max(1, p.total) }

// built tells that files were read for an index.
type built struct {
	serial int64
	texts  bool // for that of texts
	progress
	view *mstore.View
	err  error
	more term.Cmd
}

// How often progress is shown.
const progressEvery = 250 * time.Millisecond

// build reads what the index of the folder does not know yet.
func (a *App) build() term.Cmd {
	if a.box == nil || a.building.on || a.box.View().State().Undigested == 0 {
		return nil
	}
	st := a.box.View().State()
	a.building = progress{true, st.Total - st.Undigested, st.Total}
	return a.inBackground("build", false, a.box.Mail().Build)
}

// indexTexts reads the texts that are not indexed.
func (a *App) indexTexts() term.Cmd {
	if a.box == nil || a.texting.on {
		return nil
	}
	a.texting = progress{on: true}
	return a.inBackground("texts", true, a.box.Mail().EnsureText)
}

// inBackground runs do and tells how far it has come, now and then.
func (a *App) inBackground(key string, texts bool, do func(context.Context, func(done, total int)) error) term.Cmd {
	mb, serial := a.box.Mail(), a.box.Serial
	said := make(chan progress, 1)
	end := make(chan error, 1)
	var next term.Cmd
	next = func() term.Msg {
		select {
		case p := <-said:
			return built{serial: serial, texts: texts, progress: p, view: mb.View(), more: next}
		case err := <-end:
			return built{serial: serial, texts: texts, view: mb.View(), err: err}
		}
	}
	return a.jobs.long(key, func(ctx context.Context) term.Msg {
		go func() {
			var last time.Time
			end <- do(ctx, func(done, total int) {
				if time.Since(last) < progressEvery {
					return
				}
				last = time.Now()
				select {
				case said <- progress{true, done, total}:
				default:
				}
			})
		}()
		return next()
	})
}

func (a *App) built(r built) term.Cmd {
	if a.box == nil || r.serial != a.box.Serial {
		return nil
	}
	if r.texts {
		if a.texting = r.progress; r.more == nil && r.err != nil && a.jobs.ctx.Err() == nil {
			a.note("texts are not indexed: %s", r.err.Error())
		}
		return r.more
	}
	a.building = r.progress
	cmd := a.took(a.box.Take(r.view))
	if r.more != nil {
		if !a.early { // by now the newest messages are known
			a.early = true
			cmd = term.Batch(cmd, a.arrange())
		}
		return term.Batch(cmd, a.wantRows(), r.more)
	}
	if r.err != nil && a.jobs.ctx.Err() == nil {
		a.note("no index: %s", r.err.Error())
	}
	return term.Batch(cmd, a.arrange(), a.learn())
}

// reload reads the folder again, from the beginning where it could not be read.
func (a *App) reload() term.Cmd {
	a.status = status{}
	if a.box == nil || a.boxErr != nil {
		return a.openFolder(a.opening)
	}
	return a.compare()
}

// newer is a newer state of the open folder.
type newer struct {
	serial int64
	view   *mstore.View
	err    error
	more   term.Cmd // waits for the next one
}

// compare looks at the folder again.
func (a *App) compare() term.Cmd {
	if a.box == nil {
		return nil
	}
	mb, serial := a.box.Mail(), a.box.Serial
	return a.jobs.run("compare", func(ctx context.Context) term.Msg {
		v, err := mb.Sync(ctx)
		if ctx.Err() != nil {
			return nil
		}
		return newer{serial: serial, view: v, err: err}
	})
}

// lookAgain compares now and then, one after the other.
func (a *App) lookAgain() term.Cmd {
	if a.box == nil || a.checking {
		return nil
	}
	a.checking = true
	mb, serial := a.box.Mail(), a.box.Serial
	return a.jobs.long("", func(ctx context.Context) term.Msg {
		v, err := mb.Sync(ctx)
		if ctx.Err() != nil {
			return nil
		}
		return func(a *App) term.Cmd {
			a.checking = false
			if errors.Is(err, mstore.ErrClosed) {
				return nil
			}
			return a.newer(newer{serial: serial, view: v, err: err})
		}
	})
}

func (a *App) newer(r newer) term.Cmd {
	if a.box == nil || r.serial != a.box.Serial {
		return nil
	}
	if r.err != nil {
		if a.boxErr == nil || a.boxErr.Error() != r.err.Error() { // it is looked at again and again
			a.fail(r.err)
		}
		a.boxErr = r.err
		return r.more
	}
	a.boxErr = nil
	if r.view == a.box.View() {
		return r.more
	}
	return term.Batch(r.more, a.takeView(r.view), a.loadFolders())
}

// newsOf is what a newer state of the open folder says.
type newsOf struct {
	box  *store.Box
	view *mstore.View
	news *store.News
}

// takeView follows what happened in the folder: at once where little can have.
func (a *App) takeView(v *mstore.View) term.Cmd {
	box := a.box
	switch {
	case v == nil || v == box.View():
		return nil
	case a.reading: // what is newer still comes after it
		a.unread = newest(a.unread, v)
		return nil
	case v.Len() <= 50*a.few && max(v.Len()-box.View().Len(), box.View().Len()-v.Len()) <= a.few:
		return a.took(box.Take(v))
	}
	a.reading, a.unread = true, nil
	find := box.News(v)
	return func() term.Msg { return newsOf{box, v, find()} }
}

// newest returns the newer of two states of the open folder, of which the first may be nil: who heard of the older one
// may be the last to tell.
func newest(v, w *mstore.View) *mstore.View {
	if v == nil {
		return w
	}
	was, is := v.State(), w.State()
	if was.UIDValidity == is.UIDValidity && was.GUID == is.GUID && is.HighestModSeq < was.HighestModSeq {
		return v
	}
	return w
}

func (a *App) takeNews(n newsOf) term.Cmd {
	if a.box != n.box {
		return nil
	}
	a.reading = false
	t, ok := a.box.TakeNews(n.news)
	if !ok { // of another order
		return a.takeView(newest(a.unread, n.view))
	}
	cmd := a.took(t)
	if v := a.unread; v != nil && a.box == n.box {
		a.unread = nil
		cmd = term.Batch(cmd, a.takeView(v))
	}
	return cmd
}

func (a *App) took(t store.Took) term.Cmd {
	if t.Reset { // its messages have other numbers now
		return a.openFolder(a.box.Folder.Name())
	}
	if t.News > 0 {
		a.note("%s", look.Plural(t.News, "new message"))
	}
	if t.Gone {
		a.list.SetSource(a.box.Rows())
		if id := a.reader.Current(); a.screen == readerScreen && id >= 0 && a.box.Gone(id) {
			a.note("this message is no longer in %s: another program moved or deleted it", a.box.Folder.Name())
		}
	}
	if !a.reader.Empty() {
		a.refreshReader()
	}
	if !t.Rows && !t.Gone {
		return nil
	}
	return term.Batch(a.build(), a.limitOn(t), a.follow(), a.preview())
}

// gather is how long changes of others are gathered.
const gather = 50 * time.Millisecond

// startWatch follows what others do to the folder.
func (a *App) startWatch(ctx context.Context) term.Cmd {
	mb, serial, j := a.box.Mail(), a.box.Serial, a.jobs
	return func() term.Msg {
		ch, err := mb.Watch(ctx)
		if err != nil {
			return nil // the folder is looked at now and then anyway
		}
		var next term.Cmd
		next = func() term.Msg {
			j.idle.Add(1)
			select {
			case <-time.After(gather):
			case <-ctx.Done():
			}
			c, ok := <-ch
			j.idle.Add(-1)
			if !ok {
				return nil
			}
			return newer{serial: serial, view: c.To, more: next}
		}
		v, err := mb.Sync(ctx) // what happened between opening and watching
		if ctx.Err() != nil {
			return nil
		}
		return newer{serial: serial, view: v, err: err, more: next}
	}
}

// counted are the folders with their counts.
type counted struct {
	items []folders.Item
	err   error
}

// loadFolders counts the mail of all folders.
func (a *App) loadFolders() term.Cmd {
	st := a.opt.Store
	return a.jobs.run("folders", func(ctx context.Context) term.Msg {
		fs, err := st.Folders()
		c := counted{err: err}
		list := make([]*maildir.Folder, len(fs))
		for i, f := range fs {
			list[i] = f.Folder
		}
		states, errs := st.StatusAll(ctx, list)
		if ctx.Err() != nil {
			return nil
		}
		for i, f := range list {
			it := folders.Item{Name: f.Name(), Total: -1, Unread: -1}
			if errs[i] == nil {
				it.Total, it.Unread = states[i].Total, states[i].Unseen
			}
			c.items = append(c.items, it)
		}
		folders.Sort(c.items)
		return c
	})
}

func (a *App) counted(c counted) {
	if c.err == nil {
		a.sidebar.Items, a.roles = c.items, nil
		if p, ok := a.over.(*pickOver); ok {
			p.SetItems(c.items)
		}
	}
}

// Roles of folders that are made when they are wanted.
var roles = [...]string{"Archive", "Drafts", "Junk", "Sent", "Trash"}

// special returns the folder that has a role. The answer is kept until the folders were listed again.
func (a *App) special(role string) string {
	if a.roles == nil {
		a.roles = map[string]string{}
	}
	name, ok := a.roles[role]
	if !ok {
		name = maildir.SpecialFolder(a.tree, role)
		a.roles[role] = name
	}
	return name
}

func (a *App) isSpecial(name string) bool {
	for _, role := range roles {
		if a.special(role) == name {
			return true
		}
	}
	return false
}

// learned are messages whose addresses are remembered for completion.
type learned struct{ heads []*store.Head }

// learn remembers the addresses of the newest messages.
func (a *App) learn() term.Cmd {
	const most = 2000
	recent := a.box.Recent(most)
	return a.jobs.run("learn", func(ctx context.Context) term.Msg { return learned{recent(ctx)} })
}

func (a *App) learnFrom(heads []*store.Head) {
	for _, h := range heads {
		if h == nil {
			continue
		}
		if h.Mine { // those one writes to come first
			for _, list := range [][]message.Addr{h.To, h.Cc} {
				for _, p := range list {
					a.people.Add(p, h.When, 3)
				}
			}
			continue
		}
		for _, p := range h.From {
			a.people.Add(p, h.When, 1)
		}
	}
}
