package main

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/message"
)

func dedupeVerb() *cli.Command {
	return &cli.Command{
		Name: "dedupe", Usage: "print messages that there is another copy of", ArgsUsage: "[MESSAGE...]",
		Flags: outputFlags(
			&cli.StringFlag{Name: "keep", Value: "first", Usage: "leave out `WHICH` of each kind: the newest, the oldest or the first given"},
		),
		Action: verb(dedupe),
	}
}

// keepers order copies of one message so that the one to keep is first.
var keepers = map[string]func(a, b *msg) int{
	"first":  func(a, b *msg) int { return 0 },
	"oldest": func(a, b *msg) int { return a.Received().Compare(b.Received()) },
	"newest": func(a, b *msg) int { return b.Received().Compare(a.Received()) },
}

// dedupe prints all but one of the messages that have one Message-ID and one body. It
// goes over the ids first: few messages share one, and only these are read whole.
func dedupe(t *tool) error {
	keep, ok := keepers[t.c.String("keep")]
	if !ok {
		return boot.Usage("--keep wants newest, oldest or first")
	}
	same := map[string][]*msg{}
	met := map[string]bool{}
	places := realPlaces{}
	var order []string
	t.slow = true
	err := t.each(t.c.Args().Slice(), wholeSequence, func(m *msg) error {
		if m.f == nil {
			t.fail(m.path, errPlain)
			return nil
		}
		// The one file named twice is no duplicate of itself: it may be the last.
		place := places.of(m)
		if met[place] {
			return nil
		}
		met[place] = true
		id := m.Summary().MessageID
		if m.err != nil {
			t.fail(m.path, m.err)
			return nil
		}
		if id == "" {
			id = fmt.Sprintf("\x00%d", m.Size()) // without a name only the same bytes are the same
		}
		if same[id] == nil {
			order = append(order, id)
		}
		same[id] = append(same[id], m)
		m.forget()
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range order {
		if len(same[id]) < 2 {
			continue
		}
		if err := t.emitCopies(same[id], strings.HasPrefix(id, "\x00"), keep); err != nil {
			return err
		}
	}
	return nil
}

// emitCopies prints those of the messages that are copies of others among them.
func (t *tool) emitCopies(list []*msg, bytes bool, keep func(a, b *msg) int) error {
	groups := map[[32]byte][]*msg{}
	var order [][32]byte
	for _, m := range list {
		if err := t.interrupted(); err != nil {
			return err
		}
		p, err := m.load()
		if err != nil {
			t.fail(m.path, err)
			continue
		}
		sum := sha256.Sum256(m.raw)
		if !bytes {
			sum = bodySum(p)
		}
		m.forget()
		if groups[sum] == nil {
			order = append(order, sum)
		}
		groups[sum] = append(groups[sum], m)
	}
	for _, sum := range order {
		group := groups[sum]
		slices.SortStableFunc(group, keep)
		for _, m := range group[1:] {
			m.of = group[0].path
			if err := t.emit(m, "duplicate"); err != nil {
				return err
			}
		}
	}
	return nil
}

// bodySum is the sum of what a message says, whatever the way it came did to it: line
// ends, blanks at the ends of lines, transfer encodings and boundaries do not count.
func bodySum(p *message.Message) (sum [32]byte) {
	h := sha256.New()
	for i := range p.Parts {
		part := &p.Parts[i]
		if part.NumChildren > 0 {
			fmt.Fprintf(h, "%d %s\n", part.Depth, part.ContentType())
			continue
		}
		var content string
		if part.Type == "text" || part.Type == "message" {
			content = normalised(string(p.Decode(i)))
		} else {
			content = string(p.Decode(i))
		}
		fmt.Fprintf(h, "%d %s %q %d\n%s\n", part.Depth, part.ContentType(), part.Filename, len(content), content)
	}
	h.Sum(sum[:0])
	return sum
}

// normalised is a text without what transport changes.
func normalised(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	empty := 0
	for line := range strings.SplitSeq(s, "\n") {
		if line = strings.TrimRight(line, " \t\r"); line == "" {
			empty++ // at the end, they do not count
			continue
		}
		for ; empty > 0; empty-- {
			b.WriteByte('\n')
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// realPlaces names messages by the directory that a path leads to: two ways to one
// folder are one.
type realPlaces map[string]string

func (r realPlaces) of(m *msg) string { return r.dir(m.f) + "\x00" + m.e.Base() }

// dir is where a folder's path leads.
func (r realPlaces) dir(f *maildir.Folder) string { return r.path(f.Path()) }

// path is where the path of a folder leads.
func (r realPlaces) path(dir string) string {
	resolved, ok := r[dir]
	if !ok {
		var err error
		if resolved, err = filepath.EvalSymlinks(dir); err != nil {
			resolved = dir
		}
		r[dir] = resolved
	}
	return resolved
}
