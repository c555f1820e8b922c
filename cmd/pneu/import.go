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
	b := &importer{t: t, Batch: j.Begin("cli", "import "+name), name: name, keeper: k, progress: t.progress("import " + name)}
	if t.tty {
		b.progress.w = nil
	}
	if err := b.open(j); err != nil {
		return err
	}
	err = t.importAll(b, files)
	if ferr := b.flush(); err == nil {
		err = ferr
	}
	b.progress.end()
	return b.close(j, err)
}

// importAll files what it reads.
func (t *tool) importAll(b *importer, files []string) error {
	if len(files) == 0 {
		return t.importFrom(b, "standard input", t.in, nil)
	}
	t.asked = true
	for _, path := range files {
		if path == "-" {
			if err := t.importFrom(b, "standard input", t.in, nil); err != nil {
				return err
			}
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			b.unread(path, err)
			continue
		}
		st, err := file.Stat()
		switch {
		case err != nil:
			b.unread(path, err)
		case !st.Mode().IsRegular() && st.Mode()&fs.ModeNamedPipe == 0:
			t.fail(path, errors.New("neither an mbox nor a message: no plain file"))
		default:
			err = t.importFrom(b, path, file, st)
		}
		file.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// importFrom files one mbox, or one message, read from r.
func (t *tool) importFrom(b *importer, name string, r io.Reader, st os.FileInfo) error {
	br := bufio.NewReaderSize(t.reading(r), 64<<10)
	mark, _ := br.Peek(3)
	bom := string(mark) == "\ufeff" // of some Windows editor
	if bom {
		br.Discard(3)
	}
	if h, _ := br.Peek(512); len(h) == 512 && string(h[257:262]) == "ustar" { // POSIX and GNU alike
		return t.importTar(b, name, tar.NewReader(br))
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
		return b.file(d, nil, br)
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
			return b.unread(fmt.Sprintf("%s, message %d", name, n), err)
		}
		head, d, words := takeStatus(m)
		if err := b.file(d, words, io.MultiReader(bytes.NewReader(head), m.body)); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, m.body); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// importTar files the plain files of a tar, each a message. Names in it say flags and nothing
// about where to put it.
func (t *tool) importTar(b *importer, name string, r *tar.Reader) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return b.unread(name, err)
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
		if err := b.file(d, words, r); err != nil {
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
	name     string
	f        *maildir.Folder // nil: made for the first message
	earlier  *resumed        // nil: no import into it was cut off
	cut      bool            // this one was: what could not be read may come another time
	mark     io.Closer       // says that this one is going on
	keeper   *keeper
	progress *progress
	queue    []imported
	done     int
	filed    int // and not passed over
}

type imported struct {
	m     *msg
	words []string
	op    string
}

// open looks for the folder, and for imports into it that did not end.
func (b *importer) open(j *journal.Journal) error {
	f, err := b.t.folder(b.name)
	switch {
	case errors.Is(err, maildir.ErrNoFolder) && !filepath.IsAbs(b.name) && !strings.HasPrefix(b.name, "."):
		_, err = b.t.tree()
	case err == nil:
		b.f = f
		b.earlier, err = resume(j, f)
	}
	return err
}

// close ends the action, unless it was cut off: then it is left as if it had been killed, and
// the next import goes on from there.
func (b *importer) close(j *journal.Journal, err error) error {
	if b.mark != nil {
		defer b.mark.Close()
	}
	if b.earlier != nil && b.earlier.passed > 0 {
		b.t.note("passed over %s that an import into %s has filed which did not end", plural(b.earlier.passed, "message"), b.name)
	}
	if err != nil || b.cut {
		b.Leave()
		if b.filed > 0 {
			b.t.note("%s filed: run again, it goes on behind them; or take them back by pneu undo", plural(b.filed, "message"))
		}
		return err
	}
	if err := b.Commit(); err != nil || b.earlier == nil {
		return err
	}
	return b.earlier.end(j)
}

// unread reports that the rest of a file cannot be read.
func (b *importer) unread(name string, err error) error {
	if b.t.cutShort(err) {
		return err
	}
	b.cut = true
	b.t.fail(name, err)
	return nil
}

func (b *importer) file(d maildir.Delivery, words []string, r io.Reader) error {
	if err := b.t.interrupted(); err != nil {
		return err
	}
	if b.f == nil {
		s, err := b.t.tree()
		if err != nil {
			return err
		}
		if b.f, err = b.CreateFolder(s, b.name); err != nil {
			return err
		}
	}
	if b.earlier != nil {
		raw, all, err := b.earlier.look(r)
		if err != nil {
			return err
		}
		if e, ok := b.earlier.pass(raw); ok {
			return b.take(e, words, "same")
		}
		r = all
	}
	e, err := b.Deliver(b.f, d, r)
	if b.mark == nil && b.ID() != "" {
		if b.mark, _ = atWork(b.ID()); b.mark == nil {
			b.mark = io.NopCloser(nil) // where there are no locks, it is taken for one that was killed
		}
	}
	if errors.Is(err, maildir.ErrEmpty) {
		b.t.fail(b.name, err)
		return nil
	}
	if err != nil {
		return err
	}
	b.filed++
	return b.take(e, words, "append")
}

// take queues a message that is in the folder now.
func (b *importer) take(e maildir.Entry, words []string, op string) error {
	b.done++
	b.progress.count(b.done)
	b.queue = append(b.queue, imported{&msg{path: b.f.File(e), f: b.f, e: e}, words, op})
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
		if err := b.t.emit(q.m, q.op); err != nil {
			return err
		}
	}
	return nil
}
