package journal

import (
	"errors"
	"iter"
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

// Numbers changes flags of messages by their numbers. A program passes an index.
type Numbers interface {
	// Flag adds and removes flags of the messages b names, and of those with these bases.
	// Messages that are gone are passed over. It is an error if the folder is not numbered like
	// that any more.
	Flag(f *maildir.Folder, b Bulk, bases []string, add, remove maildir.Flags) error
	// Number returns the number of a message, the zero Bulk if it is not known.
	Number(f *maildir.Folder, e maildir.Entry) Bulk
}

// errNoNumbers is the error of a journal without UseNumbers.
var errNoNumbers = errors.New("messages have no numbers here")

// UseNumbers says who changes flags by number, before the journal is used.
func (j *Journal) UseNumbers(n Numbers) { j.numbers = n }

// maxUIDs bounds the text of one line.
const maxUIDs = maxLine / 2

// FlagAll writes down that do adds and removes flags of many messages, and calls it. The
// messages are those that lack what is added and have what is removed: undo turns all of it
// round.
func (b *Batch) FlagAll(f *maildir.Folder, of Bulk, add, remove maildir.Flags, do func() error) error {
	parts := of.parts()
	for i, part := range parts {
		o := Op{Kind: "bulk", Store: f.Store().Root(), FromFolder: f.Name(), From: f.Path(), ToFolder: f.Name(), To: f.Path(), Bulk: part}
		if add != "" {
			o.Add = []string{string(add)}
		}
		if remove != "" {
			o.Remove = []string{string(remove)}
		}
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

// strays returns the bases of those of the messages of o that were moved away since: if undo
// has brought them back, they are there under these, and have other numbers.
func (h *history) strays(o Op) (bases []string) {
	var in map[uint32]bool
	for _, b := range h.order {
		for _, m := range b.ops {
			if m.Kind != "move" || m.From != o.From || m.Bulk.Numbering == "" || m.Bulk.Numbering != o.Bulk.Numbering {
				continue
			}
			if in == nil {
				in = make(map[uint32]bool, 1024)
				for lo, hi := range o.Bulk.Ranges() {
					for u := uint64(lo); u <= uint64(hi); u++ {
						in[uint32(u)] = true
					}
				}
			}
			for u := range m.Bulk.Ranges() {
				if in[u] {
					bases = append(bases, m.Base())
				}
			}
		}
	}
	return bases
}

// flagAll changes the flags of all messages of an operation.
func (j *Journal) flagAll(h *history, o Op, add, remove []string) error {
	if j.numbers == nil {
		return errNoNumbers
	}
	f, err := maildir.At(o.From)
	if err != nil {
		return err
	}
	return j.numbers.Flag(f, o.Bulk, h.strays(o), maildir.MakeFlags(strings.Join(add, "")), maildir.MakeFlags(strings.Join(remove, "")))
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
