package search

import "context"

// Docs are messages without an index, as a Source: every one is asked.
type Docs struct {
	In   string // the folder they are in
	List []Doc
}

// Len is the number of messages.
func (s Docs) Len() int { return len(s.List) }

// Folder is In.
func (s Docs) Folder() string { return s.In }

// Column has none.
func (s Docs) Column(Column, int, []int64) bool { return false }

// Keywords does not know any.
func (s Docs) Keywords(func(string) bool) (*Bits, bool) { return nil, false }

// Heads has none.
func (s Docs) Heads(context.Context, int, int, func(int, []byte)) error { return nil }

// Text has none.
func (s Docs) Text(context.Context, string, func(int, bool)) (*Bits, error) { return nil, nil }

// Doc returns the message in a row.
func (s Docs) Doc(row int) Doc { return s.List[row] }
