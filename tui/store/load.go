package store

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"pneu/maildir"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/look"
)

// Messages read before the first screen is shown: a small folder is complete at once.
const atOnce = 400

// Opened is the result of Open.
type Opened struct {
	Box *Box
	Err error
}

// Open reads the names in a folder, and the headers of the rows that come first.
func Open(f *maildir.Folder, opt Options, first int) Opened {
	entries, err := f.List()
	if err != nil {
		return Opened{&Box{Folder: f, opt: opt, view: &View{}, Serial: serials.Add(1), byBase: map[string]int{}}, err}
	}
	b := FromEntries(f, entries, opt)
	n := len(entries)
	if n <= atOnce {
		first = n
	}
	ids := make([]int, 0, first)
	for id := n - 1; id >= 0 && len(ids) < first; id-- { // the newest are last in the list
		ids = append(ids, id)
	}
	if opt.Oldest {
		for i := range ids {
			ids[i] = i
		}
	}
	b.Apply(b.Reader(ids)())
	if b.read == n {
		b.view = b.Snapshot().Arrange().View
	}
	return Opened{b, nil}
}

// FromEntries makes a box of names alone, in the order of arrival.
func FromEntries(f *maildir.Folder, entries []maildir.Entry, opt Options) *Box {
	n := len(entries)
	b := &Box{
		Folder: f, Serial: serials.Add(1), opt: opt,
		entries: entries, heads: make([]*Head, n), gone: make([]bool, n), left: n,
		byBase: make(map[string]int, n), snips: map[int]safe.Text{},
	}
	for id, e := range entries {
		b.byBase[e.Base()] = id
		if e.Unread() {
			b.unread++
		}
	}
	b.view = b.Snapshot().flat()
	return b
}

// Read is the result of reading some headers.
type Read struct {
	Serial int64
	IDs    []int
	Heads  []*Head
}

// Reader returns a function that reads the headers of these messages, some at the same time.
func (b *Box) Reader(ids []int) func() Read {
	entries := make([]maildir.Entry, len(ids))
	for i, id := range ids {
		entries[i] = b.entries[id]
	}
	f, opt, serial := b.Folder, b.opt, b.Serial
	return func() Read {
		r := Read{serial, ids, make([]*Head, len(ids))}
		var wg sync.WaitGroup
		workers := min(runtime.GOMAXPROCS(0), 4)
		for w := range workers {
			wg.Go(func() {
				for i := w; i < len(ids); i += workers {
					r.Heads[i] = readHead(f, entries[i], opt)
				}
			})
		}
		wg.Wait()
		return r
	}
}

// Unknown returns up to n messages whose headers were not read, those nearest to the front first, beginning at row.
func (b *Box) Unknown(row, n int) []int {
	var ids []int
	for b.scan < len(b.view.rows) && b.heads[b.view.rows[b.scan].id] != nil {
		b.scan++ // rows before it are known: no need to look at them each time
	}
	for i := max(row, b.scan); i < len(b.view.rows) && len(ids) < n; i++ {
		if id := int(b.view.rows[i].id); b.heads[id] == nil && !b.gone[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// UnknownIn is Unknown for the rows from to to alone.
func (b *Box) UnknownIn(from, to int) []int {
	var ids []int
	for i := max(0, from); i < min(to, len(b.view.rows)); i++ {
		if id := int(b.view.rows[i].id); b.heads[id] == nil && !b.gone[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// Apply takes headers that were read.
func (b *Box) Apply(r Read) {
	if r.Serial != b.Serial {
		return
	}
	for i, id := range r.IDs {
		if id >= len(b.heads) || r.Heads[i] == nil {
			continue
		}
		if b.heads[id] == nil {
			b.read++
		}
		b.heads[id] = r.Heads[i]
	}
	b.touch()
}

func readHead(f *maildir.Folder, e maildir.Entry, opt Options) *Head {
	file, err := os.Open(f.File(e))
	if errors.Is(err, fs.ErrNotExist) {
		file, e, err = f.Open(e)
	}
	if err != nil {
		return &Head{Missing: err, When: e.Time(), Name: look.T("?"), Subj: look.T("unreadable: " + plain(err))}
	}
	defer file.Close()
	sum, err := message.ReadSummary(file)
	h := NewHead(sum, opt, e.Time())
	if err != nil {
		h.Missing = err
	}
	return h
}

// plain leaves out the path that an error of the file system begins with.
func plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// NewHead makes a Head of a summary.
func NewHead(sum message.Summary, opt Options, arrival time.Time) *Head {
	h := &Head{Summary: sum, When: sum.Date, Subj: look.T(sum.Subject)}
	if h.When.IsZero() || opt.Now != nil && h.When.After(opt.Now().Add(24*time.Hour)) {
		h.When = arrival
	}
	if len(sum.From) > 0 {
		from := sum.From[0]
		h.Mine = opt.Me != nil && opt.Me(from.Addr)
		h.Name, h.Short, h.Danger = person(from)
		if h.Mine {
			h.Short = look.T("you")
		}
	} else {
		h.Name = look.T("(no sender)")
		h.Short = h.Name
	}
	h.To1 = recipients(sum)
	return h
}

// UnknownIDs returns up to n messages whose headers were not read, whether they have a row or not, newest first.
func (b *Box) UnknownIDs(n int) []int {
	var ids []int
	for id := len(b.heads) - 1; id >= 0 && len(ids) < n && b.read < b.Size(); id-- {
		if b.heads[id] == nil && !b.gone[id] {
			ids = append(ids, id)
		}
	}
	return ids
}
