package digest

import (
	"bytes"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"pneu/maildir/message"
)

// Limits of the text of one message.
const (
	MaxText      = 2 << 20
	maxPartText  = 1 << 20
	maxFileText  = 256 << 10 // of an attachment that is text
	maxTextDepth = 4         // encoded messages within messages
)

// Head appends the folded header record of d to dst: from, to, cc, bcc, reply-to, subject, list and message id in
// this order, with a NUL between two. Each is folded, so that no NUL is in it. Of a list of mailboxes each is written as
// name <address>, or as the address alone, with a comma and a blank between two.
func Head(dst []byte, d Digest) []byte {
	var room [256]byte
	list := func(n int) {
		first := true
		for name, addr := range d.mailboxes(n) {
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			b := append(room[:0], name...)
			switch {
			case len(name) == 0:
				b = append(b, addr...)
			case len(addr) > 0:
				b = append(append(append(b, " <"...), addr...), '>')
			}
			dst = Fold(dst, string(b))
		}
		dst = append(dst, 0)
	}
	list(listFrom)
	list(listTo)
	list(listCc)
	list(listBcc)
	list(listReplyTo)
	dst = append(Fold(dst, d.Subject()), 0)
	dst = append(Fold(dst, d.ListID()), 0)
	return Fold(dst, d.MessageID())
}

// Text returns what is searched of a message: all of it that a person would read. That is the text of all its parts,
// of HTML what remains without the markup, the names of files, and subject and sender of messages within. Lines are not
// wrapped nor joined: it is meant for Fold, not for the screen. Of a message longer than MaxRaw the beginning is searched.
func Text(m *message.Message) string {
	var t Texter
	return string(t.append(m))
}

// A Texter makes the texts of many messages and keeps its room from one to the next. It is for one goroutine.
type Texter struct {
	out  []byte
	room []byte
}

// Folded appends the text of m, folded, to dst: Fold(dst, Text(m)) in less time.
func (t *Texter) Folded(dst []byte, m *message.Message) []byte {
	b := t.append(m)
	// Fold keeps nothing of the string, and nobody changes t.out in the meantime.
	dst = Fold(dst, unsafe.String(unsafe.SliceData(b), len(b)))
	if cap(t.out) > 1<<20 {
		t.out, t.room = nil, nil
	}
	return dst
}

// append returns the text of m, which is there until the next call.
func (t *Texter) append(m *message.Message) []byte {
	t.out = t.out[:0]
	if len(m.Raw) > MaxRaw {
		m = message.Parse(m.Raw[:MaxRaw])
	}
	t.message(m, 0)
	if n := MaxText; len(t.out) > n {
		for n > 0 && !utf8.RuneStart(t.out[n]) {
			n--
		}
		t.out = t.out[:n]
	}
	return t.out
}

func (t *Texter) message(m *message.Message, depth int) {
	for i := range m.Parts {
		if len(t.out) >= MaxText {
			return
		}
		p := &m.Parts[i]
		if i > 0 && m.Parts[p.Parent].Type == "message" {
			t.subject(m.Header(i))
		}
		if p.NumChildren > 0 {
			continue
		}
		if p.Filename != "" {
			t.out = append(append(t.out, p.Filename...), '\n')
		}
		switch p.Type {
		case "text":
			t.part(m, i)
		case "message":
			if within := m.Embedded(i); within != nil {
				if depth < maxTextDepth {
					t.subject(within.Header(0))
					t.message(within, depth+1)
				}
			} else {
				t.part(m, i)
			}
		}
	}
}

// subject adds what tells a message within from others.
func (t *Texter) subject(h message.Header) {
	for _, field := range []string{"From", "Subject"} {
		if s := h.Text(field); s != "" {
			t.out = append(append(t.out, s...), '\n')
		}
	}
}

func (t *Texter) part(m *message.Message, i int) {
	p := &m.Parts[i]
	limit := min(maxPartText, MaxText-len(t.out))
	if p.Disposition == "attachment" {
		limit = min(limit, maxFileText)
	}
	if limit <= 0 {
		return
	}
	start := len(t.out)
	switch {
	case p.Subtype == "html":
		t.room = m.AppendText(t.room[:0], i, limit)
		t.out = appendHTML(t.out, t.room)
	default:
		t.out = m.AppendText(t.out, i, limit)
		if p.DelSp {
			t.out = t.out[:start+joinLines(t.out[start:])]
		}
	}
	if len(t.out) > start {
		t.out = append(t.out, '\n')
	}
}

// joinLines takes the blanks out that were only put there to break a line (RFC 3676, 4), and returns the new length.
// That at the end of the line "-- " is none.
func joinLines(b []byte) int {
	n := 0
	for rest := b; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		rest = rest[len(line):]
		if bytes.HasSuffix(line, []byte(" \n")) && string(line) != "-- \n" && !bytes.HasPrefix(rest, []byte("-- \n")) {
			line = line[:len(line)-2]
		}
		n += copy(b[n:], line)
	}
	return n
}

// How much of the text is looked at for its first words, and how many of them are kept.
const (
	previewRead  = 1536
	previewHTML  = 24 << 10
	previewRunes = 120
	previewRoom  = 480
)

// preview writes how the text begins.
func (k *maker) preview(plain, html int) {
	var room [2*previewRead + 600]byte // as much as AppendText decodes for it
	var text []byte
	if plain >= 0 {
		text = k.m.AppendText(room[:0], plain, previewRead)
	}
	if html >= 0 && len(bytes.TrimSpace(text)) < 20 {
		text = appendHTML(room[:0], k.m.AppendText(nil, html, previewHTML))
	}
	at := len(k.b) - k.start
	n := k.words(text, true)
	if n == 0 {
		n = k.words(text, false)
	}
	if n > 0 {
		k.putSpan(atPreview, span{at, n})
	}
	k.lang(text)
}

// words appends the first words of a text, passing over what was written by others, and returns their length.
func (k *maker) words(text []byte, own bool) int {
	if len(k.b)-k.start > roomStrings-previewRoom {
		k.flags |= flagTruncated
		return 0
	}
	start, runes := len(k.b), 0
	for len(text) > 0 && runes < previewRunes {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
			continue
		case line[0] == '-' && bytes.HasPrefix(line, []byte("-----BEGIN PGP ")):
			if bytes.HasPrefix(line[15:], []byte("MESSAGE")) {
				k.class |= Encrypted
				return 0
			}
			if bytes.HasPrefix(line[15:], []byte("SIGNED")) {
				k.class |= Signed
				if i := bytes.Index(text, []byte("\n\n")); i >= 0 { // behind its own header
					text = text[i+2:]
				}
				continue
			}
			return len(k.b) - start
		case own && (string(line) == "--" || bytes.HasPrefix(line, []byte("-----")) || bytes.HasPrefix(line, []byte("_____"))):
			return len(k.b) - start
		case own && (line[0] == '>' || attribution(line)):
			continue
		}
		blank := len(k.b) > start
		for len(line) > 0 && runes < previewRunes {
			r, size := rune(line[0]), 1
			if r >= utf8.RuneSelf {
				r, size = utf8.DecodeRune(line)
			}
			line = line[size:]
			switch {
			case r > ' ' && r < 0x7f:
			case r == ' ' || unicode.IsSpace(r):
				blank = len(k.b) > start
				continue
			case r < 0xa0 || r > 0xff && unseen(r):
				continue
			}
			if blank {
				k.b = append(k.b, ' ')
				runes++
				blank = false
			}
			k.b = utf8.AppendRune(k.b, r)
			runes++
		}
	}
	return len(k.b) - start
}

// attribution reports whether a line only says who wrote what follows.
func attribution(s []byte) bool {
	return s[len(s)-1] == ':' && (bytes.HasPrefix(s, []byte("On ")) || bytes.HasPrefix(s, []byte("In message")) || bytes.HasPrefix(s, []byte("Am ")) ||
		bytes.HasPrefix(s, []byte("Le ")) || bytes.HasPrefix(s, []byte("El ")) || bytes.Contains(s, []byte("wrote")))
}
