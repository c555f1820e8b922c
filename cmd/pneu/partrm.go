package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/journal"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/maildir/store"
)

// partRm files a message anew without some of its parts, and moves the old one to Trash:
// files in a Maildir never change, and undo has something to bring back.
func partRm(t *tool) error {
	typ, n := strings.ToLower(t.c.String("type")), t.c.Int("part")
	if typ == "" && n < 0 {
		return boot.Usage("say which parts: -t TYPE or -p N")
	}
	return t.change("part rm", t.c.Args().Slice(), func(b *journal.Batch, m *msg) (string, error) {
		p, err := m.load()
		if err != nil {
			return "", err
		}
		raw, err := withoutParts(p, chosenParts(p, typ, n))
		if err != nil || raw == nil {
			return "", err // nothing to remove: not printed
		}
		if b == nil {
			t.wouldDo(m, "remove parts of")
			return "part rm", nil
		}
		s := m.f.Store()
		if s == nil {
			return "", errors.New("no tree of folders, and so no Trash for the old message")
		}
		trash, err := b.CreateFolder(s, maildir.SpecialFolder(s, "Trash"))
		if err != nil {
			return "", err
		}
		noted, err := t.changes.of(m.f)
		if err != nil {
			return "", err
		}
		e, err := b.Deliver(m.f, maildir.Delivery{Flags: m.e.Flags(), Time: m.Received(), Cur: !m.e.New}, bytes.NewReader(raw))
		if err != nil {
			return "", err
		}
		// If the old one stays, as when another program has moved it meanwhile, the new one goes.
		if named, err := noted.Carry(m.f, m.e, m.f, e); err != nil {
			return "", errors.Join(err, b.Withdraw(m.f, e))
		} else {
			e = named
		}
		if r := noted.File(t.context(), b, m.f, []maildir.Entry{m.e}, trash, store.Moved, ""); r[0].Err != nil {
			return "", errors.Join(r[0].Err, b.Withdraw(m.f, e))
		}
		*m = msg{path: m.f.File(e), f: m.f, e: e}
		return "part rm", nil
	})
}

// withoutParts returns the message with a line of text in place of each part; nil if there
// is none to remove. The message itself is no part to remove.
func withoutParts(p *message.Message, parts []int) ([]byte, error) {
	slices.Sort(parts)
	var out []byte
	at := 0
	for _, i := range parts {
		part := &p.Parts[i]
		if i == 0 {
			return nil, errors.New("part 0 is the message itself: rm removes that")
		}
		if part.HeaderStart < at {
			continue // inside of one that went
		}
		eol := "\n"
		if k := bytes.IndexByte(p.Raw, '\n'); k > 0 && p.Raw[k-1] == '\r' {
			eol = "\r\n"
		}
		if p.Parts[part.Parent].Type != "multipart" {
			return nil, errors.New("a message within a message has to go with what it is in")
		}
		out = append(out, p.Raw[at:part.HeaderStart]...)
		name := ""
		if part.Filename != "" {
			name = safe.Line(part.Filename).String() + ", "
		}
		out = fmt.Appendf(out, "Content-Type: text/plain; charset=utf-8%sContent-Transfer-Encoding: 8bit%s%s[removed: %s%s/%s, %s]",
			eol, eol, eol, name, safe.Line(part.Type), safe.Line(part.Subtype), fmtBytes(len(p.Decode(i))))
		at = part.BodyEnd
	}
	if out == nil {
		return nil, nil
	}
	return append(out, p.Raw[at:]...), nil
}
