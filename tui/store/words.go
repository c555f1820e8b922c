package store

import (
	"io"
	"os"
	"strings"

	"pneu/maildir"
	"pneu/maildir/htmltext"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/look"
)

// How much of a message is looked at for its first words, and how many of them are kept.
const (
	wordsRead = 48 << 10
	wordsKept = 200
)

// FirstWords returns how the text of a message begins, in one line. It reads the file.
func FirstWords(f *maildir.Folder, e maildir.Entry) safe.Text {
	file, err := os.Open(f.File(e))
	if err != nil {
		if file, _, err = f.Open(e); err != nil {
			return safe.Text{}
		}
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, wordsRead))
	if err != nil {
		return safe.Text{}
	}
	return firstWords(raw)
}

func firstWords(raw []byte) safe.Text {
	m := message.Parse(raw)
	plain, html, _ := m.Display()
	var text string
	if plain >= 0 {
		text = m.Text(plain, 8<<10)
	}
	if html >= 0 && len(strings.TrimSpace(text)) < 20 {
		text = htmltext.Render(m.Text(html, 32<<10), htmltext.Options{Width: 100}).Text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "--" || strings.HasPrefix(line, "-----") {
			break
		}
		if line == "" || line[0] == '>' || attribution(line) {
			continue
		}
		for w := range strings.FieldsSeq(line) {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(w)
		}
		if b.Len() > wordsKept {
			break
		}
	}
	return look.T(safe.Truncate(look.T(b.String()).String(), wordsKept))
}

// attribution reports whether a line only says who wrote what follows.
func attribution(s string) bool {
	return strings.HasSuffix(s, ":") && (strings.Contains(s, "wrote") || strings.HasPrefix(s, "On ") || strings.HasPrefix(s, "In message"))
}
