// Package compose is the place to write: the fields of a header, an editor for the body, what goes with it.
package compose

import (
	"os"
	"strings"
	"time"

	"pneu/maildir/address"
	"pneu/maildir/compose"
	"pneu/maildir/safe"
	"pneu/tui/edit"
	"pneu/tui/look"
	"pneu/tui/term"
)

// The fields, from top to bottom.
const (
	fromField = iota
	toField
	ccField
	bccField
	subjectField
	bodyField
)

var labels = [...]look.Lit{"From", "To", "Cc", "Bcc", "Subject"}

// An Event is what a key asks of the program.
type Event int

// Events.
const (
	None Event = iota
	Send
	Edit   // in $EDITOR
	Attach // a file
	Leave  // the draft is kept
	Discard
)

// A Model is a draft being written.
type Model struct {
	theme  *look.Theme
	now    func() time.Time
	people *People
	base   compose.Draft // what the fields do not show: references, further header fields
	fields [5]edit.Field
	Body   *edit.Editor
	atts   []compose.Attachment
	sizes  []int64
	focus  int
	bcc    bool
	w, h   int

	hits []Person
	hit  int

	dirty   int // changes so far
	loaded  int // Serial when nothing was written yet
	saved   int
	Saved   time.Time
	SaveErr error
	warned  string // the check the writer was told of: a second ctrl+s sends
	note    safe.Text
}

// New takes a draft up.
func New(t *look.Theme, now func() time.Time, people *People, d compose.Draft) *Model {
	m := &Model{theme: t, now: now, people: people, Body: edit.NewEditor(), w: 80, h: 20}
	m.Load(d)
	m.loaded = m.Serial()
	switch {
	case len(d.To) == 0:
		m.focus = toField
	case d.Subject == "":
		m.focus = subjectField
	default:
		m.focus = bodyField
	}
	return m
}

// Load puts a draft into the fields.
func (m *Model) Load(d compose.Draft) {
	m.base = d
	m.fields[fromField].Set(Format(d.From))
	m.fields[toField].Set(FormatList(d.To))
	m.fields[ccField].Set(FormatList(d.Cc))
	m.fields[bccField].Set(FormatList(d.Bcc))
	m.fields[subjectField].Set(d.Subject)
	m.bcc = m.bcc || len(d.Bcc) > 0
	m.Body.Set(d.Body)
	m.atts, m.sizes = nil, nil
	for _, a := range d.Attachments {
		m.attach(a)
	}
}

// Draft returns what was written so far.
func (m *Model) Draft() compose.Draft {
	d := m.base
	if from := ParseList(m.fields[fromField].String()); len(from) > 0 {
		d.From = from[0]
	}
	d.To = ParseList(m.fields[toField].String())
	d.Cc = ParseList(m.fields[ccField].String())
	d.Bcc = ParseList(m.fields[bccField].String())
	d.Subject = strings.TrimSpace(m.fields[subjectField].String())
	d.Body = m.Body.String()
	d.Attachments = m.atts
	return d
}

// Empty reports whether nothing worth keeping was written.
func (m *Model) Empty() bool {
	d := m.Draft()
	body := strings.TrimSpace(d.Body)
	return m.Serial() == m.loaded || len(d.To)+len(d.Cc)+len(d.Bcc)+len(d.Attachments) == 0 && d.Subject == "" && (body == "" || body == strings.TrimSpace(m.base.Body))
}

// Changed reports whether there are changes that were not saved, and Serial names the state to be saved.
func (m *Model) Changed() bool { return m.dirty+m.Body.Version != m.saved }

// Serial names the state of the text.
func (m *Model) Serial() int { return m.dirty + m.Body.Version }

// MarkSaved notes that a state is safe on disk.
func (m *Model) MarkSaved(serial int, at time.Time) { m.saved, m.Saved, m.SaveErr = serial, at, nil }

// Touch makes the draft one that is to be saved.
func (m *Model) Touch() { m.dirty++ }

// Note shows a word to the writer.
func (m *Model) Note(s safe.Text) { m.note = s }

// AttachFile adds a file.
func (m *Model) AttachFile(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if fi.IsDir() {
		return &os.PathError{Op: "attach", Path: path, Err: os.ErrInvalid}
	}
	m.attach(compose.Attachment{Path: path})
	m.dirty++
	return nil
}

func (m *Model) attach(a compose.Attachment) {
	m.atts = append(m.atts, a)
	n := int64(len(a.Data))
	if a.Path != "" {
		if fi, err := os.Stat(a.Path); err == nil {
			n = fi.Size()
		}
	}
	m.sizes = append(m.sizes, n)
}

// Detach removes the last attachment.
func (m *Model) Detach() bool {
	n := len(m.atts)
	if n == 0 {
		return false
	}
	m.atts, m.sizes = m.atts[:n-1], m.sizes[:n-1]
	m.dirty++
	return true
}

// Ready checks the draft before it is sent. An error forbids it; a warning is told once.
func (m *Model) Ready() (warning string, err string) {
	d := m.Draft()
	rcpts := d.Recipients()
	if len(rcpts) == 0 {
		m.focus = toField
		return "", "no recipient"
	}
	for _, r := range rcpts {
		if e := address.Valid(r, true); e != nil {
			m.focus = toField
			return "", r + ": " + e.Error()
		}
	}
	if e := address.Valid(d.From.Addr, true); e != nil {
		m.focus = fromField
		return "", "From: " + e.Error()
	}
	for _, a := range m.atts {
		if a.Path != "" {
			if _, e := os.Stat(a.Path); e != nil {
				return "", "attachment: " + e.Error()
			}
		}
	}
	switch {
	case d.Subject == "":
		warning = "no subject"
	case len(m.atts) == 0 && mentions(d.Body):
		warning = "the text speaks of an attachment, there is none"
	}
	if warning == m.warned {
		return "", ""
	}
	m.warned = warning
	return warning, ""
}

// mentions reports whether what was written itself, not quoted, speaks of an attachment.
func mentions(body string) bool {
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, ">") || strings.TrimSpace(line) == "--" {
			continue
		}
		low := strings.ToLower(line)
		for _, w := range []string{"attached", "attachment", "im anhang", "anbei", "pièce jointe", "ci-joint", "adjunto", "in allegato"} {
			if strings.Contains(low, w) {
				return true
			}
		}
	}
	return false
}

// SetSize tells how much room there is.
func (m *Model) SetSize(w, h int) { m.w, m.h = w, h }

// Key takes a key.
func (m *Model) Key(k term.Key) Event {
	m.note = safe.Text{}
	if len(m.hits) > 0 {
		switch k.Name {
		case "down", "ctrl+n":
			m.hit = min(m.hit+1, len(m.hits)-1)
			return None
		case "up", "ctrl+p":
			m.hit = max(0, m.hit-1)
			return None
		case "enter", "tab":
			m.complete()
			return None
		case "esc":
			m.hits = nil
			return None
		}
	}
	switch k.Name {
	case "ctrl+s":
		return Send
	case "ctrl+e":
		return Edit
	case "ctrl+a":
		return Attach
	case "esc":
		return Leave
	case "ctrl+x":
		return Discard
	case "alt+b":
		if m.focus != bodyField {
			m.bcc = true
			m.to(bccField)
			return None
		}
	case "alt+d":
		m.Detach()
		return None
	}
	if m.focus == bodyField {
		switch {
		case k.Name == "shift+tab", k.Name == "up" && m.Body.AtTop():
			m.to(subjectField)
		default:
			m.Body.Key(k)
		}
		return None
	}
	switch k.Name {
	case "tab", "enter", "down":
		m.to(m.next(1))
	case "shift+tab", "up":
		m.to(m.next(-1))
	default:
		if k.Name == "ctrl+d" && m.fields[m.focus].Empty() {
			return None
		}
		if m.fields[m.focus].Key(k) {
			m.dirty++
			m.suggest(k.Rune != 0 || k.Name == "backspace")
		}
	}
	return None
}

func (m *Model) to(field int) { m.focus, m.hits = field, nil }

func (m *Model) next(n int) int {
	f := m.focus + n
	if f == bccField && !m.bcc {
		f += n
	}
	return max(fromField, min(f, bodyField))
}

// word returns what was typed of the address at the cursor.
func (m *Model) word() string {
	s := m.fields[m.focus].Before()
	quoted := false
	at := 0
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ',' && !quoted:
			at = i + 1
		}
	}
	return strings.TrimLeft(s[at:], " ")
}

func (m *Model) suggest(typed bool) {
	m.hits, m.hit = nil, 0
	if m.focus < toField || m.focus > bccField || !typed {
		return
	}
	w := m.word()
	if len(w) < 2 || strings.Contains(w, ">") {
		return
	}
	m.hits = m.people.Find(w, 6)
	if len(m.hits) == 1 && strings.EqualFold(m.hits[0].Addr.Addr, w) {
		m.hits = nil
	}
}

func (m *Model) complete() {
	f := &m.fields[m.focus]
	f.Replace(len([]rune(m.word())), Format(m.hits[m.hit].Addr)+", ")
	m.hits = nil
	m.dirty++
}
