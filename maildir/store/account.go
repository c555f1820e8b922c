package store

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/search"
	"pneu/maildir/thread"
)

// Conversations are the threads of all folders together, at one moment: an answer in Sent
// stands below the question in INBOX. A message of which several folders have a copy, as its
// Message-ID says, is in them once, as its first copy in the order of folders tells it.
type Conversations struct {
	// Tree has the messages by number.
	Tree *thread.Tree

	threads *joined
	views   []*View
}

// Rows returns a message's copies.
func (c *Conversations) Rows(n int32) []Row {
	j := c.threads
	rows := []Row{c.row(j.first[n])}
	for _, at := range j.more[n] {
		rows = append(rows, c.row(at))
	}
	return rows
}

// row returns the message that is so many behind the first of the first folder.
func (c *Conversations) row(at int32) Row {
	from := c.threads.from
	k, _ := slices.BinarySearch(from, at+1) // behind the folder
	return c.views[k-1].Row(int(at - from[k-1]))
}

// Thread returns the messages of the thread that has message n.
func (c *Conversations) Thread(n int32) []thread.Spot {
	t := c.Tree.Threads[c.threads.thread[n]]
	return c.Tree.Spots[t.From : t.From+t.N]
}

// Find returns the number of a message by its Message-ID.
func (c *Conversations) Find(id string) (n int32, ok bool) { return c.threads.Find(thread.Hash(id)) }

// joined are conversations but for the views, which are others when flags have changed.
type joined struct {
	*thread.Joined
	order  thread.Order
	facts  []*thread.Facts
	from   []int32           // by folder: how many messages are in those before
	first  []int32           // by number: where it is among all rows
	more   map[int32][]int32 // and its other copies
	thread []int32           // by number
}

// account is what a Store keeps of the threads of all folders.
type account struct {
	mu    sync.Mutex
	parts map[string]part // folders by directory
	last  *joined
}

// A part is a folder as the account knows it.
type part struct {
	of    string // numbering
	facts *thread.Facts
}

// Conversations returns the threads of all folders as they are now: what [thread.Build] makes of
// their messages, folder by folder. They take time by all messages, a third of a microsecond
// each, if any came or went. Folders that cannot be read are left out, and the log says so.
func (s *Store) Conversations(ctx context.Context, order thread.Order) (*Conversations, error) {
	folders, err := s.tree.Folders()
	if err != nil {
		return nil, err
	}
	a := &s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	parts := make(map[string]part, len(folders))
	c := &Conversations{}
	var facts []*thread.Facts
	for _, f := range folders {
		v, p, err := s.part(ctx, f)
		switch {
		case err == nil:
			parts[f.Path()] = p
			c.views, facts = append(c.views, v), append(facts, p.facts)
		case ctx.Err() != nil || errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM) || errors.Is(err, ErrClosed):
			return nil, err // it passes, or there is nobody to ask
		case !errors.Is(err, maildir.ErrNoFolder) && !errors.Is(err, fs.ErrNotExist):
			s.say(f, "folder is left out of conversations", err)
		}
	}
	a.parts = parts
	if a.last == nil || a.last.order != order || !slices.Equal(a.last.facts, facts) {
		a.last = join(facts, order)
	}
	c.threads, c.Tree = a.last, a.last.Tree
	return c, nil
}

// part returns a folder as it is now. Where no message came or went, facts stay.
func (s *Store) part(ctx context.Context, f *maildir.Folder) (*View, part, error) {
	b, err := s.BoxOf(f)
	if err != nil {
		return nil, part{}, err
	}
	defer b.Close()
	v, err := b.Sync(ctx)
	if err != nil {
		return nil, part{}, err
	}
	p := part{of: v.numbering()}
	if old := s.account.parts[f.Path()]; old.facts != nil && old.of == p.of && v.State().Sticky && slices.Equal(old.facts.Keys(), v.uids()) {
		return v, old, nil
	}
	p.facts, err = v.Facts(ctx)
	return v, p, err
}

// join threads the messages of folders, and notes where they are.
func join(facts []*thread.Facts, order thread.Order) *joined {
	j := &joined{Joined: thread.JoinOnce(facts, thread.Options{Order: order}), order: order, facts: facts, from: make([]int32, len(facts)), more: map[int32][]int32{}}
	n := int32(0)
	for i, x := range facts {
		j.from[i] = n
		n += int32(x.Len())
	}
	j.first = make([]int32, 0, len(j.Tree.Spots))
	for at, n := range j.Of {
		if int(n) == len(j.first) {
			j.first = append(j.first, int32(at))
		} else {
			j.more[n] = append(j.more[n], int32(at))
		}
	}
	j.thread = make([]int32, len(j.first))
	for i, t := range j.Tree.Threads {
		for _, s := range j.Tree.Spots[t.From : t.From+t.N] {
			j.thread[s.Row] = int32(i)
		}
	}
	return j
}

// members returns the Message-IDs of the messages that a term thread: of a query asks for.
func (s *Store) members(ctx context.Context, t search.Conversation) ([]string, error) {
	c, err := s.Conversations(ctx, thread.Newest)
	if err != nil {
		return nil, err
	}
	var first []int32
	if t.ID != "" {
		if n, ok := c.Find(t.ID); ok {
			first = append(first, n)
		}
	} else {
		rows, err := s.Query(ctx, t.Query, 0)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			var id string
			r.peek(func(d digest.Digest) { id = d.MessageID() })
			if n, ok := c.Find(id); ok {
				first = append(first, n)
			}
		}
	}
	var ids []string
	if t.ID != "" {
		ids = append(ids, t.ID)
	}
	seen := map[int32]bool{}
	for _, n := range first {
		if seen[c.threads.thread[n]] {
			continue
		}
		seen[c.threads.thread[n]] = true
		for _, spot := range c.Thread(n) {
			if rows := c.Rows(spot.Row); len(rows) > 0 {
				rows[0].peek(func(d digest.Digest) {
					if id := d.MessageID(); id != "" {
						ids = append(ids, id)
					}
				})
			}
		}
	}
	return ids, nil
}
