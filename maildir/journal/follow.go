package journal

import (
	"path/filepath"
	"slices"

	"pneu/maildir"
)

// Follow returns where the message is now that had the path once, as far as
// moves in this journal tell. ok is false if it was not moved.
func (j *Journal) Follow(path string) (now string, ok bool) {
	m, err := j.Moves()
	if err != nil {
		return path, false
	}
	dir, e, ok := m.Last(path)
	if !ok {
		return path, false
	}
	f, err := maildir.At(dir)
	if err != nil {
		return path, false
	}
	if found, err := f.Find(e.Base()); err == nil {
		e = found
	}
	return f.File(e), true
}

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
