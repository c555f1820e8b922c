package account

import (
	"errors"
	"strings"

	"pneu/maildir/address"
)

// aliases are the entries of an aliases file by name: "list", good at each of
// our domains, "list@example.org", or "@example.org" for what nobody else takes.
type aliases struct {
	entries map[string]*alias
	path    string
}

type alias struct {
	name    string
	line    int
	targets []target
}

// A target is one thing on the right side of an alias.
type target struct {
	kind targetKind
	text string // address, command, path
	line int
	col  int
}

type targetKind int

const (
	toAddress targetKind = iota
	toMailbox            // \user: the mailbox, whatever the aliases say
	toCommand
	toFile
	toInclude
)

// parseAliases reads an aliases file, in the form of aliases(5): a name, a
// colon, and targets between commas; a line that begins with white space goes
// on with the one before.
func parseAliases(path, text string) (*aliases, error) {
	a := &aliases{entries: map[string]*alias{}, path: path}
	for _, l := range logicalLines(text) {
		if l.text[0] == ' ' || l.text[0] == '\t' {
			line, col := l.at(len(l.text) - len(strings.TrimLeft(l.text, " \t")))
			return nil, at(path, line, col, "a line that begins with white space goes on with the one before, and there is none")
		}
		end := nameEnd(l.text)
		if end < 0 {
			line, col := l.at(0)
			return nil, at(path, line, col, `no colon after a name: write "name: target, target"`)
		}
		name, err := aliasName(l.text[:end])
		if err != nil {
			line, col := l.at(0)
			return nil, at(path, line, col, "%w", err)
		}
		if first := a.entries[name]; first != nil {
			line, col := l.at(0)
			return nil, at(path, line, col, "%q stands in line %d already: put all its targets into one entry", name, first.line)
		}
		line, _ := l.at(0)
		e := &alias{name: name, line: line}
		if e.targets, err = parseTargets(path, l, end+1); err != nil {
			return nil, err
		}
		if len(e.targets) == 0 {
			line, col := l.at(end)
			return nil, at(path, line, col, "%q leads nowhere: name a target, or /dev/null to throw its mail away", name)
		}
		a.entries[name] = e
	}
	return a, nil
}

// find returns the entry for a local part at a domain, both in lower case.
func (a *aliases) find(local, domain string) *alias {
	if e := a.entries[local+"@"+domain]; e != nil || local == "" {
		return e
	}
	return a.entries[local]
}

// A logical is a line with those that go on with it.
type logical struct {
	text  string
	marks []mark
}

// A mark says that text from off on stands in line, beginning at its first column.
type mark struct{ off, line int }

func (l logical) at(off int) (line, col int) {
	for i := len(l.marks) - 1; i >= 0; i-- {
		if m := l.marks[i]; off >= m.off {
			return m.line, off - m.off + 1
		}
	}
	return 1, 1
}

func logicalLines(text string) []logical {
	var lines []logical
	n := 0
	for s := range strings.SplitSeq(text, "\n") {
		n++
		s = strings.TrimSuffix(s, "\r")
		if skip(s) {
			continue
		}
		if last := len(lines) - 1; last >= 0 && (s[0] == ' ' || s[0] == '\t') {
			l := &lines[last]
			l.marks = append(l.marks, mark{len(l.text), n})
			l.text += s
			continue
		}
		lines = append(lines, logical{s, []mark{{0, n}}})
	}
	return lines
}

// nameEnd returns where the colon after the name stands, -1 without one.
func nameEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ':' && !quoted:
			return i
		}
	}
	return -1
}

func aliasName(s string) (string, error) {
	s = strings.TrimSpace(s)
	local, domain := address.Split(s)
	if n := len(local); n >= 2 && local[0] == '"' && local[n-1] == '"' {
		local = unquote(local[1 : n-1])
	}
	if local == "" && domain == "" {
		return "", errors.New(`no name before the colon: write "name: target"`)
	}
	if domain == "" && strings.HasSuffix(s, "@") {
		return "", errors.New(`no domain after the @`)
	}
	if domain == "" {
		return strings.ToLower(local), nil
	}
	return strings.ToLower(local + "@" + domain), nil
}

// parseTargets reads the targets of l from off on.
func parseTargets(path string, l logical, off int) ([]target, error) {
	var ts []target
	start := off
	quoted, depth := false, 0
	for i := off; i <= len(l.text); i++ {
		if i < len(l.text) {
			switch c := l.text[i]; {
			case c == '\\' && i+1 < len(l.text):
				i++
				continue
			case c == '"':
				quoted = !quoted
				continue
			case c == '<' && !quoted:
				depth++
				continue
			case c == '>' && !quoted && depth > 0:
				depth--
				continue
			case c != ',' || quoted || depth > 0:
				continue
			}
		}
		raw := l.text[start:i]
		word := strings.TrimSpace(raw)
		line, col := l.at(start + len(raw) - len(strings.TrimLeft(raw, " \t")))
		if quoted {
			return nil, at(path, line, col, `a quotation mark is not closed: end it with "`)
		}
		start = i + 1
		if word == "" {
			continue
		}
		t, err := parseTarget(word)
		if err != nil {
			return nil, at(path, line, col, "%w", err)
		}
		t.line, t.col = line, col
		ts = append(ts, t)
	}
	return ts, nil
}

func parseTarget(s string) (target, error) {
	if n := len(s); n >= 3 && s[0] == '"' && s[n-1] == '"' && strings.IndexByte(`|/:\`, s[1]) >= 0 {
		s = unquote(s[1 : n-1])
	}
	switch {
	case s[0] == '|':
		cmd := strings.TrimSpace(s[1:])
		if n := len(cmd); n >= 2 && cmd[0] == '"' && cmd[n-1] == '"' {
			cmd = unquote(cmd[1 : n-1])
		}
		if cmd == "" {
			return target{}, errors.New("no command after the bar")
		}
		return target{kind: toCommand, text: cmd}, nil
	case s[0] == '/':
		return target{kind: toFile, text: s}, nil
	case len(s) > 1 && s[0] == '\\':
		return target{kind: toMailbox, text: s[1:]}, nil
	case strings.HasPrefix(strings.ToLower(s), ":include:"):
		file := strings.Trim(strings.TrimSpace(s[len(":include:"):]), `"`)
		if !strings.HasPrefix(file, "/") {
			return target{}, errors.New(":include: wants a path from the root: :include:/etc/pneu/list")
		}
		return target{kind: toInclude, text: file}, nil
	}
	list := address.ParseList(s)
	if len(list) != 1 || list[0].Addr == "" || !strings.ContainsAny(s, `<"`) && strings.ContainsAny(s, " \t") {
		return target{}, errors.New("not an address: " + s + " (targets stand between commas)")
	}
	return target{kind: toAddress, text: list[0].Addr}, nil
}
