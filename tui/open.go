package tui

import (
	"context"
	"errors"
	"strings"
	"time"

	"pneu/maildir"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/folders"
	"pneu/tui/look"
	"pneu/tui/store"
	"pneu/tui/term"
)

// openFolder reads a folder's names and the headers that fill the screen; the rest follows behind.
func (a *App) openFolder(name string) term.Cmd {
	a.opening = name
	st, opt, first := a.opt.Store, a.boxOptions(name), a.size.H
	create := a.isSpecial(name)
	return a.wait(a.jobs.run("open", func(context.Context) term.Msg {
		f, err := st.Folder(name)
		if create && errors.Is(err, maildir.ErrNoFolder) {
			f, err = st.CreateFolder(name)
		}
		if err != nil {
			return store.Opened{Err: err}
		}
		return store.Open(f, opt, first)
	}))
}

func (a *App) boxOptions(name string) store.Options {
	top, _, _ := strings.Cut(strings.ToLower(name), "/")
	return store.Options{
		Me: a.isMe, Now: a.opt.Now, Threads: a.box == nil || a.box.Threads(),
		Sent: top == "sent" || top == "drafts", Oldest: a.box != nil && a.box.Oldest(),
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
	a.box, a.boxErr = o.Box, o.Err
	a.arranging, a.stale = false, false
	a.sidebar.Current = o.Box.Folder.Name()
	a.list.Reset(o.Box.Rows())
	a.screen, a.under = listScreen, nil
	a.reader.Open(safe.Text{}, nil, -1)
	a.place()
	if a.status.auto || !a.status.err && !a.status.undo {
		a.status = status{}
	}
	if o.Err != nil {
		a.fail(o.Err)
		return nil
	}
	a.learn(0)
	if a.watch != nil {
		a.watch()
	}
	ctx, stop := context.WithCancel(a.jobs.ctx)
	a.watch = stop
	a.jobs.drop("heads")
	more := a.readMore()
	if !a.loading {
		a.list.Hold()
	}
	return term.Batch(a.startWatch(ctx), more, a.wantRows(), a.preview())
}

// Headers read at a time in the background.
const batch = 256

// readMore reads the headers of the next rows that are not known; the rows on the screen come first.
func (a *App) readMore() term.Cmd {
	if a.box == nil {
		return nil
	}
	from, to := a.list.Visible()
	ids := a.box.UnknownIn(from, to)
	if len(ids) < batch {
		ids = append(ids, a.box.Unknown(to, batch-len(ids))...)
	}
	if len(ids) == 0 {
		ids = a.box.Unknown(0, batch)
	}
	a.loading = len(ids) > 0
	if len(ids) == 0 {
		return nil
	}
	read := a.box.Reader(ids)
	return a.jobs.run("heads", func(context.Context) term.Msg { return read() })
}

// wantRows reads what the rows on the screen need: headers not known yet, first words.
func (a *App) wantRows() term.Cmd {
	if a.box == nil {
		return nil
	}
	from, to := a.list.Visible()
	ids := a.box.WantSnippets(from, to)
	if len(ids) == 0 {
		return nil
	}
	return a.readWords("snippets", ids)
}

// readWords reads the first words of messages.
func (a *App) readWords(key string, ids []int) term.Cmd {
	entries := make([]maildir.Entry, len(ids))
	for i, id := range ids {
		entries[i] = a.box.Entry(id)
	}
	f, serial := a.box.Folder, a.box.Serial
	return a.jobs.run(key, func(ctx context.Context) term.Msg {
		s := snippets{serial: serial, text: map[int]safe.Text{}}
		for i, id := range ids {
			if ctx.Err() != nil {
				break
			}
			s.text[id] = store.FirstWords(f, entries[i])
		}
		return s
	})
}

type snippets struct {
	serial int64
	text   map[int]safe.Text
}

func (a *App) gotSnippets(s snippets) {
	if a.box == nil || s.serial != a.box.Serial {
		return
	}
	for id, text := range s.text {
		a.box.Snippet(id, text)
	}
	if a.reader.Len() > 1 {
		a.refreshReader()
	}
}

func (a *App) headsRead(r store.Read) term.Cmd {
	if a.box == nil || r.Serial != a.box.Serial {
		return nil
	}
	a.box.Apply(r)
	a.learnFrom(r.Heads)
	more := a.readMore()
	if more == nil {
		return term.Batch(a.arrange(), a.wantRows())
	}
	return more
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
	s := a.box.Snapshot()
	return func() term.Msg { return s.Arrange() }
}

func (a *App) arranged(r store.Arranged) term.Cmd {
	a.arranging = false
	if a.box == nil || !a.box.SetView(r) {
		return a.arrange()
	}
	a.list.SetSource(a.box.Rows())
	if a.stale {
		return a.arrange()
	}
	if !a.loading {
		a.list.Hold()
	}
	return term.Batch(a.wantRows(), a.preview())
}

// reload reads the folder again, from the beginning where it could not be read.
func (a *App) reload() term.Cmd {
	a.status = status{}
	if a.box == nil || a.boxErr != nil {
		return a.openFolder(a.opening)
	}
	return a.compare()
}

// compare looks at the folder again.
func (a *App) compare() term.Cmd {
	if a.box == nil {
		return nil
	}
	c := a.box.Compare()
	return a.jobs.run("compare", func(context.Context) term.Msg { return c() })
}

func (a *App) delta(d store.Delta) term.Cmd {
	if a.box == nil || d.Serial != a.box.Serial {
		return nil
	}
	if d.Err != nil {
		a.boxErr = d.Err
		a.fail(d.Err)
		return nil
	}
	a.boxErr = nil
	return a.take(d.Put, d.Gone)
}

// take follows what changed in the folder.
func (a *App) take(put []maildir.Entry, gone []int) term.Cmd {
	fresh := false
	for _, e := range put {
		if _, isNew := a.box.Put(e); isNew {
			fresh = true
		}
	}
	if len(gone) > 0 {
		a.box.Remove(gone...)
		a.list.SetSource(a.box.Rows())
		if id := a.reader.Current(); a.screen == readerScreen && id >= 0 && a.box.Gone(id) {
			a.note("this message is no longer in %s: another program moved or deleted it", a.box.Folder.Name())
		}
	}
	if !fresh {
		return a.preview()
	}
	if ids := a.box.UnknownIDs(batch); len(ids) > 0 {
		read := a.box.Reader(ids)
		return a.jobs.run("heads", func(context.Context) term.Msg { return read() })
	}
	return a.arrange()
}

// watched is what others did to the folder, gathered for a moment.
type watched struct {
	serial int64
	events []maildir.Event
	more   term.Cmd
}

// How long events are gathered, and how many.
const (
	gather     = 50 * time.Millisecond
	gatherMost = 512
)

func (a *App) startWatch(ctx context.Context) term.Cmd {
	f, serial, idle := a.box.Folder, a.box.Serial, a.jobs
	return func() term.Msg {
		ch, err := f.Watch(ctx)
		if err != nil {
			return nil // the folder is compared now and then anyway
		}
		return idle.nextEvents(ctx, ch, serial)
	}
}

func (j *jobs) nextEvents(ctx context.Context, ch <-chan maildir.Event, serial int64) term.Msg {
	w := watched{serial: serial}
	j.idle.Add(1)
	e, ok := <-ch
	j.idle.Add(-1)
	if !ok {
		return nil
	}
	w.events = append(w.events, e)
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for len(w.events) < gatherMost {
		select {
		case e, ok := <-ch:
			if !ok {
				return w
			}
			w.events = append(w.events, e)
			continue
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		break
	}
	w.more = func() term.Msg { return j.nextEvents(ctx, ch, serial) }
	return w
}

func (a *App) watched(w watched) term.Cmd {
	if a.box == nil || w.serial != a.box.Serial {
		return nil
	}
	// Of several events of one message the last one tells how things are: it may have left and come back.
	last := map[string]maildir.Event{}
	var order []string
	news := 0
	for _, e := range w.events {
		if e.Kind == maildir.Overflow {
			return term.Batch(w.more, a.compare())
		}
		base := e.Entry.Base()
		if base == "" {
			base = e.Old.Base()
		}
		if _, ok := last[base]; !ok {
			order = append(order, base)
		}
		last[base] = e
	}
	var put []maildir.Entry
	var gone []int
	for _, base := range order {
		e := last[base]
		id, known := a.box.Find(base)
		switch {
		case e.Kind != maildir.Gone:
			put = append(put, e.Entry)
			if e.Kind == maildir.Added && !known && e.Entry.Unread() {
				news++
			}
		case known:
			gone = append(gone, id)
		}
	}
	if news > 0 {
		a.note("%s", look.Plural(news, "new message"))
	}
	return term.Batch(w.more, a.take(put, gone), a.loadFolders())
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
		for _, f := range fs {
			it := folders.Item{Name: f.Name(), Total: -1, Unread: -1}
			if n, err := f.Count(); err == nil {
				it.Total, it.Unread = n.Total, n.Unread
			}
			c.items = append(c.items, it)
			if ctx.Err() != nil {
				return nil
			}
		}
		folders.Sort(c.items)
		return c
	})
}

func (a *App) counted(c counted) {
	if c.err == nil {
		a.sidebar.Items, a.roles = c.items, nil
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
		name = maildir.SpecialFolder(a.opt.Store, role)
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

// learn remembers addresses for completion.
func (a *App) learn(from int) {
	for id := from; id < a.box.Size(); id++ {
		if h := a.box.Head(id); h != nil {
			a.learnFrom([]*store.Head{h})
		} else {
			continue
		}
		if id-from > 2000 {
			return
		}
	}
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
