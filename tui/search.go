package tui

import (
	"context"
	"errors"
	"slices"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/index"
	"pneu/maildir/message"
	"pneu/maildir/search"
	mstore "pneu/maildir/store"
	"pneu/tui/facets"
	"pneu/tui/list"
	"pneu/tui/look"
	"pneu/tui/searchview"
	"pneu/tui/store"
	"pneu/tui/term"
)

const (
	hitsMost  = 300                    // rows shown
	pause     = 40 * time.Millisecond  // keys within it are one query
	textsMost = 700 * time.Millisecond // for texts that have to be read from files, while one types
	filesMost = time.Minute            // and where there will be no index of them
)

// openSearch shows the search over all folders.
func (a *App) openSearch(arg string) term.Cmd {
	if a.search == nil {
		a.search = searchview.New(a.theme, a.opt.Now)
	}
	a.enter(searchScreen)
	a.indexed = false
	a.status = status{} // u is a letter here
	for _, k := range term.Split([]rune(arg), false) {
		a.search.Key(k)
	}
	return a.searchAll()
}

func (a *App) searchKey(k term.Key) term.Cmd {
	switch k.Name {
	case "ctrl+z":
		return func() term.Msg { return term.Suspend{} }
	case "ctrl+l":
		return a.redraw()
	}
	switch a.search.Key(k) {
	case searchview.Close:
		a.jobs.drop("search all")
		return a.back()
	case searchview.Search:
		return a.searchAll()
	case searchview.None:
		return a.hitLines()
	case searchview.Open:
		hit, _ := a.search.Current()
		return a.openHit(hit)
	}
	return nil
}

// openHit opens the folder of a message found, and in it the message. g/ shows the search again, as it was.
func (a *App) openHit(hit searchview.Hit) term.Cmd {
	if a.box != nil && a.box.Folder.Name() == hit.Folder && a.box.Limit().Query == "" {
		a.screen, a.under = listScreen, nil
		return a.goToHit(hit)
	}
	a.aim = &hit
	return a.openFolder(hit.Folder)
}

func (a *App) goToHit(hit searchview.Hit) term.Cmd {
	id, row := hit.ID, -1
	if n, ok := a.box.View().FindBase(hit.Base); ok { // without an index numbers do not last
		id = int(a.box.View().Index().UID(n))
		row = a.box.Rows().Find(id)
	}
	if row < 0 {
		a.say("the message is gone: another program moved or deleted it")
		return nil
	}
	a.list.To(row)
	a.place()
	a.focus = id
	return term.Batch(a.openCurrent(), a.moved())
}

// searchAll looks for what was typed, in all folders.
func (a *App) searchAll() term.Cmd { return a.searchWithin(a.patience) }

// searchWithin reads texts that are not indexed for so long in each folder.
func (a *App) searchWithin(most time.Duration) term.Cmd {
	typed := a.search.Query()
	q, err := a.parse(typed)
	if err != nil {
		a.search.Set(searchview.Result{Query: typed, Err: err.Error()})
		return nil
	}
	if q.Empty() {
		a.jobs.drop("search all")
		a.search.Set(searchview.Result{Query: typed})
		return nil
	}
	if most == a.patience {
		a.jobs.drop("refine")
	}
	a.search.Busy()
	st, opt := a.opt.Store, store.Options{Me: a.isMe, Now: a.opt.Now}
	return a.jobs.run("search all", func(ctx context.Context) term.Msg {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		r, sets := lookThrough(ctx, st, q, opt, most)
		if ctx.Err() != nil {
			return nil
		}
		r.Query, r.Canonical, r.Texts = typed, q.String(), q.AsksText()
		return func(a *App) term.Cmd {
			a.search.Set(r)
			cmd := term.Batch(a.refine(typed, sets), a.hitLines())
			switch {
			case !r.Partly:
			case !a.indexed:
				cmd = term.Batch(cmd, a.indexAll())
			case most < filesMost && typed == a.search.Query() && a.screen == searchScreen: // there is no index of them to wait for; what was found so far is on the screen
				cmd = term.Batch(cmd, a.searchWithin(filesMost))
			}
			return cmd
		}
	})
}

// sayIndexed says how far that is, each second.
func (a *App) sayIndexed() {
	if n := a.indexNow.Load(); a.indexing && a.screen == searchScreen && n > 0 {
		a.search.SetIndexed(int(n))
		a.dirty = true
	}
}

// indexAll indexes the texts of all folders, once a search found that they are not, and searches again.
func (a *App) indexAll() term.Cmd {
	if a.indexing || a.indexed {
		return nil
	}
	a.indexing = true
	st, now := a.opt.Store, &a.indexNow
	now.Store(0)
	return a.jobs.long("texts of all", func(ctx context.Context) term.Msg {
		folders, _ := st.Folders() // those that cannot be read are not searched either
		for _, f := range folders {
			if b, err := st.BoxOf(f.Folder); err == nil {
				before := now.Load()
				_ = b.EnsureText(ctx, func(done, _ int) { now.Store(before + int64(done)) }) // without it texts are read from files
				b.Close()
			}
		}
		return func(a *App) term.Cmd {
			a.indexing, a.indexed = false, true
			if a.screen != searchScreen {
				return nil
			}
			return a.searchAll()
		}
	})
}

const (
	linesAtOnce = 8                     // hits that are read before what they say is shown
	linesMost   = 60 * time.Millisecond // after which no more are
)

// hitLines reads why the hits on the screen were found: a few at a time, those that are on the screen then.
func (a *App) hitLines() term.Cmd {
	if a.search == nil || a.screen != searchScreen || a.looking {
		return nil
	}
	hits, typed := a.search.Wants(linesAtOnce), a.search.Query()
	if len(hits) == 0 {
		return nil
	}
	q, err := a.parse(typed)
	if err != nil {
		return nil
	}
	a.looking = true
	st := a.opt.Store
	return a.jobs.run("", func(ctx context.Context) term.Msg {
		began := time.Now()
		for i := range hits {
			if i > 0 && time.Since(began) > linesMost {
				hits = hits[:i]
				break
			}
			hits[i].Line = lineOf(ctx, st, q, hits[i])
		}
		return func(a *App) term.Cmd {
			a.looking = false
			a.search.SetLines(typed, hits)
			return a.hitLines()
		}
	})
}

// lineOf reads the line of a message's text that a query finds; it is empty if there is none, or no message any more.
func lineOf(ctx context.Context, st *mstore.Store, q search.Query, hit searchview.Hit) []list.Piece {
	line := []list.Piece{}
	f, err := st.Tree().Folder(hit.Folder)
	if err != nil {
		return line
	}
	b, err := st.BoxOf(f)
	if err != nil {
		return line
	}
	defer b.Close()
	v := b.View()
	row, ok := v.FindBase(hit.Base)
	if !ok {
		if v, err = b.Sync(ctx); err != nil {
			return line
		}
		if row, ok = v.FindBase(hit.Base); !ok {
			return line
		}
	}
	if v.Row(row).Size() > maxMessage {
		return line
	}
	raw, err := v.Row(row).Read()
	if err != nil {
		return line
	}
	e, ok := q.Excerpt(digest.Text(message.Parse(raw)))
	if !ok {
		return line
	}
	at := 0
	add := func(to int, mark bool) {
		if s := look.T(e.Line[at:to]); s.String() != "" {
			line = append(line, list.Piece{Text: s, Mark: mark})
		}
		at = to
	}
	for _, m := range e.Marks {
		add(m[0], false)
		add(m[1], true)
	}
	add(len(e.Line), false)
	return line
}

// refine counts what would narrow a search: behind its hits, which are on the screen already.
func (a *App) refine(typed string, sets []facets.Set) term.Cmd {
	zone := a.opt.Now().Location()
	return a.jobs.run("refine", func(ctx context.Context) term.Msg {
		groups := facets.Of(ctx, sets, zone)
		if ctx.Err() != nil {
			return nil
		}
		return func(a *App) term.Cmd {
			a.search.SetFacets(typed, groups)
			return nil
		}
	})
}

// lookThrough looks for q in all folders. Texts that are not indexed are read for a moment only.
func lookThrough(ctx context.Context, st *mstore.Store, q search.Query, opt store.Options, most time.Duration) (r searchview.Result, sets []facets.Set) {
	began := time.Now()
	folders, err := st.Folders()
	if err == nil {
		q, err = st.Resolve(ctx, q)
	}
	if err != nil {
		r.Err = err.Error()
		return r, nil
	}
	var rows []mstore.Row
	indexed, texts := 0, 0
	for _, f := range folders {
		b, err := st.BoxOf(f.Folder)
		if err != nil {
			continue
		}
		found, set, cover, err := lookIn(ctx, b, q, most)
		b.Close()
		if err != nil && !errors.Is(err, maildir.ErrNoFolder) && ctx.Err() == nil {
			continue // the list of folders says what is wrong with it
		}
		rows = append(rows, found...)
		r.Total += b.View().Len()
		indexed, texts = indexed+cover.Indexed, texts+cover.Total
		if set != nil && set.Rows.Any() {
			r.Found += set.Rows.Count()
			sets = append(sets, *set)
		}
	}
	if r.Partly = indexed < texts; r.Partly {
		r.Indexed = indexed * 100 / texts
	}
	slices.SortStableFunc(rows, func(a, b mstore.Row) int { return dated(b).Compare(dated(a)) })
	for _, row := range rows[:min(len(rows), hitsMost)] {
		r.Hits = append(r.Hits, searchview.Hit{Folder: row.Folder(), ID: int(row.UID()), Base: row.Base(), Row: rowOf(row, opt, q.AsksText())})
	}
	r.Took = time.Since(began)
	return r, sets
}

func dated(r mstore.Row) time.Time { return time.Unix(r.View().Index().Sent(r.N()), 0) }

// lookIn returns the newest messages that q finds in a folder, and all of them as a set.
func lookIn(ctx context.Context, b *mstore.Box, q search.Query, most time.Duration) (rows []mstore.Row, set *facets.Set, cover mstore.Coverage, err error) {
	v, err := b.Sync(ctx)
	if err != nil {
		return nil, nil, cover, err
	}
	set = &facets.Set{View: v, Rows: search.NewBits(v.Len())}
	if cover = coverage(v, q); q.NeedsBody() || !cover.Complete() {
		if !cover.Complete() {
			short, stop := context.WithTimeout(ctx, most)
			defer stop()
			err = v.Each(short, q, search.NewestArrived, hitsMost, func(r mstore.Row) bool {
				rows = append(rows, r)
				set.Rows.Set(r.N())
				return true
			})
			switch {
			case short.Err() != nil:
				err = ctx.Err()
			case len(rows) < hitsMost: // all were read
				cover = mstore.Coverage{}
			}
			return rows, set, cover, err
		}
	}
	if set.Rows, err = v.Query(ctx, q); err != nil {
		return nil, nil, cover, err
	}
	order, err := v.Select(ctx, set.Rows, mstore.By{Key: mstore.Date, Reverse: true})
	return v.Rows(order[:min(len(order), hitsMost)]), set, cover, err
}

// rowOf is a message as a row of hits. Where there are lines below rows, its folder stands there.
func rowOf(r mstore.Row, opt store.Options, below bool) list.Row {
	f, h := r.View().Index().Flags(r.N()), store.ReadHead(r, opt)
	snippet := h.Words
	if !below {
		snippet = look.Tf("%s  %s", r.Folder(), h.Words.String())
	}
	return list.Row{
		Time: h.When, People: h.Name, Subject: h.Subj, Where: look.T(r.Folder()), Snippet: snippet,
		Unread: !f.Has(index.Seen), Flagged: f.Has(index.Flagged), Replied: f.Has(index.Replied), Forward: f.Has(index.Passed),
		Draft: f.Has(index.Draft), Trashed: f.Has(index.Trashed), Attach: h.HasAttachment, List: h.List != "", Danger: h.Danger, Mine: h.Mine,
		Labels: store.Labels(r.Keywords()),
	}
}
