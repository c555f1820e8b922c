package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pneu/maildir"
)

// A spoilt byte in any file is found by Check, and only one in what the index alone knows costs
// anything.
func TestCheckFindsDamage(t *testing.T) {
	for file, says := range map[string]string{
		"pneu.idx": "pneu.idx", "pneu.cache": "pneu.cache", "pneu.head": "pneu.head", "pneu.threads": "pneu.threads",
		"pneu.text": "pneu.text", "pneu.text.1": "text index",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			root := filepath.Join(t.TempDir(), "Maildir")
			s, err := Create(root, Options{})
			if err != nil {
				t.Fatal(err)
			}
			s.keepThreads = 1
			open := func() (*Box, *View) {
				b, err := s.Box("INBOX")
				if err != nil {
					t.Fatal(err)
				}
				v, err := b.Sync(ctx)
				if err != nil {
					t.Fatal(err)
				}
				return b, v
			}
			b, _ := open()
			for range 30 {
				if _, err := b.Append(ctx, maildir.Delivery{}, []string{"kept"}, strings.NewReader("Subject: "+strings.Repeat("x ", 20)+"\n\nwords\n")); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.RebuildText(ctx, nil); err != nil {
				t.Fatal(err)
			}
			v, err := b.Sync(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Threads(ctx, 0); err != nil {
				t.Fatal(err)
			}
			if errs := b.Check(ctx, nil); len(errs) > 0 || b.Broken() != nil {
				t.Fatalf("whole: %v, %v", errs, b.Broken())
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(root, file)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			at := len(raw) * 7 / 8 // the first page has bytes that nobody reads
			for i := range raw[at:] {
				raw[at+i] ^= 0xd5
			}
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err = Open(root, Options{}); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			b, _ = open()
			told := errors.Join(b.Check(ctx, nil)...)
			if told == nil || !strings.Contains(told.Error(), says) {
				t.Errorf("Check: %v", told)
			}
			if err := b.Broken(); err != nil {
				t.Errorf("Broken: %v", err)
			}
			if err := b.Rebuild(ctx, nil); err != nil {
				t.Fatal(err)
			}
			b.Close()
			b, v = open()
			defer b.Close()
			if errs := b.Check(ctx, nil); len(errs) > 0 {
				t.Errorf("after Rebuild: %v", errs)
			}
			for n := range v.Len() {
				if words := v.Row(n).Keywords(); file != "pneu.idx" && (len(words) != 1 || words[0] != "kept") {
					t.Fatalf("keywords %q", words)
				}
			}
		})
	}
}
