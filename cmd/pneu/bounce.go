package main

import (
	"bytes"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/compose"
	"pneu/maildir/message"
	"pneu/mta/sysexits"
)

func bounceVerb() *cli.Command {
	return &cli.Command{
		Name: "bounce", Usage: "send messages once more, as they are, to others", ArgsUsage: "--to ADDRESS [MESSAGE...]",
		Flags:  writeFlags(),
		Action: verb(func(t *tool) error { return write(t, "bounce", (*writing).bounce) }),
	}
}

// bounce puts a message back into the mail with Resent fields above it (RFC 5322, 3.6.6):
// it stays the sender's, byte for byte, signatures included.
func (w *writing) bounce() error {
	var d compose.Draft
	if err := w.fill(&d); err != nil {
		return err
	}
	rcpts := d.Recipients()
	if len(rcpts) == 0 {
		return boot.Usage("say whom to bounce it to: --to ADDRESS")
	}
	if d.From.Addr == "" {
		return boot.Usage("say who you are: --from ADDRESS")
	}
	return w.messages(func(m *msg) error {
		p, err := m.load()
		if err != nil {
			w.t.fail(m.path, err)
			return nil
		}
		head, rest := splitHeader(p.Raw)
		if len(message.Header(head).Values("From")) == 0 {
			return w.one(m, sysexits.New(sysexits.Data, "has no sender: no message to send on"))
		}
		if !w.t.c.Bool("send") {
			return w.one(m, w.keep(w.resent(d, head, rest, true), origin{list: []*msg{m}}))
		}
		return w.one(m, w.submit(w.resent(d, head, rest, false), nil, d.From.Addr, rcpts, origin{list: []*msg{m}}))
	})
}

// resent is the message with new fields above. The header of the draft's own form says them
// in the right encoding: only its addresses, date and id are taken.
func (w *writing) resent(d compose.Draft, head, rest []byte, bcc bool) []byte {
	var form bytes.Buffer
	d.Body, d.Subject = "", ""
	write := d.Write
	if bcc {
		write = d.WriteDraft
	}
	if err := write(&form, w.now, ""); err != nil {
		return nil // only a draft without a sender cannot be written
	}
	var out []byte
	fields, _ := splitHeader(form.Bytes())
	for _, f := range splitFields(fields) {
		name, _, _ := bytes.Cut(f, []byte(":"))
		if slices.Contains([]string{"from", "to", "cc", "bcc", "date", "message-id"}, strings.ToLower(string(name))) {
			out = append(append(out, "Resent-"...), f...)
		}
	}
	for _, f := range splitFields(head) {
		name, _, _ := bytes.Cut(f, []byte(":"))
		// What a delivery or an mbox put there is not the message's; the last of them would
		// also look like a loop to the next one.
		switch strings.ToLower(strings.TrimSpace(string(name))) {
		case "return-path", "bcc", "status", "x-status", "content-length", "lines", "delivered-to":
			continue
		}
		if bytes.HasPrefix(f, []byte("From ")) {
			continue
		}
		out = append(out, f...)
	}
	if len(rest) == 0 {
		rest = []byte("\n")
	}
	return bytes.ReplaceAll(append(out, rest...), []byte("\r\n"), []byte("\n"))
}

// splitFields cuts a header into its fields, each with its line ends.
func splitFields(head []byte) [][]byte {
	var out [][]byte
	for len(head) > 0 {
		n := bytes.IndexByte(head, '\n') + 1
		if n == 0 {
			n = len(head)
		}
		for n < len(head) && (head[n] == ' ' || head[n] == '\t') {
			k := bytes.IndexByte(head[n:], '\n') + 1
			if k == 0 {
				k = len(head) - n
			}
			n += k
		}
		out = append(out, head[:n])
		head = head[n:]
	}
	return out
}
