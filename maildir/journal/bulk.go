package journal

import (
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"pneu/maildir"
)

// Bulk names messages of one folder by the numbers an index gives them, so that one line
// tells of a hundred thousand.
type Bulk struct {
	// Numbering says what the numbers are of: they mean nothing under another one.
	Numbering string
	// UIDs are ranges as IMAP writes them: "1:500,502".
	UIDs string
}

// A Change is what becomes of flags and keywords.
type Change struct {
	Add, Remove                 maildir.Flags
	AddKeywords, RemoveKeywords []string
}

// Numbers changes flags and keywords of messages by their numbers. A program passes an index.
type Numbers interface {
	// Flag changes the messages b names, and those with these bases, and returns their paths once
	// their names say it. Messages that are gone are passed over. It is an error if the folder is
	// not numbered like that any more.
	Flag(f *maildir.Folder, b Bulk, bases []string, c Change) (paths []string, err error)
	// Number returns the number of a message, the zero Bulk if it is not known.
	Number(f *maildir.Folder, e maildir.Entry) Bulk
}

// errNoNumbers is the error of a journal without UseNumbers.
var errNoNumbers = errors.New("messages have no numbers here")

// UseNumbers says who changes flags and keywords by number, before the journal is used.
func (j *Journal) UseNumbers(n Numbers) { j.numbers = n }

// maxUIDs bounds the text of one line.
const maxUIDs = maxLine / 2

// FlagAll writes down that do adds and removes flags of many messages, and calls it. The
// messages are those that lack what is added and have what is removed: undo turns all of it
// round.
func (b *Batch) FlagAll(f *maildir.Folder, of Bulk, add, remove maildir.Flags, do func() error) error {
	o := Op{Kind: "bulk"}
	if add != "" {
		o.Add = []string{string(add)}
	}
	if remove != "" {
		o.Remove = []string{string(remove)}
	}
	return b.numbered(f, of, o, do)
}

// WordAll is FlagAll for keywords.
func (b *Batch) WordAll(f *maildir.Folder, of Bulk, add, remove []string, do func() error) error {
	return b.numbered(f, of, Op{Kind: "words", Add: add, Remove: remove}, do)
}

// numbered writes down what is to be done with many messages, and does it.
func (b *Batch) numbered(f *maildir.Folder, of Bulk, o Op, do func() error) error {
	o.Store, o.FromFolder, o.From, o.ToFolder, o.To = f.Store().Root(), f.Name(), f.Path(), f.Name(), f.Path()
	parts := of.parts()
	for i, part := range parts {
		o.Bulk = part
		// All is done with the last line. To take back what the others say and nobody did
		// changes nothing.
		if err := b.note(o, func() error {
			if i < len(parts)-1 {
				return nil
			}
			return do()
		}); err != nil {
			return err
		}
	}
	return nil
}

// parts cuts what is too long for a line.
func (of Bulk) parts() (parts []Bulk) {
	rest := of.UIDs
	for len(rest) > maxUIDs {
		cut := strings.LastIndexByte(rest[:maxUIDs], ',')
		parts = append(parts, Bulk{of.Numbering, rest[:cut]})
		rest = rest[cut+1:]
	}
	if rest != "" {
		parts = append(parts, Bulk{of.Numbering, rest})
	}
	return parts
}

// A numbering is a folder and what the numbers in it are of.
type numbering struct{ dir, of string }

// number returns the number of a message, if there are any.
func (j *Journal) number(f *maildir.Folder, e maildir.Entry) Bulk {
	if j.numbers == nil {
		return Bulk{}
	}
	return j.numbers.Number(f, e)
}

// strays returns the bases of those of the messages of o that left the folder since, by a move
// or because what brought them was taken back: if they are there again, it is under these, and
// with other numbers.
func (h *history) strays(o Op) (bases []string) {
	if h.left == nil {
		h.left = map[numbering]map[uint32]string{}
		left := func(m Op) {
			if m.Bulk.Numbering == "" {
				return
			}
			at := numbering{m.From, m.Bulk.Numbering}
			if h.left[at] == nil {
				h.left[at] = map[uint32]string{}
			}
			for u := range m.Bulk.Ranges() {
				h.left[at][u] = m.Base()
			}
		}
		for _, b := range h.order {
			for _, m := range b.ops {
				if m.Kind == "move" || m.Kind == "replace" {
					left(m.Op)
				}
			}
		}
		for _, m := range h.gone {
			left(m)
		}
	}
	left := h.left[numbering{o.From, o.Bulk.Numbering}]
	if len(left) == 0 {
		return nil
	}
	for lo, hi := range o.Bulk.Ranges() {
		if int(hi-lo) > len(left) {
			for u, base := range left {
				if lo <= u && u <= hi {
					bases = append(bases, base)
				}
			}
			continue
		}
		for u := uint64(lo); u <= uint64(hi); u++ {
			if base, ok := left[uint32(u)]; ok {
				bases = append(bases, base)
			}
		}
	}
	return bases
}

// flagAll changes the flags or keywords of all messages of an operation.
func (j *Journal) flagAll(h *history, o Op, add, remove []string) ([]string, error) {
	if j.numbers == nil {
		return nil, errNoNumbers
	}
	f, err := maildir.At(o.From)
	if err != nil {
		return nil, err
	}
	c := Change{AddKeywords: add, RemoveKeywords: remove}
	if o.Kind == "bulk" {
		c = Change{Add: maildir.MakeFlags(strings.Join(add, "")), Remove: maildir.MakeFlags(strings.Join(remove, ""))}
	}
	return j.numbers.Flag(f, o.Bulk, h.strays(o), c)
}

// Ranges yields the first and last number of each range; none from the first that is damaged on.
func (of Bulk) Ranges() iter.Seq2[uint32, uint32] {
	return func(yield func(lo, hi uint32) bool) {
		for r := range strings.SplitSeq(of.UIDs, ",") {
			first, last, more := strings.Cut(r, ":")
			if !more {
				last = first
			}
			lo, err := strconv.ParseUint(first, 10, 32)
			hi, err2 := strconv.ParseUint(last, 10, 32)
			if err != nil || err2 != nil || lo > hi || !yield(uint32(lo), uint32(hi)) {
				return
			}
		}
	}
}

// Count returns how many numbers there are.
func (of Bulk) Count() (n int) {
	for lo, hi := range of.Ranges() {
		n += int(hi-lo) + 1
	}
	return n
}

// NewBulk returns what names the messages with these numbers, which ascend.
func NewBulk(numbering string, uids []uint32) Bulk {
	var b []byte
	for i := 0; i < len(uids); {
		k := i
		for k+1 < len(uids) && uids[k+1] == uids[k]+1 {
			k++
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(uids[i]), 10)
		if k > i {
			b = strconv.AppendUint(append(b, ':'), uint64(uids[k]), 10)
		}
		i = k + 1
	}
	return Bulk{numbering, string(b)}
}

// Plain returns c with what is written as a keyword and is a flag, $Forwarded, as a flag.
func (c Change) Plain() Change {
	flag := func(words []string, letters maildir.Flags) ([]string, maildir.Flags) {
		var rest []string
		for _, w := range words {
			if strings.EqualFold(w, "$Forwarded") {
				letters = letters.Change("P", "")
			} else {
				rest = append(rest, w)
			}
		}
		return rest, letters
	}
	c.AddKeywords, c.Add = flag(c.AddKeywords, c.Add)
	c.RemoveKeywords, c.Remove = flag(c.RemoveKeywords, c.Remove)
	return c
}

// numbered returns by directory what was noted by number.
func (h *history) numbered() map[string][]Bulk {
	if h.bulks == nil {
		h.bulks = map[string][]Bulk{}
		for _, b := range h.order {
			for i := range b.ops {
				if o := &b.ops[i]; o.Kind == "bulk" || o.Kind == "words" {
					h.bulks[o.From] = append(h.bulks[o.From], o.Bulk)
				}
			}
		}
	}
	return h.bulks
}

// leaving writes down the numbers of messages that are about to leave their folders because
// something is taken back or done again, as far as numbers were noted of them: after that there
// is no telling which message it was.
func (j *Journal) leaving(h *history, run []task, how string) error {
	if j.numbers == nil {
		return nil
	}
	noted := h.numbered()
	if len(noted) == 0 {
		return nil
	}
	var lines []line
	var ops []Op
	flush := func(id string) {
		if len(ops) > 0 {
			lines = append(lines, line{T: "left", ID: id, Op: packMany(ops)})
			h.gone = append(h.gone, ops...)
			h.left = nil
			ops = nil
		}
	}
	for i, w := range run {
		o := w.op.Op
		dir, e := o.From, o.Old
		if how == "undo" {
			dir, e = o.To, o.New
		}
		switch {
		case len(noted[dir]) == 0:
			continue
		case o.Kind == "move" || o.Kind == "replace":
		case how == "undo" && (o.Kind == "copy" || o.Kind == "append"):
		default:
			continue
		}
		f, err := maildir.At(dir)
		if err != nil {
			continue
		}
		at := j.numbers.Number(f, e)
		if !slices.ContainsFunc(noted[dir], func(of Bulk) bool { return of.overlaps(at) }) {
			continue
		}
		if len(ops) > 0 && (ops[0].From != dir || ops[0].Bulk.Numbering != at.Numbering || len(ops) == runLength) {
			flush(run[i].b.id)
		}
		ops = append(ops, Op{Kind: "left", From: dir, Old: maildir.Entry{File: e.Base()}, Bulk: at})
	}
	if len(run) > 0 {
		flush(run[len(run)-1].b.id)
	}
	if len(lines) == 0 {
		return nil
	}
	return j.write(lines...)
}

// overlaps reports whether a message is in both.
func (of Bulk) overlaps(at Bulk) bool {
	if of.Numbering != at.Numbering {
		return false
	}
	for lo, hi := range at.Ranges() {
		for l, h := range of.Ranges() {
			if lo <= h && l <= hi {
				return true
			}
		}
	}
	return false
}
