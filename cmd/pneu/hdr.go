package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/message"
	"pneu/maildir/safe"
)

func hdrVerb() *cli.Command {
	return &cli.Command{
		Name: "hdr", Usage: "print header fields", ArgsUsage: "[FIELD...] [MESSAGE...]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "addr", Usage: "print the addresses in the fields, one a line"},
			&cli.BoolFlag{Name: "name", Usage: "print the names in the fields, one a line"},
			&cli.BoolFlag{Name: "count", Usage: "print each value once, with how often it came, most frequent first"},
			&cli.BoolFlag{Name: "null", Aliases: []string{"0"}, Usage: "end values with NUL"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object a message: path and fields"},
		},
		Action: verb(hdr),
	}
}

func hdr(t *tool) error {
	args := t.c.Args().Slice()
	var fields []string
	for len(args) > 0 && isField(args[0]) {
		fields = append(fields, strings.TrimSuffix(args[0], ":"))
		args = args[1:]
	}
	onlyAddr, onlyName, count := t.c.Bool("addr"), t.c.Bool("name"), t.c.Bool("count")
	if onlyAddr && onlyName {
		return boot.Usage("choose one of --addr and --name")
	}
	if (onlyAddr || onlyName || count) && len(fields) == 0 {
		return boot.Usage("say which fields: pneu hdr --addr from")
	}
	seen := map[string]int{}
	put := func(s string) error {
		if s = safe.Line(s).String(); s == "" {
			return nil
		}
		if count {
			seen[s]++
			return nil
		}
		t.out.WriteString(s)
		if t.form == formNull {
			t.out.WriteByte(0)
		} else {
			t.out.WriteByte('\n')
		}
		return t.wrote()
	}
	// Addresses and names are what an index keeps.
	quick := (onlyAddr || onlyName) && (t.form != formJSON || count) && !slices.ContainsFunc(fields, func(f string) bool { return keptAddrs[strings.ToLower(f)] == nil })
	t.slow = !t.tty
	err := t.eachRef(args, wholeSequence, func(r *ref) error {
		if quick && r.digested() {
			s := r.summary()
			for _, f := range fields {
				for _, v := range addrValues(keptAddrs[strings.ToLower(f)](s), onlyAddr) {
					if err := put(v); err != nil {
						return err
					}
				}
			}
			return nil
		}
		m := r.msg()
		h, err := m.fields(fields)
		if err != nil {
			t.fail(m.path, err)
			return nil
		}
		if t.form == formJSON && !count {
			return t.hdrJSON(m.path, h, fields)
		}
		if len(fields) == 0 {
			for name, value := range h.Fields() {
				if err := put(name + ": " + oneLine(message.DecodeWords(value))); err != nil {
					return err
				}
			}
			return nil
		}
		for _, f := range fields {
			for _, v := range values(h, f, onlyAddr, onlyName) {
				if err := put(v); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil || !count {
		return err
	}
	all := make([]string, 0, len(seen))
	for s := range seen {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b string) int {
		if seen[a] != seen[b] {
			return seen[b] - seen[a]
		}
		return strings.Compare(a, b)
	})
	for _, s := range all {
		if t.form == formJSON {
			b, err := encode(struct {
				V     int    `json:"v"`
				Value string `json:"value"`
				Count int    `json:"count"`
			}{1, s, seen[s]})
			if err != nil {
				return err
			}
			t.out.Write(b)
			t.printed++
			continue
		}
		if t.form == formNull {
			fmt.Fprintf(t.out, "%d %s\x00", seen[s], s)
			t.printed++
			continue
		}
		fmt.Fprintf(t.out, "%7d %s\n", seen[s], s)
		t.printed++
	}
	return nil
}

// isField tells a field's name from a path or a number of the sequence.
func isField(a string) bool {
	if isSequence(a) || a == "-" {
		return false
	}
	a = strings.TrimSuffix(a, ":")
	for i := range len(a) {
		if c := a[i] | 0x20; (c < 'a' || c > 'z') && (a[i] < '0' || a[i] > '9') && a[i] != '-' && a[i] != '_' {
			return false
		}
	}
	return a != ""
}

// keptAddrs are the fields whose addresses an index keeps.
var keptAddrs = map[string]func(s *message.Summary) []message.Addr{
	"from":     func(s *message.Summary) []message.Addr { return s.From },
	"to":       func(s *message.Summary) []message.Addr { return s.To },
	"cc":       func(s *message.Summary) []message.Addr { return s.Cc },
	"reply-to": func(s *message.Summary) []message.Addr { return s.ReplyTo },
}

// addrValues are the addresses, or else the names.
func addrValues(list []message.Addr, onlyAddr bool) []string {
	var out []string
	for _, a := range list {
		if onlyAddr {
			out = append(out, a.Addr)
		} else if a.Name != "" {
			out = append(out, oneLine(a.Name))
		}
	}
	return out
}

func values(h message.Header, field string, onlyAddr, onlyName bool) []string {
	var out []string
	if onlyAddr || onlyName {
		return addrValues(h.Addresses(field), onlyAddr)
	}
	for _, v := range h.Values(field) {
		out = append(out, oneLine(message.DecodeWords(v)))
	}
	return out
}

// hdrJSON prints the fields asked for, or all, by name in lower case.
func (t *tool) hdrJSON(path string, h message.Header, fields []string) error {
	m := map[string][]string{}
	for _, f := range fields {
		m[strings.ToLower(f)] = notNil(values(h, f, t.c.Bool("addr"), t.c.Bool("name")))
	}
	if len(fields) == 0 { // in one go: a header may have a hundred thousand fields
		for name, value := range h.Fields() {
			name = strings.ToLower(name)
			m[name] = append(m[name], oneLine(message.DecodeWords(value)))
		}
	}
	b, err := encode(struct {
		V      int                 `json:"v"`
		Path   string              `json:"path"`
		Fields map[string][]string `json:"fields"`
	}{1, path, m})
	if err != nil {
		return err
	}
	t.out.Write(b)
	return t.wrote()
}
