package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/search"
)

func newTree(t *testing.T, opt Options) *Store {
	t.Helper()
	s, err := Create(filepath.Join(t.TempDir(), "Maildir"), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// folderOf makes a folder with n messages.
func folderOf(t *testing.T, s *Store, name string, n int) (*Box, *View) {
	t.Helper()
	if _, err := s.CreateFolder(name); err != nil {
		t.Fatal(err)
	}
	b, err := s.Box(name)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if _, err := b.Append(t.Context(), maildir.Delivery{}, []string{"kept"}, strings.NewReader("Subject: x\n\ny\n")); err != nil {
			t.Fatal(err)
		}
	}
	v, err := b.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b, v
}

func TestWhatFailsLeavesBoxesOpen(t *testing.T) {
	ctx := t.Context()
	s := newTree(t, Options{})
	b, _ := folderOf(t, s, "A", 1)
	folderOf(t, s, "B", 0)
	in, _ := folderOf(t, s, "INBOX", 1)
	for what, err := range map[string]error{
		"rename to another": s.RenameFolder("A", "B"),
		"rename INBOX":      s.RenameFolder("INBOX", "C"),
		"remove":            s.RemoveFolder("A"),
		"delete INBOX":      s.DeleteFolder(ctx, "INBOX"),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for _, b := range []*Box{b, in} {
		if v, err := b.Sync(ctx); err != nil || v.Len() != 1 {
			t.Errorf("%s: %v", b.Name(), err)
		}
		if _, err := b.SetFlags(ctx, []UID{1}, FlagChange{Add: Seen}); err != nil {
			t.Errorf("%s: %v", b.Name(), err)
		}
	}
}

func TestDeleteFolder(t *testing.T) {
	ctx := context.Background()
	now := time.Unix(1700000000, 0)
	s := newTree(t, Options{Now: func() time.Time { return now }})
	b, v := folderOf(t, s, "A", 3)
	_, below := folderOf(t, s, "A/B", 1)
	if err := os.WriteFile(filepath.Join(b.Folder().Path(), "dovecot-uidlist"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if err := s.DeleteFolder(ctx, "A"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Box("A"); !errors.Is(err, maildir.ErrNoFolder) {
		t.Errorf("afterwards: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if w, err := below.Box().Sync(ctx); err != nil || w.Len() != 1 {
		t.Errorf("the one below: %v", err)
	}
	_, again := folderOf(t, s, "A", 1)
	if x, y := v.State(), again.State(); x.UIDValidity >= y.UIDValidity || x.GUID == y.GUID {
		t.Errorf("made again: UIDVALIDITY %d after %d, GUID %x after %x", y.UIDValidity, x.UIDValidity, y.GUID, x.GUID)
	}
}

// A folder of this second gives its name free in the next one.
func TestUIDValidityOfAName(t *testing.T) {
	for _, gone := range []func(s *Store) error{
		func(s *Store) error { return s.DeleteFolder(context.Background(), "A") },
		func(s *Store) error { return s.RenameFolder("A", "B") },
	} {
		start, at := time.Now(), time.Unix(1700000000, 9e8) // shortly before the next second
		s := newTree(t, Options{Now: func() time.Time { return at.Add(time.Since(start)) }})
		_, v := folderOf(t, s, "A", 1)
		if err := gone(s); err != nil {
			t.Fatal(err)
		}
		if _, again := folderOf(t, s, "A", 1); again.State().UIDValidity <= v.State().UIDValidity {
			t.Errorf("%d after %d", again.State().UIDValidity, v.State().UIDValidity)
		}
	}
}

func TestAnnotations(t *testing.T) {
	ctx := t.Context()
	s := newTree(t, Options{})
	b, v := folderOf(t, s, "A", 1)
	for entry, value := range map[string]string{"/shared/comment": "ours\x00too", "/private/comment": "", "/private/gone": "x"} {
		if err := b.Annotate(ctx, entry, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Annotate(ctx, "/private/gone", nil); err != nil {
		t.Fatal(err)
	}
	if len(v.Annotations()) > 0 {
		t.Error("a view has changed")
	}
	other, err := Open(s.Tree().Root(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	check := func(s *Store, name string) {
		t.Helper()
		b, err := s.Box(name)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		v, err := b.Sync(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Annotations(); !slices.Equal(got, []string{"/private/comment", "/shared/comment"}) {
			t.Errorf("%q", got)
		}
		if value, ok := v.Annotation("/shared/comment"); !ok || string(value) != "ours\x00too" {
			t.Errorf("%q, %v", value, ok)
		}
		if value, ok := v.Annotation("/private/comment"); !ok || value == nil || len(value) > 0 {
			t.Errorf("the empty one: %q, %v", value, ok)
		}
		if _, ok := v.Annotation("/private/gone"); ok {
			t.Error("what was removed is there")
		}
	}
	check(s, "A")
	check(other, "A")
	if err := s.RenameFolder("A", "Z/A"); err != nil {
		t.Fatal(err)
	}
	check(other, "Z/A")
	b, err = s.Box("Z/A")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Rebuild(ctx, nil); err != nil {
		t.Fatal(err)
	}
	check(s, "Z/A")
	w, err := b.Sync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if x, y := v.State(), w.State(); x.GUID != y.GUID || x.UIDValidity != y.UIDValidity || x.UIDNext != y.UIDNext {
		t.Errorf("numbers did not go with the folder: %v, %v", x, y)
	}
}

func TestUsage(t *testing.T) {
	for _, opt := range []Options{{}, {NoIndex: true}} {
		s := newTree(t, opt)
		folderOf(t, s, "A", 2)
		folderOf(t, s, "A/B", 1)
		want, err := s.Tree().Usage()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Usage(t.Context()); err != nil || got != want || got.Messages != 3 {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
}

// What is found in several folders is in one order, also if little is kept of the messages: Sync
// reads no more than a few.
func TestQueryIsByDate(t *testing.T) {
	for _, opt := range []Options{{}, {NoIndex: true}, {ReadOnly: true}} {
		s := newTree(t, Options{NoIndex: true})
		first := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
		const messages = 160
		for i := range messages {
			f, err := s.CreateFolder([]string{"INBOX", "A"}[i%2])
			if err != nil {
				t.Fatal(err)
			}
			raw := "Subject: x\nDate: " + first.Add(time.Duration(i)*time.Hour).Format(time.RFC1123Z) + "\n\nx\n"
			if err := os.WriteFile(filepath.Join(f.Path(), "cur", fmt.Sprintf("%d.M1P1.h:2,", 1700000000+i)), []byte(raw), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		again, err := Open(s.Tree().Root(), opt)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		rows, err := again.Query(t.Context(), search.All(), 10)
		if err != nil || len(rows) != 10 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for i, r := range rows {
			if want := first.Add(time.Duration(messages-1-i) * time.Hour); !r.Date().Equal(want) {
				t.Fatalf("%+v: row %d is of %v, want %v", opt, i, r.Date(), want)
			}
		}
	}
}
