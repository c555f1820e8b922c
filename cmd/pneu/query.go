package main

import (
	"errors"
	"runtime/debug"
	"slices"
	"sync"

	"pneu/maildir"
	"pneu/maildir/search"
	"pneu/maildir/store"
)

// hits are the rows of a folder that the query of this run matches, once it was asked.
type hits struct {
	asked int // messages
	rows  *search.Bits
}

// matches reports whether a query matches a message. Asked often of one folder, it asks the
// index for all of it at once, unless that would read files nobody wanted read.
func (t *tool) matches(q search.Query, r *ref) bool {
	if r.v == nil || r.b == nil || r.b.v != r.v {
		return q.Match(r.msg())
	}
	h := &r.b.hits
	if h.rows == nil && h.asked >= 0 {
		if h.asked++; h.asked >= fewMessages {
			h.asked = -1
			if t.cheap(q, r.v) {
				h.rows, _ = r.v.Query(t.context(), q)
			}
		}
	}
	if h.rows != nil {
		return h.rows.Has(int(r.n))
	}
	return q.Match(r.msg())
}

// cheap reports whether the index answers a query, to all but a few of the files.
func (t *tool) cheap(q search.Query, v *store.View) bool {
	if v.State().Undigested > v.Len()/16 {
		return false
	}
	if !q.NeedsBody() {
		return true
	}
	c := v.TextCoverage()
	return c.Total-c.Indexed < c.Total/16
}

// matching returns the messages in some folders that a query matches, by folder and arrival.
func (t *tool) matching(q search.Query, folders []*maildir.Folder) ([]ref, error) {
	var all []ref
	for part := range slices.Chunk(folders, foldersAtOnce) {
		list, err := t.matchingIn(q, part)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// foldersAtOnce are searched together: fewer than may be open.
const foldersAtOnce = 16

func (t *tool) matchingIn(q search.Query, folders []*maildir.Folder) ([]ref, error) {
	var boxes []*box
	var all []ref
	for _, f := range folders {
		b := t.boxOf(f)
		if t.look(b, true) == nil {
			list, err := t.foundInFiles(q, f)
			if err != nil {
				t.failFolder(f, err)
			}
			all = append(all, list...)
			continue
		}
		if q.NeedsBody() {
			t.readTexts(b) // what is read for this is read for both
		}
		t.readAll(b)
		boxes = append(boxes, b)
	}
	sets, errs := make([]*search.Bits, len(boxes)), make([]error, len(boxes))
	var wg sync.WaitGroup
	gate := make(chan struct{}, 4)
	for i, b := range boxes {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			sets[i], errs[i] = b.v.Query(t.context(), q)
		})
	}
	wg.Wait()
	for i, b := range boxes {
		if errs[i] != nil {
			return nil, errs[i]
		}
		n := sets[i].Count()
		if n == b.v.Len() {
			all = append(all, t.rows(b, nil)...)
			continue
		}
		rows := make([]int32, 0, n)
		for row := range sets[i].Rows() {
			rows = append(rows, int32(row))
		}
		all = append(all, t.rows(b, rows)...)
	}
	return all, nil
}

// foundInFiles is matching for a folder that no index can be had of.
func (t *tool) foundInFiles(q search.Query, f *maildir.Folder) ([]ref, error) {
	entries, err := f.List()
	var all []ref
	for _, e := range entries {
		m := &msg{path: f.File(e), f: f, e: e}
		match := q.Match(m)
		if m.err != nil && !errors.Is(m.err, maildir.ErrGone) {
			t.fail(m.path, m.err)
			continue
		}
		if match {
			m.Summary()
			m.forget()
			all = append(all, t.refOf(m))
		}
	}
	return all, err
}

// indexingGC is how much garbage is let be while texts are indexed: what is kept
// meanwhile is large and quickly looked through.
const indexingGC = 50

// manyTexts is how many files a search reads without having them indexed for the next one.
const manyTexts = 1000

// readTexts has the index of texts brought up to date if a search would read many files, and
// tells of it where that takes long.
func (t *tool) readTexts(b *box) {
	if b.texts || !b.v.State().Sticky {
		return
	}
	b.texts = true
	if c := b.v.TextCoverage(); c.Total-c.Indexed < manyTexts {
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(indexingGC))
	p := t.progress("indexing the texts of " + b.f.Name())
	err := b.b.EnsureText(t.context(), p.show)
	p.end()
	if err != nil && t.context().Err() == nil {
		t.note("index of texts of %s: %v", b.f.Name(), err)
	}
	b.at = -1
	t.look(b, true)
}
