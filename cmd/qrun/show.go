package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"pneu/maildir/safe"
	"pneu/mta/queue"
)

// maxHeader is how much of a header is read.
const maxHeader = 64 << 10

func (s *surgeon) show() error {
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
	first := true
	return s.each(func(m *queue.Message, it item, events []queue.Event) error {
		if s.c.Bool("raw") {
			_, err := io.Copy(out, m.Body())
			return err
		}
		if !first {
			fmt.Fprintln(out)
		}
		first = false
		s.print(out, it)
		line := func(name, value string) {
			if value != "" {
				fmt.Fprintf(out, "  %-8s %s\n", name, safe.Line(value))
			}
		}
		line("subject", subject(m))
		line("arrived", m.Arrived.Local().Format(time.RFC1123Z))
		line("expires", m.Expires.Local().Format(time.RFC1123Z))
		line("client", m.Client)
		line("auth", m.Auth)
		line("ret", m.Ret)
		line("envid", m.EnvID)
		line("parent", m.Parent)
		for _, r := range m.Recipients {
			if r.Notify != "" || r.ORcpt != "" {
				line("dsn", r.Addr+": notify "+r.Notify+" orcpt "+r.ORcpt)
			}
		}
		fmt.Fprintln(out, "\nhistory")
		for _, ev := range events {
			fmt.Fprintf(out, "  %s\n", told(m, ev))
		}
		fmt.Fprintln(out, "\nheader")
		return header(out, m.Body())
	})
}

// told is an event as people read it.
func told(m *queue.Message, ev queue.Event) string {
	s := ev.Time.Local().Format("2006-01-02 15:04:05") + " " + ev.Kind
	if i := ev.Rcpt - 1; i >= 0 {
		for _, r := range m.Recipients {
			if r.N == ev.Rcpt {
				s += " " + r.Addr
			}
		}
	}
	text := reply(&answer{Host: ev.Host, IP: ev.IP, Code: ev.Code, Enhanced: ev.Enhanced, Text: ev.Text})
	if text != "" {
		s += "  " + text
	}
	if ev.TLS != "" {
		s += " (" + ev.TLS + ")"
	}
	if !ev.Next.IsZero() {
		s += "; next " + ev.Next.Local().Format("15:04:05")
	}
	return safe.Line(s).String()
}

// header prints the message's header, cleaned.
func header(out io.Writer, r io.Reader) error {
	in := bufio.NewReaderSize(io.LimitReader(r, maxHeader), 8<<10)
	for {
		line, err := in.ReadString('\n')
		text := strings.TrimRight(line, "\r\n")
		if text == "" {
			break
		}
		fmt.Fprintf(out, "  %s\n", safe.Line(strings.ReplaceAll(text, "\t", " ")))
		if err != nil {
			break
		}
	}
	return nil
}
