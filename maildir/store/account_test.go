package store

import (
	"os"
	"strings"
	"testing"

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
				var sum *fileDoc
				for _, r := range rows {
					d := files[r.Path()]
					if d == nil || sum != nil && sum.sum.MessageID != d.sum.MessageID {
						t.Fatalf("step %d: message %d at %s", step, n, r.Path())
					}
					sum = d
					delete(files, r.Path())
				}
				d := sum.sum
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
				switch e := list[w.r.IntN(len(list))]; w.r.IntN(4) {
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
