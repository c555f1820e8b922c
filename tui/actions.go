package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/journal"
	"pneu/maildir/safe"
	mstore "pneu/maildir/store"
	"pneu/tui/folders"
	"pneu/tui/look"
	"pneu/tui/store"
	"pneu/tui/term"
)

// An act is something u takes back that is not in the journal, or that is, in the order things were done.
type act struct {
	send *sending // nil: the journal's last batch
	deed *deed
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
		slices.Sort(ids)
		return ids
	}
	if id := a.list.Current(); id >= 0 {
		return a.box.Conversation(id)
	}
	return nil
}

// fewRows is how many rows or messages the loop goes through at once. A frame may take 16 ms.
const fewRows = 1000

// behind does what goes through n messages: at once if they are few, else behind the screen. Keys wait for it.
func (a *App) behind(n int, do func() func(*App) term.Cmd) term.Cmd {
	if n <= a.few {
		return do()(a)
	}
	box := a.box
	return a.wait(func() term.Msg {
		then := do()
		return func(a *App) term.Cmd {
			if a.box != box {
				return nil
			}
			return then(a)
		}
	})
}

// A choice is what a command acts on.
type choice struct {
	ids    []int
	flags  index.Flags   // that all have
	picked *store.Picked // if there are many
}

// choose finds what a command acts on, and does it. leave says that this leaves the folder.
func (a *App) choose(leave bool, do func(choice) term.Cmd) term.Cmd {
	if n := a.list.Count(); a.box != nil && a.screen != readerScreen && n > a.few {
		pick := a.box.Pick(a.list.Lend(), leave)
		return a.behind(n, func() func(*App) term.Cmd {
			p := pick()
			return func(*App) term.Cmd {
				if len(p.IDs) == 0 {
					return nil
				}
				return do(choice{p.IDs, p.Flags, p})
			}
		})
	}
	ids := a.chosen()
	if len(ids) == 0 {
		return nil
	}
	flags := ^index.Flags(0)
	for _, id := range ids {
		flags &= a.box.Flags(id)
	}
	return do(choice{ids: ids, flags: flags})
}

// any reports whether there is something that a command would act on.
func (a *App) any() bool {
	return a.box != nil && (a.screen != readerScreen && a.list.Count() > 0 || len(a.chosen()) > 0)
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
	back   []int        // messages that nothing was done with
	err    error
	deed   *deed // what is said of it; nil: nothing
}

// A deed is something done to mail, in words. What was done is said when it is done, not before.
type deed struct {
	doing, done safe.Text
	of          int // messages
	undo        bool
	nth         int // of those begun
}

// begins says what is being done.
func (a *App) begins(d *deed) {
	if d.undo {
		a.acts = append(a.acts, act{deed: d})
	}
	a.begun++
	d.nth = a.begun
	a.status = status{text: d.doing}
}

// ended says what was done, or what was not.
func (a *App) ended(c changed) {
	d := c.deed
	if d != nil && len(c.back) == d.of { // nothing was: there is nothing that u could take back
		a.acts = slices.DeleteFunc(a.acts, func(x act) bool { return x.deed == d })
	}
	switch {
	case c.err != nil:
		a.fail(c.err)
		text := a.status.text.String()
		if says := reason(c.err); says != c.err && !errors.Is(c.err, maildir.ErrGone) { // names of files help nobody here
			text = says.Error() + "   gL says more"
		}
		switch {
		case d != nil && d.of > 1 && len(c.back) > 0:
			a.status.text = look.Tf("not done with %d of %s: %s", len(c.back), look.Plural(d.of, "message"), text)
		case d != nil:
			a.status.text = look.Tf("not done: %s", text)
		}
	case d != nil && d.nth >= a.told: // of two done at once the first may be heard of last
		a.told = d.nth
		a.status = status{text: d.done, undo: d.undo}
	}
}

// moveTo moves the chosen messages. They leave the screen at once; the files follow.
func (a *App) moveTo(name, verb string) term.Cmd {
	if !a.any() {
		return nil
	}
	if a.box.Folder.Name() == name {
		a.say("already in %s", name)
		return nil
	}
	return a.choose(true, func(c choice) term.Cmd {
		about := a.about(c.ids)
		d := &deed{doing: look.Tf("Moving %s to %s ...", about, name), done: look.Tf("Moved %s to %s", about, name), of: len(c.ids), undo: true}
		if verb == "Archived" {
			d.doing, d.done = look.Tf("Archiving %s ...", about), look.Tf("Archived %s", about)
		}
		a.begins(d)
		return term.Batch(a.leave(c), a.file(c.ids, d, name, "move to "+name, mstore.Moved))
	})
}

// file moves messages to a folder, copies or removes them, as one batch of the journal. Those that it could not be
// done with are back.
func (a *App) file(ids []int, d *deed, name, what string, how mstore.Work) term.Cmd {
	st := a.tree
	return a.each(ids, d, what, func(b *journal.Batch, f *maildir.Folder, list []maildir.Entry) ([]mstore.Result, error) {
		to := f
		if how != mstore.Removed {
			var err error
			if to, err = folderOf(st, name); err != nil {
				return nil, err
			}
		}
		return a.noted.File(context.Background(), b, f, list, to, how, ""), nil
	})
}

// each does something with messages, as one batch of the journal. Those that it could not be done with are back.
func (a *App) each(ids []int, d *deed, what string, do func(*journal.Batch, *maildir.Folder, []maildir.Entry) ([]mstore.Result, error)) term.Cmd {
	box, view, j := a.box, a.box.View(), a.opt.Journal
	return a.jobs.change(func() term.Msg {
		r := changed{serial: box.Serial, deed: d}
		if st := view.State(); st.Pending > 0 && !st.Sticky { // what leaves takes its flags along
			r.err = box.Mail().Flush(context.Background())
		}
		list := make([]maildir.Entry, 0, len(ids))
		of := make([]int, 0, len(ids))
		for _, id := range ids {
			row, ok := view.Find(mstore.UID(id))
			if !ok {
				r.err, r.back = maildir.ErrGone, append(r.back, id)
				continue
			}
			list, of = append(list, view.Row(row).Entry()), append(of, id)
		}
		b := j.Begin("tui", what)
		results, err := do(b, box.Folder, list)
		if err != nil {
			r.err, r.back = err, ids
			return r
		}
		for i, one := range results {
			if one.Err != nil {
				r.err, r.back = one.Err, append(r.back, of[i])
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
func (a *App) leave(c choice) term.Cmd {
	if c.picked != nil {
		a.box.RemovePicked(c.picked)
	} else {
		a.box.Remove(c.ids...)
	}
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
	return a.moveTo(trash, "Moved")
}

func (a *App) changed(c changed) term.Cmd {
	a.ended(c)
	var take term.Cmd
	if a.box != nil && c.serial == a.box.Serial {
		a.box.Restore(c.back...)
		take = a.takeView(c.view)
		if len(c.back) > 0 {
			return term.Batch(take, a.compare(), a.arrange())
		}
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
	if !a.any() {
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
	return a.loadFolders()
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
	return a.choose(false, func(c choice) term.Cmd {
		about := a.about(c.ids)
		d := &deed{doing: look.Tf("Copying %s to %s ...", about, name), done: look.Tf("Copied %s to %s", about, name), of: len(c.ids), undo: true}
		a.begins(d)
		a.list.Clear()
		return a.file(c.ids, d, name, "copy to "+name, mstore.Copied)
	})
}

// bulk is from how many messages on flags are changed by number: with one line in the journal and one in the index,
// while the names of the files follow. Of fewer the journal tells the names, which other programs know too.
const bulk = 256

// toggleFlag sets a flag on all chosen messages, or removes it where all have it. For Seen, what is shown is the
// opposite.
func (a *App) toggleFlag(flag index.Flags) term.Cmd {
	return a.choose(false, func(c choice) term.Cmd { return a.setFlag(c.ids, flag, c.flags.Has(flag)) })
}

// setFlag sets a flag, or removes it if all have it.
func (a *App) setFlag(ids []int, flag index.Flags, all bool) term.Cmd {
	var add, remove maildir.Flags
	if all {
		remove = flag.Maildir()
	} else {
		add = flag.Maildir()
	}
	verb := map[string][2]look.Lit{
		"F+": {"Flagging %s ...", "Flagged %s"}, "F-": {"Unflagging %s ...", "Unflagged %s"},
		"S+": {"Marking read: %s ...", "Marked read: %s"}, "S-": {"Marking unread: %s ...", "Marked unread: %s"},
	}[string(flag.Maildir())+map[bool]string{true: "-", false: "+"}[all]]
	about := a.about(ids)
	d := &deed{doing: look.Tf(verb[0], about), done: look.Tf(verb[1], about), of: len(ids), undo: true}
	a.begins(d)
	a.list.Clear()
	box, view, j, what := a.box, a.box.View(), a.opt.Journal, strings.ToLower(strings.TrimRight(string(verb[1]), ": %s"))
	return a.jobs.change(func() term.Msg {
		r := changed{serial: box.Serial, deed: d}
		b := j.Begin("tui", what)
		if len(ids) > bulk && view.State().Sticky {
			r.err = box.Mail().Note(context.Background(), b, store.UIDs(ids), add, remove)
		} else {
			for _, id := range ids {
				if row, ok := view.Find(mstore.UID(id)); ok {
					if _, err := b.SetFlags(box.Folder, view.Row(row).Entry(), add, remove); err != nil {
						r.err, r.back = err, append(r.back, id)
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
	if !a.any() {
		return nil
	}
	if a.box.Folder.Name() != a.special("Trash") {
		a.say("purge works in %s only; d moves mail there", a.special("Trash"))
		return nil
	}
	return a.choose(true, func(c choice) term.Cmd {
		about, box := a.about(c.ids), a.box
		a.ask(fmt.Sprintf("Delete %s for good? y or n", about), func(answer string) term.Cmd {
			if answer != "y" && answer != "yes" {
				a.say("nothing deleted")
				return nil
			}
			if a.box != box { // opened anew, because its messages have other numbers now
				a.say("nothing deleted: the folder changed meanwhile")
				return nil
			}
			d := &deed{doing: look.Tf("Deleting %s ...", about), done: look.Tf("Deleted %s", about), of: len(c.ids)}
			a.begins(d)
			return term.Batch(a.leave(c), a.file(c.ids, d, "", "purge", mstore.Removed))
		})
		return nil
	})
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
	j, root := a.opt.Journal, a.tree.Root()
	return a.jobs.change(func() term.Msg {
		rep, err := j.Undo(n, root)
		switch {
		case errors.Is(err, journal.ErrNothing), err == nil && len(rep.Batches) == 0:
			return said{look.T("nothing to undo")}
		case err != nil:
			return undone{err: err}
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
	j, root := a.opt.Journal, a.tree.Root()
	a.acts = append(a.acts, act{})
	return a.jobs.change(func() term.Msg {
		rep, err := j.Redo(n, root)
		switch {
		case errors.Is(err, journal.ErrNothing), err == nil && len(rep.Batches) == 0:
			return said{look.T("nothing to redo")}
		case err != nil:
			return undone{err: err}
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
