package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/journal"
	"pneu/maildir/message"
	"pneu/maildir/message/word"
)

func sedVerb() *cli.Command {
	return &cli.Command{
		Name: "sed", Usage: "change header fields", ArgsUsage: "EXPR [MESSAGE...]",
		Flags: outputFlags(dryFlag(),
			&cli.StringSliceFlag{Name: "expression", Aliases: []string{"e"}, Usage: "an `EXPR`; several are done one after the other"},
		),
		Action: verb(sed),
	}
}

// sed files messages anew with another header. A message in which nothing changes is
// passed on as it is, so that a pipeline goes on with all.
func sed(t *tool) error {
	args := t.c.Args().Slice()
	exprs := t.c.StringSlice("expression")
	if len(exprs) == 0 {
		if len(args) == 0 {
			return boot.Usage(`say what to change, such as '/subject/s/^\[list\] //'`)
		}
		exprs, args = args[:1], args[1:]
	}
	var edits []edit
	for _, e := range exprs {
		list, err := parseEdits(e)
		if err != nil {
			return boot.Usage(err.Error())
		}
		edits = append(edits, list...)
	}
	return t.change("sed "+strings.Join(exprs, " ; "), args, func(b *journal.Batch, m *msg) (string, error) {
		p, err := m.load()
		if err != nil {
			return "", err
		}
		raw, err := applyEdits(p, edits)
		if err != nil {
			return "", err
		}
		if bytes.Equal(raw, m.raw) {
			return "same", nil
		}
		if b == nil {
			t.wouldDo(m, "change the header of")
			return "sed", nil
		}
		e, err := b.Replace(m.f, m.e, raw)
		if err != nil {
			return "", err
		}
		*m = msg{path: m.f.File(e), f: m.f, e: e}
		return "sed", nil
	})
}

// An edit is one command of sed: /FIELD/s/RE/TEXT/gi, /FIELD/d, /FIELD/d/RE/,
// /FIELD/c/TEXT/ or /FIELD/a/TEXT/.
type edit struct {
	fields *regexp.Regexp // matches the whole of a field's name
	name   string         // as it was written, for a
	do     byte
	re     *regexp.Regexp // of s and d
	text   string         // of s: a template of regexp.Expand; of a and c: the value
	all    bool           // of s: every match
}

var fieldName = regexp.MustCompile(`^[!-9;-~]+$`)

// parseEdits reads commands with semicolons or line ends between them.
func parseEdits(s string) ([]edit, error) {
	var out []edit
	rest := s
	for {
		rest = strings.TrimLeft(rest, " \t\n;")
		if rest == "" {
			break
		}
		e, after, err := parseEdit(rest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSpace(rest), err)
		}
		after = strings.TrimLeft(after, " \t")
		if after != "" && after[0] != ';' && after[0] != '\n' {
			return nil, fmt.Errorf("%s: unexpected %q behind the command", s, after)
		}
		out = append(out, e)
		rest = after
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("an empty expression changes nothing")
	}
	return out, nil
}

func parseEdit(s string) (e edit, rest string, err error) {
	if s[0] != '/' {
		return e, "", fmt.Errorf("write the field first, between slashes: /subject/s/old/new/")
	}
	if e.name, rest, err = delimited(s); err != nil {
		return e, "", err
	}
	if e.fields, err = regexp.Compile("(?i:^(?:" + e.name + ")$)"); err != nil || e.name == "" {
		return e, "", fmt.Errorf("%q names no field", e.name)
	}
	if rest = strings.TrimLeft(rest, " \t"); rest == "" {
		return e, "", fmt.Errorf("say what to do with %s: s, d, c or a", e.name)
	}
	e.do, rest = rest[0], rest[1:]
	switch e.do {
	case 'd':
		if rest == "" || strings.ContainsRune(" \t;\n", rune(rest[0])) {
			return e, rest, nil
		}
		var expr string
		if expr, rest, err = delimited(rest); err == nil {
			e.re, rest, err = compileEdit(expr, rest, &e)
		}
	case 'a', 'c':
		if e.text, rest, err = delimited(rest); err == nil && e.do == 'a' && !fieldName.MatchString(e.name) {
			err = fmt.Errorf("%q is no name of a field", e.name)
		}
	case 's':
		var expr, to string
		if expr, rest, err = delimited(rest); err != nil {
			break
		}
		// The one delimiter ends the expression and begins the text.
		if to, rest, err = delimited(s[len(s)-len(rest)-1:]); err != nil {
			break
		}
		e.text = expandable(to)
		e.re, rest, err = compileEdit(expr, rest, &e)
	default:
		err = fmt.Errorf("there is no command %q: there are s, d, c and a", e.do)
	}
	return e, rest, err
}

// compileEdit reads the letters behind an expression and compiles it.
func compileEdit(expr, rest string, e *edit) (*regexp.Regexp, string, error) {
	for rest != "" && (rest[0] == 'g' && e.do == 's' || rest[0] == 'i' || rest[0] == 'I') {
		if rest[0] == 'g' {
			e.all = true
		} else {
			expr = "(?i:" + expr + ")"
		}
		rest = rest[1:]
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, "", fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return re, rest, nil
}

// delimited reads what stands between the first character of s and the next of its kind; a
// backslash in front of that makes it part of the text.
func delimited(s string) (text, rest string, err error) {
	if s == "" {
		return "", "", fmt.Errorf("something is missing at the end")
	}
	d, n := utf8.DecodeRuneInString(s)
	if d >= utf8.RuneSelf || d == '\\' || d == ' ' || d == ';' || d == '\n' || d >= '0' && d <= '9' || d|0x20 >= 'a' && d|0x20 <= 'z' {
		return "", "", fmt.Errorf("%q cannot stand between the parts of a command", d)
	}
	var b strings.Builder
	for i := n; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == d:
			return b.String(), s[i+n:], nil
		case c == '\\' && i+n < len(s):
			next, k := utf8.DecodeRuneInString(s[i+n:])
			if next != d {
				b.WriteByte('\\')
			}
			b.WriteString(s[i+n : i+n+k])
			i += n + k
			continue
		}
		b.WriteString(s[i : i+n])
		i += n
	}
	return "", "", fmt.Errorf("the second %q is missing", d)
}

// expandable turns the text of an s command (\1, &, \&) into a template of regexp.Expand.
func expandable(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			if s[i] >= '0' && s[i] <= '9' {
				b.WriteString("${" + s[i:i+1] + "}")
			} else if s[i] == '$' {
				b.WriteString("$$")
			} else {
				b.WriteByte(s[i])
			}
		case c == '&':
			b.WriteString("${0}")
		case c == '$':
			b.WriteString("$$")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// applyEdits returns the message with another header. Fields that no edit changes, and
// the body, stay as they are to the byte.
func applyEdits(p *message.Message, edits []edit) ([]byte, error) {
	part := &p.Parts[0]
	eol := "\n"
	if k := bytes.IndexByte(p.Raw, '\n'); k > 0 && p.Raw[k-1] == '\r' {
		eol = "\r\n"
	}
	var fields []headerField
	end := part.HeaderStart
	for f := range p.RawFields(0) {
		fields = append(fields, headerField{name: string(f.Name), between: p.Raw[end:f.Start], raw: p.Raw[f.Start:f.End]})
		end = f.End
	}
	h := p.Header(0)
	for _, e := range edits {
		var err error
		if fields, err = e.apply(fields, h, eol); err != nil {
			return nil, err
		}
	}
	out := append([]byte{}, p.Raw[:part.HeaderStart]...)
	for _, f := range fields {
		out = append(append(out, f.between...), f.raw...)
	}
	return append(out, p.Raw[end:]...), nil
}

// A headerField is a field as it stands, and the rubbish in front of it.
type headerField struct {
	name    string
	between []byte
	raw     []byte
}

func (e *edit) apply(fields []headerField, h message.Header, eol string) ([]headerField, error) {
	if e.do == 'a' {
		if slices.ContainsFunc(fields, func(f headerField) bool { return strings.EqualFold(f.name, e.name) }) {
			return fields, nil
		}
		raw, err := writeField(e.name, e.text, eol)
		return append(fields, headerField{name: e.name, raw: raw}), err
	}
	var out []headerField
	for _, f := range fields {
		if !e.fields.MatchString(f.name) {
			out = append(out, f)
			continue
		}
		value := readValue(f, h)
		changed := value
		switch e.do {
		case 'd':
			if e.re == nil || e.re.MatchString(value) {
				if len(f.between) > 0 {
					out = append(out, headerField{between: f.between})
				}
				continue
			}
		case 'c':
			changed = e.text
		case 's':
			changed = e.substitute(value)
		}
		if changed != value {
			raw, err := writeField(f.name, changed, eol)
			if err != nil {
				return nil, err
			}
			f.raw = raw
		}
		out = append(out, f)
	}
	return out, nil
}

func (e *edit) substitute(value string) string {
	if e.all {
		return e.re.ReplaceAllString(value, e.text)
	}
	m := e.re.FindStringSubmatchIndex(value)
	if m == nil {
		return value
	}
	return value[:m[0]] + string(e.re.ExpandString(nil, e.text, value, m)) + value[m[1]:]
}

// readValue is what an expression sees: in one line, and decoded where the field is
// running text. Of fields with a grammar the words stay encoded, for decoded they could
// be read as part of it.
func readValue(f headerField, h message.Header) string {
	_, value, _ := bytes.Cut(f.raw, []byte{':'})
	if !unstructured(f.name) {
		return strings.TrimSpace(message.Unfold(value))
	}
	r := h.Reader()
	return r.Text(value)
}

// unstructured says which fields are running text (RFC 5322, 3.6.5 and 3.6.8).
func unstructured(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "subject", "comments", "keywords", "thread-topic", "organization":
		return true
	}
	return strings.HasPrefix(name, "x-")
}

// writeField writes a field in lines of due length.
func writeField(name, value, eol string) ([]byte, error) {
	value = strings.TrimSpace(value)
	if strings.ContainsAny(value, "\r\n\x00") {
		return nil, fmt.Errorf("a line end in %s would begin another field", name)
	}
	if unstructured(name) {
		if !word.Plain(value) {
			value = word.Encode(value, len(name)+2)
		}
	} else if strings.ContainsFunc(value, func(r rune) bool { return r >= utf8.RuneSelf }) {
		list := (message.Header("From: " + value + "\n")).Addresses("From")
		if len(list) == 0 {
			return nil, fmt.Errorf("%s can hold ASCII alone", name)
		}
		texts := make([]string, len(list))
		for i, a := range list {
			texts[i] = a.String()
		}
		value = strings.Join(texts, ", ")
	}
	return []byte(word.Fold(name, value, eol)), nil
}
