package journal

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"pneu/maildir"
)

// A line is one line of the file. T says which fields count:
//
//	begin  ID Time Actor What     a batch begins
//	op     ID N Op                an operation is about to be done
//	many   ID N Op                operations numbered from N on, which Op.Each tells apart
//	fail   ID N                   it was not done after all
//	end    ID                     the batch is complete
//	try    ID N...                these are about to be taken back: copies and what was filed
//	undo   ID N...                these operations were taken back
//	redo   ID N...                and done again
//	lost   ID N...                they cannot be taken back or done again
//	left   ID Op                  as in many: messages that leave their folder by that, and
//	                              the numbers they had in it
type line struct {
	V     int       `json:"v"`
	T     string    `json:"t"`
	ID    string    `json:"id"`
	Time  time.Time `json:"time,omitzero"`
	Actor string    `json:"actor,omitempty"`
	What  string    `json:"what,omitempty"`
	N     []int     `json:"n,omitempty"`
	Op    *opLine   `json:"op,omitempty"`
}

// version of the form; lines of a later one are passed over.
const version = 1

type opLine struct {
	Kind       string `json:"kind"`
	Store      raw    `json:"store"`
	FromFolder raw    `json:"from_folder"`
	ToFolder   raw    `json:"to_folder,omitempty"`
	From       raw    `json:"from"`
	To         raw    `json:"to,omitempty"`
	Old        raw    `json:"old"` // "cur/NAME" or "new/NAME"
	New        raw    `json:"new,omitempty"`
	Add        []raw  `json:"add,omitempty"` // keywords
	Remove     []raw  `json:"remove,omitempty"`
	Numbering  string `json:"numbering,omitempty"`
	UIDs       string `json:"uids,omitempty"`
	// Each has old and new name of each operation of many, one after the other and each as "c"
	// or "n", for cur or new, and the name; empty for none. A slash ends each: no name has one.
	// UIDs then has a number for each that is known, "0" for the others.
	Each raw `json:"each,omitempty"`
}

// raw is a name on disk: any bytes. JSON has only text, so what is no UTF-8 is
// written as a list of byte values.
type raw string

func (r raw) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(r)) {
		return json.Marshal(string(r))
	}
	list := make([]int, len(r))
	for i := range len(r) {
		list[i] = int(r[i])
	}
	return json.Marshal(list)
}

func (r *raw) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '[' {
		return json.Unmarshal(b, (*string)(r))
	}
	var list []int
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	s := make([]byte, len(list))
	for i, c := range list {
		if c < 0 || c > 255 {
			return errors.New("not a byte")
		}
		s[i] = byte(c)
	}
	*r = raw(s)
	return nil
}

func (l line) encode() []byte {
	l.V = version
	b, err := json.Marshal(l)
	if err != nil {
		panic(err) // nothing in a line can fail to encode
	}
	return append(b, '\n')
}

func packEntry(e maildir.Entry) raw {
	if e.File == "" {
		return ""
	}
	if e.New {
		return raw("new/" + e.File)
	}
	return raw("cur/" + e.File)
}

func unpackEntry(r raw) maildir.Entry {
	if len(r) < 4 {
		return maildir.Entry{}
	}
	return maildir.Entry{File: string(r[4:]), New: r[:4] == "new/"}
}

func pack(o Op) *opLine {
	return &opLine{o.Kind, raw(o.Store), raw(o.FromFolder), raw(o.ToFolder), raw(o.From), raw(o.To),
		packEntry(o.Old), packEntry(o.New), convert[raw](o.Add), convert[raw](o.Remove), o.Bulk.Numbering, o.Bulk.UIDs, ""}
}

// convert makes a list of the one kind of text a list of the other.
func convert[To, From ~string](list []From) []To {
	var out []To
	for _, s := range list {
		out = append(out, To(s))
	}
	return out
}

func (l *opLine) unpack() Op {
	return Op{l.Kind, string(l.Store), string(l.FromFolder), string(l.ToFolder), string(l.From), string(l.To),
		unpackEntry(l.Old), unpackEntry(l.New), convert[string](l.Add), convert[string](l.Remove), Bulk{l.Numbering, l.UIDs}}
}

// state of an operation.
const (
	done   = iota
	undone // taken back, can be done again
	failed // never done, or lost: of no interest any more
)

type operation struct {
	Op
	n     int
	at    int // in the order of the file
	line  int // with which it was announced
	state int
	tried bool // to take it back was begun
}

// A batch is what replaying the file knows of one action.
type batch struct {
	id, actor, what string
	time            time.Time
	ops             []operation
	ended           bool
}

// live reports whether anything of the batch was ever done.
func (b *batch) live() bool {
	return slices.ContainsFunc(b.ops, func(o operation) bool { return o.state != failed })
}

// has reports whether an operation of the batch is in that state.
func (b *batch) has(state int) bool {
	return slices.ContainsFunc(b.ops, func(o operation) bool { return o.state == state })
}

func (b *batch) record() Record {
	r := Record{ID: b.id, Time: b.time, Actor: b.actor, What: b.what, Undone: !b.has(done)}
	for _, o := range b.ops {
		if o.state != failed {
			r.Ops = append(r.Ops, o.Op)
		}
	}
	return r
}

// place is a message's identity: its folder's directory and its base.
type place struct{ dir, base string }

// A step is a message's change of place.
type step struct {
	from, to place
	entry    maildir.Entry
}

// history is the file replayed.
type history struct {
	order []*batch // by their first line
	byID  map[string]*batch
	steps []step
	ops   int
	lines int
	newer bool     // a later version has written
	redo  []string // ids that redo may take, the last undone last

	gone []Op // messages that left their folders by undo or redo

	left map[numbering]map[uint32]string // bases of messages that were moved away; made when asked for

	bulks map[string][]Bulk // as numbered returns it; made when asked for
}

// maxLine is more than any line we write; longer ones are damage.
const maxLine = 1 << 20

// replay reads lines and passes over those it cannot read: torn by a crash, or
// of a later version.
func (h *history) replay(r io.Reader) error {
	br := bufio.NewReaderSize(r, maxLine)
	for {
		b, err := br.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			for err == bufio.ErrBufferFull {
				_, err = br.ReadSlice('\n')
			}
			b = nil
		}
		if len(b) > 0 {
			var l line
			if json.Unmarshal(b, &l) == nil && l.V == version {
				h.apply(l)
			} else if l.V > version {
				h.newer = true
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (h *history) apply(l line) {
	b := h.byID[l.ID]
	if b == nil {
		if l.T != "begin" {
			return
		}
		b = &batch{id: l.ID, actor: l.Actor, what: l.What, time: l.Time}
		h.byID[l.ID] = b
		h.order = append(h.order, b)
		return
	}
	h.lines++
	switch l.T {
	case "op":
		if l.Op == nil || len(l.N) != 1 {
			return
		}
		h.did(b, l.Op.unpack(), l.N[0])
	case "many":
		if l.Op == nil || len(l.N) != 1 {
			return
		}
		for i, o := range l.Op.unpackMany() {
			h.did(b, o, l.N[0]+i)
		}
	case "fail":
		never := map[place]bool{}
		h.each(b, l.N, func(o *operation) {
			o.state = failed
			if o.Kind == "move" || o.Kind == "replace" {
				never[place{o.To, o.NewBase()}] = true
			}
		})
		if len(never) > 0 {
			h.steps = slices.DeleteFunc(h.steps, func(s step) bool { return never[s.to] })
		}
	case "try":
		h.each(b, l.N, func(o *operation) { o.tried = true })
	case "end":
		b.ended = true
	case "undo":
		h.each(b, l.N, func(o *operation) { o.state = undone; h.moved(o.Op, true) })
		h.redo = append(slices.DeleteFunc(h.redo, func(id string) bool { return id == b.id }), b.id)
	case "redo":
		h.each(b, l.N, func(o *operation) { o.state, o.tried = done, false; h.moved(o.Op, false) })
		if !b.has(undone) { // else a crash came between
			h.redo = slices.DeleteFunc(h.redo, func(id string) bool { return id == b.id })
		}
	case "left":
		if l.Op != nil {
			h.gone = append(h.gone, l.Op.unpackMany()...)
		}
	case "lost":
		h.each(b, l.N, func(o *operation) { o.state = failed })
	}
}

// did notes an operation.
func (h *history) did(b *batch, o Op, n int) {
	if k := len(b.ops); k > 0 && b.ops[k-1].n >= n {
		return // no line of ours: numbers ascend
	}
	h.ops++
	b.ops = append(b.ops, operation{Op: o, n: n, at: h.ops, line: h.lines})
	h.moved(o, false)
	if userAction(b) {
		h.redo = nil // a new action ends what could be done again
	}
}

func (h *history) each(b *batch, numbers []int, fn func(o *operation)) {
	for _, n := range numbers { // of batches of a hundred thousand
		i, ok := slices.BinarySearchFunc(b.ops, n, func(o operation, n int) int { return cmp.Compare(o.n, n) })
		if ok {
			fn(&b.ops[i])
		}
	}
}

func (h *history) moved(o Op, back bool) {
	if o.Kind != "move" && o.Kind != "replace" {
		return
	}
	s := step{place{o.From, o.Base()}, place{o.To, o.NewBase()}, o.New}
	if back {
		s = step{s.to, s.from, o.Old}
	}
	h.steps = append(h.steps, s)
}

// userAction: rules and other automatic changes are in the log, but "undo" means
// what a person did last.
func userAction(b *batch) bool { return b.actor != "rule" }
