package main

import (
	"slices"

	"pneu/maildir"
	"pneu/maildir/store"
)

// known is what a watch knows of a folder: what its index had at first, of which nothing is
// copied, and what has changed since; all of it where there is no index.
type known struct {
	v       *store.View // nil: none
	arrived []uint32    // the seconds in which those of v arrived, ascending
	more    map[string]maildir.Entry
	gone    map[string]bool // those of v that are no more, or in more
	counts  map[int64]int   // of arrivals, what there is to add to arrived
}

// knownOf returns what is known by an index, or by a list.
func knownOf(v *store.View, list []maildir.Entry) *known {
	k := &known{v: v, more: make(map[string]maildir.Entry, len(list)), gone: map[string]bool{}, counts: map[int64]int{}}
	for _, e := range list {
		k.keep(e)
	}
	if v != nil {
		k.arrived = make([]uint32, 0, v.Len())
		v.Index().Files(0, v.Len(), func(_ int, file []byte, isNew bool) bool {
			k.arrived = append(k.arrived, uint32(maildir.Entry{File: string(file)}.Time().Unix()))
			return true
		})
		slices.Sort(k.arrived)
	}
	return k
}

// get returns the message with that base.
func (k *known) get(base string) (maildir.Entry, bool) {
	if k == nil {
		return maildir.Entry{}, false
	}
	if e, ok := k.more[base]; ok || k.v == nil || k.gone[base] {
		return e, ok
	}
	row, ok := k.v.FindBase(base)
	if !ok {
		return maildir.Entry{}, false
	}
	return k.v.Index().Entry(row), true
}

// all calls fn for every message.
func (k *known) all(fn func(e maildir.Entry)) {
	if k == nil {
		return
	}
	if k.v != nil {
		k.v.Index().Files(0, k.v.Len(), func(_ int, file []byte, isNew bool) bool {
			e := maildir.Entry{File: string(file), New: isNew}
			if !k.gone[e.Base()] {
				fn(e)
			}
			return true
		})
	}
	for _, e := range k.more {
		fn(e)
	}
}

// keep notes that a message is there, and drop that it is not.
func (k *known) keep(e maildir.Entry) {
	if _, ok := k.get(e.Base()); !ok {
		k.counts[e.Time().Unix()]++
	}
	k.more[e.Base()] = e
	k.forsake(e.Base())
}

func (k *known) drop(e maildir.Entry) {
	if _, ok := k.get(e.Base()); ok {
		at := e.Time().Unix()
		if k.counts[at]--; k.counts[at] == 0 {
			delete(k.counts, at)
		}
	}
	delete(k.more, e.Base())
	k.forsake(e.Base())
}

// forsake has the index no longer asked for a message.
func (k *known) forsake(base string) {
	if k.v != nil && !k.gone[base] {
		if _, ok := k.v.FindBase(base); ok {
			k.gone[base] = true
		}
	}
}

// at returns how many messages have arrived in a second.
func (k *known) at(second int64) int {
	n := k.counts[second]
	i, _ := slices.BinarySearch(k.arrived, uint32(second))
	for ; i < len(k.arrived) && k.arrived[i] == uint32(second); i++ {
		n++
	}
	return n
}
