package tui

import (
	"context"
	"fmt"
	"strings"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/journal"
	mstore "pneu/maildir/store"
	"pneu/tui/folders"
	"pneu/tui/look"
	"pneu/tui/store"
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
	serial int64
	view   *mstore.View // the folder afterwards; nil: not known
	back   []int        // messages that could not be moved
	err    error
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
	st := a.tree
	var to *maildir.Folder
	work := a.each(ids, "move to "+name, func() (err error) {
		to, err = folderOf(st, name)
		return err
	}, func(b *journal.Batch, f *maildir.Folder, e maildir.Entry) error {
		_, err := b.Move(f, e, to)
		return err
	})
	return term.Batch(a.leave(ids), work)
}

// each does something with files, as one batch of the journal. Those that it could not be done with are back.
func (a *App) each(ids []int, what string, begin func() error, do func(*journal.Batch, *maildir.Folder, maildir.Entry) error) term.Cmd {
	box, view, j := a.box, a.box.View(), a.opt.Journal
	return a.jobs.change(func() term.Msg {
		r := changed{serial: box.Serial}
		if begin != nil {
			if r.err = begin(); r.err != nil {
				r.back = ids
				return r
			}
		}
		if view.State().Pending > 0 { // what leaves takes its flags along
			r.err = box.Mail().Flush(context.Background())
		}
		b := j.Begin("tui", what)
		for _, id := range ids {
			err := maildir.ErrGone
			if row, ok := view.Find(mstore.UID(id)); ok {
				err = do(b, box.Folder, view.Row(row).Entry())
			}
			if err != nil {
				r.err = err
				r.back = append(r.back, id)
			}
		}
		if err := b.Commit(); err != nil && r.err == nil {
			r.err = err
		}
		r.view = afterChange(box)
		return r
	})
}

// afterChange is the folder after a change.
func afterChange(box *store.Box) *mstore.View {
	v, err := box.Mail().Sync(context.Background())
	if err != nil {
		return nil // the next one to look will say it
	}
	return v
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
	var take term.Cmd
	if a.box != nil && c.serial == a.box.Serial {
		a.box.Restore(c.back...)
		take = a.takeView(c.view)
		if len(c.back) > 0 {
			return term.Batch(a.failed(c.err), take, a.compare(), a.arrange())
		}
	}
	if c.err != nil {
		a.fail(c.err)
	}
	return term.Batch(take, a.loadFolders())
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
			items[i] = a.item(id)
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
	st := a.tree
	var to *maildir.Folder
	return a.each(ids, "copy to "+name, func() (err error) {
		to, err = folderOf(st, name)
		return err
	}, func(b *journal.Batch, f *maildir.Folder, e maildir.Entry) error {
		_, err := b.Copy(f, e, to)
		return err
	})
}

// bulk is from how many messages on flags are changed by number: with one line in the journal and one in the index,
// while the names of the files follow. Of fewer the journal tells the names, which other programs know too.
const bulk = 256

// toggleFlag sets a flag on all chosen messages, or removes it where all have it. For Seen, what is shown is the
// opposite.
func (a *App) toggleFlag(flag index.Flags) term.Cmd {
	ids := a.chosen()
	if len(ids) == 0 {
		return nil
	}
	all := true
	for _, id := range ids {
		all = all && a.box.Flags(id).Has(flag)
	}
	var add, remove maildir.Flags
	if all {
		remove = flag.Maildir()
	} else {
		add = flag.Maildir()
	}
	verb := map[string]string{"F+": "Flagged", "F-": "Unflagged", "S+": "Marked read:", "S-": "Marked unread:"}[string(flag.Maildir())+map[bool]string{true: "-", false: "+"}[all]]
	a.sayUndo("%s %s", verb, a.about(ids))
	a.acts = append(a.acts, act{})
	a.list.Clear()
	box, view, j, what := a.box, a.box.View(), a.opt.Journal, strings.TrimSuffix(strings.ToLower(verb), ":")
	return a.jobs.change(func() term.Msg {
		r := changed{serial: box.Serial}
		b := j.Begin("tui", what)
		if len(ids) > bulk && view.State().Sticky {
			r.err = box.Mail().Note(context.Background(), b, store.UIDs(ids), add, remove)
		} else {
			for _, id := range ids {
				if row, ok := view.Find(mstore.UID(id)); ok {
					if _, err := b.SetFlags(box.Folder, view.Row(row).Entry(), add, remove); err != nil {
						r.err = err
					}
				}
			}
		}
		if err := b.Commit(); err != nil && r.err == nil {
			r.err = err
		}
		if len(ids) > bulk {
			r.view = box.Mail().View()
		} else {
			r.view = afterChange(box)
		}
		return r
	})
}

// flagQuietly changes flags without a word and without the journal.
func (a *App) flagQuietly(ids []int, add, remove index.Flags) term.Cmd {
	box, uids := a.box, store.UIDs(ids)
	return a.jobs.change(func() term.Msg {
		r := changed{serial: box.Serial}
		// What is gone or was moved meanwhile is nothing that the reader asked for.
		if res, err := box.Mail().SetFlags(context.Background(), uids, mstore.FlagChange{Add: add, Remove: remove}); err == nil && res.View != nil {
			r.view = box.Mail().View()
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
		a.say("Deleted %s", about)
		work := a.each(ids, "purge", nil, (*journal.Batch).Purge)
		return term.Batch(a.leave(ids), work)
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
	a.say("taking it back ...")
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
