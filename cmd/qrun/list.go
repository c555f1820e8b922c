package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/mta/queue"
)

// item is a message as the JSON contract has it.
type item struct {
	ID         string      `json:"id"`
	State      string      `json:"state"`
	From       string      `json:"from"`
	Subject    string      `json:"subject"` // where it was read: see subject
	Size       int64       `json:"size"`
	Arrived    time.Time   `json:"arrived"`
	Expires    time.Time   `json:"expires"`
	Next       *time.Time  `json:"next"`
	Attempts   int         `json:"attempts"`
	Auth       string      `json:"auth"`
	Recipients []recipient `json:"recipients"`
	Notes      []string    `json:"notes"`
}

type recipient struct {
	To       string     `json:"to"`
	State    string     `json:"state"`
	Attempts int        `json:"attempts"`
	Next     *time.Time `json:"next"`
	Last     *answer    `json:"last"`
}

type answer struct {
	Time     time.Time `json:"time"`
	Host     string    `json:"host"`
	IP       string    `json:"ip"`
	TLS      string    `json:"tls"`
	Code     int       `json:"code"`
	Enhanced string    `json:"enhanced"`
	Text     string    `json:"text"`
}

// describe puts envelope and history together.
func describe(m *queue.Message, state queue.State, events []queue.Event) item {
	it := item{ID: m.ID, State: string(state), From: m.Sender, Size: m.Size, Arrived: m.Arrived.UTC(), Expires: m.Expires.UTC(), Auth: m.Auth,
		Recipients: []recipient{}, Notes: []string{}}
	if state == queue.Queued || state == queue.Deferred || state == queue.Active {
		it.Next = timePtr(m.Next)
	}
	if m.Reason != "" {
		it.Notes = append(it.Notes, m.Reason)
	}
	at := map[int]int{}
	for _, r := range m.Recipients {
		at[r.N] = len(it.Recipients)
		it.Recipients = append(it.Recipients, recipient{To: r.Addr, State: markState(r.Mark)})
	}
	for _, ev := range events {
		i, known := at[ev.Rcpt]
		switch {
		case ev.Kind == "accepted", ev.Kind == "attempt" && ev.Rcpt == 0:
		case !known:
			it.note(ev.Kind + ": " + ev.Text)
			if ev.Kind == "released" {
				for i := range it.Recipients {
					it.Recipients[i].Next = nil
				}
			}
		case ev.Kind == "attempt":
			it.Recipients[i].Attempts++
			it.Attempts = max(it.Attempts, it.Recipients[i].Attempts)
		case ev.Kind == "delivered", ev.Kind == "failed", ev.Kind == "expired", ev.Kind == "deferred":
			rc := &it.Recipients[i]
			rc.Last = &answer{ev.Time.UTC(), ev.Host, ev.IP, ev.TLS, ev.Code, ev.Enhanced, ev.Text}
			rc.Next = nil
			if ev.Kind == "deferred" {
				rc.Next = timePtr(ev.Next)
			}
		case ev.Kind == "note" && !ev.Next.IsZero(): // put off without a try
			rc := &it.Recipients[i]
			rc.Next = timePtr(ev.Next)
			if rc.Last == nil {
				rc.Last = &answer{Time: ev.Time.UTC(), Enhanced: ev.Enhanced, Text: ev.Text}
			}
		default:
			it.note(ev.Kind + " " + it.Recipients[i].To + ": " + ev.Text)
		}
	}
	for i := range it.Recipients {
		rc := &it.Recipients[i]
		if rc.State != "pending" {
			rc.Next = nil
			continue
		}
		if rc.Last != nil {
			rc.State = "deferred"
		}
		if rc.Next == nil {
			rc.Next = it.Next
		}
	}
	return it
}

// note adds a note. One that is said again stands once, where it was said last:
// who tries a message every hour by hand need not read that as often.
func (it *item) note(text string) {
	text = strings.TrimSpace(text)
	it.Notes = append(slices.DeleteFunc(it.Notes, func(n string) bool { return n == text }), text)
}

// subject reads the message's subject, decoded and not cleaned. A header is
// looked at as far as maxHeader.
func subject(m *queue.Message) string {
	var h []byte
	in := bufio.NewReaderSize(io.LimitReader(m.Body(), maxHeader), 8<<10)
	for {
		line, err := in.ReadSlice('\n')
		h = append(h, line...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil || len(bytes.TrimRight(line, "\r\n")) == 0 {
			return message.Header(h).Text("Subject")
		}
	}
}

func timePtr(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

func markState(m queue.Mark) string {
	switch m {
	case queue.Done:
		return "done"
	case queue.Failed:
		return "failed"
	case queue.Expired:
		return "expired"
	case queue.Removed:
		return "removed"
	}
	return "pending"
}

// each calls f with every chosen message that is still there.
func (s *surgeon) each(f func(m *queue.Message, it item, events []queue.Event) error) error {
	for _, id := range s.ids {
		m, err := s.sys.spool.Read(id)
		if err != nil {
			continue
		}
		events, _ := m.History() // what could be read of it
		err = f(m, describe(m, s.state(m), events), events)
		m.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *surgeon) list() error {
	out := bufio.NewWriter(s.c.App.Writer)
	defer out.Flush()
	if s.c.Bool("json") {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return s.each(func(m *queue.Message, it item, _ []queue.Event) error {
			it.Subject = subject(m)
			return enc.Encode(it)
		})
	}
	var count int
	var bytes int64
	err := s.each(func(_ *queue.Message, it item, _ []queue.Event) error {
		count++
		bytes += it.Size
		s.print(out, it)
		return nil
	})
	if err == nil {
		fmt.Fprintf(out, "%s, %s\n", plural(count, "message"), size(bytes))
	}
	return err
}

// print writes a message for people. Whatever strangers wrote is cleaned.
func (s *surgeon) print(out io.Writer, it item) {
	when := ""
	if it.Next != nil && it.State != "active" {
		when = "  next " + s.until(*it.Next)
	}
	from := it.From
	if from == "" {
		from = "<>"
	}
	fmt.Fprintf(out, "%s  %-8s  %6s  %s ago%s\n  from %s\n", it.ID, it.State, size(it.Size), short(s.now.Sub(it.Arrived)), when, safe.Line(from))
	for _, rc := range it.Recipients {
		fmt.Fprintf(out, "  to   %s  %s", safe.Line(rc.To), rc.State)
		if rc.Attempts > 0 {
			fmt.Fprintf(out, ", %s", plural(rc.Attempts, "attempt"))
		}
		fmt.Fprintln(out)
		if rc.Last != nil {
			fmt.Fprintf(out, "       %s\n", reply(rc.Last))
		}
	}
	for _, n := range it.Notes {
		fmt.Fprintf(out, "  note %s\n", safe.Line(n))
	}
}

func reply(a *answer) string {
	var s string
	if a.Host != "" {
		s = a.Host
		if a.IP != "" {
			s += " [" + a.IP + "]"
		}
		s += ": "
	}
	if a.Code != 0 {
		s += strconv.Itoa(a.Code) + " "
	}
	if a.Enhanced != "" {
		s += a.Enhanced + " "
	}
	return safe.Line(s + a.Text).String()
}

func (s *surgeon) until(t time.Time) string {
	if d := t.Sub(s.now); d > 0 {
		return "in " + short(d)
	}
	return "now"
}

// short is a time to the precision people care for.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return strconv.Itoa(int(d.Hours()/24)) + "d"
}

func size(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + "B"
	case n < 999_500:
		return fmt.Sprintf("%.1fk", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1fM", float64(n)/1e6)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
