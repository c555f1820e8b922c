package index

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"pneu/maildir"
)

// apply brings the index to what r says. Unless it is exact nothing is held to
// be gone, and a name counts only if it is there now.
func (x *Index) apply(ctx context.Context, t *tx, r *reading, exact bool) error {
	u := t.view()
	if x.unknown(u) {
		return x.firstSight(ctx, t, r)
	}
	letters, err := x.learnLetters(t)
	if err != nil {
		return err
	}
	u = t.view()
	known := map[int][]maildir.Entry{}
	claimed := map[UID]bool{}
	var fresh []maildir.Entry
	for _, e := range r.odd {
		row, m := u.Lookup([]byte(e.File), e.New)
		if m == Same {
			claimed[u.UID(row)] = true // others were quicker
			continue
		}
		if !exact && !x.f.IsMail(e) {
			continue
		}
		if m == Renamed {
			known[row] = append(known[row], e)
		} else {
			fresh = append(fresh, e)
		}
	}
	var moves []move
	for row, entries := range known {
		m, more := x.sortOut(u, r, row, entries)
		moves = append(moves, m)
		fresh = append(fresh, more...)
		claimed[m.uid] = true
	}
	again, fresh := x.reborn(u, r, fresh, claimed, exact)
	for _, m := range again {
		claimed[m.uid] = true
	}
	moves = append(moves, again...)
	slices.SortFunc(moves, func(a, b move) int { return cmp.Compare(a.uid, b.uid) })
	var gone []UID
	if exact {
		for _, uid := range r.gone {
			if _, ok := u.Find(uid); ok && !claimed[uid] {
				gone = append(gone, uid)
			}
		}
	}
	messages := x.messages(r, fresh, &letters)
	if err := x.claim(t, messages, exact); err != nil {
		return err
	}
	if err := x.applyMoves(t, moves, &letters); err != nil {
		return err
	}
	if len(gone) > 0 {
		if _, err := t.expunge(gone); err != nil {
			return err
		}
	}
	for _, m := range messages {
		if _, err := t.file(m); err != nil {
			return err
		}
	}
	return nil
}

// unknown reports whether nothing is known of the folder, or nothing any more.
func (x *Index) unknown(v *View) bool {
	st := v.State()
	if st.Dir.Scanned != 0 {
		return false
	}
	_, lost := x.Damage()
	return lost || st.UIDValidity == 0 || st.Total == 0 && st.UIDNext <= 1
}

// A move is a message that is called otherwise than the index has it.
type move struct {
	uid      UID
	old, now maildir.Entry
	same     bool // it is not: there was another message of its base
}

// sortOut decides which of several files with a known message's base it is, and
// gives the others bases of their own (rule 14): they are fresh.
func (x *Index) sortOut(u *View, r *reading, row int, entries []maildir.Entry) (m move, fresh []maildir.Entry) {
	m = move{uid: u.UID(row), old: u.Entry(row)}
	if was, ok := r.v.Find(m.uid); ok && r.marked(was) && x.f.IsMail(m.old) {
		entries = append([]maildir.Entry{m.old}, entries...)
	}
	// Several goroutines and programs must see one order.
	slices.SortStableFunc(entries[1:], func(a, b maildir.Entry) int { return strings.Compare(a.File, b.File) })
	m.now = entries[0]
	for _, e := range entries[1:] {
		left := x.f.Separate([]maildir.Entry{m.now, e})
		r.stirred = true
		switch {
		case len(left) == 1: // one file with two names, or on its way
			m.now = left[0]
		case len(left) == 2 && left[0] == m.now && left[1] != e:
			fresh = append(fresh, left[1])
		case len(left) == 2 && left[0] == e:
			// The known one was the younger and has another base now.
			m.now = left[1]
			fresh = append(fresh, e)
		default:
			x.logOnce("two messages of one name", "file", e.File)
		}
	}
	m.same = m.now == m.old
	return m, fresh
}

// applyMoves notes new names, and what other programs changed of flags in them.
func (x *Index) applyMoves(t *tx, moves []move, letters *keywordLetters) error {
	type key struct {
		set, clear Flags
		add, drop  string
		pending    bool
	}
	groups := map[key][]UID{}
	var order []key
	u := t.view()
	for _, m := range moves {
		if m.same {
			continue
		}
		row, ok := u.Find(m.uid)
		if !ok {
			continue
		}
		was, is := letters.mean(m.old.Flags()), letters.mean(m.now.Flags())
		k := key{set: is.flags &^ was.flags, clear: was.flags &^ is.flags,
			add: without(is.words, was.words), drop: without(was.words, is.words)}
		if k == (key{}) {
			continue
		}
		k.pending = u.Pending(row)
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		}
		groups[k] = append(groups[k], m.uid)
	}
	for _, m := range moves {
		if !m.same {
			if err := t.rename(m.uid, m.now); err != nil {
				return err
			}
		}
	}
	for _, k := range order {
		if _, err := t.flags(groups[k], k.set, k.clear, strings.Fields(k.add), strings.Fields(k.drop), k.pending); err != nil {
			return err
		}
	}
	return nil
}

// without returns the words of a that b has not, as one string.
func without(a, b []string) string {
	var out []string
	for _, w := range a {
		if !slices.Contains(b, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// byArrival sorts entries by the time in their names, then by name.
func byArrival(entries []maildir.Entry) {
	type row struct {
		at int64
		i  int32
	}
	rows := make([]row, len(entries))
	for i, e := range entries {
		rows[i].i = int32(i)
		if at := e.Time(); !at.IsZero() {
			rows[i].at = at.UnixMicro()
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		return strings.Compare(entries[a.i].File, entries[b.i].File)
	})
	// Each goes where the one that is to stand in its place comes from, in place.
	for i := range rows {
		if int(rows[i].i) == i {
			continue
		}
		first := entries[i]
		k := i
		for {
			from := int(rows[k].i)
			rows[k].i = int32(k)
			if from == i {
				entries[k] = first
				break
			}
			entries[k] = entries[from]
			k = from
		}
	}
}

// distinct sorts fresh entries and tells apart those that share a base.
func (x *Index) distinct(r *reading, fresh []maildir.Entry) []maildir.Entry {
	byArrival(fresh)
	out := fresh[:0]
	for i := 0; i < len(fresh); {
		j := i + 1
		for at := fresh[i].Time(); j < len(fresh) && fresh[j].Time().Equal(at); j++ {
		}
		group := fresh[i:j]
		i = j
		if len(group) == 1 || !repeats(group) {
			out = append(out, group...)
			continue
		}
		r.stirred = true
		seen := map[string]bool{}
		for _, e := range x.f.Separate(group) {
			if !seen[e.Base()] {
				seen[e.Base()] = true
				out = append(out, e)
			}
		}
	}
	return out
}

func repeats(group []maildir.Entry) bool {
	seen := make(map[string]bool, len(group))
	for _, e := range group {
		if seen[e.Base()] {
			return true
		}
		seen[e.Base()] = true
	}
	return false
}

// messages makes of fresh entries what the index is to be told of them.
func (x *Index) messages(r *reading, fresh []maildir.Entry, letters *keywordLetters) []Message {
	fresh = x.distinct(r, fresh)
	out := make([]Message, 0, len(fresh))
	now := x.now().Unix()
	for _, e := range fresh {
		if m, ok := x.message(r, e, letters, len(fresh)); ok {
			m.Saved = now
			out = append(out, m)
		}
	}
	return out
}

// message is one of n fresh ones: if they are few, its file is looked at, or read.
func (x *Index) message(r *reading, e maildir.Entry, letters *keywordLetters, n int) (m Message, ok bool) {
	m = fromName(e, letters)
	if n > statLimit {
		return m, true
	}
	st, err := os.Lstat(x.f.File(e))
	if errors.Is(err, fs.ErrNotExist) {
		r.stirred = true // gone again, or renamed: the next Sync knows
		return m, false
	}
	if err == nil && st.Mode().IsRegular() {
		m.Received = st.ModTime().Unix()
		if m.Size < 0 {
			m.Size = st.Size()
		}
	}
	if n <= digestLimit {
		x.describe(&m)
	}
	return m, true
}

// fromName is what a name says of its message.
func fromName(e maildir.Entry, letters *keywordLetters) Message {
	m := Message{Entry: e, Size: -1, WireSize: -1}
	if n, ok := e.Size(); ok {
		m.Size = n
	}
	if n, ok := e.WireSize(); ok {
		m.WireSize = n
	}
	if at := e.Time(); !at.IsZero() {
		m.Received = at.Unix()
	}
	meaning := letters.mean(e.Flags())
	m.Keywords = meaning.words
	m.Extra = meaning.flags &^ FlagsOf(e.Flags())
	return m
}
