package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"pneu/maildir"
)

// errPurged is what undo has to say of a purge.
var errPurged = errors.New("it was deleted for good")

// Undo takes back the last n actions of people (1 if n is not positive), newest
// first: of those in the trees with the roots given, or in any if none is. ErrNothing
// if there is none. What cannot be taken back is in the report; it is not tried again.
func (j *Journal) Undo(n int, roots ...string) (Report, error) {
	unlock, err := j.lock()
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	h, err := j.history()
	if err != nil {
		return Report{}, err
	}
	var r Report
	var chosen []*batch
	in := within(roots)
	for i := len(h.order) - 1; i >= 0 && len(chosen) < max(n, 1); i-- {
		b := h.order[i]
		if !userAction(b) || !b.has(done) || !in(b) {
			continue
		}
		rec := b.record()
		rec.Undone = true
		r.Batches = append(r.Batches, rec)
		chosen = append(chosen, b)
	}
	if len(r.Batches) == 0 {
		return r, ErrNothing
	}
	work := inOrder(chosen, done)
	slices.Reverse(work)
	err = j.work(&r, h, work, "undo")
	r.Paths = slices.DeleteFunc(r.Paths, func(path string) bool { return path == "" }) // gone again
	return r, err
}

// within tells which actions have to do with the trees with these roots, whatever names those
// were opened by; all of them if there are none.
func within(roots []string) func(*batch) bool {
	if len(roots) == 0 {
		return func(*batch) bool { return true }
	}
	infos := make([]os.FileInfo, 0, len(roots))
	known := make(map[string]bool)
	for _, r := range roots {
		known[r] = true
		if info, err := os.Stat(r); err == nil {
			infos = append(infos, info)
		}
	}
	return func(b *batch) bool {
		return slices.ContainsFunc(b.ops, func(o operation) bool {
			is, seen := known[o.Store]
			if !seen {
				info, err := os.Stat(o.Store)
				is = err == nil && slices.ContainsFunc(infos, func(r os.FileInfo) bool { return os.SameFile(r, info) })
				known[o.Store] = is
			}
			return is
		})
	}
}

// history is what can be taken back or done again.
func (j *Journal) history() (*history, error) {
	if j.readonly != nil {
		return nil, j.readonly
	}
	h, err := j.read()
	if err == nil && h.newer {
		err = ErrNewer
	}
	return h, err
}

// A task is one operation to be taken back or done again.
type task struct {
	b  *batch
	op *operation
}

// unfinished reports whether it was announced last of all in a batch that has no end.
func (t task) unfinished() bool { return !t.b.ended && t.op.line == t.b.ops[len(t.b.ops)-1].line }

// inOrder lists the operations of batches in that state as they were done:
// actions of several programs at once lie between each other.
func inOrder(batches []*batch, state int) []task {
	var out []task
	for _, b := range batches {
		for i := range b.ops {
			if b.ops[i].state == state {
				out = append(out, task{b, &b.ops[i]})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b task) int { return a.op.at - b.op.at })
	return out
}

// Redo does again what Undo took back last, up to n batches, in the trees with the
// roots given, or in any if none is. A new action since then, in whatever tree, leaves
// nothing to do again.
func (j *Journal) Redo(n int, roots ...string) (Report, error) {
	unlock, err := j.lock()
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	h, err := j.history()
	if err != nil {
		return Report{}, err
	}
	var r Report
	var chosen []*batch
	in := within(roots)
	for i := len(h.redo) - 1; i >= 0 && len(chosen) < max(n, 1); i-- {
		if b := h.byID[h.redo[i]]; b != nil && b.has(undone) && in(b) {
			chosen = append(chosen, b)
		}
	}
	if len(chosen) == 0 {
		return r, ErrNothing
	}
	if err := j.work(&r, h, inOrder(chosen, undone), "redo"); err != nil {
		return r, err
	}
	for _, b := range chosen {
		r.Batches = append(r.Batches, b.record())
	}
	return r, nil
}

// back takes one operation back and returns where the message is then. It looks
// at the folders, not at what the journal believes.
func (j *Journal) back(o Op, hold *maildir.Hold, many bool) (string, error) {
	switch o.Kind {
	case "purge":
		return "", errPurged
	case "mkdir":
		return "", unmake(o)
	}
	from, to, err := o.folders(hold, many)
	if err != nil {
		return "", err
	}
	switch o.Kind {
	case "flags", "move":
		return reverse(to, o.New, from, o.Old)
	case "copy":
		return j.dropCopy(from, to, o)
	case "append":
		e, err := to.Current(o.New)
		if errors.Is(err, maildir.ErrGone) {
			return "", goneError{err}
		}
		if err != nil {
			return "", err
		}
		return "", j.keep(to, e, o.New.File)
	case "replace":
		return j.swap(to, o.New, o.Old)
	case "keywords":
		return j.rekey(from, o.Base(), o.Remove, o.Add)
	}
	return "", fmt.Errorf("unknown operation %q", o.Kind)
}

// folders opens where an operation led from and to, and holds both if more than
// one file there is renamed.
func (o Op) folders(hold *maildir.Hold, many bool) (from, to *maildir.Folder, err error) {
	if from, err = maildir.At(o.From); err != nil {
		return nil, nil, err
	}
	if to, err = maildir.At(o.To); err != nil {
		return nil, nil, err
	}
	if many || o.Old.New || o.New.New {
		hold.Take(from, to)
	}
	return from, to, nil
}

// again does one operation again.
func (j *Journal) again(o Op, hold *maildir.Hold, many bool) (string, error) {
	if o.Kind == "mkdir" {
		return "", remake(o)
	}
	from, to, err := o.folders(hold, many)
	if err != nil {
		return "", err
	}
	switch o.Kind {
	case "flags", "move":
		return reverse(from, o.Old, to, o.New)
	case "copy":
		e, err := from.Current(o.Old)
		if err != nil {
			return "", err
		}
		if err := from.CopyAs(e, to, o.New); err != nil {
			return "", err
		}
		as, err := j.carry(from, e, to, o.New)
		return to.File(as), err
	case "append":
		return to.File(o.New), j.unkeep(to, o)
	case "replace":
		return j.swap(to, o.Old, o.New)
	case "keywords":
		return j.rekey(from, o.Base(), o.Add, o.Remove)
	}
	return "", fmt.Errorf("unknown operation %q", o.Kind)
}

// reverse brings the message that was left as have in f back to want in to. If
// another program changed its flags meanwhile, its changes stay and ours alone
// are taken back. If it is in place already, it stays.
func reverse(f *maildir.Folder, have maildir.Entry, to *maildir.Folder, want maildir.Entry) (string, error) {
	var last error
	old := want
	if f.Path() != to.Path() {
		want = maildir.Returned(want)
	}
	for range attempts {
		now, err := f.Current(have)
		if err != nil {
			// Never done (a crash between note and deed), or another program was
			// there first.
			if there, err := to.Find(old.Base()); err == nil {
				return to.File(there), nil
			}
			return "", err
		}
		as := want
		if now != have {
			if as, err = merge(now, have, want); err != nil {
				return "", err
			}
		}
		if last = f.MoveAs(now, to, as); last == nil {
			return to.File(as), nil
		}
		if errors.Is(last, maildir.ErrExists) {
			break
		}
	}
	return "", last
}

// merge applies the change from have to want to what now is.
func merge(now, have, want maildir.Entry) (maildir.Entry, error) {
	set := want.Flags().Change("", have.Flags())
	clear := have.Flags().Change("", want.Flags())
	flags := now.Flags().Change(set, clear)
	n, err := maildir.ParseName(want.File)
	if err != nil {
		return maildir.Entry{}, err
	}
	if now.Base() != have.Base() && want.Base() == have.Base() {
		// Another program put a field into the base (",U=5"): it stays.
		if cur, err := maildir.ParseName(now.File); err == nil {
			n.Base = cur.Base
		}
	}
	if n.Flags() == flags && now.New == have.New {
		return maildir.Entry{File: n.String(), New: want.New}, nil
	}
	if n, err = n.WithFlags(flags); err != nil {
		return maildir.Entry{}, err
	}
	// Another program took it out of new/, so it has been looked at: new/ again
	// only if that program did not.
	return maildir.Entry{File: n.String(), New: want.New && now.New}, nil
}

// dropCopy removes a copy, provided that the message it was made of is still
// there: the last one of a message is never removed.
func (j *Journal) dropCopy(from, to *maildir.Folder, o Op) (string, error) {
	dup, err := to.Current(o.New)
	if errors.Is(err, maildir.ErrGone) {
		return "", goneError{fmt.Errorf("the copy: %w", err)}
	}
	if err != nil {
		return "", err
	}
	orig, err := from.Current(o.Old)
	if err != nil {
		return "", fmt.Errorf("the copy stays, for the original is not there: %w", err)
	}
	same, err := equal(from, orig, to, dup)
	if err != nil {
		return "", err
	}
	if !same {
		return "", errors.New("the copy stays, for the original is another message now")
	}
	return from.File(orig), to.Remove(dup)
}

// equal compares two messages by file, then by bytes.
func equal(f *maildir.Folder, a maildir.Entry, g *maildir.Folder, b maildir.Entry) (bool, error) {
	x, _, err := f.Open(a)
	if err != nil {
		return false, err
	}
	defer x.Close()
	y, _, err := g.Open(b)
	if err != nil {
		return false, err
	}
	defer y.Close()
	sx, errX := x.Stat()
	sy, errY := y.Stat()
	if errX != nil || errY != nil {
		return false, errors.Join(errX, errY)
	}
	if os.SameFile(sx, sy) {
		return true, nil
	}
	if sx.Size() != sy.Size() {
		return false, nil
	}
	bx, by := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, err := io.ReadFull(x, bx)
		m, _ := io.ReadFull(y, by)
		if !slices.Equal(bx[:n], by[:m]) {
			return false, nil
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// keepFor is how long undone additions (drafts, imports) stay for redo.
const keepFor = 30 * 24 * time.Hour

// forget deletes what was taken out by undo and not asked for again in 30 days.
// It is housekeeping: what cannot be done now is left to the next program.
func (j *Journal) forget(now time.Time) {
	k, err := maildir.At(j.path + ".kept")
	if err != nil {
		return
	}
	k.Clean(now)
	list, err := k.List()
	if err != nil {
		return
	}
	for _, e := range list {
		if used, err := k.LastUse(e); err == nil && now.Sub(used) > keepFor {
			k.Remove(e)
		}
	}
}

// kept returns the Maildir beside the journal that holds what undo took out and
// redo may want again.
func (j *Journal) kept() (*maildir.Folder, error) {
	if _, err := maildir.Create(j.path + ".kept"); err != nil {
		return nil, err
	}
	return maildir.At(j.path + ".kept")
}

func (j *Journal) unkeep(f *maildir.Folder, o Op) error {
	k, err := j.kept()
	if err != nil {
		return err
	}
	e, err := k.Current(maildir.Entry{File: o.New.File})
	if err != nil {
		return err
	}
	return k.MoveAs(e, f, o.New)
}
