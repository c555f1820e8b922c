package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/journal"
	"pneu/maildir/safe"
	"pneu/maildir/store"
	"pneu/maildir/thread"
)

// A reason is what an index knows of a message.
type reason struct {
	V           int      `json:"v"`
	Path        string   `json:"path"`
	Folder      string   `json:"folder"`
	Number      int      `json:"number"` // in the folder, from 1: IMAP's sequence number
	UID         uint32   `json:"uid"`
	UIDValidity uint32   `json:"uidvalidity"`
	ModSeq      uint64   `json:"modseq"`
	Flags       string   `json:"flags"`
	NameFlags   string   `json:"name_flags"` // those in the name; they follow
	Pending     bool     `json:"pending"`
	Keywords    []string `json:"keywords"`
	Received    *string  `json:"received"`
	Saved       *string  `json:"saved"`
	Sent        *string  `json:"sent"`
	Size        int64    `json:"size"`
	WireSize    int64    `json:"wire_size"`
	Kept        int      `json:"kept"` // bytes of the digest
	Class       []string `json:"class"`
	MID         string   `json:"mid"`
	Text        bool     `json:"text"` // in the index of texts
	Thread      string   `json:"thread"`
	ThreadSize  int      `json:"thread_size"`
	Journal     []touch  `json:"journal"`
}

// A touch is an action that was on the message.
type touch struct {
	ID     string `json:"id"`
	Time   string `json:"time"`
	Actor  string `json:"actor"`
	What   string `json:"what"`
	Op     string `json:"op"`
	Undone bool   `json:"undone"`
}

func storeWhy(t *tool) error {
	var past history
	if j, err := openJournal(false); err == nil {
		if past.records, err = j.Log(0); err != nil {
			t.note("%v", err)
		}
		j.Close()
	}
	var talks talks
	return t.eachRef(t.c.Args().Slice(), current, func(r *ref) error {
		if r.b == nil {
			t.fail(r.path, errPlain)
			return nil
		}
		if r.v == nil {
			if t.look(r.b, true) == nil {
				t.fail(r.path, errors.New("its folder has no index"))
				return nil
			}
			now, ok := t.known(r.path)
			if !ok {
				t.fail(r.path, errors.New("the index does not know it"))
				return nil
			}
			now.num = r.num
			*r = now
		}
		w, err := t.reason(r, &past, &talks)
		if err != nil {
			t.fail(r.path, err)
			return nil
		}
		if t.form == formJSON {
			return t.emitJSON(w)
		}
		if t.printed > 0 {
			t.out.WriteByte('\n')
		}
		t.out.WriteString(w.text())
		return t.wrote()
	})
}

func (t *tool) reason(r *ref, past *history, talks *talks) (*reason, error) {
	row := r.v.Row(int(r.n))
	ix := r.v.Index()
	w := &reason{
		V: 1, Path: r.path, Folder: row.Folder(), Number: int(r.n) + 1, UID: uint32(row.UID()), UIDValidity: r.v.State().UIDValidity,
		ModSeq: row.ModSeq(), Flags: string(row.Flags()), NameFlags: string(row.Entry().Flags()), Pending: ix.Pending(int(r.n)),
		Keywords: notNil(row.Keywords()), Received: stamp(row.Received()), Saved: stamp(row.Saved()),
		Size: row.Size(), WireSize: row.WireSize(), Kept: len(ix.Blob(int(r.n))), Class: classes(row.Class()), Text: row.HasText(),
		Journal: []touch{},
	}
	d, err := row.Digest()
	if err != nil {
		return nil, err
	}
	if at, ok := d.Sent(); ok {
		w.Sent = stamp(time.Unix(at, 0))
	}
	w.MID = d.MessageID()
	first, n, err := talks.of(t.context(), r)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		root := ref{b: r.b, v: r.v, n: first, path: r.v.Row(int(first)).Path()}
		w.Thread, w.ThreadSize = root.threadName(), n
	}
	for _, m := range past.of(r.b.f, row.Base(), w.UID) {
		rec := &past.records[m.rec]
		w.Journal = append(w.Journal, touch{rec.ID, rec.Time.UTC().Format(time.RFC3339), rec.Actor, rec.What, rec.Ops[m.op].Kind, rec.Undone})
	}
	return w, nil
}

// talks knows the conversations of a view by their messages, of the one asked last.
type talks struct {
	v    *store.View
	tree *thread.Tree
	by   []int32 // of rows: the thread's number and one, or 0
}

// of returns the first message of a message's conversation, and of how many that is.
func (k *talks) of(ctx context.Context, r *ref) (first int32, n int, err error) {
	if k.v != r.v {
		tree, err := r.v.Threads(ctx, thread.Newest)
		if err != nil {
			return 0, 0, err
		}
		*k = talks{v: r.v, tree: tree, by: make([]int32, r.v.Len())}
		for i, th := range tree.Threads {
			for _, s := range tree.Spots[th.From : th.From+th.N] {
				k.by[s.Row] = int32(i + 1)
			}
		}
	}
	i := k.by[r.n]
	if i == 0 {
		return 0, 0, nil
	}
	th := k.tree.Threads[i-1]
	return k.tree.Spots[th.From].Row, int(th.N), nil
}

// history is the journal, asked what it has on one message after the other.
type history struct {
	records []journal.Record
	asked   int
	names   map[string][]moment // of operations by a base they tell of
	numbers []moment            // of those by number
}

// A moment is an operation in a history.
type moment struct{ rec, op int }

// of returns the operations that were on a message, in the journal's order.
func (h *history) of(f *maildir.Folder, base string, uid uint32) (out []moment) {
	look := func(m moment) {
		if touches(h.records[m.rec].Ops[m.op], f, base, uid) {
			out = append(out, m)
		}
	}
	if h.asked++; h.asked < fewMessages { // for so few it is not worth sorting them
		h.each(look)
		return out
	}
	if h.names == nil {
		h.names = map[string][]moment{}
		h.each(func(m moment) {
			op := h.records[m.rec].Ops[m.op]
			if op.Kind == "bulk" || op.Kind == "words" {
				h.numbers = append(h.numbers, m)
			}
			if op.Old.File != "" {
				h.names[op.Base()] = append(h.names[op.Base()], m)
			}
			if op.New.File != "" && (op.Old.File == "" || op.NewBase() != op.Base()) {
				h.names[op.NewBase()] = append(h.names[op.NewBase()], m)
			}
		})
	}
	for _, m := range h.names[base] {
		look(m)
	}
	for _, m := range h.numbers {
		if !slices.Contains(out, m) {
			look(m)
		}
	}
	slices.SortFunc(out, func(a, b moment) int { return cmp.Or(cmp.Compare(a.rec, b.rec), cmp.Compare(a.op, b.op)) })
	return out
}

func (h *history) each(do func(moment)) {
	for i := range h.records {
		for j := range h.records[i].Ops {
			do(moment{i, j})
		}
	}
}

// touches reports whether an operation was on a message: by its base, or its number.
func touches(op journal.Op, f *maildir.Folder, base string, uid uint32) bool {
	if op.New.File != "" && op.To == f.Path() && op.NewBase() == base || op.Old.File != "" && op.From == f.Path() && op.Base() == base {
		return true
	}
	if op.From == f.Path() && (op.Kind == "bulk" || op.Kind == "words") {
		for first, last := range op.Bulk.Ranges() {
			if first <= uid && uid <= last {
				return true
			}
		}
	}
	return false
}

// classNames are the bits of a digest's class.
var classNames = []struct {
	bit  digest.Class
	name string
}{
	{digest.Attachment, "attachment"}, {digest.List, "list"}, {digest.Patch, "patch"}, {digest.Calendar, "calendar"},
	{digest.Signed, "signed"}, {digest.Encrypted, "encrypted"}, {digest.Danger, "danger"}, {digest.Flowed, "flowed"},
	{digest.HTMLOnly, "html"}, {digest.Auto, "auto"}, {digest.Reply, "reply"}, {digest.Report, "report"},
	{digest.Important, "important"}, {digest.OneClick, "oneclick"}, {digest.Odd, "odd"},
}

func classes(c digest.Class) []string {
	out := []string{}
	for _, n := range classNames {
		if c&n.bit != 0 {
			out = append(out, n.name)
		}
	}
	return out
}

// text says it for people.
func (w *reason) text() string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name, safe.Line(value))
		}
	}
	moment := func(s *string) string {
		if s == nil {
			return ""
		}
		at, err := time.Parse(time.RFC3339, *s)
		if err != nil {
			return *s
		}
		return at.Local().Format("2006-01-02 15:04:05 -0700")
	}
	fmt.Fprintf(&b, "%-9s %s\n", "path", safe.Path(w.Path))
	line("folder", w.Folder)
	line("number", strconv.Itoa(w.Number))
	line("uid", fmt.Sprintf("%d (UIDVALIDITY %d)", w.UID, w.UIDValidity))
	line("modseq", strconv.FormatUint(w.ModSeq, 10))
	flags := w.Flags
	if flags == "" {
		flags = "none"
	}
	if w.Pending {
		flags += fmt.Sprintf(" (the name says %q, and will follow)", w.NameFlags)
	}
	line("flags", flags)
	line("keywords", strings.Join(w.Keywords, " "))
	line("received", moment(w.Received))
	line("saved", moment(w.Saved))
	line("sent", moment(w.Sent))
	line("size", fmt.Sprintf("%d bytes, %d with CRLF", w.Size, w.WireSize))
	line("mid", w.MID)
	line("class", strings.Join(w.Class, " "))
	kept := "nothing"
	if w.Kept > 0 {
		kept = fmt.Sprintf("%d bytes", w.Kept)
	}
	if w.Text {
		kept += ", and the text"
	}
	line("kept", kept)
	line("thread", fmt.Sprintf("%s, %s", w.Thread, plural(w.ThreadSize, "message")))
	for _, j := range w.Journal {
		undone := ""
		if j.Undone {
			undone = ", undone"
		}
		line("journal", fmt.Sprintf("%s %s %s: %s (%s%s)", moment(&j.Time), j.ID, j.Actor, j.What, j.Op, undone))
	}
	return b.String()
}
