package index

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"pneu/maildir"
)

// Without room for an index a keyword is kept by its letter, and a change that only this
// process would know of is refused.
func TestKeywordWithoutIndex(t *testing.T) {
	for _, tt := range []struct {
		name    string
		letters string // dovecot-keywords
		late    bool   // the disk is full only when the change is noted
		word    string
		err     error
	}{
		{"letter", "0 Known\n", false, "known", nil},
		{"letter late", "0 Known\n", true, "Known", nil},
		{"none", "", false, "Other", ErrNotKept},
		{"none late", "", true, "Other", ErrNotKept},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t)
			e := maildir.Entry{File: "1.1.h:2,"}
			put(t, f, "cur/1.1.h:2,")
			all := tt.letters
			for i := 1; i < letterCount; i++ {
				all += fmt.Sprintf("%d word%d\n", i, i) // no letter is free
			}
			if tt.letters == "" {
				all += "0 word0\n"
			}
			if err := os.WriteFile(filepath.Join(f.Path(), keywordFile), []byte(all), 0o600); err != nil {
				t.Fatal(err)
			}
			fsys := &fullFS{full: !tt.late}
			x := mustOpen(t, f, Options{fs: fsys})
			v, err := x.Sync(context.Background())
			if err != nil || v.Len() != 1 {
				t.Fatal(v.Len(), err)
			}
			fsys.full = true
			_, err = x.SetFlags(context.Background(), []UID{v.UID(0)}, FlagChange{AddKeywords: []string{tt.word}})
			if !errors.Is(err, tt.err) || tt.err != nil && !errors.Is(err, unix.ENOSPC) {
				t.Errorf("%v, want %v", err, tt.err)
			}
			if err := x.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			want := maildir.Entry{File: "1.1.h:2,a"}
			if tt.err != nil {
				want = e
			}
			if _, err := os.Lstat(f.File(want)); err != nil {
				t.Error(err)
			}
		})
	}
}
