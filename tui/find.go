package tui

import (
	"context"
	"fmt"
	"sync"
	"time"

	"pneu/maildir/search"
	mstore "pneu/maildir/store"
	"pneu/tui/look"
	"pneu/tui/store"
	"pneu/tui/term"
)

// found is what a search over the folder has found so far.
type found struct {
	box   int64
	kind  findKind
	query string
	hits  store.Limit // without a Set: everything
	cover mstore.Coverage
	texts bool // the query asks for texts
	err   error
	more  term.Cmd // finds the rest
}

type findKind uint8

const (
	findLimit findKind = iota
	findNext
	findSelect
	findOn // the limit goes on over what came since
)

// parse makes a query of what was typed.
func (a *App) parse(q string) (search.Query, error) {
	me := make([]string, len(a.opt.Me))
	for i, m := range a.opt.Me {
		me[i] = m.Addr
	}
	return search.ParseWith(q, search.Options{Now: a.opt.Now(), Me: me})
}

const (
	// readAtOnce is how many messages without an index may be read while one waits.
	readAtOnce = 200
	// typingMost is how long a limit that is being typed may read files.
	typingMost = 300 * time.Millisecond
)

// coverage says what part of the folder a query finds in the index.
func coverage(v *mstore.View, q search.Query) mstore.Coverage {
	if q.NeedsBody() {
		return v.TextCoverage()
	}
	st := v.State()
	if st.Undigested <= readAtOnce {
		return mstore.Coverage{Indexed: st.Total, Total: st.Total}
	}
	return mstore.Coverage{Indexed: st.Total - st.Undigested, Total: st.Total}
}

// findEvery is how often a search that takes long shows what it has.
const findEvery = 150 * time.Millisecond

// find looks through the folder.
func (a *App) find(q string, kind findKind) term.Cmd {
	if a.box == nil {
		return nil
	}
	query, err := a.parse(q)
	if err != nil {
		return func() term.Msg { return found{kind: kind, query: q, err: err} }
	}
	view := a.box.View()
	f := found{box: a.box.Serial, kind: kind, query: q, hits: store.Limit{Query: q, View: view}, texts: query.NeedsBody()}
	typing := a.over != nil
	run := a.jobs.run("find", func(ctx context.Context) term.Msg {
		if query.Empty() {
			f.hits = store.Limit{}
			return f
		}
		switch f.cover = coverage(view, query); {
		case typing && !f.cover.Complete():
			if f.texts {
				return nil // when it is complete
			}
			var stop context.CancelFunc
			ctx, stop = context.WithTimeout(ctx, typingMost)
			defer stop()
		case f.texts, !f.cover.Complete():
			return f.stream(ctx, query)
		}
		if f.hits.Set, f.err = view.Query(ctx, query); ctx.Err() != nil {
			return nil
		}
		return f
	})
	if typing {
		return run // while a limit is typed, keys belong to it
	}
	return a.wait(run)
}

// stream looks through texts, newest first, and shows what it has now and then: texts that are not indexed are in
// files, which takes its time.
func (f found) stream(ctx context.Context, q search.Query) term.Msg {
	set := search.NewBits(f.hits.View.Len())
	var mu sync.Mutex
	end := make(chan error, 1)
	go func() {
		end <- f.hits.View.Each(ctx, q, search.NewestArrived, 0, func(r mstore.Row) bool {
			mu.Lock()
			set.Set(r.N())
			mu.Unlock()
			return true
		})
	}()
	shown := -1 // so that it is said at once that this takes longer
	var next term.Cmd
	next = func() term.Msg {
		for {
			r := f
			done := false
			select {
			case r.err = <-end:
				done = true
			case <-time.After(findEvery):
			}
			if ctx.Err() != nil {
				return nil
			}
			mu.Lock()
			r.hits.Set = set.Clone()
			mu.Unlock()
			switch n := r.hits.Set.Count(); {
			case done:
				return r
			case n > shown:
				shown = n
				r.more = next
				return r
			}
		}
	}
	return next()
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
		if _, err := a.parse(s); err != nil {
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
		a.hits = store.Limit{}
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
	cmd := f.more
	if f.kind != findOn {
		a.finding = f.more != nil
	}
	n := 0
	if f.hits.Set != nil {
		n = f.hits.Set.Count()
	}
	if f.more == nil && f.texts && !f.cover.Complete() {
		cmd = a.indexTexts() // next time it is quick
	}
	switch f.kind {
	case findOn:
		if a.box.Limit().Query != f.query {
			return nil
		}
		a.box.SetLimit(f.hits)
		return term.Batch(cmd, a.arrange())
	case findLimit:
		if f.hits.Set != nil && a.over == nil {
			a.sayFound(f, n)
		}
		if n == 0 && f.more != nil {
			return cmd // nothing yet is no reason to show nothing
		}
		a.box.SetLimit(f.hits)
		if a.screen == readerScreen && a.over == nil {
			return term.Batch(cmd, a.back(), a.arrange())
		}
		return term.Batch(cmd, a.arrange())
	case findSelect:
		if f.more != nil { // what is typed next is meant for all that is found
			a.sayFound(f, n)
			return a.wait(f.more)
		}
		pick := a.box.PickFound(f.hits)
		return term.Batch(cmd, a.behind(n, func() func(*App) term.Cmd {
			rows, n := pick()
			return func(a *App) term.Cmd {
				a.selectAll(rows, n)
				return nil
			}
		}))
	case findNext:
		first := a.hits.Query != f.query || a.hits.Set == nil || a.hits.Set.Count() == 0
		a.hits = f.hits
		switch {
		case n == 0 && f.more == nil:
			a.say("nothing here matches %s", f.query)
		case n > 0 && first:
			return term.Batch(cmd, a.findNext(1))
		case n == 0: // the cursor is not where it will be
			a.sayFound(f, n)
			return a.wait(f.more)
		default:
			a.sayFound(f, n)
		}
	}
	return cmd
}

// selectAll selects rows that show n messages found.
func (a *App) selectAll(rows map[int]bool, n int) {
	a.list.SelectAll(rows)
	if rows := a.list.Count(); a.box.Threads() && a.box.Sort() == store.ByDate && rows < n {
		a.say("%s in %s selected", look.Plural(n, "match"), look.Plural(rows, "conversation"))
	} else {
		a.say("%s selected", look.Plural(n, "message"))
	}
}

// sayFound says how much was found, and of what part.
func (a *App) sayFound(f found, n int) {
	s := look.Plural(n, "match")
	if f.kind == findNext {
		s += " for " + f.query
	}
	switch {
	case f.more != nil && n == 0:
		s = "searching"
		fallthrough
	case f.more != nil:
		s += fmt.Sprintf(" ... %d %% indexed, the rest is read   esc stops", f.cover.Indexed*100/max(1, f.cover.Total))
	case f.kind == findNext:
		s += "   n next"
	}
	a.say("%s", s)
}

// limitOn brings the limit over what came since it was set; what was under it stays.
func (a *App) limitOn(t store.Took) term.Cmd {
	l := a.box.Limit()
	if !t.Rows || l.Query == "" {
		return nil
	}
	query, err := a.parse(l.Query)
	if err != nil {
		return nil
	}
	view := a.box.View()
	f := found{box: a.box.Serial, kind: findOn, query: l.Query, hits: store.Limit{Query: l.Query, View: view}}
	return a.jobs.run("limit", func(ctx context.Context) term.Msg {
		set, err := view.Query(ctx, query)
		if err != nil {
			return nil
		}
		f.hits.Set = set
		l.Carry(f.hits)
		return f
	})
}

// findNext goes to the next row with a match, around the end.
func (a *App) findNext(dir int) term.Cmd {
	switch {
	case a.query == "":
		return a.nextUnread()
	case a.hits.Set == nil || a.hits.Set.Count() == 0:
		a.say("nothing here matches %s", a.query)
		return nil
	}
	row := a.box.NextIn(a.hits, a.list.Cursor(), dir)
	if row < 0 {
		a.say("nothing here matches %s", a.query)
		return nil
	}
	a.list.To(row)
	a.say("%s for %s   n next", look.Plural(a.hits.Set.Count(), "match"), a.query)
	if a.screen == readerScreen {
		return term.Batch(a.readInto(a.list.Current()), a.markSeen())
	}
	return a.moved()
}
