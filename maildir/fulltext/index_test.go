package fulltext

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func found(v *View, needle string) (uids []uint32) {
	for uid := range v.Find(context.Background(), []byte(needle)) {
		uids = append(uids, uid)
	}
	return uids
}

func TestFind(t *testing.T) {
	x := mustOpen(t, t.TempDir(), Options{})
	texts := []string{
		"the proof of the theory",
		"of them, not of us",
		"write to ada@example.org or see https://example.org/a?b=c",
		"会議は明日です。資料を送ります",
		"grüße 🎉🎉 aus köln",
		"",
		"a  b",
	}
	all := map[uint32][]byte{}
	for i, text := range texts {
		all[uint32(i+1)] = []byte(text)
	}
	tests := []struct {
		needle string
		want   []uint32
	}{
		{"of the", []uint32{2, 1}},
		{"of the ", []uint32{1}},
		{" of the", []uint32{1}},
		{"roof of", []uint32{1}},
		{"them, not", []uint32{2}},
		{"them not", nil},
		{"ada@example.org", []uint32{3}},
		{"@exam", []uint32{3}},
		{"//example.org/a?", []uint32{3}},
		{"明日", []uint32{4}},
		{"す。資", []uint32{4}},
		{"明", []uint32{4}},
		{"ü", []uint32{5}},
		{"🎉🎉 a", []uint32{5}},
		{"a b", nil},
		{"a  b", []uint32{7}},
		{"  ", []uint32{7}},
		{"", []uint32{7, 6, 5, 4, 3, 2, 1}},
		{"\xff", nil},
	}
	for _, where := range []string{"tail", "segment"} {
		if where == "segment" {
			if err := x.Fold(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
		} else {
			for uid := range uint32(len(texts)) {
				if _, err := x.Append(uid+1, all[uid+1]); err != nil {
					t.Fatal(err)
				}
			}
		}
		checkCovered(t, x.View(), all)
		for _, tt := range tests {
			if got := found(x.View(), tt.needle); !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q is in %v, want %v", where, tt.needle, got, tt.want)
			}
		}
	}
}

func TestAppend(t *testing.T) {
	dir := t.TempDir()
	opt := Options{Identity: "folder 1", Tail: 100}
	if _, err := Append(dir, Options{ReadOnly: true}, 1, []byte("one")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("read only: %v", err)
	}
	for uid, want := range []bool{false, true, true, true} {
		if full, err := Append(dir, opt, uint32(uid), make([]byte, 30)); err != nil || full != want {
			t.Errorf("append %d: full is %v, %v", uid, full, err)
		}
	}
	if _, err := Append(dir, opt, math.MaxUint32, []byte("\xff")); err != nil {
		t.Errorf("not UTF-8: %v", err)
	}
	st, err := os.Stat(dir + "/" + tailName)
	if err != nil || st.Mode() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	x := mustOpen(t, dir, opt)
	if _, err := x.Append(math.MaxUint32, []byte("last")); err != nil {
		t.Fatal(err)
	}
	uids := []uint32{0, 3, 4, 100, math.MaxUint32}
	if got := x.View().Missing(uids); !slices.Equal(got, []uint32{4, 100}) {
		t.Errorf("missing %v", got)
	}
	if err := x.Fold(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if got := x.View().Missing(uids); !slices.Equal(got, []uint32{4, 100}) {
		t.Errorf("missing %v after folding", got)
	}
	if err := x.Remove(); err != nil {
		t.Fatal(err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 || x.View().Stat().Docs != 0 {
		t.Errorf("left are %v, %+v", names, x.View().Stat())
	}
}

func TestTailFull(t *testing.T) {
	x := mustOpen(t, t.TempDir(), Options{Tail: 1})
	if full, err := x.Append(1, textOf(1)); !full || err != nil {
		t.Errorf("%v, %v", full, err)
	}
	if full, err := x.Append(2, textOf(2)); !full || !errors.Is(err, ErrTailFull) {
		t.Errorf("%v, %v", full, err)
	}
	if err := x.Fold(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Append(2, textOf(2)); err != nil {
		t.Error(err)
	}
	checkCovered(t, x.View(), map[uint32][]byte{1: textOf(1), 2: textOf(2)})
}

func TestSegmentsStayFew(t *testing.T) {
	x := mustOpen(t, t.TempDir(), Options{Tail: 1})
	texts := map[uint32][]byte{}
	for uid := range uint32(100) {
		texts[uid] = textOf(uid)
		if _, err := x.Append(uid, texts[uid]); err != nil {
			t.Fatal(err)
		}
		if err := x.Fold(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	checkCovered(t, x.View(), texts)
	if n := x.View().Stat().Segments; n > 10 {
		t.Errorf("%d segments", n)
	}
}

// An Appender sees what it must not append to, and all that it appended is found.
func TestAppender(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, tailName)
	opt := Options{Identity: "one"}
	var a Appender
	add := func(opt Options, uid uint32, text string) {
		t.Helper()
		if _, err := a.Append(dir, opt, uid, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	has := func(opt Options, uids ...uint32) {
		t.Helper()
		x, err := Open(dir, opt)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		var got []uint32
		for uid := range x.View().Find(t.Context(), []byte("word")) {
			got = append(got, uid)
		}
		slices.Sort(got)
		if !slices.Equal(got, uids) {
			t.Errorf("found %v, want %v", got, uids)
		}
	}
	add(opt, 1, "first word")
	add(opt, 2, "second word")
	if _, err := Append(dir, opt, 3, []byte("another's word")); err != nil {
		t.Fatal(err)
	}
	add(opt, 4, strings.Repeat("a long word ", 8000))
	has(opt, 1, 2, 3, 4)
	if st, err := os.Stat(path); err != nil || os.Truncate(path, st.Size()-5) != nil {
		t.Fatal(err)
	}
	add(opt, 5, "after a torn word")
	has(opt, 1, 2, 3, 5)
	add(Options{Identity: "two"}, 1, "word of another numbering")
	has(Options{Identity: "two"}, 1)
	has(opt)
	if err := os.WriteFile(path, make([]byte, 500), 0o600); err != nil { // what a power cut may leave
		t.Fatal(err)
	}
	add(opt, 6, "word")
	has(opt, 6)
}
