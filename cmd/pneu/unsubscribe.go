package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/person"
	"pneu/maildir/address"
	"pneu/maildir/compose"
	"pneu/maildir/message"
	"pneu/maildir/safe"
)

func unsubscribeVerb() *cli.Command {
	return &cli.Command{
		Name: "unsubscribe", Usage: "leave the mailing lists that messages came through", ArgsUsage: "[MESSAGE...]",
		Flags: outputFlags(dryFlag(),
			&cli.StringFlag{Name: "from", Aliases: []string{"f"}, Usage: "ask by mail as `ADDRESS`"},
			&cli.BoolFlag{Name: "mail", Usage: "ask by mail alone: the list's web server learns nothing"},
			&cli.DurationFlag{Name: "timeout", Value: 30 * time.Second, Usage: "wait `DURATION` for an answer"},
		),
		Action: verb(unsubscribe),
	}
}

// A wayOut is how a list may be left: what its messages offer (RFC 2369, RFC 8058).
type wayOut struct {
	list string // its List-Id, or whom the messages come from
	post string // https address that takes the one click; empty without
	mail *url.URL
	web  string // a page for people, if there is nothing else
}

// unsubscription is what JSON says of one list.
type unsubscription struct {
	V      int    `json:"v"`
	Path   string `json:"path"`
	List   string `json:"list"`
	Method string `json:"method"` // post, mailto
	Target string `json:"target"`
	Status int    `json:"status,omitempty"` // of HTTP
	Queue  string `json:"queue,omitempty"`  // the queue's id of what was mailed
	Op     string `json:"op"`
}

// unsubscribe leaves each list once, by the newest way its message offers. What is printed
// is the message it was done for, so that the line can go on.
func unsubscribe(t *tool) error {
	done := map[string]bool{}
	return t.each(t.c.Args().Slice(), current, func(m *msg) error {
		h := m.Header()
		if m.err != nil {
			t.fail(m.path, m.err)
			return nil
		}
		w := wayOutOf(h)
		if done[w.list] {
			return nil
		}
		if w.post == "" && w.mail == nil {
			err := errors.New("names no way to leave a list")
			if w.web != "" {
				err = fmt.Errorf("its list can be left on a page alone: %s", w.web)
			}
			t.fail(m.path, err)
			return nil
		}
		done[w.list] = true
		u := unsubscription{V: 1, Path: m.path, List: w.list, Op: "unsubscribe"}
		err := t.leave(w, m, &u)
		if err != nil {
			t.fail(m.path, fmt.Errorf("%s: %w", w.list, err))
			return nil
		}
		switch t.form {
		case formJSON:
			b, err := encode(u)
			if err != nil {
				return err
			}
			t.out.Write(b)
			return t.wrote()
		case formTemplate:
			return t.emit(m, u.Op)
		}
		would := ""
		if t.c.Bool("dry-run") {
			would = "would "
		}
		t.note("%s%s %s", would, u.Method, u.Target)
		return t.emitPath(m.path)
	})
}

// wayOutOf reads what a message offers.
func wayOutOf(h message.Header) wayOut {
	var w wayOut
	id := h.Get("List-Id")
	if i := strings.LastIndexByte(id, '<'); i >= 0 {
		id = id[i+1:]
	}
	if w.list = strings.ToLower(strings.Trim(oneLine(id), "<> ")); w.list == "" {
		if from := h.Addresses("From"); len(from) > 0 {
			w.list = strings.ToLower(from[0].Addr)
		}
	}
	// RFC 8058, 3.1: only with this field is a POST more than a visit.
	oneClick := strings.EqualFold(strings.TrimSpace(h.Get("List-Unsubscribe-Post")), "List-Unsubscribe=One-Click")
	for _, part := range strings.Split(h.Get("List-Unsubscribe"), "<") {
		s, _, ok := strings.Cut(part, ">")
		if !ok {
			continue
		}
		u, err := url.Parse(strings.Join(strings.Fields(s), "")) // folded lines may cut it
		if err != nil || len(s) > 4096 {
			continue
		}
		switch strings.ToLower(u.Scheme) {
		case "https":
			if w.web == "" && u.Hostname() != "" && u.User == nil {
				w.web = u.String()
				if oneClick {
					w.post = w.web
				}
			}
		case "http":
			if w.web == "" {
				w.web = u.String()
			}
		case "mailto":
			if w.mail == nil && u.Opaque != "" {
				w.mail = u
			}
		}
	}
	return w
}

// leave does it: one click if the list takes that, else by mail.
func (t *tool) leave(w wayOut, m *msg, u *unsubscription) error {
	dry := t.c.Bool("dry-run")
	if w.post != "" && !t.c.Bool("mail") {
		u.Method, u.Target = "post", w.post
		if dry {
			return nil
		}
		status, err := oneClick(t.c.Context, w.post, t.c.Duration("timeout"))
		u.Status = status
		if err == nil || w.mail == nil {
			return err
		}
		t.note("%s: %v; asking by mail", w.list, err)
		u.Status = 0
	}
	if w.mail == nil {
		return errors.New("cannot be left by mail")
	}
	to, d, err := byMail(w.mail)
	if err != nil {
		return err
	}
	u.Method, u.Target = "mailto", to
	if d.From, err = t.subscriber(m); err != nil || dry {
		return err
	}
	var b bytes.Buffer
	if err := d.Write(&b, time.Now(), ""); err != nil {
		return err
	}
	u.Queue, err = t.queue(b.Bytes(), d.From.Addr, []string{to})
	return err
}

// subscriber is whom the list knows: the address of ours that the message names, else the first.
func (t *tool) subscriber(m *msg) (message.Addr, error) {
	file, err := configuration()
	if err != nil {
		return message.Addr{}, err
	}
	me := person.Addresses(t.c.String("from"), file)
	if len(me) == 0 {
		return message.Addr{}, boot.Usage("say who you are: --from ADDRESS")
	}
	if t.c.IsSet("from") {
		return me[0], nil
	}
	h := m.Header()
	for _, f := range []string{"To", "Cc", "Delivered-To", "X-Original-To"} {
		for _, a := range h.Addresses(f) {
			if i := slices.IndexFunc(me, func(x message.Addr) bool { return strings.EqualFold(x.Addr, a.Addr) }); i >= 0 {
				return me[i], nil
			}
		}
	}
	return me[0], nil
}

// byMail makes the message a mailto address asks for. Of its fields only subject and text
// are the list's to say: it gets no copies to others, and nothing attached.
func byMail(u *url.URL) (to string, d compose.Draft, err error) {
	if to, err = url.PathUnescape(u.Opaque); err != nil {
		return "", d, fmt.Errorf("mailto: %w", err)
	}
	if err := address.Valid(to, false); err != nil {
		return "", d, fmt.Errorf("mailto: %q: %w", to, err)
	}
	d.To = []message.Addr{{Addr: to}}
	d.Subject = "unsubscribe"
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		k, v, _ := strings.Cut(pair, "=")
		if v, err = url.PathUnescape(v); err != nil { // RFC 6068: a plus is a plus
			continue
		}
		switch strings.ToLower(k) {
		case "subject":
			d.Subject = oneLine(safe.Line(v).String())
		case "body":
			d.Body = safe.Body(strings.ReplaceAll(v, "\r\n", "\n")).String()
		}
	}
	if d.Body != "" && !strings.HasSuffix(d.Body, "\n") {
		d.Body += "\n"
	}
	return to, d, nil
}

// maxAnswer is how much of an answer is read: nobody looks at it.
const maxAnswer = 64 << 10

// oneClick posts what RFC 8058 says: no cookie, no credentials, and nowhere else. A redirect
// is not followed (3.1 forbids senders to answer with one): it could lead inside a network
// that trusts us, or tell a third party.
func oneClick(ctx context.Context, target string, limit time.Duration) (int, error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader("List-Unsubscribe=One-Click"))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "pneu")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return 0, fmt.Errorf("post to %s: %w", req.URL.Host, err)
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	switch {
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return answer.StatusCode, fmt.Errorf("post to %s: it answers with a redirect, which is not followed", req.URL.Host)
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return answer.StatusCode, fmt.Errorf("post to %s: %s", req.URL.Host, safe.Line(answer.Status))
	}
	return answer.StatusCode, nil
}
