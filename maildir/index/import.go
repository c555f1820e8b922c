package index

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"pneu/maildir"
)

// What other servers knew of a folder is taken over when it is seen for the first
// time, or when our own index was lost: UIDVALIDITY, UIDs, the next UID, POP3
// UIDLs. Our rescue copy comes first, then Dovecot's list, then Courier's.

// uidSources are in the order of trust.
var uidSources = []string{rescueFile, "dovecot-uidlist", "courierimapuiddb"}

// rescueFile is our own list in the syntax of Dovecot's.
const rescueFile = "pneu.uids"

// rescueAhead is how far the next UID in the rescue copy is ahead of the truth:
// when the index is lost, UIDs given since the copy was written must not be given
// again. The copy is due when half of that is used up.
const (
	rescueAhead       = 1 << 20
	rescueAheadModSeq = 1 << 40
)

// Keys of values that import leaves in the journal.
const (
	metaImported = "imported"     // the file that UIDs came from
	metaGUID     = "dovecot guid" // 16 bytes
	metaUIDL     = "uidl "        // and the UID as 4 bytes, big endian: POP3 UIDL
	metaOrder    = "order "       // likewise: POP3 order, 4 bytes
)

// readUIDFile reads one of the lists in the folder.
func readUIDFile(path string) (*uidList, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, errUIDList), err)
	}
	return readUIDs(f, filepath.Base(path) == rescueFile)
}

// findUIDs returns the best list there is, nil if there is none.
func (x *Index) findUIDs() (l *uidList, name string) {
	for _, name := range uidSources {
		l, err := readUIDFile(filepath.Join(x.f.Path(), name))
		if err == nil {
			return l, name
		}
		if !errors.Is(err, fs.ErrNotExist) {
			x.logOnce("UIDs not imported", "file", name, "err", err)
		}
	}
	return nil, ""
}

// firstSight fills an empty index with what r has read, under the UIDs that
// others have given, as far as any record is left of them.
func (x *Index) firstSight(_ context.Context, t *tx, r *reading) error {
	if !r.dirs[0] || !r.dirs[1] {
		return errUnheard // a notice before the first reading
	}
	fresh := r.odd // a million of them, perhaps: not copied
	r.odd = nil
	u := t.view()
	old := u.State()
	for row := range r.v.Len() { // what a damaged index still knew
		if r.marked(row) {
			fresh = append(fresh, r.v.Entry(row))
		}
	}
	letters, _, _, err := loadKeywordLetters(x.f.Path(), fileMark{})
	if err != nil {
		x.logOnce("keywords not read", "err", err)
	}
	fresh = x.distinct(r, fresh)
	list, source := x.findUIDs()
	validity := uint32(0)
	if list == nil {
		// Rule 19: clients must not take the new UIDs for the old ones.
		now := uint32(min(max(x.now().Unix(), 1), math.MaxUint32))
		validity = max(now, old.UIDValidity+1)
		if _, lost := x.Damage(); lost {
			x.logOnce("the index was lost and no list of UIDs is left", "uidvalidity", validity)
		}
	} else {
		validity = list.validity
		if list.skipped > 0 {
			x.logOnce("lines not understood", "file", source, "lines", list.skipped)
		}
	}
	if err := t.reset(validity); err != nil {
		return err
	}
	var found []sighted
	if list != nil {
		found = match(list, fresh)
	}
	raised := list == nil
	for i, e := range fresh {
		g := sighted{e, -1}
		if list != nil {
			g = found[i]
		}
		m, ok := x.message(r, g.e, &letters, len(fresh))
		if !ok {
			continue
		}
		switch {
		case g.row >= 0:
			list.rows[g.row].fill(&m)
		case !raised:
			if err := t.raise(UID(list.next), list.modseq); err != nil {
				return err
			}
			raised = true
		}
		if _, err := t.file(m); err != nil {
			return err
		}
	}
	if !raised {
		if err := t.raise(UID(list.next), list.modseq); err != nil {
			return err
		}
	}
	if err := t.meta(lettersKey, letters.bytes()); err != nil {
		return err
	}
	if list == nil {
		return nil
	}
	return x.importMeta(t, list, source, found)
}

// A sighted message has a row in a list, or -1.
type sighted struct {
	e   maildir.Entry
	row int
}

// match finds the rows of entries: first come those that have one, in the order
// of UIDs, then the others as they were. A message is known by its base, and if
// some program has added fields to it or taken some, by the rest of that.
func match(list *uidList, entries []maildir.Entry) []sighted {
	out := make([]sighted, len(entries))
	for i, e := range entries {
		out[i] = sighted{e, -1}
	}
	rows := make(map[string]int, len(list.rows))
	for i := range list.rows {
		rows[maildir.Entry{File: list.rows[i].name}.Base()] = i
	}
	taken := make([]bool, len(list.rows))
	left := 0
	for i := range out {
		if at, ok := rows[out[i].e.Base()]; ok && !taken[at] {
			out[i].row, taken[at] = at, true
		} else {
			left++
		}
	}
	if left > 0 {
		loose := map[string]int{}
		for i := range list.rows {
			if !taken[i] {
				loose[maildir.Unique(maildir.Entry{File: list.rows[i].name}.Base())] = i
			}
		}
		for i := range out {
			if out[i].row >= 0 || len(loose) == 0 {
				continue
			}
			if at, ok := loose[maildir.Unique(out[i].e.Base())]; ok && !taken[at] {
				out[i].row, taken[at] = at, true
			}
		}
	}
	slices.SortStableFunc(out, func(a, b sighted) int {
		return cmp.Compare(uint(a.row), uint(b.row)) // -1 sorts last
	})
	return out
}

// fill gives a message what its row says.
func (r *uidRow) fill(m *Message) {
	m.UID = UID(r.uid)
	if m.Size < 0 {
		m.Size = r.size
	}
	if m.WireSize < 0 {
		m.WireSize = r.wire
	}
	if !r.saved.IsZero() {
		m.Saved = r.saved.Unix()
	}
	for _, w := range r.keywords {
		if !containsFold(m.Keywords, w) && checkKeyword(w) == nil {
			m.Keywords = append(m.Keywords, w)
		}
	}
}

func uidKey(prefix string, uid UID) string {
	return prefix + string(binary.BigEndian.AppendUint32(nil, uint32(uid)))
}

// importMeta keeps what has no column: POP3 UIDLs and order, the folder's GUID.
func (x *Index) importMeta(t *tx, list *uidList, source string, found []sighted) error {
	if err := t.meta(metaImported, []byte(source)); err != nil {
		return err
	}
	if list.guid != [16]byte{} {
		if err := t.meta(metaGUID, list.guid[:]); err != nil {
			return err
		}
	}
	for _, g := range found {
		if g.row < 0 {
			break
		}
		r := &list.rows[g.row]
		if r.uidl != "" {
			if err := t.meta(uidKey(metaUIDL, UID(r.uid)), []byte(r.uidl)); err != nil {
				return err
			}
		}
		if r.order != 0 {
			if err := t.meta(uidKey(metaOrder, UID(r.uid)), binary.BigEndian.AppendUint32(nil, r.order)); err != nil {
				return err
			}
		}
	}
	return nil
}

// UIDL returns the POP3 UIDL that another server gave the message of a row; ok
// is false if none did, and its UID serves.
func (v *View) UIDL(row int) (uidl string, ok bool) {
	b, ok := v.Meta(uidKey(metaUIDL, v.UID(row)))
	return string(b), ok
}

// writeUIDList writes a list of all messages of v, row by row: of a large folder they would take
// much room at once. Own is for the rescue copy.
func writeUIDList(w io.Writer, v *View, own bool) error {
	st := v.State()
	l := &uidList{validity: st.UIDValidity, next: uint32(st.UIDNext), guid: st.GUID}
	if g, ok := v.Meta(metaGUID); ok && len(g) == len(l.guid) {
		copy(l.guid[:], g)
	}
	if own {
		l.next = uint32(min(uint64(l.next)+rescueAhead, math.MaxUint32))
		l.modseq = st.HighestModSeq + rescueAheadModSeq
	}
	letters := v.letters()
	pop3 := len(v.MetaKeys(metaUIDL)) > 0
	orders := len(v.MetaKeys(metaOrder)) > 0
	return l.write(w, own, func(yield func(*uidRow) bool) {
		var r uidRow
		for row := range v.Len() {
			e := maildir.Entry{File: v.Base(row)}
			r = uidRow{uid: uint32(v.UID(row)), name: e.File, size: -1, wire: -1}
			if _, ok := e.Size(); !ok {
				r.size = v.Size(row)
			}
			if _, ok := e.WireSize(); !ok {
				r.wire = v.WireSize(row)
			}
			if pop3 {
				r.uidl, _ = v.UIDL(row)
			}
			if orders {
				if b, ok := v.Meta(uidKey(metaOrder, v.UID(row))); ok && len(b) == 4 {
					r.order = binary.BigEndian.Uint32(b)
				}
			}
			if own {
				if at := v.Saved(row); at > 0 {
					r.saved = time.Unix(at, 0)
				}
				for _, w := range v.Keywords(row) {
					if letters.letter(w) == 0 {
						r.keywords = append(r.keywords, w)
					}
				}
			}
			if !yield(&r) {
				return
			}
		}
	})
}
