package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/compose"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/maildir/safe/who"
)

func unflow(s string, delSp bool) string { return compose.Unflow(s, delSp) }

func showVerb() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "print messages for reading", ArgsUsage: "[MESSAGE...]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "headers", Aliases: []string{"H"}, Usage: "print all header fields, decoded, and no text"},
			&cli.BoolFlag{Name: "html", Usage: "prefer the HTML part to plain text"},
			&cli.BoolFlag{Name: "flow", Usage: "wrap long lines to the width of the screen"},
			&cli.BoolFlag{Name: "raw", Usage: "print the message as it is stored, uncleaned"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object a message, with its text"},
			colourFlag(),
		},
		Action: verb(show),
	}
}

func show(t *tool) error {
	n := 0
	for _, f := range []string{"headers", "html", "raw", "json"} {
		if t.c.Bool(f) {
			n++
		}
	}
	if n > 1 {
		return boot.Usage("choose one of --headers, --html, --raw and --json")
	}
	last := 0
	err := t.each(t.c.Args().Slice(), current, func(m *msg) error {
		if err := t.showOne(m); err != nil {
			return err
		}
		last = max(last, m.num)
		return nil
	})
	if err == nil && last > 0 {
		t.remember(last)
	}
	return err
}

func (t *tool) showOne(m *msg) error {
	if t.c.Bool("raw") {
		return t.showRaw(m)
	}
	p, err := m.load()
	if err != nil {
		t.fail(m.path, err)
		return nil
	}
	if t.form == formJSON {
		r, err := m.record()
		if err != nil {
			t.fail(m.path, err)
			return nil
		}
		r.Text = m.shown()
		return t.emitRecord(r)
	}
	if t.printed > 0 {
		t.out.WriteString("\n" + strings.Repeat("-", 72) + "\n\n")
	}
	if t.c.Bool("headers") {
		for name, value := range p.Header(0).Fields() {
			fmt.Fprintf(t.out, "%s: %s\n", safe.Line(name), safe.Line(message.DecodeWords(value)))
		}
		return t.wrote()
	}
	render(t.out, p, rendering{width: t.width(), html: t.c.Bool("html"), flow: t.c.Bool("flow"), colour: t.colour()})
	return t.wrote()
}

// showRaw streams the bytes.
func (t *tool) showRaw(m *msg) error {
	if m.raw != nil {
		t.out.Write(m.raw)
		return t.wrote()
	}
	file, err := m.open()
	if err != nil {
		t.fail(m.path, err)
		return nil
	}
	defer file.Close()
	if _, err := io.Copy(t.out, file); err != nil {
		return err
	}
	return t.wrote()
}

// A rendering says how a message is printed for reading.
type rendering struct {
	width              int
	html, flow, colour bool
}

// render writes headers, text and the list of attachments, all of it clean.
func render(w io.Writer, p *message.Message, r rendering) {
	h := p.Header(0)
	from := h.Addresses("From")
	field := func(name, value string) {
		if value = oneLine(value); value == "" {
			return
		}
		label := name + ":"
		if r.colour {
			label = "\x1b[1m" + label + "\x1b[0m"
		}
		fmt.Fprintf(w, "%s %s\n", label, safe.Line(value))
	}
	field("From", senders(from))
	if reply := h.Addresses("Reply-To"); len(reply) > 0 && (len(from) == 0 || reply[0].Addr != from[0].Addr) {
		field("Reply-To", senders(reply))
	}
	field("To", addrs(h.Addresses("To")))
	field("Cc", addrs(h.Addresses("Cc")))
	field("Date", h.Get("Date"))
	field("Subject", h.Text("Subject"))
	fmt.Fprintln(w)

	width := r.width
	b := body(p, min(width, 100), r.html)
	text := strings.TrimRight(b.text, "\n")
	if r.flow {
		text = wrapText(text, width)
	}
	if strings.TrimSpace(text) != "" {
		fmt.Fprintln(w, text)
	}
	if len(b.links) > 0 {
		fmt.Fprintln(w)
		for i, l := range b.links {
			note := ""
			if l.Mismatch != "" {
				note = "  (the text names another place)"
			}
			fmt.Fprintf(w, "[%d] %s%s\n", i+1, safe.Line(l.URL), note)
		}
	}
	if b.note != "" {
		fmt.Fprintf(w, "\n(not shown: %s)\n", b.note)
	}
	_, _, parts := p.Display()
	if len(parts) > 0 {
		fmt.Fprintln(w)
	}
	for _, i := range parts {
		part := &p.Parts[i]
		name := part.Filename
		if name == "" {
			name = "(no name)"
		}
		fmt.Fprintf(w, "attachment %d: %s, %s/%s, %s\n", i, safe.Line(name), safe.Line(part.Type), safe.Line(part.Subtype), fmtBytes(len(p.Decode(i))))
	}
}

// senders writes names with addresses as addrs does, but by address where the name deceives.
func senders(list []message.Addr) string {
	s := make([]string, 0, len(list))
	for _, a := range list {
		t, warn := who.From(a.Name, a.Addr)
		addr, _ := who.From("", a.Addr)
		switch {
		case warn:
			s = append(s, deceives+t.String())
		case a.Name == "" || a.Addr == "":
			s = append(s, t.String())
		default:
			s = append(s, t.String()+" <"+addr.String()+">")
		}
	}
	return strings.Join(s, ", ")
}

// addrs writes names with addresses; what a stranger calls himself never stands alone.
func addrs(list []message.Addr) string {
	s := make([]string, 0, len(list))
	for _, a := range list {
		if a.Name == "" {
			s = append(s, a.Addr)
		} else {
			s = append(s, a.Name+" <"+a.Addr+">")
		}
	}
	return strings.Join(s, ", ")
}

// wrapText breaks lines that are wider than the screen at blanks; quote marks are repeated.
func wrapText(s string, width int) string {
	var out strings.Builder
	for line := range strings.SplitSeq(s, "\n") {
		mark := line[:len(line)-len(strings.TrimLeft(line, "> "))]
		if !strings.Contains(mark, ">") || len(mark) > width/2 {
			mark = ""
		}
		rest := line[len(mark):]
		for safe.Width(mark+rest) > width {
			cut, used := 0, safe.Width(mark)
			for i, word := range strings.SplitAfter(rest, " ") {
				w := safe.Width(strings.TrimRight(word, " "))
				if used+w > width && i > 0 {
					break
				}
				used += safe.Width(word)
				cut += len(word)
			}
			if cut >= len(rest) {
				break
			}
			out.WriteString(strings.TrimRight(mark+rest[:cut], " ") + "\n")
			rest = rest[cut:]
		}
		out.WriteString(mark + rest + "\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}
