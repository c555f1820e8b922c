package message

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"pneu/maildir/message/charset"
)

// Caps on the parameters of a field: no honest one comes near them.
const (
	maxParams     = 200
	maxParamValue = 64 << 10
)

// A param is one parameter as it stands in the field. RFC 2231: name*section*=value.
type param struct {
	name    []byte
	value   []byte // without quotes, but with backslashes
	section int    // -1 if it is not a continuation
	percent bool   // percent-encoded, the first section with charset and language
	escaped bool   // has backslashes to remove
}

// params is a Content-Type or Content-Disposition value taken apart. It is reused from field to field.
type params struct {
	value []byte // what stands before the first semicolon
	list  []param
	whole bool // names are not taken apart
}

// reset reads a field's value. It takes what is in use rather than what is allowed: empty parameters, values with
// blanks and no quotes, missing semicolons after a quoted value, comments anywhere, equal signs with blanks around.
func (ps *params) reset(v []byte) {
	ps.list = ps.list[:0]
	if len(v) > maxParamValue {
		v = v[:maxParamValue]
	}
	i := skipSpace(v, 0)
	start := i
	for i < len(v) && v[i] != ';' && v[i] != '(' && !isSpace(v[i]) {
		i++
	}
	// "text / html" and "text/ html" are seen; a word after the type is not part of it.
	end := i
	if j := skipSpace(v, i); j < len(v) && (v[j] == '/' || end > start && v[end-1] == '/') && j > i {
		if v[j] == '/' {
			j = skipSpace(v, j+1)
		}
		for j < len(v) && v[j] != ';' && v[j] != '(' && !isSpace(v[j]) {
			j++
		}
		i = j
		ps.value = bytes.Join(bytes.Fields(v[start:i]), nil)
	} else {
		ps.value = bytes.Trim(v[start:end], `"`)
	}
	if bytes.IndexByte(ps.value, '=') > 0 { // a parameter came first: the value itself is missing
		ps.value, i = nil, start
	} else if j := bytes.IndexByte(v[i:], ';'); j >= 0 && !bytes.ContainsRune(v[i:i+j], '=') {
		i += j
	}
	for len(ps.list) < maxParams {
		for i < len(v) && (v[i] == ';' || v[i] == ',' || isSpace(v[i]) || v[i] == '(') {
			if v[i] == '(' {
				i = skipComment(v, i)
			} else {
				i++
			}
		}
		if i >= len(v) {
			return
		}
		i = ps.one(v, i)
	}
}

// one reads the parameter at i and returns where it ends.
func (ps *params) one(v []byte, i int) int {
	start := i
	for i < len(v) && v[i] != '=' && v[i] != ';' && !isSpace(v[i]) {
		i++
	}
	p := param{name: v[start:i], section: -1}
	i = skipSpace(v, i)
	if i >= len(v) || v[i] != '=' {
		return i // a word without a value
	}
	i = skipSpace(v, i+1)
	if i < len(v) && v[i] == '"' {
		p.value, p.escaped, i = quoted(v, i)
	} else {
		p.value, i = bare(v, i)
	}
	if !ps.whole {
		p.split()
	}
	if len(p.name) > 0 {
		ps.list = append(ps.list, p)
	}
	return i
}

// quoted reads the quoted string at i. If it is never closed it ends with its line or at the next semicolon.
func quoted(v []byte, i int) (value []byte, escaped bool, end int) {
	start := i + 1
	for i = start; i < len(v); i++ {
		switch v[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			value = v[start:i]
			if bytes.IndexByte(value, '\n') >= 0 { // RFC 5322, 3.2.4: a fold in it is not part of it
				value = []byte(unfold(value))
			}
			return value, escaped, i + 1
		}
	}
	end = len(v)
	if j := bytes.IndexAny(v[start:], ";\r\n"); j >= 0 {
		end = start + j
	}
	return bytes.TrimSpace(v[start:end]), escaped, end
}

// bare reads an unquoted value at i: up to a semicolon, a comment, or the next thing that looks like a parameter.
// Names with blanks and no quotes are common.
func bare(v []byte, i int) (value []byte, end int) {
	start := i
	for i < len(v) && v[i] != ';' {
		if isSpace(v[i]) {
			j := skipBlank(v, i)
			if j < len(v) && (v[j] == '(' || startsParam(v, j)) {
				break
			}
			i = j
			continue
		}
		i++
	}
	value = v[start:i]
	if j := bytes.IndexAny(value, "\r\n"); j >= 0 { // a fold is not part of a name
		value = []byte(unfold(value))
	}
	return bytes.TrimRight(value, " \t\r\n"), i
}

func startsParam(v []byte, i int) bool {
	start := i
	for i < len(v) && (isTokenByte(v[i])) {
		i++
	}
	return i > start && i < len(v) && v[i] == '='
}

// split takes name*0* apart.
func (p *param) split() {
	n := p.name
	if len(n) > 1 && n[len(n)-1] == '*' {
		p.percent = true
		n = n[:len(n)-1]
	}
	if i := bytes.IndexByte(n, '*'); i > 0 {
		num, section := n[i+1:], 0
		for _, c := range num {
			if c < '0' || c > '9' || section > 9999 {
				section = -1
				break
			}
			section = section*10 + int(c-'0')
		}
		if len(num) > 0 && section >= 0 {
			p.section, n = section, n[:i]
		}
	}
	p.name = n
}

// raw returns the value without its backslashes.
func (p *param) raw() []byte {
	v := p.value
	if p.escaped {
		v = unescape(v)
	}
	return v
}

func unescape(v []byte) []byte {
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) {
			i++
		}
		out = append(out, v[i])
	}
	return out
}

// get returns the octets of a parameter.
func (ps *params) get(name string) (value []byte, ok bool) {
	value, _, _, ok = ps.find(name)
	return value, ok
}

// text returns a parameter decoded: by RFC 2231 if it says so, else by RFC 2047, which is wrong here and usual.
func (ps *params) text(name string) (string, bool) {
	value, cs, ext, ok := ps.find(name)
	if !ok {
		return "", false
	}
	if ext {
		s, err := charset.Decode(string(cs), value)
		if err != nil && len(cs) == 0 {
			s = guess(value, "")
		}
		return oneLine(s), true
	}
	return DecodeWords(string(value)), true
}

// find joins what belongs to a parameter. RFC 2231, 3: sections are ordered by number and the extended and continued
// forms beat the plain one, which is there for programs that do not know them. Of several plain ones the first holds.
func (ps *params) find(name string) (value, cs []byte, ext, ok bool) {
	var plain, whole *param
	sections := 0
	for i := range ps.list {
		p := &ps.list[i]
		if !equalFold(p.name, name) {
			continue
		}
		switch {
		case p.section >= 0:
			sections++
		case p.percent && whole == nil:
			whole = p
		case !p.percent && plain == nil:
			plain = p
		}
	}
	switch {
	case sections > 0 && ps.section(name, 0) != nil:
		for n := 0; n < sections; n++ {
			p := ps.section(name, n)
			if p == nil {
				break
			}
			v := p.raw()
			if p.percent {
				ext = true
				if n == 0 {
					cs, v = cutCharset(v)
				}
				v = percent(v)
			}
			value = append(value, v...)
		}
		return value, cs, ext, true
	case whole != nil:
		cs, value = cutCharset(whole.raw())
		return percent(value), cs, true, true
	case plain != nil:
		return plain.raw(), nil, false, true
	}
	return nil, nil, false, false
}

func (ps *params) section(name string, n int) *param {
	for i := range ps.list {
		if p := &ps.list[i]; p.section == n && equalFold(p.name, name) {
			return p
		}
	}
	return nil
}

// cutCharset takes charset'language' off an extended value.
func cutCharset(v []byte) (cs, rest []byte) {
	i := bytes.IndexByte(v, '\'')
	if i < 0 {
		return nil, v
	}
	j := bytes.IndexByte(v[i+1:], '\'')
	if j < 0 {
		return nil, v
	}
	return v[:i], v[i+1+j+1:]
}

// percent undoes %XX; what is no such escape stays.
func percent(v []byte) []byte {
	if bytes.IndexByte(v, '%') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			if h, l := hexDigit(v[i+1]), hexDigit(v[i+2]); h|l < 16 {
				out = append(out, h<<4|l)
				i += 2
				continue
			}
		}
		out = append(out, v[i])
	}
	return out
}

func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0x80
}

// firstToken returns the first word of v without quotes and comments: what is meant by "base64 (standard)".
func firstToken(v []byte) []byte {
	v = v[:min(len(v), 2*maxComment)]
	i := skipSpace(v, 0)
	if i < len(v) && v[i] == '"' {
		i++
	}
	start := i
	for i < len(v) && !isSpace(v[i]) && v[i] != ';' && v[i] != '(' && v[i] != '"' && v[i] != ',' {
		i++
	}
	return v[start:i]
}

func isToken(b []byte) bool {
	for _, c := range b {
		if !isTokenByte(c) {
			return false
		}
	}
	return true
}

// isTokenByte: RFC 2045, 5.1.
func isTokenByte(c byte) bool {
	return c > ' ' && c < 0x7f && strings.IndexByte(`()<>@,;:\"/[]?=`, c) < 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// skipBlank passes over white space and folds.
func skipBlank(v []byte, i int) int {
	for i < len(v) && isSpace(v[i]) {
		i++
	}
	return i
}

// skipSpace passes over white space, folds and comments.
func skipSpace(v []byte, i int) int {
	for {
		i = skipBlank(v, i)
		if i >= len(v) || v[i] != '(' {
			return i
		}
		i = skipComment(v, i)
	}
}

// maxComment bounds the search for the end of a comment, so that many unclosed ones cost no more than a few.
const maxComment = 500

// skipComment passes over the comment at i, with those in it. One that is never closed is only a parenthesis.
func skipComment(v []byte, i int) int {
	depth := 0
	for j := i; j < min(len(v), i+maxComment); j++ {
		switch v[j] {
		case '\\':
			j++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return j + 1
			}
		}
	}
	return i + 1
}

// guess makes text of octets whose charset is not known: UTF-8 if they are that, else hint, else windows-1252.
func guess(b []byte, hint string) string {
	if utf8.Valid(b) {
		return string(b)
	}
	if hint != "" {
		if s, err := charset.Decode(hint, b); err == nil {
			return s
		}
	}
	s, _ := charset.Decode("windows-1252", b)
	return s
}
