package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
)

// pipe runs a verb on an input.
func pipe(in string, args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	app := newApp()
	boot.Prepare(app)
	app.Reader, app.Writer, app.ErrWriter = strings.NewReader(in), &o, &e
	code = boot.RunArgs(app, arrange(app, append([]string{"pneu"}, args...)))
	return o.String(), e.String(), code
}

// A list of many sheets, from an index, says what it says from the files, in the same order,
// with messages among it that the index does not know well.
func TestLongList(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	t.Setenv("PNEU_SEQ", "")
	t.Setenv("TZ", "UTC")
	t.Setenv("COLUMNS", "90")
	s, err := maildir.Create(filepath.Join(dir, "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := s.Folder("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	put := func(n int) string {
		name := filepath.Join(inbox.Path(), "cur", fmt.Sprintf("%d.M%dP1.host:2,%s", 1700000000+n%977, n, []string{"", "S", "FRS"}[n%3]))
		text := fmt.Sprintf("From: Ada %d <ada%d@example.org>\nSubject: =?utf-8?q?=C3=A4?= letter %d %s\nDate: Tue, %d Feb 2022 10:00:00 +0000\n\nx\n",
			n%50, n%50, n, strings.Repeat("long ", n%20), 1+n%28)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const n = 2*sheetSize + 100
	var paths []string
	for i := range n {
		paths = append(paths, put(i))
	}
	pipe(strings.Join(paths, "\n"), "sort", "date") // has the index made and all messages read
	for i := range 20 {
		paths = append(paths, put(n+i))
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	for i := range 10 { // renamed, gone, never there
		paths[i*100] = strings.Replace(paths[i*100], ":2,", ":2,D", 1)
		os.Remove(paths[i*100+50])
		paths[i*100+70] += "nobody"
	}
	for k, list := range [][]string{paths, paths[:3], paths[:sheetSize], paths[:fewLines+1]} {
		in := strings.Join(list, "\n") + "\n"
		verbs := [][]string{{"scan", "--color", "always"}, {"sort", "date"}, {"sort", "-r", "date"}, {"sort", "size", "subject"}, {"sort", "-r", "from"}}
		if k > 0 {
			verbs = verbs[:1]
		}
		for _, args := range verbs {
			out, errs, code := pipe(in, args...)
			t.Setenv("PNEU_NO_INDEX", "1")
			want, wantErrs, wantCode := pipe(in, args...)
			os.Unsetenv("PNEU_NO_INDEX")
			if out != want || errs != wantErrs || code != wantCode {
				t.Fatalf("%v of %d: exit %d and %d, %s", args, len(list), code, wantCode, difference(out+errs, want+wantErrs))
			}
			if lines := strings.Count(out, "\n") + strings.Count(errs, "\n"); lines != len(list) {
				t.Errorf("%v: %d lines of %d", args, lines, len(list))
			}
		}
	}
}

// difference is the first line in which two texts differ.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d: %q, want %q", i, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(x), len(y))
}

// Eight octets at a time say what each says by itself.
func TestIsPlain(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				b := []byte(strings.Repeat("~", at) + string([]byte{byte(c)}) + strings.Repeat(" ", n-at-1))
				if want := c >= ' ' && c < 0x7f; isPlain(b) != want {
					t.Fatalf("%q: %v", b, !want)
				}
				if r := rune(c); !bytes.ContainsRune(escapeInvisible([]byte(string(r)+string(b))), r) != (r >= 0x7f && r < 0xa0 || r == 0xad) {
					t.Fatalf("%q", b)
				}
			}
		}
	}
}
