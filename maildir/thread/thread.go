// Package thread puts messages into conversations.
package thread

import "time"

// An Item is what threading wants to know of a message.
type Item struct {
	ID      string   // Message-ID without brackets
	Refs    []string // References and In-Reply-To, oldest first
	Subject string   // decoded
	Date    time.Time
	Key     int // the caller's name for it
}

// A Node is a message in its place. Nodes come in display order, each thread
// together, parents before their children.
type Node struct {
	Key    int       // that of its Item
	Depth  int       // 0 for a root
	Parent int       // index of the parent in the result, -1 for a root
	Root   int       // index of the thread's first node
	Size   int       // messages in this subtree, itself included
	Last   bool      // no sibling follows
	Latest time.Time // newest date in this subtree
}

// An Order says which thread comes first.
type Order int

const (
	Newest Order = iota // the thread with the newest message first
	Oldest              // the thread with the oldest newest message first
	Given               // in the order of the items
)

// Build threads the items, newest thread first.
func Build(items []Item) []Node { return BuildBy(items, Newest) }

// BuildBy threads the items in the given order of threads.
func BuildBy(items []Item, order Order) []Node { panic("being written") }

// BaseSubject returns the base subject of RFC 5256, 2.1, and whether s is a
// reply or forward.
func BaseSubject(s string) (base string, reply bool) { panic("being written") }
