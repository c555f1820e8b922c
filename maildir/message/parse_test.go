package message

import "testing"

// checkTree asserts what Parse promises of any message.
func checkTree(t testing.TB, m *Message) {
	t.Helper()
	if len(m.Parts) == 0 || len(m.Parts) > MaxParts {
		t.Fatalf("%d parts", len(m.Parts))
	}
	children := make([]int, len(m.Parts))
	for i, p := range m.Parts {
		if p.HeaderStart < 0 || p.HeaderStart > p.BodyStart || p.BodyStart > p.BodyEnd || p.BodyEnd > len(m.Raw) {
			t.Fatalf("part %d: offsets %d, %d, %d of %d", i, p.HeaderStart, p.BodyStart, p.BodyEnd, len(m.Raw))
		}
		if i == 0 {
			if p.Parent != -1 || p.Depth != 0 {
				t.Fatalf("root: parent %d, depth %d", p.Parent, p.Depth)
			}
			continue
		}
		if p.Parent < 0 || p.Parent >= i {
			t.Fatalf("part %d: parent %d", i, p.Parent)
		}
		up := m.Parts[p.Parent]
		children[p.Parent]++
		if p.Depth != up.Depth+1 || p.Depth > MaxDepth {
			t.Fatalf("part %d: depth %d in %d", i, p.Depth, up.Depth)
		}
		if p.HeaderStart < up.BodyStart || p.BodyEnd > up.BodyEnd {
			t.Fatalf("part %d: %d-%d outside its parent %d: %d-%d", i, p.HeaderStart, p.BodyEnd, p.Parent, up.BodyStart, up.BodyEnd)
		}
		if prev := m.Parts[i-1]; p.HeaderStart < prev.HeaderStart {
			t.Fatalf("part %d starts before part %d", i, i-1)
		}
	}
	for i, n := range children {
		if m.Parts[i].NumChildren != n {
			t.Fatalf("part %d: %d children, %d counted", i, m.Parts[i].NumChildren, n)
		}
	}
}
