package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/journal"
	"pneu/maildir/safe"
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
	var records []journal.Record
	if j, err := openJournal(false); err == nil {
		if records, err = j.Log(0); err != nil {
			t.note("%v", err)
		}
		j.Close()
	}
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
		w, err := t.reason(r, records)
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

func (t *tool) reason(r *ref, records []journal.Record) (*reason, error) {
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
	tree, err := r.v.Threads(t.context(), thread.Newest)
	if err != nil {
		return nil, err
	}
	for _, th := range tree.Threads {
		spots := tree.Spots[th.From : th.From+th.N]
		for _, s := range spots {
			if s.Row == r.n {
				root := ref{b: r.b, v: r.v, n: spots[0].Row, path: r.v.Row(int(spots[0].Row)).Path()}
				w.Thread, w.ThreadSize = root.threadName(), int(th.N)
			}
		}
	}
	for _, rec := range records {
		for _, op := range rec.Ops {
			if touches(op, r.b.f, row.Base(), w.UID) {
				w.Journal = append(w.Journal, touch{rec.ID, rec.Time.UTC().Format(time.RFC3339), rec.Actor, rec.What, op.Kind, rec.Undone})
			}
		}
	}
	return w, nil
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
