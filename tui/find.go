package tui

import (
	"context"
	"io"
	"os"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/message"
	"pneu/maildir/search"
	"pneu/tui/look"
	"pneu/tui/store"
	"pneu/tui/term"
)

// doc is a message as a query sees it. The file is read only when a term asks for what the list does not know.
type doc struct {
	sum    *message.Summary
	folder *maildir.Folder
	entry  maildir.Entry
	msg    *message.Message
	text   string
	texted bool
}

// Most of a message that a search looks at.
const maxSearched = 4 << 20

func (d *doc) parsed() *message.Message {
	if d.msg == nil {
		var raw []byte
		if f, _, err := d.folder.Open(d.entry); err == nil {
			raw, _ = io.ReadAll(io.LimitReader(f, maxSearched))
			f.Close()
		}
		d.msg = message.Parse(raw)
	}
	return d.msg
}

func (d *doc) Summary() *message.Summary { return d.sum }
func (d *doc) Header() message.Header    { return d.parsed().Header(0) }
func (d *doc) Flags() maildir.Flags      { return d.entry.Flags() }
func (d *doc) Unread() bool              { return d.entry.Unread() }
func (d *doc) Folder() string            { return d.folder.Name() }
func (d *doc) Received() time.Time       { return d.entry.Time() }

// New reports whether the message lies in new/.
func (d *doc) New() bool { return d.entry.New }

// Message is the parsed file, which a search for types, files and links reads.
func (d *doc) Message() *message.Message { return d.parsed() }

// Class is what the list shows of the message, so that no file is read for it.
func (d *doc) Class() (is, known digest.Class) {
	if d.sum.HasAttachment {
		is |= digest.Attachment
	}
	if d.sum.List != "" {
		is |= digest.List
	}
	return is, digest.Attachment | digest.List
}

func (d *doc) Size() int64 {
	if n, ok := d.entry.Size(); ok {
		return n
	}
	if fi, err := os.Stat(d.folder.File(d.entry)); err == nil {
		return fi.Size()
	}
	return 0
}

func (d *doc) Text() string {
	if d.texted {
		return d.text
	}
	d.texted = true
	d.text = digest.Text(d.parsed())
	return d.text
}

// found is the result of a search over the folder.
type found struct {
	box   int64
	kind  findKind
	query string
	ids   map[int]bool
	err   error
}

type findKind uint8

const (
	findLimit findKind = iota
	findNext
	findSelect
)

// find looks through the folder.
func (a *App) find(q string, kind findKind) term.Cmd {
	if a.box == nil {
		return nil
	}
	me := make([]string, len(a.opt.Me))
	for i, m := range a.opt.Me {
		me[i] = m.Addr
	}
	query, err := search.ParseWith(q, search.Options{Now: a.opt.Now(), Me: me})
	if err != nil {
		return func() term.Msg { return found{kind: kind, query: q, err: err} }
	}
	serial, all := a.box.Serial, query.Empty()
	contents := a.box.Contents()
	run := a.jobs.run("find", func(ctx context.Context) term.Msg {
		f := found{box: serial, kind: kind, query: q, ids: map[int]bool{}}
		if all {
			f.ids = nil
			return f
		}
		for id, e := range contents.Entries {
			if ctx.Err() != nil {
				return nil
			}
			if contents.Gone[id] {
				continue
			}
			d := &doc{folder: contents.Folder, entry: e}
			if h := contents.Heads[id]; h != nil {
				d.sum = &h.Summary
			} else {
				d.sum = d.readSummary()
			}
			if query.Match(d) {
				f.ids[id] = true
			}
		}
		return f
	})
	if a.over != nil {
		return run // while a limit is typed, keys belong to it
	}
	return a.wait(run)
}

func (d *doc) readSummary() *message.Summary {
	f, _, err := d.folder.Open(d.entry)
	if err != nil {
		return &message.Summary{}
	}
	defer f.Close()
	s, _ := message.ReadSummary(f)
	return &s
}

// limitPrompt narrows the list while one types.
func (a *App) limitPrompt(arg string) term.Cmd {
	if a.box == nil {
		return nil
	}
	if arg != "" {
		return a.find(arg, findLimit)
	}
	before := a.box.Limit()
	p := &prompt{label: "limit:", hint: look.T("from:ada is:unread date:7d.."), past: &a.queries}
	p.field.Set(before.Query)
	p.change = func(s string) term.Cmd {
		q, err := search.Parse(s)
		if err != nil || q.NeedsBody() {
			return nil // when it is complete
		}
		return a.find(s, findLimit)
	}
	p.done = func(s string) term.Cmd { return a.find(s, findLimit) }
	p.cancel = func() term.Cmd {
		a.jobs.drop("find")
		a.box.SetLimit(before)
		return a.arrange()
	}
	a.over = p
	return nil
}

func (a *App) searchPrompt(arg string) term.Cmd {
	if a.box == nil {
		return nil
	}
	go_ := func(s string) term.Cmd {
		if s == "" {
			return nil
		}
		a.query = s
		a.hits = nil
		return a.find(s, findNext)
	}
	if arg != "" {
		return go_(arg)
	}
	a.over = &prompt{label: "search:", hint: look.T("n next · words, from:ada, body:word"), past: &a.queries, done: go_}
	return nil
}

func (a *App) selectMatching(arg string) term.Cmd {
	if arg != "" {
		return a.find(arg, findSelect)
	}
	a.over = &prompt{label: "select:", past: &a.queries, done: func(s string) term.Cmd {
		if s == "" {
			return nil
		}
		return a.find(s, findSelect)
	}}
	return nil
}

func (a *App) found(f found) term.Cmd {
	if f.err != nil {
		if _, typing := a.over.(*prompt); !typing {
			a.fail(f.err)
		}
		return nil
	}
	if a.box == nil || f.box != a.box.Serial {
		return nil
	}
	switch f.kind {
	case findLimit:
		l := store.Limit{Query: f.query, IDs: f.ids}
		if f.ids == nil {
			l = store.Limit{}
		} else if a.over == nil {
			a.say("%s", look.Plural(len(f.ids), "match"))
		}
		a.box.SetLimit(l)
		if a.screen == readerScreen && a.over == nil {
			return term.Batch(a.back(), a.arrange())
		}
		return a.arrange()
	case findSelect:
		n := 0
		rows := a.box.Rows()
		for id := range f.ids {
			if i := rows.Find(id); i >= 0 {
				a.list.Select(rows.ID(i), true)
				n++
			}
		}
		a.say("%s selected", look.Plural(n, "message"))
	case findNext:
		a.hits = f.ids
		if len(f.ids) == 0 {
			a.say("nothing here matches %s", f.query)
			return nil
		}
		return a.findNext(1)
	}
	return nil
}

// findNext goes to the next row with a match, around the end.
func (a *App) findNext(dir int) term.Cmd {
	switch {
	case a.query == "":
		return a.nextUnread()
	case len(a.hits) == 0:
		a.say("nothing here matches %s", a.query)
		return nil
	}
	rows, n, at := a.box.Rows(), a.list.Len(), a.list.Cursor()
	best, first := -1, -1
	for id := range a.hits {
		i := rows.Find(id)
		if i < 0 || a.box.Gone(id) {
			continue
		}
		d := (i - at) * dir
		if d <= 0 {
			d += n
		}
		if best < 0 || d < best {
			best, first = d, i
		}
	}
	if first < 0 {
		a.say("nothing here matches %s", a.query)
		return nil
	}
	a.list.To(first)
	a.say("%s for %s   n next", look.Plural(len(a.hits), "match"), a.query)
	if a.screen == readerScreen {
		return term.Batch(a.readInto(a.list.Current()), a.markSeen())
	}
	return a.moved()
}
