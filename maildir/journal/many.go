package journal

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"pneu/maildir"
)

// All does operations on many messages at once. do calls note with those it is about to do,
// as often as it likes, and returns which of all of them, counted from 0 in the order of the
// notes, were not done after all. Operations that are alike but for their names share a line.
// The journal is held meanwhile, so that one call should be of some hundred.
func (b *Batch) All(do func(note func(ops []Op) error) (failed []int, err error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	begun := b.id != ""
	lines, err := b.begin()
	if err != nil {
		return err
	}
	unlock, err := b.j.lock()
	if err != nil {
		if !begun {
			b.id = ""
		}
		return err
	}
	defer unlock()
	first := b.n + 1
	failed, err := do(func(ops []Op) error {
		lines = append(lines, b.many(ops)...)
		werr := b.j.write(lines...)
		if lines = nil; werr == nil {
			begun = true
		}
		return werr
	})
	if !begun {
		b.id = "" // nothing was noted
		return err
	}
	if len(failed) > 0 {
		numbers := make([]int, len(failed))
		for i, k := range failed {
			numbers[i] = first + k
		}
		if werr := b.j.write(line{T: "fail", ID: b.id, N: numbers}); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	return err
}

// many numbers operations and makes lines of them.
func (b *Batch) many(ops []Op) (lines []line) {
	for len(ops) > 0 {
		first := b.n + 1
		k, size := 0, 0
		for k < len(ops) && alike(ops[0], ops[k]) && (k == 0 || size < maxLine/4) {
			size += nameSize(ops[k].Old) + nameSize(ops[k].New) + len(ops[k].Bulk.UIDs)
			k++
		}
		l := line{T: "op", ID: b.id, N: []int{first}, Op: pack(ops[0])}
		if k > 1 {
			l.T, l.Op = "many", packMany(ops[:k])
		}
		lines = append(lines, l)
		b.n += k
		ops = ops[k:]
	}
	return lines
}

// nameSize bounds what a name takes in a line.
func nameSize(e maildir.Entry) int {
	if utf8.ValidString(e.File) {
		return len(e.File) + 2
	}
	return 4 * (len(e.File) + 2)
}

// alike reports whether two operations are the same on other messages.
func alike(a, b Op) bool {
	return a.Kind == b.Kind && a.Store == b.Store && a.From == b.From && a.To == b.To && a.FromFolder == b.FromFolder && a.ToFolder == b.ToFolder &&
		a.Bulk.Numbering == b.Bulk.Numbering && a.Kind != "bulk" && a.Kind != "words" && len(a.Add)+len(a.Remove)+len(b.Add)+len(b.Remove) == 0
}

func packMany(ops []Op) *opLine {
	l := pack(ops[0])
	l.Old, l.New, l.UIDs = "", "", ""
	var each, uids []byte
	put := func(e maildir.Entry) {
		if e.File != "" {
			at := byte('c')
			if e.New {
				at = 'n'
			}
			each = append(append(each, at), e.File...)
		}
		each = append(each, '/')
	}
	for i, o := range ops {
		put(o.Old)
		put(o.New)
		if o.Bulk.Numbering == "" {
			continue
		}
		if i > 0 {
			uids = append(uids, ',')
		}
		if o.Bulk.UIDs == "" {
			uids = append(uids, '0')
		}
		uids = append(uids, o.Bulk.UIDs...)
	}
	l.Each, l.UIDs = raw(each), string(uids)
	return l
}

func (l *opLine) unpackMany() (ops []Op) {
	names := strings.Split(strings.TrimSuffix(string(l.Each), "/"), "/")
	uids := strings.Split(l.UIDs, ",")
	get := func(s string) maildir.Entry {
		if s == "" {
			return maildir.Entry{}
		}
		return maildir.Entry{File: s[1:], New: s[0] == 'n'}
	}
	common := l.unpack()
	common.Bulk = Bulk{}
	ops = make([]Op, 0, len(names)/2)
	for i := 0; i+1 < len(names); i += 2 {
		o := common
		o.Old, o.New = get(names[i]), get(names[i+1])
		if k := i / 2; l.Numbering != "" && k < len(uids) {
			if u, err := strconv.ParseUint(uids[k], 10, 32); err == nil && u > 0 {
				o.Bulk = Bulk{l.Numbering, uids[k]}
			}
		}
		ops = append(ops, o)
	}
	return ops
}
