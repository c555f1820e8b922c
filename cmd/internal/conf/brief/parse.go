package brief

import (
	"errors"
	"path"
	"strings"
	"unicode/utf8"
)

func clean(p string) string { return path.Clean(p) }

// unprintable returns where text has what no TOML file may have, or -1.
func unprintable(text string) int {
	for i, r := range text {
		switch {
		case r == '\t' || r == '\n' || r == '\r' && strings.HasPrefix(text[i+1:], "\n"):
		case r < ' ' || r == 0x7f:
			return i
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			return i
		}
	}
	return -1
}

type parser struct {
	text string
	at   int
}

func (p *parser) position() (line, col int) {
	before := p.text[:min(p.at, len(p.text))]
	nl := strings.LastIndexByte(before, '\n')
	return 1 + strings.Count(before, "\n"), len(before) - nl
}

// blank skips white space, line ends and comments.
func (p *parser) blank() {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			p.at++
		case c == '#':
			for p.at < len(p.text) && p.text[p.at] != '\n' {
				p.at++
			}
		default:
			return
		}
	}
}

func (p *parser) spaces() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

func bareKey(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// pair reads key = value and the end of the line.
func (p *parser) pair() (string, value, error) {
	start := p.at
	for p.at < len(p.text) && bareKey(p.text[p.at]) {
		p.at++
	}
	key := p.text[start:p.at]
	if key == "" {
		return "", value{}, errors.New("expected a key such as hostname")
	}
	p.spaces()
	if p.at >= len(p.text) || p.text[p.at] != '=' {
		return "", value{}, errors.New("expected = after " + key)
	}
	p.at++
	p.spaces()
	v, err := p.value()
	if err != nil {
		return "", value{}, err
	}
	p.spaces()
	if p.at < len(p.text) && p.text[p.at] == '\r' {
		p.at++
	}
	if p.at < len(p.text) && p.text[p.at] != '\n' && p.text[p.at] != '#' {
		return "", value{}, errors.New("expected the end of the line after the value of " + key)
	}
	return key, v, nil
}

func (p *parser) value() (value, error) {
	if p.at >= len(p.text) {
		return value{}, errors.New("expected a value")
	}
	rest := p.text[p.at:]
	switch c := rest[0]; {
	case c == '"' || c == '\'':
		s, err := p.string()
		return value{kind: 's', text: s}, err
	case c == '[':
		return p.list()
	case strings.HasPrefix(rest, "true"):
		p.at += len("true")
		return value{kind: 'b'}, nil
	case strings.HasPrefix(rest, "false"):
		p.at += len("false")
		return value{kind: 'b'}, nil
	case c >= '0' && c <= '9' || c == '+':
		start := p.at
		for p.at++; p.at < len(p.text); p.at++ {
			if c := p.text[p.at]; (c < '0' || c > '9') && c != '_' {
				break
			}
		}
		n := p.text[start:p.at]
		if len(n) > 1 && n[0] == '0' || strings.Contains(n, "__") || strings.HasSuffix(n, "_") {
			return value{}, errors.New("expected a plain number")
		}
		return value{kind: 'n', text: strings.TrimPrefix(strings.ReplaceAll(n, "_", ""), "+")}, nil
	}
	return value{}, errors.New("expected a string, a number or a list of strings")
}

func (p *parser) string() (string, error) {
	q := p.text[p.at]
	if strings.HasPrefix(p.text[p.at:], strings.Repeat(string(rune(q)), 3)) {
		return "", errors.New("a string of several lines is not read here: write it in one")
	}
	var b []byte
	for p.at++; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		switch {
		case c == q:
			p.at++
			if !utf8.Valid(b) {
				return "", errors.New("the string is not UTF-8")
			}
			return string(b), nil
		case c == '\n' || c < ' ' && c != '\t' || c == 0x7f:
			return "", errors.New("the string does not end")
		case c == '\\' && q == '"':
			p.at++
			if p.at >= len(p.text) {
				return "", errors.New("the string does not end")
			}
			i := strings.IndexByte(`"\tnr`, p.text[p.at])
			if i < 0 {
				return "", errors.New(`this escape is not read here: only \" \\ \t \n \r are`)
			}
			b = append(b, "\"\\\t\n\r"[i])
		default:
			b = append(b, c)
		}
	}
	return "", errors.New("the string does not end")
}

func (p *parser) list() (value, error) {
	v := value{kind: 'l'}
	p.at++
	for {
		p.blank()
		if p.at < len(p.text) && p.text[p.at] == ']' {
			p.at++
			return v, nil
		}
		if p.at >= len(p.text) || p.text[p.at] != '"' && p.text[p.at] != '\'' {
			return v, errors.New("expected a string or ] in the list")
		}
		s, err := p.string()
		if err != nil {
			return v, err
		}
		v.list = append(v.list, s)
		p.blank()
		if p.at < len(p.text) && p.text[p.at] == ',' {
			p.at++
		} else if p.at >= len(p.text) || p.text[p.at] != ']' {
			return v, errors.New("expected , or ] in the list")
		}
	}
}
