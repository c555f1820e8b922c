package main

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/message"
	"pneu/maildir/store"
)

// A ref is a message on its way through a verb that asks little of it: its path, and where
// an index has it. Verbs that take a hundred thousand at a time work on refs, others on msg.
type ref struct {
	path string // see spell
	b    *box
	v    *store.View // nil: m has it
	n    int32
	num  int32 // its number in the sequence, or 0
	m    *msg  // once asked for
}

// msg returns the message for all other questions.
func (r *ref) msg() *msg {
	if r.m == nil {
		r.spell()
		at := strings.LastIndexByte(r.path, '/')
		r.m = &msg{path: r.path, f: r.b.f, e: maildir.Entry{File: r.path[at+1:], New: strings.HasSuffix(r.path[:at], "/new")}, v: r.v, n: int(r.n), num: int(r.num)}
	}
	return r.m
}

// spell fills in the path of a message that was taken from an index without it.
func (r *ref) spell() {
	if r.path == "" && r.v != nil {
		r.path = r.v.Row(int(r.n)).Path()
	}
}

// digested reports whether the index keeps what a list shows of it.
func (r *ref) digested() bool { return r.v != nil && r.v.Index().HasDigest(int(r.n)) }

// date is msg.Date in seconds since 1970.
func (r *ref) date() int64 {
	if r.digested() {
		return r.v.Index().Sent(int(r.n))
	}
	return seconds(r.msg().Date())
}

// summary is what a list shows. It is not kept.
func (r *ref) summary() *message.Summary {
	if r.digested() {
		s := r.v.Row(int(r.n)).Summary()
		return &s
	}
	s := r.msg().Summary()
	r.m.forget()
	return s
}

func (r *ref) received() int64 {
	if r.v != nil {
		if at := r.v.Index().Received(int(r.n)); at != 0 {
			return at
		}
	}
	return seconds(r.msg().Received())
}

func (r *ref) size() int64 {
	if r.v != nil {
		if n := r.v.Index().Size(int(r.n)); n >= 0 {
			return n
		}
	}
	return r.msg().Size()
}

// seconds is the time since 1970; that of no time is before all others.
func seconds(at time.Time) int64 { return at.Unix() }

// A lane is the directory that the paths of the input are in just now.
type lane struct {
	dir   string // as the paths spell it
	b     *box   // nil: no directory of a Maildir, or one worked on by files
	isNew bool
}

// known finds the message of a path in the index of its folder: as it is spelled there.
func (t *tool) known(path string) (ref, bool) {
	at := strings.LastIndexByte(path, '/')
	b, v := t.folderOf(path[:at+1])
	if v == nil {
		return ref{}, false
	}
	t.one = append(t.one[:0], path[at+1:]...)
	n, match := v.Index().Lookup(t.one, t.lane.isNew)
	if match != index.Same {
		return ref{}, false
	}
	return ref{path: path, b: b, v: v, n: int32(n)}, true
}

// folderOf returns the index of the folder in whose cur or new files are, by the beginning of
// their paths up to the slash; nil if it is to be done without. t.lane says which of the two.
func (t *tool) folderOf(dir string) (*box, *store.View) {
	if len(dir) < 2 || dir[0] != '/' {
		return nil, nil
	}
	if dir = dir[:len(dir)-1]; dir != t.lane.dir {
		t.enter(dir)
	}
	if t.lane.b == nil {
		return nil, nil
	}
	return t.lane.b, t.look(t.lane.b, false)
}

// enter makes dir the directory that paths are in.
func (t *tool) enter(dir string) {
	t.lane = lane{dir: strings.Clone(dir)}
	sub := filepath.Base(dir)
	if sub != "cur" && sub != "new" || filepath.Clean(dir) != dir {
		return
	}
	if f, err := t.folderAt(filepath.Dir(dir)); err == nil {
		t.lane.b, t.lane.isNew = t.boxOf(f), sub == "new"
	}
}

// refAt is find for a verb that works on refs.
func (t *tool) refAt(path string) (ref, error) {
	if r, ok := t.known(path); ok {
		return r, nil
	}
	m, err := t.find(path)
	if err != nil {
		return ref{}, err
	}
	return t.refOf(m), nil
}

func (t *tool) refOf(m *msg) ref {
	r := ref{path: m.path, v: m.v, n: int32(m.n), m: m, num: int32(m.num)}
	if m.f != nil {
		r.b = t.boxOf(m.f)
	}
	return r
}

// allRefs gathers the messages for the verbs that cannot stream, and has read what they
// ask of messages that no index keeps yet.
func (t *tool) allRefs(args []string, fb fallback) ([]ref, error) {
	var list []ref
	err := t.eachRef(args, fb, func(r *ref) error {
		if len(list) == fewMessages && r.v != nil {
			list = slices.Grow(list, r.v.Len()) // it may be all of them
		}
		list = append(list, *r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, t.fill(list)
}

// fill brings the refs up to what their folders' indexes know once what they lack is read.
func (t *tool) fill(list []ref) error {
	lack := map[*box]int{}
	var whole *store.View // one that lacks nothing
	for i := range list {
		r := &list[i]
		if r.v == whole && whole != nil {
			continue
		}
		if !r.digested() && r.b != nil {
			lack[r.b]++
		} else if r.v != nil && r.v.State().Undigested == 0 {
			whole = r.v
		}
	}
	for b, n := range lack {
		if n < fewMessages || b.bad {
			delete(lack, b)
			continue
		}
		if t.look(b, !noIndex()) != nil {
			t.readAll(b)
		}
	}
	if len(lack) == 0 {
		return nil
	}
	for i := range list {
		r := &list[i]
		if r.b != nil && lack[r.b] > 0 && !r.digested() {
			if now, ok := t.known(r.path); ok {
				now.num = r.num
				*r = now
			}
		}
	}
	return nil
}

// emitRef writes the record of a message.
func (t *tool) emitRef(r *ref) error {
	if t.form == formPath || t.form == formNull {
		return t.emitPath(r.path)
	}
	return t.emit(r.msg(), "")
}

// emitRefs writes the records of messages in an order.
func (t *tool) emitRefs(list []ref, order []int32) error {
	plain, end := t.form == formNull || t.form == formPath && !t.tty, t.pathEnd()
	var block block
	for _, i := range order {
		r := &list[i]
		if plain && r.path != "" && (end == 0 || !hasNewline(r.path)) {
			block.b = append(append(block.b, r.path...), end)
			if err := t.wroteTo(&block); err != nil {
				return err
			}
			continue
		}
		if err := t.flushBlock(&block); err != nil {
			return err
		}
		if err := t.emitRef(r); err != nil {
			return err
		}
	}
	return t.flushBlock(&block)
}

// A block is what is written at once of many records that are nothing but a path.
type block struct {
	b []byte
	n int
}

// pathEnd is what a path ends in.
func (t *tool) pathEnd() byte {
	if t.form == formNull {
		return 0
	}
	return '\n'
}

// wroteTo counts a record in a block.
func (t *tool) wroteTo(k *block) error {
	if k.n++; len(k.b) < outBuffer && !t.due.Load() {
		return nil
	}
	return t.flushBlock(k)
}

func (t *tool) flushBlock(k *block) error {
	if k.n == 0 {
		return nil
	}
	t.out.Write(k.b)
	t.printed += k.n - 1
	k.b, k.n = k.b[:0], 0
	return t.wrote()
}
