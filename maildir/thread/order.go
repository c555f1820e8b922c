package thread

import (
	"cmp"
	"slices"
)

// order is step 6 and lays the trees out, without recursion: a thread may be as deep
// as the folder is long.
func (f *builder) order(items []Item, order Order) []Node {
	var starts []int
	places := make([]place, 0, f.n)
	for _, r := range f.roots {
		starts = append(starts, len(places))
		places = f.layOut(places, r)
	}
	nodes := make([]Node, len(places))
	for i, p := range places {
		n := Node{Key: int(p.item), Parent: int(p.parent), Root: i, Size: 1, Last: p.last, Loose: p.loose, Latest: items[p.item].Date}
		if p.parent >= 0 {
			n.Depth, n.Root = nodes[p.parent].Depth+1, nodes[p.parent].Root
		}
		nodes[i] = n
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if p := nodes[i].Parent; p >= 0 {
			nodes[p].Size += nodes[i].Size
			if nodes[i].Latest.After(nodes[p].Latest) {
				nodes[p].Latest = nodes[i].Latest
			}
		}
	}
	return arrange(nodes, starts, items, order, f)
}

// A place is a message in a tree that is laid out.
type place struct {
	item        int32
	parent      int32 // index among the places, -1 for a root
	last, loose bool
}

// work is a tree still to be laid out.
type work struct {
	box         int32
	parent      int32
	last, loose bool
}

// layOut appends the tree of a root to places, in display order.
func (f *builder) layOut(places []place, root int32) []place {
	stack := append(f.stack[:0], work{root, -1, true, false})
	for len(stack) > 0 {
		w := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		b := &f.boxes[w.box]
		if b.item < 0 { // the oldest child stands in for the missing message
			kids := b.children
			for k := len(kids) - 1; k > 0; k-- {
				stack = append(stack, work{kids[k], int32(len(places)), k == len(kids)-1, true})
			}
			// Its own children come before its new siblings, which are last then.
			first := &f.boxes[kids[0]]
			places = append(places, place{first.item, w.parent, w.last, false})
			for k := len(first.children) - 1; k >= 0; k-- {
				stack = append(stack, work{first.children[k], int32(len(places) - 1), false, false})
			}
			continue
		}
		places = append(places, place{b.item, w.parent, w.last, w.loose || b.loose})
		for k := len(b.children) - 1; k >= 0; k-- {
			stack = append(stack, work{b.children[k], int32(len(places) - 1), k == len(b.children)-1, false})
		}
	}
	f.stack = stack
	return places
}

// arrange puts whole threads in order and names the messages as the caller does.
func arrange(nodes []Node, starts []int, items []Item, order Order, f *builder) []Node {
	var given map[int]int
	if order == Given {
		given = make(map[int]int, len(starts))
		for i := range nodes {
			r := nodes[i].Root
			if g, ok := given[r]; !ok || nodes[i].Key < g {
				given[r] = nodes[i].Key
			}
		}
	}
	slices.SortStableFunc(starts, func(a, b int) int {
		switch order {
		case Oldest:
			return cmp.Or(nodes[a].Latest.Compare(nodes[b].Latest), cmp.Compare(nodes[a].Key, nodes[b].Key))
		case Given:
			return cmp.Compare(given[a], given[b])
		case Root:
			return f.compare(int32(nodes[a].Key), int32(nodes[b].Key))
		}
		return cmp.Or(nodes[b].Latest.Compare(nodes[a].Latest), cmp.Compare(nodes[b].Key, nodes[a].Key))
	})
	out := make([]Node, 0, len(nodes))
	for _, s := range starts {
		shift := len(out) - s
		for i := s; i < s+nodes[s].Size; i++ {
			n := nodes[i]
			n.Key = items[n.Key].Key
			n.Root += shift
			if n.Parent >= 0 {
				n.Parent += shift
			}
			out = append(out, n)
		}
	}
	return out
}
