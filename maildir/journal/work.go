package journal

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"

	"pneu/maildir"
)

// A Mover moves many messages at once. A program passes an index.
type Mover interface {
	// Move moves messages from one folder to another, or renames them within one. It sets the
	// path of those that are where they are wanted, and passes over the others.
	Move(from, to *maildir.Folder, list []Moving) error
	// Drop removes those copies in a folder whose originals are surely there, the same file. It
	// sets the path of the original then.
	Drop(from, to *maildir.Folder, list []Dropping) error
}

// A Dropping is a copy of a message that is to be removed.
type Dropping struct {
	Orig, Copy maildir.Entry
	Path       string
}

// UseMover says who moves many messages, before the journal is used.
func (j *Journal) UseMover(m Mover) { j.mover = m }

// UseProgress says who is told how far Undo and Redo are, before the journal is used.
func (j *Journal) UseProgress(told func(done, total int)) { j.progress = told }

// A Moving is a message that is to be brought from the one entry to the other.
type Moving struct {
	Have, Want maildir.Entry
	Back       bool // from another folder
	Path       string
}

// As returns the entry that a message is to get which is called now: what other programs
// changed meanwhile stays.
func (m *Moving) As(now maildir.Entry) (maildir.Entry, error) {
	want := m.Want
	if m.Back {
		want = maildir.Returned(want)
	}
	if now == m.Have {
		return want, nil
	}
	return merge(now, m.Have, want)
}

// runLength is how many operations are done before that is written down.
const runLength = 500

// work takes operations back, or does them again, in that order. What became of each is
// written down soon after, so that a crash leaves little that is tried twice; that does no
// harm either.
func (j *Journal) work(r *Report, h *history, work []task, how string) error {
	var hold maildir.Hold
	defer func() { hold.Release() }()
	many := len(work) > 1
	lie := lying{r, map[place]int{}}
	if how == "undo" {
		inArrival(work)
	}
	total := len(work)
	for len(work) > 0 {
		if j.progress != nil {
			j.progress(total-len(work), total)
		}
		n := length(work)
		run := work[:n]
		work = work[n:]
		paths, errs := make([]string, n), make([]error, n)
		left := run
		if err := j.leaving(h, run, how); err != nil {
			return err
		}
		if kind := run[0].op.Kind; how == "undo" && (kind == "append" || kind == "copy") {
			if err := j.write(listed("try", run)...); err != nil {
				return err
			}
		}
		switch first := run[0].op.Op; {
		case first.Kind == "bulk" || first.Kind == "words":
			add, remove := first.Add, first.Remove
			if how == "undo" {
				add, remove = remove, add
			}
			var all []string
			all, errs[0] = j.flagAll(h, first, add, remove)
			for _, path := range all {
				lie.note(placeOf(path), path)
			}
			left = nil
		case j.mover != nil && (first.Kind == "move" || first.Kind == "flags"):
			hold.Release() // the mover has its own
			j.moveAll(run, how, paths)
		case j.mover != nil && first.Kind == "copy" && how == "undo":
			hold.Release()
			j.dropAll(run, paths)
		}
		for i := range left {
			if paths[i] != "" {
				continue
			}
			if o := left[i].op.Op; how == "undo" {
				paths[i], errs[i] = j.back(o, &hold, many)
				var gone goneError
				if errors.As(errs[i], &gone) && (run[i].op.tried || run[i].unfinished()) {
					errs[i] = nil // a crash came between note and deed, or between deed and note
				}
			} else {
				paths[i], errs[i] = j.again(o, &hold, many)
			}
		}
		if err := j.settle(lie, run, how, paths, errs); err != nil {
			return err
		}
	}
	return nil
}

// listed makes lines of one kind for operations.
func listed(what string, run []task) (lines []line) {
	for _, w := range run {
		if k := len(lines) - 1; k >= 0 && lines[k].ID == w.b.id {
			lines[k].N = append(lines[k].N, w.op.n)
		} else {
			lines = append(lines, line{T: what, ID: w.b.id, N: []int{w.op.n}})
		}
	}
	return lines
}

// A goneError says that what is to be taken away is not there.
type goneError struct{ error }

func (e goneError) Unwrap() error { return e.error }

// lying are the messages of a report by where they lie: one that is changed twice is in it once.
type lying struct {
	r  *Report
	at map[place]int
}

func (l lying) note(was place, path string) {
	i, ok := l.at[was]
	if !ok {
		i = len(l.r.Paths)
		l.r.Paths = append(l.r.Paths, "")
	}
	delete(l.at, was)
	l.r.Paths[i] = path
	l.at[placeOf(path)] = i
}

// drop takes a message out of the report that is nowhere any more.
func (l lying) drop(was place) {
	if i, ok := l.at[was]; ok {
		l.r.Paths[i] = ""
		delete(l.at, was)
	}
}

func placeOf(path string) place {
	sub := filepath.Dir(path)
	return placeIn(filepath.Dir(sub), maildir.Entry{File: filepath.Base(path)})
}

// placeIn tells the message apart by what no program takes from its name or adds to it.
func placeIn(dir string, e maildir.Entry) place { return place{dir, maildir.Unique(e.Base())} }

// settle writes down what became of operations.
func (j *Journal) settle(lie lying, run []task, how string, paths []string, errs []error) error {
	var lines []line
	for i, w := range run {
		what := how
		if errs[i] != nil {
			what = "lost"
			lie.r.Failed = append(lie.r.Failed, Failure{w.op.Op, errs[i]})
		} else if was := placeIn(w.op.To, w.op.New); paths[i] != "" {
			if how == "redo" {
				was = placeIn(w.op.From, w.op.Old)
			}
			lie.note(was, paths[i])
		} else if how == "undo" && w.op.Kind == "append" {
			lie.drop(was)
		}
		if k := len(lines) - 1; k >= 0 && lines[k].T == what && lines[k].ID == w.b.id {
			lines[k].N = append(lines[k].N, w.op.n)
		} else {
			lines = append(lines, line{T: what, ID: w.b.id, N: []int{w.op.n}})
		}
	}
	return j.write(lines...)
}

// inArrival puts what is to be taken back, the last done first, into an order that is as good:
// changes of one message stay as they are, and messages that were moved away or replaced come back
// in the order in which they went, not the other way round. An index numbers messages as they come.
func inArrival(work []task) {
	for len(work) > 0 {
		n := 0
		for n < len(work) && (work[n].op.Kind == "move" || work[n].op.Kind == "flags" || work[n].op.Kind == "replace") {
			n++
		}
		part := work[:n]
		before := map[place]int{} // changes of the message that is there
		depth := make(map[*operation]int, n)
		for _, w := range slices.Backward(part) {
			d := before[placeIn(w.op.From, w.op.Old)]
			depth[w.op] = d
			before[placeIn(w.op.To, w.op.New)] = d + 1
		}
		slices.SortStableFunc(part, func(a, b task) int {
			return cmp.Or(cmp.Compare(depth[b.op], depth[a.op]), cmp.Compare(a.op.at, b.op.at))
		})
		work = work[max(n, 1):]
	}
}

// length returns how many tasks at the beginning of work can be done in one go: those of
// several messages that were moved alike.
func length(work []task) int {
	first := work[0].op.Op
	if first.Kind != "move" && first.Kind != "flags" && first.Kind != "copy" {
		return 1
	}
	seen := map[string]bool{}
	for n, w := range work {
		o := w.op.Op
		was, is := maildir.Unique(o.Base()), maildir.Unique(o.NewBase())
		if n == runLength || o.Kind != first.Kind || o.From != first.From || o.To != first.To || seen[was] || seen[is] {
			return n
		}
		seen[was], seen[is] = true, true
	}
	return len(work)
}

// dropAll has copies removed at once, as far as that can be done.
func (j *Journal) dropAll(run []task, paths []string) {
	from, err := maildir.At(run[0].op.From)
	if err != nil {
		return
	}
	to, err := maildir.At(run[0].op.To)
	if err != nil {
		return
	}
	list := make([]Dropping, len(run))
	for i, w := range run {
		list[i] = Dropping{Orig: w.op.Old, Copy: w.op.New}
	}
	j.mover.Drop(from, to, list) // what it leaves is tried one by one, and says why
	for i := range list {
		paths[i] = list[i].Path
	}
}

// moveAll has messages moved at once, as far as that can be done.
func (j *Journal) moveAll(run []task, how string, paths []string) {
	from, err := maildir.At(run[0].op.From)
	if err != nil {
		return // each will say so
	}
	to, err := maildir.At(run[0].op.To)
	if err != nil {
		return
	}
	list := make([]Moving, len(run))
	for i, w := range run {
		if list[i] = (Moving{Have: w.op.Old, Want: w.op.New}); how == "undo" {
			list[i] = Moving{Have: w.op.New, Want: w.op.Old}
		}
	}
	if how == "undo" {
		from, to = to, from
	}
	for i := range list {
		list[i].Back = from.Path() != to.Path()
	}
	if j.mover.Move(from, to, list) != nil {
		// What was done is found where it is.
		for i := range list {
			list[i].Path = ""
		}
	}
	for i := range list {
		paths[i] = list[i].Path
	}
}
