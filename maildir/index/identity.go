package index

import (
	"hash/maphash"

	"pneu/maildir"
)

// mbsync and offlineimap put fields of their own into the base of every message
// they meet for the first time, and leave them out again when they lose their
// state. The base is the identity (rule 4), so it must be told from what merely
// decorates it, or clients would have to fetch the whole folder once more.

// reborn finds among names that are not known those of messages whose own name has
// gone, and which they equal but for such fields. Those are moves; the rest is fresh.
// Names that could be of two messages, or messages that could have two names, are
// nobody's: a UID that shows something else is worse than a new one.
func (x *Index) reborn(u *View, r *reading, fresh []maildir.Entry, claimed map[UID]bool, exact bool) ([]move, []maildir.Entry) {
	if len(fresh) == 0 || len(r.gone) == 0 {
		return nil, fresh
	}
	seed := maphash.MakeSeed()
	named := make(map[uint64]int, len(fresh)) // by hash of what stays; negative: several
	for i, e := range fresh {
		if s := maildir.Unique(e.Base()); s != "" {
			h := maphash.String(seed, s)
			if _, twice := named[h]; twice {
				i = -1
			}
			named[h] = i
		}
	}
	taken := map[int]UID{} // 0: by several
	for _, uid := range r.gone {
		row, ok := u.Find(uid)
		if !ok || claimed[uid] {
			continue
		}
		s := maildir.Unique(u.Base(row))
		i, ok := named[maphash.String(seed, s)]
		if !ok || i < 0 || maildir.Unique(fresh[i].Base()) != s || !exact && x.f.IsMail(u.Entry(row)) {
			continue
		}
		if _, twice := taken[i]; twice {
			uid = 0
		}
		taken[i] = uid
	}
	moves := make([]move, 0, len(taken))
	rest := make([]maildir.Entry, 0, len(fresh)-len(taken))
	for i, e := range fresh {
		if uid := taken[i]; uid != 0 {
			row, _ := u.Find(uid)
			moves = append(moves, move{uid: uid, old: u.Entry(row), now: e})
		} else {
			rest = append(rest, e)
		}
	}
	return moves, rest
}
