package tui

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/maildir/safe/who"
	"pneu/tui/look"
	"pneu/tui/reader"
	"pneu/tui/store"
	"pneu/tui/term"
)

// move goes n lines or rows.
func (a *App) move(n int) term.Cmd {
	switch a.screen {
	case readerScreen:
		a.reader.Scroll(n)
		return a.wants()
	case queueScreen:
		a.queue.Move(n)
		return nil
	case partsScreen:
		a.parts.Move(n)
		return nil
	}
	a.list.Move(n)
	return a.moved()
}

func (a *App) page(n int) term.Cmd {
	switch a.screen {
	case readerScreen:
		a.reader.Scroll(n * max(1, a.reader.Height()-2))
		return a.wants()
	case queueScreen, partsScreen:
		return a.move(n * max(1, a.geometry().bodyH-2))
	}
	a.list.Page(n)
	return a.moved()
}

func (a *App) half(n int) term.Cmd {
	switch a.screen {
	case readerScreen:
		a.reader.Scroll(n * max(1, a.reader.Height()/2))
		return a.wants()
	case queueScreen, partsScreen:
		return a.move(n * max(1, a.geometry().bodyH/2))
	}
	a.list.Half(n)
	return a.moved()
}

// goTo goes to row count, or without a count to the first (0) or the last (-1).
func (a *App) goTo(count, end int) term.Cmd {
	const far = 1 << 30
	if a.screen != listScreen {
		if end == 0 {
			return a.move(-far)
		}
		return a.move(far)
	}
	switch {
	case count > 0:
		a.list.To(count - 1)
	case end == 0:
		a.list.To(0)
	default:
		a.list.To(a.list.Len() - 1)
	}
	return a.moved()
}

// moved follows the cursor: rows that came into sight are read, the message is shown once it rests.
func (a *App) moved() term.Cmd { return term.Batch(a.wantRows(), a.preview()) }

// How long the cursor rests before the message under it is read.
const rest = 30 * time.Millisecond

type previewDue int

// preview shows the message under the cursor, in layouts that show one.
func (a *App) preview() term.Cmd {
	if a.screen != listScreen || a.geometry().split == onePane {
		return nil
	}
	a.previewSerial++
	return a.after(rest, previewDue(a.previewSerial))
}

func (a *App) previewNow() term.Cmd {
	if a.screen != listScreen || a.box == nil || a.geometry().split == onePane {
		return nil
	}
	id := a.list.Current()
	if id < 0 {
		a.reader.Open(safe.Text{}, nil, -1)
		return nil
	}
	return a.readInto(id)
}

// readInto puts the conversation of a row into the reader, unless it is there.
func (a *App) readInto(id int) term.Cmd {
	ids := a.box.Conversation(id)
	if len(ids) == 0 || a.box.Head(ids[0]) == nil {
		return nil
	}
	items := make([]reader.Item, 0, len(ids))
	for _, i := range ids {
		items = append(items, a.item(i))
	}
	if same(a.reader.IDs(), ids) {
		a.reader.Update(items)
		return a.wants()
	}
	focus := -1
	switch {
	case slices.Contains(ids, a.focus):
		focus = a.focus
	case len(ids) == 1:
		focus = id
	}
	a.focus = 0
	a.reader.Open(a.box.Head(ids[0]).Subj, items, focus)
	return term.Batch(a.wants(), a.words(ids))
}

// Messages of a conversation whose first words are read for their line in the reader.
const wordsMost = 60

// words reads the first words of a conversation's messages.
func (a *App) words(ids []int) term.Cmd {
	var want []int
	for _, id := range ids {
		if len(want) < wordsMost && len(ids) > 1 && a.box.Head(id) == nil {
			want = append(want, id)
		}
	}
	return a.read("words", want)
}

func same(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Most of one message that is read; more is a file to save, not a text to read.
const maxMessage = 64 << 20

func (a *App) item(id int) reader.Item {
	h, f := a.box.Head(id), a.box.Flags(id)
	it := reader.Item{ID: id, Unread: !f.Has(index.Seen), Flagged: f.Has(index.Flagged), Load: a.load(id), Keywords: store.AllLabels(a.box.Keywords(id))}
	if h == nil {
		it.Name = look.T("...")
		return it
	}
	it.Name, it.Time, it.Mine, it.Snippet = h.Name, h.When, h.Mine, h.Words
	it.From = h.Name
	if len(h.From) > 0 {
		it.From = full(h.From[0])
	}
	it.To, it.Cc = a.names(h.To), a.names(h.Cc)
	return it
}

// load returns what reads a message, wherever in its folder other programs put it meanwhile.
func (a *App) load(id int) func() ([]byte, error) {
	r, ok := a.box.Row(id)
	return func() ([]byte, error) {
		switch {
		case !ok:
			return nil, maildir.ErrGone
		case r.Size() <= maxMessage:
			return r.Read()
		}
		file, err := r.Open()
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return io.ReadAll(io.LimitReader(file, maxMessage))
	}
}

// full is a sender with the address, however the name reads.
func full(p message.Addr) safe.Text {
	name, warn := who.From(p.Name, p.Addr)
	addr, _ := who.From("", p.Addr)
	if warn || p.Name == "" {
		return name
	}
	return look.Tf("%s <%s>", name.String(), addr.String())
}

// names lists people in short.
func (a *App) names(list []message.Addr) safe.Text {
	s := ""
	for i, p := range list {
		t, _ := who.From(p.Name, p.Addr)
		n := t.String()
		if a.isMe(p.Addr) {
			n = "you"
		}
		if i > 0 {
			s += ", "
		}
		if i == 8 {
			return look.Tf("%s and %d more", s[:len(s)-2], len(list)-i)
		}
		s += n
	}
	return look.T(s)
}

// wants runs what the reader has to have read.
func (a *App) wants() term.Cmd {
	var cmds []term.Cmd
	for _, w := range a.reader.Wants() {
		do := w.Do
		cmds = append(cmds, a.jobs.run("", func(context.Context) term.Msg { return do() }))
	}
	return term.Batch(cmds...)
}

// openCurrent opens the row under the cursor to be read.
func (a *App) openCurrent() term.Cmd {
	if a.box == nil {
		return nil
	}
	id := a.list.Current()
	if id < 0 {
		return nil
	}
	if a.box.Folder.Name() == a.special("Drafts") {
		return a.recallDraft(id)
	}
	cmd := a.readInto(id)
	if a.reader.Empty() {
		return cmd
	}
	a.enter(readerScreen)
	return term.Batch(cmd, a.markSeen())
}

func (a *App) enter(s screen) {
	if a.screen != s {
		a.under = append(a.under, a.screen)
	}
	a.screen = s
	a.keys.Reset()
	a.place()
}

// back returns to the screen below.
func (a *App) back() term.Cmd {
	to := listScreen
	if n := len(a.under); n > 0 {
		to, a.under = a.under[n-1], a.under[:n-1]
	}
	from := a.screen
	a.screen = to
	a.keys.Reset()
	a.place()
	if to == listScreen && from == readerScreen {
		return a.preview()
	}
	return term.Batch(a.wants(), a.markSeen())
}

// nextMessage goes to the next message of the conversation, then to the next conversation.
func (a *App) nextMessage(n int) term.Cmd {
	if a.screen == readerScreen {
		if a.reader.Next(n) {
			return term.Batch(a.wants(), a.markSeen())
		}
		return a.nextRow(n)
	}
	return a.move(n)
}

// nextRow opens another row in the reader.
func (a *App) nextRow(n int) term.Cmd {
	at := a.list.Cursor()
	a.list.Move(n)
	if a.list.Cursor() == at {
		a.say("no more messages")
		return nil
	}
	return term.Batch(a.readInto(a.list.Current()), a.wantRows(), a.markSeen())
}

// readOn turns the page, or goes to the next message at the end of one.
func (a *App) readOn() term.Cmd {
	if a.reader.Scroll(max(1, a.reader.Height()-2)) {
		return a.wants()
	}
	return a.nextRow(1)
}

// nextUnread goes to the next row with an unread message, at the end to the next folder that has one.
func (a *App) nextUnread() term.Cmd {
	if a.box == nil {
		return nil
	}
	n := a.list.Len()
	const most = 20000 // rows looked at
	for k := 1; k <= min(n, most); k++ {
		i := (a.list.Cursor() + k) % n
		if !a.box.UnreadRow(i) {
			continue
		}
		a.list.To(i)
		if a.screen == readerScreen {
			return term.Batch(a.readInto(a.list.Current()), a.wantRows(), a.markSeen())
		}
		return a.moved()
	}
	for _, it := range a.sidebar.Items {
		if it.Unread > 0 && it.Name != a.box.Folder.Name() && it.Name != a.special("Trash") && it.Name != a.special("Junk") {
			a.say("%s has %s", it.Name, look.Plural(it.Unread, "unread message"))
			return a.openFolder(it.Name)
		}
	}
	a.say("nothing unread")
	return nil
}

// markSeen marks what the reader shows in full as read. It is not written to the journal: u takes back what one
// did, not what one saw.
func (a *App) markSeen() term.Cmd {
	if a.screen != readerScreen || a.box == nil {
		return nil
	}
	var ids []int
	for _, id := range a.reader.Seen() {
		if !a.box.Gone(id) && a.box.Unseen(id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return a.flagQuietly(ids, index.Seen, 0)
}

func (a *App) fold(how int) term.Cmd {
	if a.box == nil {
		return nil
	}
	if a.screen == readerScreen {
		a.reader.Flip()
		return term.Batch(a.wants(), a.markSeen())
	}
	id := a.list.Current()
	open := how == 1 || how == 2 && !a.box.Unfolded(id)
	if !a.box.Fold(id, open) {
		a.say("one message, nothing to fold")
		return nil
	}
	a.list.SetSource(a.box.Rows())
	return a.moved()
}

func (a *App) foldAll(open bool) term.Cmd {
	if a.screen == readerScreen {
		a.reader.OpenAll(open)
		return term.Batch(a.wants(), a.markSeen())
	}
	if a.box == nil {
		return nil
	}
	a.box.FoldAll(open)
	a.list.SetSource(a.box.Rows())
	return a.moved()
}

type shown uint8

const (
	showQuotes shown = iota
	showHeaders
	showOther
	showHidden
)

func (a *App) show(what shown) term.Cmd {
	a.reader.Toggle(func(s *reader.Show) {
		switch what {
		case showQuotes:
			s.Quotes = !s.Quotes
		case showHeaders:
			s.Headers = !s.Headers
		case showOther:
			s.Other = !s.Other
		case showHidden:
			s.Hidden = !s.Hidden
		}
	})
	return a.wants()
}

func (a *App) toggleThreads() term.Cmd {
	if a.box == nil {
		return nil
	}
	a.box.SetThreads(!a.box.Threads() || a.box.Sort() != store.ByDate)
	if a.box.Threads() {
		a.box.SetSort(store.ByDate)
		a.say("conversations")
	} else {
		a.say("single messages")
	}
	return a.arrange()
}

// sort sorts by something else, or turns the order round.
func (a *App) sort(by string) term.Cmd {
	if a.box == nil {
		return nil
	}
	if by == "" {
		a.box.SetOldest(!a.box.Oldest())
	} else {
		i := slices.IndexFunc(store.Sorts[:], func(name string) bool { return strings.HasPrefix(name, by) })
		if by == "from" || by == "to" {
			i = int(store.BySender)
		}
		if i < 0 {
			a.say("sort by one of %s", strings.Join(store.Sorts[:], ", "))
			return nil
		}
		a.box.SetSort(store.Sort(i))
		a.box.SetOldest(false)
	}
	switch s := a.box.Sort(); {
	case s != store.ByDate && a.box.Oldest():
		a.say("by %s, the other way round", s.String())
	case s != store.ByDate:
		a.say("single messages by %s", s.String())
	case a.box.Oldest():
		a.say("oldest first")
	default:
		a.say("newest first")
	}
	return a.arrange()
}

func (a *App) selectRow(n int) term.Cmd {
	for range n {
		id := a.list.Current()
		if id < 0 {
			break
		}
		a.list.Select(id, !a.list.Selected(id))
		a.list.Move(1)
	}
	return a.moved()
}

func (a *App) selectRange() term.Cmd {
	if from, to := a.list.Span(); a.box != nil && a.list.Ranging() && to-from > a.few {
		pick := a.box.PickRows(from, to)
		return a.behind(to-from, func() func(*App) term.Cmd {
			rows := pick()
			return func(a *App) term.Cmd {
				a.list.SelectAll(rows)
				a.say("%d selected", a.list.Count())
				return nil
			}
		})
	}
	if a.list.Range() {
		a.say("%d selected", a.list.Count())
	}
	return nil
}

// escape stops a search, drops the selection, then the limit.
func (a *App) escape() term.Cmd {
	switch {
	case a.finding:
		a.jobs.drop("find")
		a.finding = false
		a.say("stopped   what was found so far is shown")
	case a.list.Ranging() || a.list.Count() > 0:
		a.list.Clear()
	case a.box != nil && a.box.Limit().Query != "":
		a.jobs.drop("find")
		a.box.SetLimit(store.Limit{})
		return a.arrange()
	default:
		a.status = status{}
	}
	return nil
}
