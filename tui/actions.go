package tui

import (
	"fmt"
	"strings"

	"pneu/maildir"
	"pneu/tui/folders"
	"pneu/tui/look"
	"pneu/tui/term"
)

// An act is something u takes back that is not in the journal, or that is, in the order things were done.
type act struct {
	send *sending // nil: the journal's last batch
}

// chosen returns the messages a command acts on: what is selected, else the message being read, else the row under
// the cursor, which is the whole conversation when that is folded.
func (a *App) chosen() []int {
	if a.box == nil {
		return nil
	}
	if a.screen == readerScreen {
		if id := a.reader.Current(); id >= 0 && !a.box.Gone(id) {
			return []int{id}
		}
		return nil
	}
	if a.list.Count() > 0 {
		var ids []int
		seen := map[int]bool{}
		for _, id := range a.list.Selection() {
			for _, m := range a.box.Conversation(id) {
				if !seen[m] && !a.box.Gone(m) {
					seen[m] = true
					ids = append(ids, m)
				}
			}
		}
		return ids
	}
	if id := a.list.Current(); id >= 0 {
		return a.box.Conversation(id)
	}
	return nil
}

// about names what was acted on: a subject for one conversation, else a number.
func (a *App) about(ids []int) string {
	s := look.Plural(len(ids), "message")
	h := a.box.Head(ids[0])
	if h == nil || h.Subj.String() == "" || a.list.Count() > 1 {
		return s
	}
	sub := []rune(h.Subj.String())
	if len(sub) > 30 {
		sub = append(sub[:29], '…')
	}
	return fmt.Sprintf("%s in %q", s, string(sub))
}

// changed is the result of a change to mail.
type changed struct {
	serial  int64
	entries map[int]maildir.Entry // new names of messages that stayed
	back    []int                 // messages that could not be moved
	err     error
	count   bool // counts of folders changed
}

// moveTo moves the chosen messages. They leave the screen at once; the files follow.
func (a *App) moveTo(name, verb string) term.Cmd {
	ids := a.chosen()
	if len(ids) == 0 {
		return nil
	}
	if a.box.Folder.Name() == name {
		a.say("already in %s", name)
		return nil
	}
	about := a.about(ids)
	a.sayUndo("%s %s", verb, about)
	if verb == "Moved" || verb == "Trashed" {
		a.sayUndo("Moved %s to %s", about, name)
	}
	a.acts = append(a.acts, act{})
	box, st, j := a.box, a.opt.Store, a.opt.Journal
	entries := make([]maildir.Entry, len(ids))
	for i, id := range ids {
		entries[i] = box.Entry(id)
	}
	work := a.jobs.change(func() term.Msg {
		r := changed{serial: box.Serial, count: true}
		to, err := folderOf(st, name)
		if err != nil {
			r.err, r.back = err, ids
			return r
		}
		b := j.Begin("tui", "move to "+name)
		for i, e := range entries {
			if _, err := b.Move(box.Folder, e, to); err != nil {
				r.err = err
				r.back = append(r.back, ids[i])
			}
		}
		if err := b.Commit(); err != nil && r.err == nil {
			r.err = err
		}
		return r
	})
	return term.Batch(a.leave(ids), work)
}

// leave takes messages off the screen and goes on to what comes after them.
func (a *App) leave(ids []int) term.Cmd {
	a.box.Remove(ids...)
	a.list.Clear()
	a.list.SetSource(a.box.Rows())
	if a.screen != readerScreen {
		return a.moved()
	}
	rest := a.reader.IDs()
	left := rest[:0:0]
	for _, id := range rest {
		if !a.box.Gone(id) {
			left = append(left, id)
		}
	}
	switch {
	case len(left) > 0 && len(rest) > 1:
		return a.readInto(left[0])
	case a.list.Len() == 0:
		return a.back()
	}
	return term.Batch(a.readInto(a.list.Current()), a.wantRows(), a.markSeen())
}

// folderOf returns a folder, which is made if it does not exist.
func folderOf(st *maildir.Store, name string) (*maildir.Folder, error) {
	if f, err := st.Folder(name); err == nil {
		return f, nil
	}
	return st.CreateFolder(name)
}

func (a *App) trash() term.Cmd {
	trash := a.special("Trash")
	if a.box != nil && a.box.Folder.Name() == trash {
		a.say("already in %s; :purge deletes for good", trash)
		return nil
	}
	return a.moveTo(trash, "Trashed")
}

func (a *App) changed(c changed) term.Cmd {
	if a.box != nil && c.serial == a.box.Serial {
		for id, e := range c.entries {
			a.box.SetEntry(id, e)
		}
		if len(c.back) > 0 {
			a.box.Restore(c.back...)
			return term.Batch(a.failed(c.err), a.compare(), a.arrange())
		}
		if len(c.entries) > 0 && !a.reader.Empty() {
			a.refreshReader()
		}
	}
	var cmd term.Cmd
	if c.count {
		cmd = a.loadFolders()
	}
	if c.err != nil {
		return term.Batch(a.failed(c.err), cmd)
	}
	return cmd
}

func (a *App) failed(err error) term.Cmd {
	a.fail(err)
	return nil
}

// refreshReader shows other flags of what is being read.
func (a *App) refreshReader() {
	ids := a.reader.IDs()
	items := a.reader.Items()
	for i, id := range ids {
		if !a.box.Gone(id) {
			e := a.box.Entry(id)
			items[i].Unread, items[i].Flagged = e.Unread(), e.Flags().Has('F')
			items[i].Load, items[i].Snippet = a.item(id).Load, a.box.Words(id)
		}
	}
	a.reader.Update(items)
}

// moveOrCopy asks for a folder unless one is named.
func (a *App) moveOrCopy(name string, copying bool) term.Cmd {
	if len(a.chosen()) == 0 {
		return nil
	}
	do := func(name string) term.Cmd {
		a.recent(name)
		if copying {
			return a.copyTo(name)
		}
		return a.moveTo(name, "Moved")
	}
	if name != "" {
		return do(name)
	}
	title := "Move to"
	if copying {
		title = "Copy to"
	}
	a.over = &pickOver{folders.NewPicker(a.theme, title, a.sidebar.Items, a.targets, true), do}
	return nil
}

func (a *App) recent(name string) {
	out := []string{name}
	for _, t := range a.targets {
		if t != name && len(out) < 8 {
			out = append(out, t)
		}
	}
	a.targets = out
}

func (a *App) copyTo(name string) term.Cmd {
	ids := a.chosen()
	if len(ids) == 0 {
		return nil
	}
	a.sayUndo("Copied %s to %s", a.about(ids), name)
	a.acts = append(a.acts, act{})
	a.list.Clear()
	box, st, j := a.box, a.opt.Store, a.opt.Journal
	entries := make([]maildir.Entry, len(ids))
	for i, id := range ids {
		entries[i] = box.Entry(id)
	}
	return a.jobs.change(func() term.Msg {
		r := changed{serial: box.Serial, count: true}
		to, err := folderOf(st, name)
		if err != nil {
			r.err = err
			return r
		}
		b := j.Begin("tui", "copy to "+name)
		for _, e := range entries {
			if _, err := b.Copy(box.Folder, e, to); err != nil {
				r.err = err
			}
		}
		if err := b.Commit(); err != nil && r.err == nil {
			r.err = err
		}
		return r
	})
}

// toggleFlag sets a flag on all chosen messages, or removes it where all have it. For Seen, what is shown is the
// opposite.
func (a *App) toggleFlag(letter byte) term.Cmd {
	ids := a.chosen()
	if len(ids) == 0 {
		return nil
	}
	all := true
	for _, id := range ids {
		all = all && a.box.Entry(id).Flags().Has(letter)
	}
	var add, remove maildir.Flags
	if all {
		remove = maildir.Flags(letter)
	} else {
		add = maildir.Flags(letter)
	}
	verb := map[string]string{"F+": "Flagged", "F-": "Unflagged", "S+": "Marked read:", "S-": "Marked unread:"}[string(letter)+map[bool]string{true: "-", false: "+"}[all]]
	a.sayUndo("%s %s", verb, a.about(ids))
	a.acts = append(a.acts, act{})
	a.list.Clear()
	box, j, what := a.box, a.opt.Journal, strings.TrimSuffix(strings.ToLower(verb), ":")
	entries := make([]maildir.Entry, len(ids))
	for i, id := range ids {
		entries[i] = box.Entry(id)
	}
	return a.jobs.change(func() term.Msg {
		r := changed{serial: box.Serial, entries: map[int]maildir.Entry{}, count: letter == 'S'}
		b := j.Begin("tui", what)
		for i, e := range entries {
			n, err := b.SetFlags(box.Folder, e, add, remove)
			if err != nil {
				r.err = err
				continue
			}
			r.entries[ids[i]] = n
		}
		if err := b.Commit(); err != nil && r.err == nil {
			r.err = err
		}
		return r
	})
}

// flagQuietly changes flags without a word and without the journal.
func (a *App) flagQuietly(ids []int, add, remove maildir.Flags) term.Cmd {
	box := a.box
	entries := make([]maildir.Entry, len(ids))
	for i, id := range ids {
		entries[i] = box.Entry(id)
	}
	return a.jobs.change(func() term.Msg {
		r := changed{serial: box.Serial, entries: map[int]maildir.Entry{}, count: true}
		var hold maildir.Hold
		defer hold.Release()
		for i, e := range entries {
			hold.Take(box.Folder)
			n, err := box.Folder.SetFlags(e, add, remove)
			if err != nil {
				continue // gone or moved meanwhile: nothing that the reader asked for
			}
			r.entries[ids[i]] = n
		}
		return r
	})
}

// purge deletes for good, after a question: it is the one thing undo does not cover.
func (a *App) purge() term.Cmd {
	ids := a.chosen()
	if len(ids) == 0 {
		return nil
	}
	if a.box.Folder.Name() != a.special("Trash") {
		a.say("purge works in %s only; d moves mail there", a.special("Trash"))
		return nil
	}
	about := a.about(ids)
	a.ask(fmt.Sprintf("Delete %s for good? y or n", about), func(answer string) term.Cmd {
		if answer != "y" && answer != "yes" {
			a.say("nothing deleted")
			return nil
		}
		box, j := a.box, a.opt.Journal
		entries := make([]maildir.Entry, len(ids))
		for i, id := range ids {
			entries[i] = box.Entry(id)
		}
		a.say("Deleted %s", about)
		return term.Batch(a.leave(ids), a.jobs.change(func() term.Msg {
			r := changed{serial: box.Serial, count: true}
			b := j.Begin("tui", "purge")
			for i, e := range entries {
				if err := b.Purge(box.Folder, e); err != nil {
					r.err = err
					r.back = append(r.back, ids[i])
				}
			}
			if err := b.Commit(); err != nil && r.err == nil {
				r.err = err
			}
			return r
		}))
	})
	return nil
}

// undone is the result of undo and redo.
type undone struct {
	text string
	err  error
}

// undo takes back the last n actions: mail in its hold, or what the journal has.
func (a *App) undo(n int) term.Cmd {
	for len(a.acts) > 0 {
		last := a.acts[len(a.acts)-1]
		if last.send == nil {
			break
		}
		a.acts = a.acts[:len(a.acts)-1]
		if last.send == a.sending && a.opt.Now().Before(last.send.deadline) {
			return a.unsend(last.send)
		}
	}
	if a.sending != nil && len(a.acts) == 0 && a.opt.Now().Before(a.sending.deadline) {
		return a.unsend(a.sending)
	}
	a.acts = a.acts[:max(0, len(a.acts)-n)]
	j := a.opt.Journal
	return a.jobs.change(func() term.Msg {
		rep, err := j.Undo(n)
		if err != nil {
			return undone{err: err}
		}
		if len(rep.Batches) == 0 {
			return undone{text: "nothing to undo"}
		}
		ops := 0
		for _, b := range rep.Batches {
			ops += b.Messages()
		}
		s := fmt.Sprintf("Undone: %s (%s)", rep.Batches[len(rep.Batches)-1].What, look.Plural(ops-len(rep.Failed), "message"))
		if k := len(rep.Failed); k > 0 {
			s += fmt.Sprintf("; %d could not be: %v", k, rep.Failed[0].Err)
		}
		return undone{text: s}
	})
}

func (a *App) redo(n int) term.Cmd {
	j := a.opt.Journal
	a.acts = append(a.acts, act{})
	return a.jobs.change(func() term.Msg {
		rep, err := j.Redo(n)
		if err != nil {
			return undone{err: err}
		}
		if len(rep.Batches) == 0 {
			return undone{text: "nothing to redo"}
		}
		return undone{text: "Done again: " + rep.Batches[0].What}
	})
}

func (a *App) undone(u undone) term.Cmd {
	if u.err != nil {
		a.fail(u.err)
	} else {
		a.say("%s   ctrl+r redo", u.text)
	}
	return term.Batch(a.compare(), a.loadFolders())
}
