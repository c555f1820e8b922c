package journal

import (
	"path/filepath"
	"slices"

	"pneu/maildir"
)

// Moves says where messages went, as of when the journal was read: for programs
// that follow thousands of paths and cannot read the journal for each.
type Moves struct {
	steps []step
	from  map[place][]int // the steps out of a place, in order
}

// Moves reads the journal.
func (j *Journal) Moves() (*Moves, error) {
	unlock, err := j.lock()
	if err != nil {
		return nil, err
	}
	h, err := j.read()
	unlock()
	if err != nil {
		return nil, err
	}
	m := &Moves{steps: h.steps, from: make(map[place][]int, len(h.steps))}
	for i, s := range h.steps {
		m.from[s.from] = append(m.from[s.from], i)
	}
	return m, nil
}

// Last returns the folder's directory that the message with that path was moved to
// last, and its name then. ok is false if no move of it was noted.
func (m *Moves) Last(path string) (dir string, e maildir.Entry, ok bool) {
	sub := filepath.Dir(path)
	at := place{filepath.Dir(sub), maildir.Entry{File: filepath.Base(path)}.Base()}
	for after := 0; ; {
		out := m.from[at]
		i, _ := slices.BinarySearch(out, after)
		if i == len(out) {
			return at.dir, e, ok
		}
		s := m.steps[out[i]]
		at, e, ok = s.to, s.entry, true
		after = out[i] + 1
	}
}
