package thread

import (
	"cmp"
	"slices"
)

// order is step 6 and lays the trees out, without recursion: a thread may be as deep
// as the folder is long.
func (f *forest) order(order Order) []Node {
	type work struct {
		box    int32
		parent int
		last   bool
		loose  bool
	}
	nodes := make([]Node, 0, len(f.items))
	var starts []int
	var stack []work
	for _, r := range f.roots {
		starts = append(starts, len(nodes))
		stack = append(stack[:0], work{r, -1, true, false})
		for len(stack) > 0 {
			w := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			b := &f.boxes[w.box]
			if b.item < 0 { // the oldest child stands in for the missing message
				kids := b.children
				for k := len(kids) - 1; k > 0; k-- {
					stack = append(stack, work{kids[k], len(nodes), k == len(kids)-1, true})
				}
				// Its own children come before its new siblings, which are last then.
				first := &f.boxes[kids[0]]
				n := f.node(kids[0], w.parent, nodes)
				n.Last = w.last
				nodes = append(nodes, n)
				for k := len(first.children) - 1; k >= 0; k-- {
					stack = append(stack, work{first.children[k], len(nodes) - 1, false, false})
				}
				continue
			}
			n := f.node(w.box, w.parent, nodes)
			n.Last, n.Loose = w.last, w.loose || b.loose
			nodes = append(nodes, n)
			for k := len(b.children) - 1; k >= 0; k-- {
				stack = append(stack, work{b.children[k], len(nodes) - 1, k == len(b.children)-1, false})
			}
		}
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if p := nodes[i].Parent; p >= 0 {
			nodes[p].Size += nodes[i].Size
			if nodes[i].Latest.After(nodes[p].Latest) {
				nodes[p].Latest = nodes[i].Latest
			}
		}
	}
	return arrange(nodes, starts, order, f)
}

func (f *forest) node(b int32, parent int, nodes []Node) Node {
	it := &f.items[f.boxes[b].item]
	n := Node{Key: f.boxes[b].item, Parent: parent, Root: len(nodes), Size: 1, Latest: it.Date}
	if parent >= 0 {
		n.Depth, n.Root = nodes[parent].Depth+1, nodes[parent].Root
	}
	return n
}

// arrange puts whole threads in order and names the messages as the caller does.
func arrange(nodes []Node, starts []int, order Order, f *forest) []Node {
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
			return f.compare(nodes[a].Key, nodes[b].Key)
		}
		return cmp.Or(nodes[b].Latest.Compare(nodes[a].Latest), cmp.Compare(nodes[b].Key, nodes[a].Key))
	})
	out := make([]Node, 0, len(nodes))
	for _, s := range starts {
		shift := len(out) - s
		for i := s; i < s+nodes[s].Size; i++ {
			n := nodes[i]
			n.Key = f.items[n.Key].Key
			n.Root += shift
			if n.Parent >= 0 {
				n.Parent += shift
			}
			out = append(out, n)
		}
	}
	return out
}
