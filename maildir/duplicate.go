package maildir

import "os"

// Two messages with one base come of copying by hand, of restored backups and of
// programs that keep a base when they file into a folder. Since the base is what
// names a message, one of them would be read, flagged and deleted for the other.

// apart gives the younger of two messages with one base a fresh one, and returns
// its entries before and after. If a and b are not two messages (one file that
// was renamed meanwhile, or one with two links), ok is false; gone is what to
// pass over then.
func (f *Folder) apart(a, b Entry) (old, fresh Entry, ok bool, gone Entry) {
	pathA, pathB := f.File(a), f.File(b)
	sa, err := os.Lstat(pathA)
	if err != nil {
		return old, fresh, false, a
	}
	sb, err := os.Lstat(pathB)
	if err != nil || os.SameFile(sa, sb) {
		return old, fresh, false, b
	}
	// If a is where it was, both were there when b was looked at: a message on
	// its way from a to b would be one inode, or have left a.
	if !sameAs(pathA, sa) {
		return old, fresh, false, a
	}
	if !sa.Mode().IsRegular() || !sb.Mode().IsRegular() {
		return old, fresh, false, Entry{}
	}
	// Whoever else does this must choose the same one: then one rename of the
	// two fails, and no message loses its name altogether.
	old = b
	switch c := sa.ModTime().Compare(sb.ModTime()); {
	case c > 0, c == 0 && a.New && !b.New, c == 0 && a.New == b.New && a.File > b.File:
		old = a
	}
	fresh = Fresh(old)
	if renameFree(f.File(old), f.File(fresh)) != nil {
		return old, fresh, false, Entry{} // not ours to write in, or done by another
	}
	return old, fresh, true, Entry{}
}

// separate looks for bases that occur twice in a group of entries and tells the
// messages apart. Groups have one arrival time: seldom more than one entry.
func (f *Folder) separate(group []Entry) []Entry {
	first := make(map[string]int, len(group))
	out := group[:0]
	for _, e := range group {
		i, twice := first[e.Base()]
		if !twice {
			first[e.Base()] = len(out)
			out = append(out, e)
			continue
		}
		old, fresh, ok, gone := f.apart(out[i], e)
		switch {
		case ok && old == out[i]:
			out[i] = e
			out = append(out, fresh)
		case ok:
			out = append(out, fresh)
		case gone == out[i]:
			out[i] = e
		case gone == e:
		default:
			out = append(out, e)
		}
	}
	return out
}
