// Package facets counts what messages have in common: what would narrow a search, and to how many.
//
// All of it comes from the columns of indexes and the text of headers kept beside them; no message is read. A million
// messages take about a tenth of a second, so that it belongs behind the screen, not into drawing it.
package facets

import (
	"bytes"
	"cmp"
	"context"
	"hash/maphash"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"pneu/maildir/digest"
	"pneu/maildir/index"
	"pneu/maildir/search"
	"pneu/maildir/store"
)

// A Set is messages of one folder.
type Set struct {
	View *store.View
	Rows *search.Bits
}

// A Term narrows a search.
type Term struct {
	Label string // to be cleaned before a terminal sees it
	Query string
	N     int // messages it would leave
}

// A Group is terms of one kind, those that leave most first; times are in order, the latest first.
type Group struct {
	Name  string
	Terms []Term
}

// most is how many terms a group has.
const most = 12

// kinds are what has: and is: ask for.
var (
	kinds = []struct {
		name  string
		class digest.Class
	}{
		{"attachment", digest.Attachment}, {"patch", digest.Patch}, {"invite", digest.Calendar}, {"list", digest.List},
		{"signed", digest.Signed}, {"encrypted", digest.Encrypted}, {"danger", digest.Danger},
	}
	states = []struct {
		name  string
		flag  index.Flags
		unset bool
	}{
		{"unread", index.Seen, true}, {"flagged", index.Flagged, false}, {"replied", index.Replied, false},
		{"forwarded", index.Passed, false}, {"draft", index.Draft, false},
	}
)

// Of counts. A term that all messages fall under narrows nothing and is left out. It is nil if ctx ends before.
func Of(ctx context.Context, sets []Set, zone *time.Location) []Group {
	total := 0
	for _, s := range sets {
		total += s.Rows.Count()
	}
	folders, from, words := map[string]int{}, map[string]int{}, map[string]int{}
	class, flags := make([]int, len(kinds)), make([]int, len(states))
	when := newTimes(zone)
	for _, s := range sets {
		ix := s.View.Index()
		folders[s.View.Folder().Name()] += s.Rows.Count()
		bySet := make([]int, ix.KeywordSets())
		n := 0
		for row := range s.Rows.Rows() {
			if n++; n%4096 == 0 && ctx.Err() != nil {
				return nil
			}
			c, f := digest.Class(ix.Class(row)), ix.Flags(row)
			if c != 0 {
				for i := range kinds {
					if c&kinds[i].class != 0 {
						class[i]++
					}
				}
			}
			for i := range states {
				if f.Has(states[i].flag) != states[i].unset {
					flags[i]++
				}
			}
			if set := ix.KeywordSet(row); set > 0 && set < len(bySet) {
				bySet[set]++
			}
			when.add(ix.Sent(row))
		}
		for set, n := range bySet {
			if n > 0 {
				for _, k := range ix.KeywordsOf(set) {
					words[k] += n
				}
			}
		}
		senders(ctx, s, from)
	}
	if ctx.Err() != nil {
		return nil
	}
	groups := []Group{
		{"folder", byCount("in:", folders, total)},
		{"from", byCount("from:", from, total)},
		{"when", when.terms(total)},
		{"has", nil}, {"is", nil},
		{"keyword", byCount("tag:", words, total)},
	}
	for i, k := range kinds {
		groups[3].Terms = append(groups[3].Terms, Term{k.name, "has:" + k.name, class[i]})
	}
	for i, k := range states {
		groups[4].Terms = append(groups[4].Terms, Term{k.name, "is:" + k.name, flags[i]})
	}
	for i := range groups {
		g := &groups[i]
		g.Terms = slices.DeleteFunc(g.Terms, func(t Term) bool { return t.N == 0 || t.N == total })
		if g.Name != "when" {
			slices.SortStableFunc(g.Terms, func(a, b Term) int { return b.N - a.N })
		}
	}
	return slices.DeleteFunc(groups, func(g Group) bool { return len(g.Terms) == 0 })
}

// byCount makes terms of what was counted.
func byCount(field string, by map[string]int, total int) []Term {
	terms := make([]Term, 0, min(len(by), 1024))
	least := 0 // what has less is not among the first
	for value, n := range by {
		if value == "" || n == total || n < least {
			continue
		}
		terms = append(terms, Term{value, field + quoted(value), n})
		if len(terms) == 1024 {
			terms = first(terms)
			least = terms[len(terms)-1].N
		}
	}
	return first(terms)
}

func first(terms []Term) []Term {
	slices.SortFunc(terms, func(a, b Term) int { return cmp.Or(b.N-a.N, strings.Compare(a.Label, b.Label)) })
	return terms[:min(len(terms), most)]
}

// quoted writes a value as a query has it.
func quoted(s string) string {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("@._+-=/$", r)
	}
	if !strings.ContainsFunc(s, odd) && s[0] != '/' {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// fewer is up to how many messages are looked up one by one; of more the text of all headers is gone through.
const fewer = 20000

// senders counts the addresses of senders.
func senders(ctx context.Context, s Set, by map[string]int) {
	if s.Rows.Count() <= fewer {
		lookUp(s, by)
	} else {
		scan(ctx, s, by)
	}
}

func lookUp(s Set, by map[string]int) {
	ix := s.View.Index()
	for row := range s.Rows.Rows() {
		if d, err := digest.Decode(ix.Blob(row)); err == nil {
			by[strings.ToLower(string(d.FromAddrBytes()))]++
		}
	}
	runtime.KeepAlive(ix)
}

func scan(ctx context.Context, s Set, by map[string]int) {
	// Rows come from several goroutines, and some twice: each gets the number of its sender.
	const shards = 64
	type shard struct {
		mu    sync.Mutex
		ids   map[string]uint32
		names []string
	}
	var names [shards]shard
	seed := maphash.MakeSeed()
	of := make([]uint32, s.View.Len())
	_ = s.View.Index().HeadScan(func(row int, rec []byte) bool { // an error is that of some rows, which are not counted
		if row >= len(of) || !s.Rows.Has(row) {
			return true
		}
		addr := sender(rec)
		k := maphash.Bytes(seed, addr) % shards
		sh := &names[k]
		sh.mu.Lock()
		id, ok := sh.ids[string(addr)]
		if !ok {
			if sh.ids == nil {
				sh.ids = map[string]uint32{}
			}
			id = uint32(len(sh.names))*shards + uint32(k) + 1
			sh.ids[string(addr)] = id
			sh.names = append(sh.names, string(addr))
		}
		sh.mu.Unlock()
		atomic.StoreUint32(&of[row], id)
		return row%1024 != 0 || ctx.Err() == nil
	})
	var counts [shards][]int
	for k := range counts {
		counts[k] = make([]int, len(names[k].names))
	}
	for _, id := range of {
		if id > 0 {
			counts[(id-1)%shards][(id-1)/shards]++
		}
	}
	for k := range counts {
		for i, n := range counts[k] {
			by[names[k].names[i]] += n
		}
	}
}

// sender is the address in the text kept of a header, which begins with the senders: name <address>, ...
func sender(rec []byte) []byte {
	from, _, _ := bytes.Cut(rec, []byte{0})
	if end := bytes.Index(from, []byte(">, ")); end >= 0 {
		from = from[:end+1]
	}
	if at := bytes.LastIndexByte(from, '<'); at >= 0 && bytes.HasSuffix(from, []byte{'>'}) {
		return from[at+1 : len(from)-1]
	}
	return from
}

// times counts days.
type times struct {
	zone *time.Location
	days map[int64]int // by day since 1970 where the reader is
	last int64         // the day counted last, and which seconds it has
	from int64
	to   int64
}

func newTimes(zone *time.Location) *times { return &times{zone: zone, days: map[int64]int{}} }

const day = 24 * 60 * 60

func (t *times) add(at int64) {
	if at < t.from || at >= t.to {
		y, m, d := time.Unix(at, 0).In(t.zone).Date()
		t.last = time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / day
		t.from = time.Date(y, m, d, 0, 0, 0, 0, t.zone).Unix()
		t.to = time.Date(y, m, d+1, 0, 0, 0, 0, t.zone).Unix()
	}
	t.days[t.last]++
}

// terms are the years, or the months of one year, or the days of one month.
func (t *times) terms(total int) []Term {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02"} {
		by := map[string]int{}
		for d, n := range t.days {
			by[time.Unix(d*day, 0).UTC().Format(layout)] += n
		}
		if len(by) < 2 {
			continue
		}
		var terms []Term
		for s, n := range by {
			if year, err := strconv.Atoi(s[:4]); err == nil && year >= 1970 && len(s) == len(layout) {
				terms = append(terms, Term{s, "date:" + s, n})
			}
		}
		slices.SortFunc(terms, func(a, b Term) int { return strings.Compare(b.Label, a.Label) })
		return terms[:min(len(terms), most)]
	}
	return nil
}
