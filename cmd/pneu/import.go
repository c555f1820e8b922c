package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/journal"
)

func importVerb() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "file the messages of mbox, tar and .eml files in a folder", ArgsUsage: "FOLDER [FILE...]",
		Flags: outputFlags(maildirFlag(),
			&cli.BoolFlag{Name: "mboxcl2", Usage: "believe Content-Length on a pipe too, where it cannot be checked"},
		),
		Action: verb(importMail),
	}
}

// importMail files what it reads as it comes: a message at a time, whatever the size of
// the mbox.
func importMail(t *tool) error {
	name := t.c.Args().First()
	if name == "" {
		return boot.Usage("say which folder to import into")
	}
	files := t.c.Args().Tail()
	if len(files) == 0 {
		if file, ok := t.in.(*os.File); ok {
			if st, err := file.Stat(); err != nil || st.Mode()&os.ModeCharDevice != 0 {
				return boot.Usage("nothing to import: name files, or pipe an mbox in")
			}
		}
	}
	j, k, done, err := t.journalled()
	if err != nil {
		return err
	}
	defer done()
	b := &importer{t: t, Batch: j.Begin("cli", "import "+name), keeper: k, progress: t.progress("import " + name)}
	if t.tty {
		b.progress.w = nil
	}
	defer b.Commit()
	defer b.progress.end()
	if err := t.importAll(b, name, files); err != nil {
		b.flush()
		return err
	}
	return b.flush()
}

// importAll files what it reads.
func (t *tool) importAll(b *importer, name string, files []string) error {
	f, err := t.folder(name)
	if errors.Is(err, maildir.ErrNoFolder) && !filepath.IsAbs(name) && !strings.HasPrefix(name, ".") {
		var s *maildir.Store
		if s, err = t.tree(); err == nil {
			f, err = b.CreateFolder(s, name)
		}
	}
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return t.importFrom(b, f, "standard input", t.in, nil)
	}
	t.asked = true
	for _, path := range files {
		if path == "-" {
			if err := t.importFrom(b, f, "standard input", t.in, nil); err != nil {
				return err
			}
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			t.fail(path, err)
			continue
		}
		st, err := file.Stat()
		switch {
		case err != nil:
			t.fail(path, err)
		case !st.Mode().IsRegular() && st.Mode()&fs.ModeNamedPipe == 0:
			t.fail(path, errors.New("neither an mbox nor a message: no plain file"))
		default:
			err = t.importFrom(b, f, path, file, st)
		}
		file.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// importFrom files one mbox, or one message, read from r.
func (t *tool) importFrom(b *importer, f *maildir.Folder, name string, r io.Reader, st os.FileInfo) error {
	br := bufio.NewReaderSize(t.reading(r), 64<<10)
	mark, _ := br.Peek(3)
	bom := string(mark) == "\ufeff" // of some Windows editor
	if bom {
		br.Discard(3)
	}
	if h, _ := br.Peek(512); len(h) == 512 && string(h[257:262]) == "ustar" { // POSIX and GNU alike
		return t.importTar(b, f, name, tar.NewReader(br))
	}
	first, err := br.Peek(5)
	if err != nil && err != io.EOF {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if len(first) == 0 {
		return nil
	}
	if string(first) != "From " {
		d := maildir.Delivery{}
		if st != nil && st.Mode().IsRegular() {
			d.Time, d.Flags = st.ModTime(), maildir.ParseFlags(st.Name())
		}
		return b.file(f, d, nil, br)
	}
	var at io.ReaderAt
	if file, ok := r.(*os.File); ok && !bom && st != nil && st.Mode().IsRegular() {
		at = file
	}
	mr := newMboxReader(br, at, t.c.Bool("mboxcl2"))
	for n := 1; ; n++ {
		m, err := mr.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			t.fail(fmt.Sprintf("%s, message %d", name, n), err)
			return nil
		}
		head, d, words := takeStatus(m)
		if err := b.file(f, d, words, io.MultiReader(bytes.NewReader(head), m.body)); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, m.body); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// importTar files the plain files of a tar, each a message. Names in it say flags and nothing
// about where to put it.
func (t *tool) importTar(b *importer, f *maildir.Folder, name string, r *tar.Reader) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			t.fail(name, err)
			return nil
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name := strings.TrimSuffix(path.Base(h.Name), ".eml")
		d := maildir.Delivery{Time: h.ModTime, Flags: maildir.ParseFlags(name), Cur: strings.Contains(name, ":2,")}
		words := keywordsOf(h.PAXRecords[keywordsRecord])
		if len(words) > 0 {
			d.Flags = d.Flags.Change("", lowercase)
		}
		if err := b.file(f, d, words, r); err != nil {
			return err
		}
	}
}

// takeStatus takes the fields out of the header that an mbox keeps flags and keywords in.
func takeStatus(m *mboxMessage) ([]byte, maildir.Delivery, []string) {
	head := m.head
	if from, to := findLast(head, "Content-Length"); m.counted && to == len(head) { // the last line: ours
		for _, last := range []string{"X-Status", "X-Keywords"} {
			if x, xto := findLast(head[:from], last); x >= 0 && xto == from {
				head = head[:from]
				break
			}
		}
	}
	var words []string
	if _, end := findLast(head, "X-Status"); end > 0 {
		// Only behind it: elsewhere it is part of the message.
		if from, to := findLast(head, "X-Keywords"); from == end {
			if words = keywordsOf(string(head[from+len("X-Keywords:") : to])); len(words) > 0 {
				head = append(head[:from:from], head[to:]...)
			}
		}
	}
	head, x := cutField(head, "X-Status")
	head, s := cutField(head, "Status")
	d := maildir.Delivery{Time: m.date}
	var isNew bool
	d.Flags, isNew = flagsOf(s, x)
	if len(words) > 0 {
		d.Flags = d.Flags.Change("", lowercase)
	}
	d.Cur = !isNew
	return head, d, words
}

// keywordsOf reads a list of keywords, without what can be none.
func keywordsOf(text string) (words []string) {
	for _, w := range strings.Fields(text) {
		if keywordName(w) && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// An importer files messages. Those behind the first with keywords wait until there are many, to
// which keywords are given at once.
type importer struct {
	t *tool
	*journal.Batch
	keeper   *keeper
	progress *progress
	queue    []imported
	done     int
}

type imported struct {
	m     *msg
	words []string
}

func (b *importer) file(f *maildir.Folder, d maildir.Delivery, words []string, r io.Reader) error {
	if err := b.t.interrupted(); err != nil {
		return err
	}
	e, err := b.Deliver(f, d, r)
	if errors.Is(err, maildir.ErrEmpty) {
		b.t.fail(f.Name(), err)
		return nil
	}
	if err != nil {
		return err
	}
	b.done++
	b.progress.count(b.done)
	b.queue = append(b.queue, imported{&msg{path: f.File(e), f: f, e: e}, words})
	if len(b.queue) == 1 && len(words) == 0 || len(b.queue) >= changeRun {
		return b.flush()
	}
	return nil
}

// flush gives keywords, and prints the paths.
func (b *importer) flush() error {
	queue := b.queue
	b.queue = nil
	groups := map[string][]*imported{}
	var order []string
	for i := range queue {
		if q := &queue[i]; len(q.words) > 0 {
			key := strings.Join(q.words, " ")
			if groups[key] == nil {
				order = append(order, key)
			}
			groups[key] = append(groups[key], q)
		}
	}
	for _, key := range order {
		group := groups[key]
		f := group[0].m.f
		noted, err := b.keeper.of(f)
		if err != nil {
			return err
		}
		list := make([]maildir.Entry, len(group))
		for i, q := range group {
			list[i] = q.m.e
		}
		for i, r := range noted.SetFlags(b.t.context(), b.Batch, f, list, journal.Change{AddKeywords: group[0].words}) {
			if r.Err != nil {
				b.t.fail(group[i].m.path, fmt.Errorf("keywords: %w", r.Err))
			} else {
				group[i].m.became(f, r.Entry)
			}
		}
	}
	for _, q := range queue {
		if err := b.t.emit(q.m, "append"); err != nil {
			return err
		}
	}
	return nil
}
