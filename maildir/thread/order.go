package thread

import (
	"cmp"
	"slices"
)

// order is step 6.
func (f *builder) order(items []Item, order Order) []Node {
	var starts []int
	places := make([]place, 0, f.n)
	for _, r := range f.roots {
		starts = append(starts, len(places))
		places = f.layOut(places, r)
	}
	nodes := make([]Node, len(places))
	var path []int // to the message before
	for i, p := range places {
		path = append(path[:p.depth], i)
		n := Node{Key: int(p.item), Depth: int(p.depth), Parent: -1, Root: path[0], Size: 1, Last: p.bits&Last != 0, Loose: p.bits&Loose != 0, Latest: items[p.item].Date}
		if p.depth > 0 {
			n.Parent = path[p.depth-1]
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
