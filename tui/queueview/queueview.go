// Package queueview shows mail on its way out: every message, every recipient, and the very words of the servers
// that were tried.
package queueview

import (
	"time"

	"pneu/maildir/safe"
	"pneu/tui/look"
)

// An Item is a message in the queue, as `qrun list --json` prints it.
type Item struct {
	ID         string      `json:"id"`
	State      string      `json:"state"` // queued, deferred, held, active, failed
	From       string      `json:"from"`
	Subject    string      `json:"subject"`
	Size       int64       `json:"size"`
	Arrived    time.Time   `json:"arrived"`
	Expires    time.Time   `json:"expires"`
	Next       time.Time   `json:"next"`
	Attempts   int         `json:"attempts"`
	Auth       string      `json:"auth"`
	Recipients []Recipient `json:"recipients"`
}

// A Recipient is one recipient and what became of it.
type Recipient struct {
	To       string    `json:"to"`
	State    string    `json:"state"` // pending, deferred, done, failed, expired, removed
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next"`
	Last     *Attempt  `json:"last"`
}

// An Attempt is what a server said.
type Attempt struct {
	Time     time.Time `json:"time"`
	Host     string    `json:"host"`
	IP       string    `json:"ip"`
	TLS      string    `json:"tls"`
	Code     int       `json:"code"`
	Enhanced string    `json:"enhanced"`
	Text     string    `json:"text"`
}

// A Model is the queue on the screen.
type Model struct {
	theme *look.Theme
	now   func() time.Time
	items []Item
	rows  []row
	known bool
	err   error
	at    int // row
	top   int
	w, h  int
}

type row struct{ item, rcpt int }

// New makes an empty view.
func New(t *look.Theme, now func() time.Time) *Model { return &Model{theme: t, now: now, w: 80, h: 20} }

// Set takes the queue as it is now. The cursor stays on its recipient.
func (m *Model) Set(items []Item, err error) {
	m.known, m.err = true, err
	if err != nil {
		return
	}
	id, rcpt := "", 0
	if m.at < len(m.rows) {
		id, rcpt = m.items[m.rows[m.at].item].ID, m.rows[m.at].rcpt
	}
	m.items, m.rows = items, m.rows[:0]
	for i := range items {
		for r := range max(1, len(items[i].Recipients)) {
			if items[i].ID == id && r == rcpt {
				m.at = len(m.rows)
			}
			m.rows = append(m.rows, row{i, r})
		}
	}
	m.settle()
}

// SetSize tells how much room there is.
func (m *Model) SetSize(w, h int) { m.w, m.h = w, h; m.settle() }

func (m *Model) settle() {
	m.at = max(0, min(m.at, len(m.rows)-1))
	room := m.listH() - 1
	m.top = max(0, min(m.top, m.at), m.at-room+1)
}

// listH is the height of the list; the rest is for details of one message.
func (m *Model) listH() int {
	if m.h < 12 {
		return m.h
	}
	return max(5, min(m.h/2, len(m.rows)+2))
}

// Move goes n rows on.
func (m *Model) Move(n int) {
	m.at = max(0, min(m.at+n, len(m.rows)-1))
	m.settle()
}

// Current returns the message under the cursor.
func (m *Model) Current() (Item, bool) {
	if m.at >= len(m.rows) {
		return Item{}, false
	}
	return m.items[m.rows[m.at].item], true
}

// Counts sums up the queue for the folders' column.
func (m *Model) Counts() (waiting, held, deferred, failed int) {
	for _, it := range m.items {
		switch it.State {
		case "held":
			held++
		case "deferred":
			deferred++
		case "failed":
			failed++
		default:
			waiting++
		}
	}
	return
}

// Title draws the title.
func (m *Model) Title(l *look.Line) {
	t := m.theme
	l.Lit(t.Title, "Outgoing").Pad(2)
	if !m.known {
		l.Lit(t.Hint, "asking the queue ...")
		return
	}
	w, h, d, f := m.Counts()
	l.F(0, "%d waiting", w+h)
	if d > 0 {
		l.F(t.Waiting, " · %d deferred", d)
	}
	if f > 0 {
		l.F(t.Failed, " · %d failed", f)
	}
}

// Position draws where the cursor is.
func (m *Model) Position(l *look.Line) {
	if len(m.rows) > 0 {
		l.F(m.theme.Hint, "%d/%d", m.at+1, len(m.rows))
	}
}

// Lines draws the view.
func (m *Model) Lines() []string {
	t := m.theme
	var out []string
	switch {
	case m.err != nil:
		out = append(out, t.Blank(m.w), t.NewLine(m.w).Pad(2).Lit(t.Error, "error: ").F(0, "%s", m.err.Error()).String(),
			t.Blank(m.w), t.NewLine(m.w).Pad(2).Lit(t.Hint, "mail already accepted is safe in the spool; qrun list says more").String())
	case m.known && len(m.items) == 0:
		out = append(out, t.Blank(m.w), t.NewLine(m.w).Pad(2).Lit(t.Head, "Nothing is waiting.").String(), t.Blank(m.w),
			t.NewLine(m.w).Pad(2).Lit(t.Hint, "What you send appears here until every recipient's server has taken it.").String())
	case len(m.items) > 0:
		out = append(out, m.header())
		room := m.listH() - 1
		for i := m.top; i < min(len(m.rows), m.top+room); i++ {
			out = append(out, m.row(i))
		}
		for len(out) < m.listH() {
			out = append(out, t.Blank(m.w))
		}
		if m.h >= 12 {
			out = append(out, t.HRule(m.w))
			out = append(out, m.detail(m.h-len(out))...)
		}
	}
	for len(out) < m.h {
		out = append(out, t.Blank(m.w))
	}
	return out[:m.h]
}

// subjectFrom is the width from which rows have the subject too; it is always among the details.
const subjectFrom = 120

func (m *Model) columns() (id, to, subject int) {
	id = 10
	for _, it := range m.items {
		id = max(id, min(18, len(it.ID)))
	}
	if m.w < 90 {
		id = min(id, 10)
	}
	rest := m.w - id - 2 - 8 - 10 - 12
	if m.w >= subjectFrom {
		subject = min(40, rest/3)
		rest -= subject
	}
	return id, max(16, min(40, rest/2)), subject
}

func (m *Model) header() string {
	id, to, subject := m.columns()
	t := m.theme
	l := t.NewLine(m.w).Pad(2)
	l.Cell(t.Label, look.T("id"), id).Pad(1).Cell(t.Label, look.T("age"), 7).Cell(t.Label, look.T("to"), to).Pad(1)
	if subject > 0 {
		l.Cell(t.Label, look.T("subject"), subject-1).Pad(1)
	}
	l.Cell(t.Label, look.T("state"), 10).Cell(t.Label, look.T("next try"), 11).Lit(t.Label, "last answer")
	return l.String()
}

func (m *Model) row(i int) string {
	t := m.theme
	r := m.rows[i]
	it := m.items[r.item]
	id, to, subject := m.columns()
	l := t.NewLine(m.w)
	if i == m.at {
		l.Base(t.Cursor).Lit(0, "> ")
	} else {
		l.Pad(2)
	}
	if r.rcpt == 0 || i == m.top {
		l.Cell(t.ID, look.T(short(it.ID, id)), id).Pad(1).Cell(0, look.T(look.Age(m.now().Sub(it.Arrived))), 7)
	} else {
		l.Pad(id + 1 + 7)
	}
	if len(it.Recipients) == 0 {
		return l.Cell(0, look.T("(none)"), to).Pad(1).Cell(t.Hint, look.T(it.State), 10).String()
	}
	rc := it.Recipients[r.rcpt]
	word, style := m.state(it, rc)
	l.Cell(0, look.T(rc.To), to).Pad(1)
	switch {
	case subject > 0 && (r.rcpt == 0 || i == m.top):
		l.Cell(t.Subject, look.T(it.Subject), subject-1).Pad(1)
	case subject > 0:
		l.Pad(subject)
	}
	l.Cell(style, look.T(word), 10)
	l.Cell(0, m.next(it, rc), 11)
	if rc.Last != nil {
		l.Add(style&^look.Bold, answer(rc.Last))
	} else if it.State == "held" {
		l.Lit(t.Hint, "waits until H lets it go")
	}
	return l.String()
}

// short keeps the end of an id, where ids differ.
func short(id string, w int) string {
	if len(id) > w {
		return id[len(id)-w:]
	}
	return id
}

func (m *Model) state(it Item, r Recipient) (string, look.Style) {
	t := m.theme
	switch r.State {
	case "done":
		return "sent", t.Done
	case "failed", "expired":
		return "FAILED", t.Failed
	case "removed":
		return "cancelled", t.Hint
	case "deferred":
		if it.State == "held" {
			return "held", t.Waiting
		}
		return "deferred", t.Waiting
	}
	switch it.State {
	case "held":
		return "held", t.Waiting
	case "active":
		return "sending", t.Done
	}
	return "waiting", 0
}

func (m *Model) next(it Item, r Recipient) safe.Text {
	switch r.State {
	case "done", "removed":
		return look.T("-")
	case "failed", "expired":
		return look.T("gave up")
	}
	if it.State == "held" {
		return look.T("-")
	}
	at := r.Next
	if at.IsZero() {
		at = it.Next
	}
	d := at.Sub(m.now())
	if at.IsZero() || d <= 0 {
		return look.T("now")
	}
	return look.T("in " + look.Age(d))
}

func answer(a *Attempt) safe.Text {
	if a.Code > 0 && a.Enhanced != "" {
		return look.Tf("%d %s %s", a.Code, a.Enhanced, a.Text)
	}
	if a.Code > 0 {
		return look.Tf("%d %s", a.Code, a.Text)
	}
	return look.T(a.Text)
}

// detail describes the message under the cursor: each recipient with the server that was asked and what it said.
func (m *Model) detail(h int) []string {
	it, ok := m.Current()
	if !ok {
		return nil
	}
	t := m.theme
	from := it.From
	if from == "" {
		from = "<> (a report)"
	}
	out := []string{t.NewLine(m.w).Pad(2).F(t.ID, "%s", it.ID).Pad(2).F(t.Head, "%s", it.Subject).String()}
	l := t.NewLine(m.w).Pad(2).F(0, "from %s", from).F(t.Hint, "   %s   accepted %s", look.Size(it.Size), it.Arrived.In(m.now().Location()).Format("Mon 15:04:05"))
	if it.Attempts > 0 {
		l.F(t.Hint, "   %s", look.Plural(it.Attempts, "attempt"))
	}
	out = append(out, l.String(), t.Blank(m.w))
	for _, r := range it.Recipients {
		word, style := m.state(it, r)
		l := t.NewLine(m.w).Pad(2).F(t.Head, "%s", r.To).Pad(2).F(style, "%s", word)
		if n := m.next(it, r).String(); n != "-" && n != "gave up" {
			l.F(t.Hint, "   next %s", n)
		}
		out = append(out, l.String())
		if a := r.Last; a != nil {
			l := t.NewLine(m.w).Pad(4).F(t.Hint, "%s", a.Time.In(m.now().Location()).Format("Mon 15:04:05")).Pad(2)
			if a.Host != "" {
				l.F(0, "%s", a.Host)
			}
			if a.IP != "" {
				l.F(t.Hint, " [%s]", a.IP)
			}
			if a.TLS != "" {
				l.F(t.Done, "  %s", a.TLS)
			}
			out = append(out, l.String())
			out = append(out, m.words(answer(a), style&^look.Bold)...)
		}
	}
	if !it.Expires.IsZero() && it.State != "failed" {
		out = append(out, t.Blank(m.w), t.NewLine(m.w).Pad(2).F(t.Hint, "gives up %s, in %s", it.Expires.In(m.now().Location()).Format("Mon 2 Jan 15:04"), look.Age(it.Expires.Sub(m.now()))).String())
	}
	return out[:min(len(out), max(0, h))]
}

// words writes a server's answer in as many lines as it takes, up to four.
func (m *Model) words(s safe.Text, style look.Style) []string {
	t := m.theme
	var out []string
	rest, w := s.String(), max(10, m.w-10)
	for rest != "" && len(out) < 4 {
		cut := rest
		if safe.Width(rest) > w {
			cut = safe.Truncate(rest, w+1)
			cut = cut[:max(1, len(cut)-len("…"))]
		}
		out = append(out, t.NewLine(m.w).Pad(8).F(style, "%s", cut).String())
		rest = rest[min(len(rest), len(cut)):]
	}
	return out
}
