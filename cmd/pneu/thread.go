package main

import (
	"cmp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/search"
	"pneu/maildir/thread"
)

func threadVerb() *cli.Command {
	return &cli.Command{
		Name: "thread", Usage: "order messages into conversations", ArgsUsage: "[MESSAGE...]",
		Flags: outputFlags(
			&cli.BoolFlag{Name: "roots", Usage: "only the first message of each"},
			&cli.BoolFlag{Name: "whole", Usage: "with what the messages lack of their conversations, from all folders"},
			&cli.StringSliceFlag{Name: "of", Usage: "print the whole conversation of `MESSAGE`, from all folders"},
			&cli.BoolFlag{Name: "reverse", Aliases: []string{"r"}, Usage: "the conversation with the newest message first"},
		),
		Action: verb(threadMessages),
	}
}

func threadMessages(t *tool) error {
	args, whole := t.c.Args().Slice(), t.c.Bool("whole")
	if of := t.c.StringSlice("of"); len(of) > 0 {
		if len(args) > 0 || whole {
			return boot.Usage("--of names the messages: leave out others, and --whole")
		}
		args, whole = of, true
	}
	list, err := t.allRefs(args, wholeSequence)
	if err != nil {
		return err
	}
	var order []knot
	if whole {
		list, order, err = t.conversations(list, t.c.Bool("reverse"))
	} else {
		order = t.threads(list, t.c.Bool("reverse"))
	}
	if err != nil {
		return err
	}
	if t.c.Bool("roots") {
		order = slices.DeleteFunc(order, func(k knot) bool { return k.depth > 0 })
	}
	return t.emitKnots(list, order)
}

// A knot is a message in its conversation.
type knot struct {
	at    int32 // in the list that was threaded
	root  int32 // of the first of the conversation, likewise
	depth int
}

// threads puts messages in the order of their conversations: those with the oldest news
// first, as sort does, or with newest the other way.
func (t *tool) threads(list []ref, newest bool) []knot {
	order := thread.Oldest
	if newest {
		order = thread.Newest
	}
	tree, rows := t.folderTree(list, order)
	if tree == nil {
		facts := make([]thread.Fact, len(list))
		inPieces(len(list), func(i int) {
			facts[i] = list[i].fact()
			facts[i].Key = uint32(i) + 1
		})
		f := thread.NewForest(thread.Options{})
		if err := f.Update(facts, nil); err != nil {
			panic(err) // the keys ascend
		}
		tree = f.Tree(order)
	}
	out := make([]knot, 0, len(list))
	for _, th := range tree.Threads {
		root := int32(-1)
		for _, s := range tree.Spots[th.From : th.From+th.N] {
			k := knot{at: s.Row, depth: int(s.Depth)}
			if rows != nil {
				k.at = rows[s.Row]
			}
			if root < 0 {
				root = k.at
			}
			k.root = root
			out = append(out, k)
		}
	}
	return out
}

// folderTree returns the threads that the index of a folder keeps, if the list has all of
// the folder and nothing else; rows leads from its rows to the list.
func (t *tool) folderTree(list []ref, order thread.Order) (tree *thread.Tree, rows []int32) {
	if len(list) < fewMessages {
		return nil, nil
	}
	v := list[0].v
	if v == nil || v.Len() != len(list) {
		return nil, nil
	}
	rows = make([]int32, len(list))
	for i := range list {
		if list[i].v != v || rows[list[i].n] != 0 {
			return nil, nil
		}
		rows[list[i].n] = int32(i) + 1
	}
	for i := range rows {
		rows[i]--
	}
	tree, err := v.Threads(t.context(), order)
	if err != nil {
		return nil, nil
	}
	return tree, rows
}

// fact is what threading wants to know.
func (r *ref) fact() thread.Fact {
	if r.digested() {
		return r.v.Row(int(r.n)).Fact()
	}
	s := r.summary()
	base, reply := thread.BaseSubject(s.Subject)
	f := thread.Fact{ID: thread.Hash(s.MessageID), Subject: digest.HashSubject(base), Reply: reply, Date: r.date()}
	for _, id := range s.References {
		f.Refs = append(f.Refs, thread.Hash(id))
	}
	return f
}

// inPieces calls f for 0 to n-1, from several goroutines if they are many.
func inPieces(n int, f func(i int)) {
	const piece = 1024
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 1+n/piece) {
		wg.Go(func() {
			for {
				from := int(next.Add(piece)) - piece
				if from >= n {
					return
				}
				for i := from; i < min(from+piece, n); i++ {
					f(i)
				}
			}
		})
	}
	wg.Wait()
}

// emitKnots prints messages in the order of their conversations.
func (t *tool) emitKnots(list []ref, order []knot) error {
	for _, k := range order {
		r := &list[k.at]
		if t.form == formJSON || t.form == formTemplate {
			r.msg().depth, r.m.thread = k.depth, list[k.root].threadName()
		}
		if err := t.emitRef(r); err != nil {
			return err
		}
	}
	return nil
}

// threadName names the conversation of which r is the first message.
func (r *ref) threadName() string {
	return cmp.Or(r.summary().MessageID, r.msg().e.Base(), r.path)
}

// threaded is threads for messages that are read anyway.
func (t *tool) threaded(list []*msg, newest bool) []*msg {
	refs := make([]ref, len(list))
	for i, m := range list {
		refs[i] = t.refOf(m)
	}
	out := make([]*msg, 0, len(list))
	for _, k := range t.threads(refs, newest) {
		m := list[k.at]
		m.depth, m.thread = k.depth, refs[k.root].threadName()
		m.forget()
		out = append(out, m)
	}
	return out
}

// conversations returns the whole conversations that the messages are in, with what lies
// in any folder of their trees.
func (t *tool) conversations(list []ref, newest bool) (all []ref, order []knot, err error) {
	if len(list) == 0 {
		return nil, nil, nil
	}
	asked := askedFor{rows: map[*box]*search.Bits{}, names: map[string]bool{}, places: realPlaces{}}
	stores := map[string]bool{}
	for i := range list {
		r := &list[i]
		asked.add(r)
		if r.b == nil {
			all = append(all, *r)
			continue
		}
		if s := r.b.f.Store(); s != nil && !stores[s.Root()] {
			stores[s.Root()] = true
			more, err := t.everywhere(s)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, more...)
		}
	}
	whole := t.threads(all, newest)
	for from := 0; from < len(whole); {
		to, wanted := from, false
		for ; to < len(whole) && (to == from || whole[to].depth > 0); to++ {
			wanted = wanted || asked.has(&all[whole[to].at])
		}
		if wanted {
			for _, k := range whole[from:to] {
				all[k.at].spell()
			}
			order = append(order, whole[from:to]...)
		}
		from = to
	}
	return all, order, nil
}

// askedFor is a set of messages, whichever way they were named.
type askedFor struct {
	rows   map[*box]*search.Bits
	names  map[string]bool
	places realPlaces
}

func (a *askedFor) add(r *ref) {
	if r.b == nil {
		return
	}
	if r.v == nil || r.v != r.b.v || a.places.dir(r.b.f) != r.b.f.Path() {
		a.names[a.places.of(r.msg())] = true
		return
	}
	set := a.rows[r.b]
	if set == nil {
		set = search.NewBits(r.v.Len())
		a.rows[r.b] = set
	}
	set.Set(int(r.n))
}

// has is true too of what lies in no Maildir: it is in the list only if it was named.
func (a *askedFor) has(r *ref) bool {
	if r.b == nil {
		return true
	}
	if set := a.rows[r.b]; set != nil && r.v == r.b.v && set.Has(int(r.n)) {
		return true
	}
	return len(a.names) > 0 && a.names[a.places.of(r.msg())]
}

// everywhere returns all messages of a tree, as whole does.
func (t *tool) everywhere(s *maildir.Store) ([]ref, error) {
	folders, err := s.Folders()
	if err != nil {
		return nil, err
	}
	var all []ref
	for _, f := range folders {
		more, err := t.whole(f)
		if err != nil {
			t.failFolder(f, err)
			continue
		}
		all = append(all, more...)
	}
	return all, nil
}

// whole returns all messages of a folder, those that its index has without their paths.
func (t *tool) whole(f *maildir.Folder) ([]ref, error) {
	b := t.boxOf(f)
	if t.look(b, true) == nil {
		entries, err := f.List()
		list := make([]ref, len(entries))
		for i, e := range entries {
			list[i] = ref{path: f.File(e), b: b, m: &msg{path: f.File(e), f: f, e: e}}
		}
		return list, err
	}
	t.readAll(b)
	list := make([]ref, b.v.Len())
	for row := range list {
		list[row] = ref{b: b, v: b.v, n: int32(row)}
	}
	return list, nil
}

// rows returns the messages in those rows of a folder's index, nil: in all.
func (t *tool) rows(b *box, rows []int32) []ref {
	n := len(rows)
	if rows == nil {
		n = b.v.Len()
	}
	list := make([]ref, 0, n)
	ends := make([]int, 0, n)
	var names strings.Builder
	cur, fresh := b.f.Path()+"/cur/", b.f.Path()+"/new/"
	add := func(row int, file []byte, isNew bool) bool {
		if isNew {
			names.WriteString(fresh)
		} else {
			names.WriteString(cur)
		}
		names.Write(file)
		ends = append(ends, names.Len())
		list = append(list, ref{b: b, v: b.v, n: int32(row)})
		return true
	}
	if rows == nil {
		b.v.Index().Files(0, n, add)
	}
	for _, row := range rows {
		b.v.Index().Files(int(row), int(row)+1, add)
	}
	all, from := names.String(), 0
	for i := range list {
		list[i].path = all[from:ends[i]]
		from = ends[i]
	}
	return list
}

// window cuts what --offset leaves out at the beginning and --limit at the end.
func window[T any](list []T, offset, limit int) []T {
	list = list[min(offset, len(list)):]
	if limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	return list
}

// emitConversations prints the whole conversations of messages, newest first; offset and
// limit count them.
func (t *tool) emitConversations(found []ref, offset, limit int) error {
	list, order, err := t.conversations(found, true)
	if err != nil {
		return err
	}
	var starts []int
	for i, k := range order {
		if k.depth == 0 {
			starts = append(starts, i)
		}
	}
	starts = append(starts, len(order))
	first := window(starts[:len(starts)-1], offset, limit)
	if len(first) == 0 {
		return nil
	}
	from := min(offset, len(starts)-1)
	return t.emitKnots(list, order[starts[from]:starts[from+len(first)]])
}
