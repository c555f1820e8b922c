package store

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/message"
)

var ctx = context.Background()

// A world is a tree of mail as several programs have filled it.
type world struct {
	t    testing.TB
	root string
	tree *maildir.Store
	r    *rand.Rand
	n    int
}

// names of the folders of a world.
var names = []string{"INBOX", "Archive/2026", "Sent"}

func newWorld(t testing.TB, messages int) *world {
	t.Helper()
	tree, err := maildir.Create(filepath.Join(t.TempDir(), "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, root: tree.Root(), tree: tree, r: rand.New(rand.NewPCG(uint64(messages), 3))}
	for _, n := range names {
		if _, err := tree.CreateFolder(n); err != nil {
			t.Fatal(err)
		}
	}
	for i := range messages {
		w.put(names[i%7%3])
	}
	return w
}

func (w *world) folder(name string) *maildir.Folder {
	w.t.Helper()
	f, err := w.tree.Folder(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// put writes a message as a stranger does: a name of its own, perhaps with flags.
func (w *world) put(folder string) string {
	w.t.Helper()
	w.n++
	return w.file(folder, w.text(w.n))
}

func (w *world) file(folder, text string) string {
	w.t.Helper()
	w.n++
	name := fmt.Sprintf("%d.M%dP1.host", 1700000000+w.n, w.n)
	if w.r.IntN(2) == 0 {
		name += fmt.Sprintf(",S=%d", len(text))
	}
	sub := "new"
	if w.r.IntN(4) > 0 {
		sub = "cur"
		name += []string{":2,", ":2,S", ":2,FS", ":2,RS", ":2,ST", ":2,Sa", ""}[w.r.IntN(7)]
	}
	path := filepath.Join(w.folder(folder).Path(), sub, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	at := time.Unix(1700000000+int64(w.r.IntN(1e6)), 0)
	if err := os.Chtimes(path, at, at); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// text is message n: of a few people and subjects, answering each other.
func (w *world) text(n int) string {
	r := w.r
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var b strings.Builder
	people := []string{"Ada Lovelace <ada@example.org>", "grace@example.net", "=?utf-8?q?Z=C3=B6e?= <zoe@example.org>", `"Hopper, Grace" <grace@example.net>`}
	if r.IntN(20) > 0 {
		fmt.Fprintf(&b, "From: %s\n", pick(people...))
	}
	fmt.Fprintf(&b, "To: %s, %s\n", pick(people...), pick(people...))
	if r.IntN(3) == 0 {
		fmt.Fprintf(&b, "Cc: %s\n", pick(people...))
	}
	fmt.Fprintf(&b, "Subject: %s%s\n", pick("", "", "Re: ", "[list] Re: ", "Fwd: "), pick("jitter buffer", "Lunch", "=?iso-8859-1?q?Gr=FC=DFe?=", "report", "", fmt.Sprint("number ", n)))
	if r.IntN(10) > 0 {
		fmt.Fprintf(&b, "Message-ID: <m%d@x>\n", n)
	}
	if r.IntN(2) == 0 && n > 4 {
		fmt.Fprintf(&b, "References: <m%d@x> <m%d@x>\n", n-1-r.IntN(min(n-1, 20)), n-1-r.IntN(min(n-1, 20)))
	}
	if r.IntN(8) > 0 {
		fmt.Fprintf(&b, "Date: %s\n", time.Unix(1690000000+int64(r.IntN(5e6)), 0).UTC().Format(time.RFC1123Z))
	}
	if r.IntN(5) == 0 {
		b.WriteString("List-Id: <dev.example.org>\n")
	}
	body := fmt.Sprintf("Hello %d,\n\nthe %s is %s.\n%s\n", n, pick("jitter", "compiler", "Straße", "日本語の文"), pick("broken", "fine", "on  its\nway"), strings.Repeat("x", r.IntN(300)))
	if r.IntN(4) == 0 {
		fmt.Fprintf(&b, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>%s</p>\n--b\nContent-Type: application/pdf; name=plan.pdf\nContent-Disposition: attachment; filename=plan.pdf\n\n%%PDF\n--b--\n", body)
	} else {
		fmt.Fprintf(&b, "\n%s", body)
	}
	return b.String()
}

func (w *world) open(opt Options) *Store {
	w.t.Helper()
	s, err := Open(w.root, opt)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { s.Close() })
	return s
}

func (w *world) box(s *Store, name string) (*Box, *View) {
	w.t.Helper()
	b, err := s.Box(name)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { b.Close() })
	return b, w.sync(b)
}

func (w *world) sync(b *Box) *View {
	w.t.Helper()
	v, err := b.Sync(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// A fileDoc is a message as its file alone shows it: what an index is held against.
type fileDoc struct {
	f   *maildir.Folder
	e   maildir.Entry
	raw []byte
	m   *message.Message
	sum message.Summary
}

func readDoc(t testing.TB, f *maildir.Folder, e maildir.Entry) *fileDoc {
	t.Helper()
	raw, err := os.ReadFile(f.File(e))
	if err != nil {
		t.Fatal(err)
	}
	d := &fileDoc{f: f, e: e, raw: raw, m: message.Parse(raw)}
	if sum, err := message.ReadSummary(strings.NewReader(string(raw))); err == nil {
		d.sum = sum
	}
	return d
}

func (d *fileDoc) Summary() *message.Summary { return &d.sum }
func (d *fileDoc) Header() message.Header    { return d.m.Header(0) }
func (d *fileDoc) Message() *message.Message { return d.m }
func (d *fileDoc) Flags() maildir.Flags      { return d.e.Flags() }
func (d *fileDoc) Unread() bool              { return d.e.Unread() }
func (d *fileDoc) New() bool                 { return d.e.New }
func (d *fileDoc) Folder() string            { return d.f.Name() }
func (d *fileDoc) Size() int64               { return int64(len(d.raw)) }
func (d *fileDoc) Text() string              { return digest.Text(d.m) }
func (d *fileDoc) Received() time.Time {
	st, err := os.Stat(d.f.File(d.e))
	if err != nil {
		return time.Time{}
	}
	return st.ModTime()
}

func (d *fileDoc) date() time.Time {
	if !d.sum.Date.IsZero() {
		return d.sum.Date
	}
	return d.Received()
}

// docs are the messages of a folder by the base of their names.
func (w *world) docs(name string) map[string]*fileDoc {
	w.t.Helper()
	f := w.folder(name)
	list, err := f.List()
	if err != nil {
		w.t.Fatal(err)
	}
	docs := map[string]*fileDoc{}
	for _, e := range list {
		docs[e.Base()] = readDoc(w.t, f, e)
	}
	return docs
}

// corpus fills a folder with the shared mail corpus, which is no part of this repository.
func (w *world) corpus(folder string) {
	dir := cmp.Or(os.Getenv("PNEU_CORPUS"), filepath.Join("..", "..", "..", "shared", "corpus"))
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.eml"))
	slices.Sort(files)
	for i, p := range files {
		if b, err := os.ReadFile(p); err == nil && i%3 == 0 && len(b) > 0 && len(b) < 200<<10 {
			w.file(folder, string(b))
		}
	}
	own, _ := filepath.Glob(filepath.Join("..", "message", "testdata", "*.eml"))
	for _, p := range own {
		if b, err := os.ReadFile(p); err == nil && len(b) > 0 {
			w.file(folder, string(b))
		}
	}
}
