package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/message"
	"pneu/maildir/safe"
)

func grepVerb() *cli.Command {
	return &cli.Command{
		Name: "grep", Usage: "pass on the messages a regular expression matches", ArgsUsage: "RE [MESSAGE...]",
		Flags: outputFlags(colourFlag(),
			&cli.StringSliceFlag{Name: "field", Aliases: []string{"H"}, Usage: "look into the header `FIELD` alone, or the body if it is \"body\""},
			&cli.BoolFlag{Name: "ignore-case", Aliases: []string{"i"}, Usage: "capitals and small letters are alike"},
			&cli.BoolFlag{Name: "invert", Aliases: []string{"v"}, Usage: "pass on the messages without a match"},
			&cli.BoolFlag{Name: "only", Aliases: []string{"o"}, Usage: "print what matches, one a line"},
			&cli.BoolFlag{Name: "count", Aliases: []string{"c"}, Usage: "print how many lines match before each path"},
			&cli.BoolFlag{Name: "list", Aliases: []string{"l"}, Usage: "print paths, as without any option"},
			&cli.IntFlag{Name: "context", Aliases: []string{"C"}, Usage: "print the lines that match and `N` around each"},
		),
		Action: verb(grep),
	}
}

// A searcher is what grep looks for, and where.
type searcher struct {
	re     *regexp.Regexp
	fields []string // empty: the whole header and the body
	body   bool
}

// A place is a run of lines that belong together: the header, a field, the body.
type grepLines struct {
	in    string // "body", else the field's name; empty for the whole header
	lines []string
}

// A hit is a line that matches, as --json has it with -o and -C.
type hit struct {
	V      int      `json:"v"`
	Path   string   `json:"path"`
	Field  string   `json:"field"` // "body", else the name in lower case
	Line   string   `json:"line"`
	Match  []string `json:"match"`
	Before []string `json:"before,omitempty"`
	After  []string `json:"after,omitempty"`
}

func grep(t *tool) error {
	expr := t.c.Args().First()
	if t.c.NArg() == 0 {
		return boot.Usage("say what to look for: a regular expression")
	}
	only, count, context, invert := t.c.Bool("only"), t.c.Bool("count"), t.c.Int("context"), t.c.Bool("invert")
	lines := t.c.IsSet("context")
	if n := truths(only, count, lines, invert, t.c.Bool("list")); n > 1 && !(n == 2 && invert && t.c.Bool("list")) {
		return boot.Usage("choose one of -o, -c, -C, -l and -v")
	}
	if context < 0 {
		return boot.Usage("-C wants a number of lines")
	}
	if t.form == formTemplate && (only || lines) {
		return boot.Usage("--format is for messages: with -o and -C there is --json")
	}
	if t.c.Bool("ignore-case") {
		expr = "(?i:" + expr + ")"
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return boot.Usage(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	s := searcher{re: re}
	for _, f := range t.c.StringSlice("field") {
		if f = strings.TrimSuffix(f, ":"); strings.EqualFold(f, "body") {
			s.body = true
		} else {
			s.fields = append(s.fields, f)
		}
	}
	colour := t.colour()
	t.slow = !t.tty
	return t.each(t.c.Args().Tail(), wholeSequence, func(m *msg) error {
		h, err := s.header(m)
		if err != nil {
			t.fail(m.path, err)
			return nil
		}
		n := 0
		for _, where := range s.places(m, h) {
			for i, line := range where.lines {
				if !re.MatchString(line) {
					continue
				}
				n++
				if !only && !lines {
					continue
				}
				h := newHit(m, where, i, re, context)
				if only {
					err = t.emitMatches(h)
				} else {
					err = t.emitLines(h, colour, n)
				}
				if err != nil {
					return err
				}
			}
			if n > 0 && !only && !lines && !count {
				break
			}
		}
		switch {
		case only || lines:
			return nil
		case count && n > 0:
			return t.emitCount(m, n)
		case !count && n > 0 != invert:
			return t.emit(m, "")
		}
		return nil
	})
}

func truths(list ...bool) (n int) {
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

// header is the header as far as it is looked into.
func (s searcher) header(m *msg) (message.Header, error) {
	if s.body {
		if _, err := m.load(); err != nil {
			return nil, err
		}
	}
	if len(s.fields) == 0 && s.body {
		return nil, nil
	}
	return m.fields(s.fields)
}

// places are the texts to look into. Fields that were asked for by name are looked at
// without it; else a line of the header is "Subject: text", so that ^Subject: works.
func (s searcher) places(m *msg, h message.Header) []grepLines {
	var out []grepLines
	all := len(s.fields) == 0 && !s.body
	if all {
		var lines []string
		for name, value := range h.Fields() {
			lines = append(lines, name+": "+oneLine(message.DecodeWords(value)))
		}
		out = append(out, grepLines{"", lines})
	}
	for _, f := range s.fields {
		out = append(out, grepLines{strings.ToLower(f), values(h, f, false, false)})
	}
	if all || s.body {
		out = append(out, grepLines{"body", strings.Split(strings.TrimRight(m.shown(), "\n"), "\n")})
	}
	return out
}

func newHit(m *msg, where grepLines, i int, re *regexp.Regexp, context int) hit {
	h := hit{V: 1, Path: m.path, Field: where.in, Line: where.lines[i], Match: []string{}}
	if h.Field == "" {
		name, _, _ := strings.Cut(h.Line, ":")
		h.Field = strings.ToLower(strings.TrimSpace(name))
	}
	for _, match := range re.FindAllString(h.Line, -1) {
		if match != "" {
			h.Match = append(h.Match, match)
		}
	}
	if where.in == "body" { // fields have no neighbours that mean something
		h.Before = where.lines[max(i-context, 0):i]
		h.After = where.lines[i+1 : min(i+1+context, len(where.lines))]
	}
	return h
}

// emitMatches prints what matched, for -o.
func (t *tool) emitMatches(h hit) error {
	if t.form == formJSON {
		return t.emitHit(h)
	}
	for _, match := range h.Match {
		t.out.WriteString(safe.Line(match).String())
		if t.form == formNull {
			t.out.WriteByte(0)
		} else {
			t.out.WriteByte('\n')
		}
		if err := t.wrote(); err != nil {
			return err
		}
	}
	return nil
}

// emitLines prints a line that matched with those around it, for -C; the path stands
// above the first.
func (t *tool) emitLines(h hit, colour bool, n int) error {
	switch t.form {
	case formJSON:
		return t.emitHit(h)
	case formNull:
		t.out.WriteString(h.Path + "\x00" + safe.Line(h.Line).String() + "\x00")
		return t.wrote()
	}
	if n == 1 {
		if t.printed > 0 {
			t.out.WriteByte('\n')
		}
		fmt.Fprintf(t.out, "%s\n", safe.Path(h.Path))
	} else if len(h.Before)+len(h.After) > 0 {
		t.out.WriteString("--\n")
	}
	for _, l := range h.Before {
		fmt.Fprintf(t.out, "  %s\n", safe.Line(l))
	}
	line := safe.Line(h.Line).String()
	if colour {
		// Only what is clean already is searched for here: no sequence of the sender's can get in.
		for _, match := range h.Match {
			if clean := safe.Line(match).String(); clean != "" {
				line = strings.Replace(line, clean, "\x1b[1;31m"+clean+"\x1b[0m", 1)
				break
			}
		}
	}
	fmt.Fprintf(t.out, "> %s\n", line)
	for _, l := range h.After {
		fmt.Fprintf(t.out, "  %s\n", safe.Line(l))
	}
	return t.wrote()
}

func (t *tool) emitHit(h hit) error {
	b, err := encode(h)
	if err != nil {
		return err
	}
	t.out.Write(b)
	return t.wrote()
}

// emitCount prints how many lines of a message match.
func (t *tool) emitCount(m *msg, n int) error {
	switch t.form {
	case formJSON:
		b, err := encode(struct {
			V     int    `json:"v"`
			Path  string `json:"path"`
			Count int    `json:"count"`
		}{1, m.path, n})
		if err != nil {
			return err
		}
		t.out.Write(b)
	case formTemplate:
		return boot.Usage("--format is for messages: with -c there is --json")
	case formNull:
		fmt.Fprintf(t.out, "%d %s\x00", n, m.path)
	default:
		fmt.Fprintf(t.out, "%7d %s\n", n, safe.Path(m.path))
	}
	return t.wrote()
}
