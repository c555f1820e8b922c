package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/index"
	"pneu/maildir/safe"
	"pneu/maildir/store"
)

func storeVerb() *cli.Command {
	json := &cli.BoolFlag{Name: "json", Usage: "print one JSON object a line"}
	return &cli.Command{
		Name: "store", Usage: "look after the indexes of folders", ArgsUsage: "[stat|check|rebuild|why|export-dovecot] [OPTION...] [ARGUMENT...]",
		Flags: []cli.Flag{maildirFlag(), json},
		Subcommands: []*cli.Command{
			{Name: "stat", Usage: "say what the indexes know and how large they are", ArgsUsage: "[FOLDER...]",
				Flags: []cli.Flag{maildirFlag(), json}, Action: verb(storeStat)},
			{Name: "check", Usage: "compare the indexes with the files", ArgsUsage: "[FOLDER...]",
				Flags: []cli.Flag{maildirFlag(), json,
					&cli.BoolFlag{Name: "full", Usage: "read every message, not only some"}},
				Action: verb(storeCheck)},
			{Name: "rebuild", Usage: "make the indexes anew; UIDs and keywords stay", ArgsUsage: "[FOLDER...]",
				Flags: []cli.Flag{maildirFlag(), json,
					&cli.BoolFlag{Name: "text", Usage: "also the index of texts"}},
				Action: verb(storeRebuild)},
			{Name: "why", Usage: "say what the index knows of messages", ArgsUsage: "[MESSAGE...]",
				Flags: []cli.Flag{json}, Action: verb(storeWhy)},
			{Name: "export-dovecot", Usage: "let Dovecot go on with the UIDs and keywords", ArgsUsage: "[FOLDER...]",
				Flags: []cli.Flag{maildirFlag(), json}, Action: verb(storeExport)},
		},
		Action: verb(func(t *tool) error {
			if t.c.NArg() > 0 {
				return boot.Usage(fmt.Sprintf("there is no %q: it is stat, check, rebuild, why or export-dovecot", t.c.Args().First()))
			}
			return storeStat(t)
		}),
	}
}

// eachFolder calls f with the folders named, without any with all. An error is that of the
// one folder.
func (t *tool) eachFolder(f func(*maildir.Folder) error) error {
	list, err := t.folders(t.c.Args().Slice(), t.c.NArg() == 0)
	if err != nil {
		return err
	}
	for _, folder := range list {
		if err := f(folder); err != nil {
			if t.context().Err() != nil {
				return err
			}
			t.fail(folder.Path(), err)
		}
	}
	return nil
}

// opened returns a folder with its index, which is made if there is none.
func (t *tool) opened(f *maildir.Folder) (*box, error) {
	b := t.boxOf(f)
	if t.look(b, true) == nil {
		if _, err := f.Count(); err != nil {
			return nil, err
		}
		return nil, errors.New("its index cannot be opened")
	}
	return b, nil
}

// A folderStat is what stat says of a folder.
type folderStat struct {
	V             int              `json:"v"`
	Folder        string           `json:"folder"`
	Path          string           `json:"path"`
	Indexed       bool             `json:"indexed"`
	Messages      int              `json:"messages"`
	Unread        int              `json:"unread"`
	New           int              `json:"new"`
	Deleted       int              `json:"deleted"`
	Bytes         int64            `json:"bytes"`
	UIDValidity   uint32           `json:"uidvalidity"`
	UIDNext       uint32           `json:"uidnext"`
	HighestModSeq uint64           `json:"highestmodseq"`
	Pending       int              `json:"pending"`
	Read          int              `json:"read"`
	Texts         int              `json:"texts"`
	Scanned       *string          `json:"scanned"`
	Keywords      []string         `json:"keywords"`
	Files         map[string]int64 `json:"files"`

	index, text int64
}

func storeStat(t *tool) error {
	head := "messages   unread       uidnext        modseq    read   texts   index    text  last scan         folder\n"
	return t.eachFolder(func(f *maildir.Folder) error {
		s, err := t.statOf(f)
		if err != nil {
			return err
		}
		if t.form == formJSON {
			return t.emitJSON(s)
		}
		if t.printed == 0 {
			t.out.WriteString(head)
		}
		name := safe.Line(f.Name()).String()
		if !s.Indexed {
			state := "no index"
			if _, ok := s.Files["pneu.log"]; ok {
				state = "cannot be kept"
			}
			fmt.Fprintf(t.out, "%8d %8d %13s %13s %7s %7s %7s %7s  %-16s  %s\n", s.Messages, s.Unread, "-", "-", "-", "-", "-", "-", state, name)
			return t.wrote()
		}
		scanned := "-"
		if s.Scanned != nil {
			if at, err := time.Parse(time.RFC3339, *s.Scanned); err == nil {
				scanned = at.Local().Format("2006-01-02 15:04")
			}
		}
		fmt.Fprintf(t.out, "%8d %8d %13d %13d %7s %7s %7s %7s  %-16s  %s\n", s.Messages, s.Unread, s.UIDNext, s.HighestModSeq,
			percent(s.Read, s.Messages), percent(s.Texts, s.Messages), fmtBytes(s.index), fmtBytes(s.text), scanned, name)
		if len(s.Keywords) > 0 {
			fmt.Fprintf(t.out, "%s keywords: %s\n", strings.Repeat(" ", 8), safe.Line(strings.Join(s.Keywords, " ")))
		}
		return t.wrote()
	})
}

func percent(n, of int) string {
	switch {
	case of == 0 || n == of:
		return "all"
	case n == 0:
		return "none"
	}
	return fmt.Sprintf("%d%%", min(max(100*n/of, 1), 99))
}

func (t *tool) emitJSON(v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	t.out.Write(b)
	return t.wrote()
}

// statOf looks at a folder; one without an index gets none.
func (t *tool) statOf(f *maildir.Folder) (*folderStat, error) {
	s := &folderStat{V: 1, Folder: f.Name(), Path: f.Path(), Keywords: []string{}, Files: map[string]int64{}}
	if err := s.measure(); err != nil {
		return nil, err
	}
	if _, ok := s.Files["pneu.log"]; !ok {
		n, err := f.Count()
		s.Messages, s.Unread, s.New = n.Total, n.Unread, n.New
		return s, err
	}
	b, err := t.opened(f)
	if err != nil {
		return nil, err
	}
	st := b.v.State()
	s.Indexed = st.Sticky
	s.Messages, s.Unread, s.New, s.Deleted, s.Bytes = st.Total, st.Unseen, st.New, st.Deleted, st.Bytes
	s.UIDValidity, s.UIDNext, s.HighestModSeq = st.UIDValidity, uint32(st.UIDNext), st.HighestModSeq
	s.Pending, s.Read, s.Texts = st.Pending, st.Total-st.Undigested, b.v.TextCoverage().Indexed
	if st.Dir.Scanned != 0 {
		s.Scanned = stamp(time.Unix(0, st.Dir.Scanned))
	}
	s.Keywords = append(s.Keywords, b.v.Index().KeywordNames()...)
	slices.Sort(s.Keywords)
	return s, nil
}

// measure adds up what the files of the index take on the disk.
func (s *folderStat) measure() error {
	names, err := filepath.Glob(filepath.Join(escapeGlob(s.Path), "pneu.*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		st, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		base := filepath.Base(name)
		s.Files[base] = st.Size()
		if strings.HasPrefix(base, "pneu.text") {
			s.text += st.Size()
		} else {
			s.index += st.Size()
		}
	}
	return nil
}

// escapeGlob has a directory's name taken as it is.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// A checked is what check says of a folder.
type checked struct {
	V        int      `json:"v"`
	Folder   string   `json:"folder"`
	Path     string   `json:"path"`
	Messages int      `json:"messages"`
	Compared int      `json:"compared"`
	Found    []string `json:"found"`
}

// sampleOf is how many messages check compares without --full.
const sampleOf = 500

// foundMax bounds what is said of one folder.
const foundMax = 20

func storeCheck(t *tool) error {
	return t.eachFolder(func(f *maildir.Folder) error {
		s, err := t.statOf(f)
		if err != nil {
			return err
		}
		c := &checked{V: 1, Folder: f.Name(), Path: f.Path(), Messages: s.Messages, Found: []string{}}
		if s.Indexed {
			if err := t.check(c, t.boxOf(f)); err != nil {
				return err
			}
		} else if _, ok := s.Files["pneu.log"]; ok && !errors.Is(t.boxOf(f).b.Volatile(), index.ErrReadOnly) {
			c.Found = append(c.Found, fmt.Sprintf("its index cannot be used: %v", t.boxOf(f).b.Volatile()))
		}
		for _, text := range c.Found {
			t.fail(f.Path(), errors.New(text))
		}
		if len(c.Found) > 0 && s.Indexed && t.form != formJSON { // what keeps it from being used keeps it from being made
			t.note("%s: pneu store rebuild %s makes its index anew from the files", f.Name(), shellQuote(f.Name()))
		}
		if t.form == formJSON {
			return t.emitJSON(c)
		}
		state := "no index"
		switch {
		case len(c.Found) > 0:
			state = plural(len(c.Found), "finding")
		case s.Indexed:
			state = "ok"
		}
		fmt.Fprintf(t.out, "%8d messages  %8d compared  %-12s  %s\n", c.Messages, c.Compared, state, safe.Line(f.Name()))
		return t.wrote()
	})
}

// check looks for everything that may be wrong with an index.
func (t *tool) check(c *checked, b *box) error {
	found := func(format string, args ...any) {
		if len(c.Found) < foundMax {
			c.Found = append(c.Found, fmt.Sprintf(format, args...))
		}
	}
	p := t.progress("checking " + b.f.Name())
	defer p.end()
	for _, err := range b.b.Check(t.context(), p.show) {
		found("%v", err)
	}
	if err := t.checkNames(b, found); err != nil {
		return err
	}
	rows := make([]int, b.v.Len())
	for i := range rows {
		rows[i] = i
	}
	if !t.c.Bool("full") && len(rows) > sampleOf {
		rand.Shuffle(len(rows), func(i, k int) { rows[i], rows[k] = rows[k], rows[i] })
		rows = rows[:sampleOf]
		slices.Sort(rows)
	}
	for i, row := range rows {
		if err := t.context().Err(); err != nil {
			return err
		}
		p.show(i, len(rows))
		if wrong := compareRow(b.v.Row(row)); wrong != "" {
			found("UID %d, %s: %s", b.v.Index().UID(row), b.v.Row(row).Entry().File, wrong)
		}
		c.Compared++
	}
	return nil
}

// checkNames compares the names that the index has with the directories: after a few looks
// what still differs is no change by another program.
func (t *tool) checkNames(b *box, found func(string, ...any)) error {
	var wrong []string
	for range 4 {
		b.at = -1
		b.took = 0
		v := t.look(b, true)
		entries, err := b.f.List()
		if err != nil {
			return err
		}
		wrong = nil
		known := make(map[maildir.Entry]bool, v.Len())
		for row := range v.Len() {
			known[v.Index().Entry(row)] = true
		}
		for _, e := range entries {
			if !known[e] {
				wrong = append(wrong, "the index lacks "+e.File)
			}
			delete(known, e)
		}
		for e := range known {
			wrong = append(wrong, "the index has "+e.File+", which is not there")
		}
		if len(wrong) == 0 {
			return nil
		}
	}
	for _, w := range wrong {
		found("%s", w)
	}
	return nil
}

// compareRow says what is wrong with what is kept of a message.
func compareRow(r store.Row) string {
	raw, err := r.Read()
	if errors.Is(err, maildir.ErrGone) {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	ix := r.View().Index()
	if n := ix.WireSize(r.N()); n >= 0 && n != int64(len(raw)+bareLines(raw)) {
		return fmt.Sprintf("its size with CRLF is %d, not %d", len(raw)+bareLines(raw), n)
	}
	if !ix.HasDigest(r.N()) {
		return ""
	}
	kept := ix.Blob(r.N())
	switch {
	case kept == nil:
		return "what is kept of it is damaged"
	case kept[0] != digest.Version: // it is made anew when it is needed
		return ""
	case !bytes.Equal(kept, digest.Make(nil, raw)):
		return "what is kept of it is not what it says"
	}
	return ""
}

// bareLines counts the line ends without a CR.
func bareLines(raw []byte) int {
	return bytes.Count(raw, []byte("\n")) - bytes.Count(raw, []byte("\r\n"))
}

// A rebuilt is what rebuild says of a folder.
type rebuilt struct {
	V        int    `json:"v"`
	Folder   string `json:"folder"`
	Path     string `json:"path"`
	Messages int    `json:"messages"`
	Read     int    `json:"read"`
	Texts    int    `json:"texts"`
}

func storeRebuild(t *tool) error {
	debug.SetGCPercent(indexingGC)
	return t.eachFolder(func(f *maildir.Folder) error {
		b, err := t.opened(f)
		if err != nil {
			return err
		}
		if err := b.b.Volatile(); errors.Is(err, index.ErrReadOnly) {
			return fmt.Errorf("there can be no index: %w", fs.ErrPermission)
		} else if err != nil {
			return fmt.Errorf("there can be no index: %w", err)
		}
		if err := b.b.Broken(); err != nil {
			t.note("%s: %v: the index is made of what else is left", f.Name(), err)
			if err := t.discard(b); err != nil {
				return err
			}
		}
		p := t.progress("reading " + f.Name())
		if t.c.Bool("text") {
			err = b.b.RebuildText(t.context(), p.show)
		} else {
			err = b.b.Rebuild(t.context(), p.show)
		}
		p.end()
		if err != nil {
			return err
		}
		v, err := b.b.Sync(t.context())
		if err != nil {
			return err
		}
		st := v.State()
		r := rebuilt{V: 1, Folder: f.Name(), Path: f.Path(), Messages: st.Total, Read: st.Total - st.Undigested, Texts: v.TextCoverage().Indexed}
		if t.form == formJSON {
			return t.emitJSON(r)
		}
		fmt.Fprintf(t.out, "%8d messages  %8d read  %8d texts  %s\n", r.Messages, r.Read, r.Texts, safe.Line(f.Name()))
		return t.wrote()
	})
}

// discard has an index begin anew without its snapshot: with what pneu.log and pneu.uids say.
func (t *tool) discard(b *box) error {
	if err := b.b.Close(); err != nil {
		return err
	}
	b.b, b.v = nil, nil
	if err := os.Remove(filepath.Join(b.f.Path(), "pneu.idx")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, err := t.opened(b.f)
	return err
}

func storeExport(t *tool) error {
	return t.eachFolder(func(f *maildir.Folder) error {
		b, err := t.opened(f)
		if err != nil {
			return err
		}
		if err := b.b.ExportDovecot(t.context()); err != nil {
			return err
		}
		path := filepath.Join(f.Path(), "dovecot-uidlist")
		if t.form == formJSON {
			return t.emitJSON(struct {
				V      int    `json:"v"`
				Folder string `json:"folder"`
				Path   string `json:"path"`
			}{1, f.Name(), path})
		}
		return t.emitPath(path)
	})
}
