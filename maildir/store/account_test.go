package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pneu/maildir/search"
	"pneu/maildir/thread"
)

// However mail moves between folders, conversations are what Build makes of all messages, each
// once.
func TestConversations(t *testing.T) {
	each(t, 90, func(t *testing.T, w *world, s *Store) {
		for step := range 6 {
			c, err := s.Conversations(ctx, thread.Newest)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]*fileDoc{}
			for _, name := range names {
				for _, d := range w.docs(name) {
					files[d.f.File(d.e)] = d
				}
			}
			items := make([]thread.Item, len(c.Tree.Spots))
			ids := map[string]bool{}
			for n := range items {
				rows := c.Rows(int32(n))
				if len(rows) == 0 {
					t.Fatalf("step %d: message %d is nowhere", step, n)
				}
				var first *fileDoc
				for _, r := range rows {
					d := files[r.Path()]
					if d == nil || first != nil && first.sum.MessageID != d.sum.MessageID {
						t.Fatalf("step %d: message %d at %s", step, n, r.Path())
					}
					if first == nil {
						first = d
					}
					delete(files, r.Path())
				}
				d := first.sum
				if d.MessageID != "" && ids[d.MessageID] {
					t.Errorf("step %d: %s is there twice", step, d.MessageID)
				}
				ids[d.MessageID] = true
				if found, ok := c.Find(d.MessageID); d.MessageID != "" && (!ok || found != int32(n)) {
					t.Errorf("step %d: %s is found as %d %v, not %d", step, d.MessageID, found, ok, n)
				}
				items[n] = thread.Item{Key: n, ID: d.MessageID, Refs: d.References, Subject: d.Subject, Date: rows[0].Date()}
			}
			if len(files) > 0 {
				t.Errorf("step %d: in no conversation: %v", step, files)
			}
			want := thread.Build(items)
			got := c.Tree.Nodes()
			for i := range want {
				want[i].Latest = got[i].Latest
				if got[i] != want[i] {
					t.Fatalf("step %d: node %d is %+v, want %+v", step, i, got[i], want[i])
				}
				if at := c.Thread(int32(got[i].Key)); at[0].Row != int32(got[got[i].Root].Key) {
					t.Errorf("step %d: message %d is in the thread of %d", step, got[i].Key, at[0].Row)
				}
			}
			list, err := w.folder("INBOX").List()
			if err != nil {
				t.Fatal(err)
			}
			in, sent := w.folder("INBOX"), w.folder("Sent")
			for range 4 {
				switch e := list[w.r.IntN(len(list))]; w.r.IntN(5) {
				case 4:
					w.file("Sent", w.odd())
				case 0:
					in.Copy(e, sent)
				case 1:
					in.Move(e, sent)
				case 2:
					w.put("Archive/2026")
				case 3:
					os.Remove(in.File(e))
				}
			}
		}
	})
}

// odd is a message whose threading somebody has thought about: an id that another has, references
// in rings, to itself, to nobody, thousands of them, and such as fill all that is kept of a message.
func (w *world) odd() string {
	r := w.r
	id := func() string { return fmt.Sprintf("<m%d@x>", 1+r.IntN(w.n+3)) }
	var b strings.Builder
	fmt.Fprintf(&b, "From: eve@x\nSubject: %s\n", []string{"jitter buffer", "Re: report", "", "Re: [Fwd: Lunch]", "=?utf-8?q?Re=3A_report?="}[r.IntN(5)])
	own := id()
	switch r.IntN(6) {
	case 0:
		own = "<" + strings.Repeat("y", 900) + "@x>"
	case 1:
		own = ""
	case 2:
		own = strings.Replace(own, "m", `"m"`, 1)
	}
	if own != "" {
		fmt.Fprintf(&b, "Message-ID: %s\n", own)
	}
	switch r.IntN(5) {
	case 0:
		fmt.Fprintf(&b, "References: %s %s %s\n", id(), own, id())
	case 1:
		fmt.Fprintf(&b, "References: %s %s\n", id(), strings.Repeat("<"+strings.Repeat("z", 200)+"@x>\n ", 100+r.IntN(500)))
	case 2:
		b.WriteString("References: ")
		for range 100 + r.IntN(400) {
			b.WriteString(id() + "\n ")
		}
		b.WriteString(id() + "\n")
	case 3:
		fmt.Fprintf(&b, "In-Reply-To: %s\nReferences: <> << > %s <%s\n", id(), id(), id())
	}
	if r.IntN(3) > 0 {
		fmt.Fprintf(&b, "Date: %s\n", time.Unix(1690000000+int64(r.IntN(3)), 0).UTC().Format(time.RFC1123Z))
	}
	if r.IntN(8) == 0 {
		fmt.Fprintf(&b, "In-Reply-To: <%s@x>\n", strings.Repeat("y", 900))
	}
	b.WriteString("\nbody\n")
	return b.String()
}

// Folders joined are what Build makes of all their messages, whatever came, went and moved, and
// wherever facts are taken from: the files, digests, threads of folders of this process and of
// others.
func TestJoinedIsBuild(t *testing.T) {
	for _, m := range []struct {
		name string
		opt  Options
		keep int
		anew bool // each time as another process
	}{
		{"files", Options{NoIndex: true}, 5, false},
		{"digests", Options{}, 1000, true},
		{"kept", Options{}, 5, true},
		{"in memory", Options{}, 5, false},
		{"reading only", Options{ReadOnly: true}, 5, true},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 60)
			var s *Store
			for step := range 12 {
				if s == nil || m.anew {
					if s != nil {
						s.Close()
					}
					s = w.open(m.opt)
					s.keepThreads = m.keep
				}
				var parts []*thread.Facts
				var items []thread.Item
				for _, name := range names {
					b, v := w.box(s, name)
					if step == 0 && !m.opt.ReadOnly {
						b.Build(ctx, nil)
						v = w.sync(b)
					}
					x, err := v.Facts(ctx)
					if err != nil {
						t.Fatal(err)
					}
					parts = append(parts, x)
					docs := w.docs(name)
					for n := range v.Len() {
						d := docs[v.Row(n).Base()]
						items = append(items, thread.Item{Key: len(items), ID: d.sum.MessageID, Refs: d.sum.References, Subject: d.sum.Subject, Date: d.date()})
					}
				}
				got, want := thread.Join(parts, thread.Options{}).Nodes(), thread.Build(items)
				if len(got) != len(want) {
					t.Fatalf("step %d: %d messages, want %d", step, len(got), len(want))
				}
				for i := range want {
					if want[i].Latest = got[i].Latest; got[i] != want[i] {
						t.Fatalf("step %d: node %d is %+v, want %+v", step, i, got[i], want[i])
					}
				}
				w.stir()
			}
		})
	}
}

// stir changes folders as programs do.
func (w *world) stir() {
	w.t.Helper()
	from, to := names[w.r.IntN(3)], names[w.r.IntN(3)]
	list, err := w.folder(from).List()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range list {
		switch w.r.IntN(12) {
		case 0:
			w.folder(from).Copy(e, w.folder(to))
		case 1:
			w.folder(from).Move(e, w.folder(to))
		case 2:
			os.Remove(w.folder(from).File(e))
		case 3:
			w.put(to)
		case 4:
			w.file(to, w.odd())
		}
	}
}

func TestConversationsAreSearched(t *testing.T) {
	each(t, 0, func(t *testing.T, w *world, s *Store) {
		w.file("INBOX", "From: ada@x\nSubject: a\nMessage-ID: <1@x>\n\nquestion\n")
		w.file("Sent", "From: me@x\nSubject: b\nMessage-ID: <2@x>\nReferences: <1@x>\n\nanswer\n")
		w.file("INBOX", "From: ada@x\nSubject: c\nMessage-ID: <3@x>\nReferences: <1@x> <2@x>\n\nthanks\n")
		w.file("INBOX", "From: eve@x\nSubject: d\nMessage-ID: <4@x>\n\nother\n")
		for text, want := range map[string]int{"thread:3@x": 3, "thread:{answer}": 3, "thread:{answer} from:ada": 2, "thread:4@x": 1, "thread:9@x": 0} {
			q, err := search.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := s.Query(ctx, q, 0)
			if err != nil || len(rows) != want {
				var got []string
				for _, r := range rows {
					got = append(got, r.Subject())
				}
				t.Errorf("%s finds %s, want %d: %v", text, strings.Join(got, " "), want, err)
			}
		}
	})
}

// Folders that go, come back, come anew, lose their indexes, or cannot be read take nothing with
// them of the others.
func TestConversationsWithoutAFolder(t *testing.T) {
	w := newWorld(t, 90)
	sent := w.folder("Sent").Path()
	all, gone := 0, 0
	for _, name := range names {
		n := len(w.docs(name))
		if all += n; name == "Sent" {
			gone = n
		}
	}
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	s := w.open(Options{})
	s.keepThreads = 5
	for _, step := range []struct {
		name string
		do   func()
		want int // rows
	}{
		{"all", func() {}, all},
		{"one goes", func() { rename(sent, w.root+"/away") }, all - gone},
		{"it comes back", func() { rename(w.root+"/away", sent) }, all},
		{"it comes anew", func() {
			rename(sent, w.root+"/away")
			for _, sub := range []string{"", "/cur", "/new", "/tmp"} {
				if err := os.Mkdir(sent+sub, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			w.put("Sent")
		}, all - gone + 1},
		{"the old one again", func() {
			os.RemoveAll(sent)
			rename(w.root+"/away", sent)
		}, all},
		{"without index", func() {
			own, _ := filepath.Glob(sent + "/pneu.*")
			for _, p := range own {
				os.Remove(p)
			}
		}, all},
		{"with a directory for its threads", func() { os.MkdirAll(sent+"/pneu.threads/x", 0o700) }, all},
		{"unreadable", func() {
			if os.Geteuid() == 0 {
				gone = 0
				return
			}
			os.Chmod(sent, 0)
		}, -1},
		{"readable", func() { os.Chmod(sent, 0o700) }, all},
	} {
		step.do()
		if step.want < 0 {
			step.want = all - gone
		}
		for _, s := range []*Store{s, w.open(Options{}), w.open(Options{ReadOnly: true})} {
			s.keepThreads = 5
			c, err := s.Conversations(ctx, thread.Newest)
			if err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			n := 0
			for i := range c.Tree.Spots {
				n += len(c.Rows(int32(i)))
			}
			if n != step.want {
				t.Errorf("%s: %d messages, want %d", step.name, n, step.want)
			}
		}
	}
}

// An id that found no room in what is kept of a message ties messages all the same.
func TestUnkeptIDsTie(t *testing.T) {
	each(t, 0, func(t *testing.T, w *world, s *Store) {
		list := func(n int) string { return strings.Repeat("Ada Lovelace <ada@example.org>,\n ", n) + "eve@x\n" }
		id := strings.Repeat("y", 900) + "@x"
		w.file("INBOX", "Subject: a\nTo: "+list(450)+"Cc: "+list(450)+"Reply-To: "+list(290)+"Message-ID: <"+id+">\n\nquestion\n")
		w.file("Sent", "Subject: b\nMessage-ID: <2@x>\nIn-Reply-To: <"+id+">\n\nanswer\n")
		b, _ := w.box(s, "INBOX")
		if err := b.Build(ctx, nil); err != nil && !s.opt.ReadOnly {
			t.Fatal(err)
		}
		c, err := s.Conversations(ctx, thread.Newest)
		if err != nil || len(c.Tree.Threads) != 1 {
			t.Errorf("%+v, %v", c.Tree, err)
		}
	})
}
