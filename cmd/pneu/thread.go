package main

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/digest"
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
	if whole {
		order := thread.Oldest
		if t.c.Bool("reverse") {
			order = thread.Newest
		}
		return t.conversations(list, order, func(a *tract, spots []thread.Spot) error {
			if t.c.Bool("roots") {
				spots = spots[:1]
			}
			return a.emit(spots)
		})
	}
	order := t.threads(list, t.c.Bool("reverse"))
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
func inPieces(n int, f func(i int)) { inPiecesOf(1024, n, f) }

// inPiecesOf is inPieces, so many at a time.
func inPiecesOf(piece, n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 1+n/piece) {
		wg.Go(func() {
			for {
				from := int(next.Add(int64(piece))) - piece
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

// conversations calls fn with the whole conversations that the messages are in, with what lies
// in any folder of their trees.
func (t *tool) conversations(list []ref, order thread.Order, fn func(a *tract, spots []thread.Spot) error) error {
	if len(list) == 0 {
		return nil
	}
	a, err := t.tractOf(list)
	if err != nil {
		return err
	}
	return a.conversations(order, a.mark(list), func(spots []thread.Spot) error { return fn(a, spots) })
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
		if len(ends) == 0 {
			names.Grow((n - 1) * (names.Len() + 8)) // names are of one kind, mostly
		}
		ends = append(ends, names.Len())
		list = append(list, ref{b: b, v: b.v, n: int32(row)})
		return true
	}
	if rows == nil {
		b.v.Index().Files(0, n, add)
	} else {
		b.v.Index().FilesOf(rows, add)
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
	n := 0
	err := t.conversations(found, thread.Newest, func(a *tract, spots []thread.Spot) error {
		if n++; n <= offset {
			return nil
		}
		if limit > 0 && n > offset+limit {
			return errEnough
		}
		return a.emit(spots)
	})
	if err == errEnough {
		return nil
	}
	return err
}

// errEnough: no more are wanted.
var errEnough = errors.New("enough")
