package thread

import (
	"strings"
	"time"
)

// maxRefs is how many references of a message are looked at: the first and the last ones.
const maxRefs = 256

// An Item is what threading wants to know of a message.
type Item struct {
	ID      string   // Message-ID without brackets
	Refs    []string // References, else In-Reply-To, oldest first
	Subject string   // decoded
	Date    time.Time
	Key     int // the caller's name for it
}

// A Node is a message in its place. Nodes come in display order, each thread
// together, parents before their children, siblings by date.
type Node struct {
	Key    int       // that of its Item
	Depth  int       // 0 for a root
	Parent int       // index of the parent in the result, -1 for a root
	Root   int       // index of the thread's first node
	Size   int       // messages in this subtree, itself included
	Last   bool      // no sibling follows
	Loose  bool      // a child by its subject or for want of its parent, not by reference
	Latest time.Time // newest date in this subtree
}

// An Order says which thread comes first.
type Order int

const (
	Newest Order = iota // the thread with the newest message first
	Oldest              // the thread whose newest message is oldest first
	Given               // by the thread's first message in the order of the items
	Root                // by the date of the thread's root, oldest first: RFC 5256
)

// Options say how threads are built.
type Options struct {
	Order Order
	// ByReference leaves threads apart that have nothing in common but a subject.
	ByReference bool
}

// Build threads the items, newest thread first.
func Build(items []Item) []Node { return BuildWith(items, Options{}) }

// BuildWith threads the items.
func BuildWith(items []Item, opt Options) []Node {
	f := newBuilder(resolve(items))
	f.link()
	f.gather()
	if !opt.ByReference {
		f.bySubject()
	}
	return f.order(items, opt.Order)
}

// resolve puts numbers in the place of ids and subjects.
func resolve(items []Item) *mails {
	m := &mails{
		n: len(items), boxes: len(items),
		sec: make([]int64, len(items)), nsec: make([]int32, len(items)), off: make([]int32, len(items)+1),
	}
	byID := make(map[string]int32, len(items))
	for i := range items {
		m.sec[i], m.nsec[i] = items[i].Date.Unix(), int32(items[i].Date.Nanosecond())
		if id := normal(items[i].ID); id != "" {
			if _, dup := byID[id]; !dup { // of duplicates only the first is referred to
				byID[id] = int32(i)
			}
		}
	}
	for i := range items {
		for _, id := range firstAndLast(items[i].Refs) {
			if id = normal(id); id == "" {
				continue
			}
			b, ok := byID[id]
			if !ok {
				b = int32(m.boxes)
				m.boxes++
				byID[id] = b
			}
			m.refs = append(m.refs, b)
		}
		m.off[i+1] = int32(len(m.refs))
	}
	bases := map[string]uint64{"": 0}
	m.subject = func(i int) (uint64, bool) {
		base, reply := BaseSubject(items[i].Subject)
		base = strings.ToLower(base)
		n, ok := bases[base]
		if !ok {
			n = uint64(len(bases))
			bases[base] = n
		}
		return n, reply
	}
	return m
}

// firstAndLast leaves out what is between, if there is too much.
func firstAndLast(r []string) []string {
	if len(r) > maxRefs {
		r = append([]string{r[0]}, r[len(r)-maxRefs+1:]...)
	}
	return r
}

// normal removes the quotes that make two spellings of one id.
func normal(id string) string {
	if strings.IndexByte(id, '"') >= 0 {
		return strings.ReplaceAll(id, `"`, "")
	}
	return id
}
