package queue

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"
)

// The first line has a fixed width, since it is overwritten in place:
//
//	PNEU1 COMMIT len=0000041233 crc=9f31c2aa state=Q
const (
	version    = "PNEU1 "
	openWord   = "OPEN  "
	commitWord = "COMMIT"
	lenAt      = len("PNEU1 COMMIT len=")
	crcAt      = lenAt + 10 + len(" crc=")
	stateAt    = crcAt + 8 + len(" state=")
	lineLen    = stateAt + 2
	maxLen     = 9_999_999_999
	maxHead    = 64 << 20 // a head beyond this is damage, not mail
	timeForm   = "2006-01-02T15:04:05.000000Z"
)

// The states within a file: new, tried before, being bounced (see Bounce).
const (
	stateNew      = 'Q'
	stateTried    = 'D'
	stateBouncing = 'B'
)

func firstLine(word string, size int64, crc uint32, state byte) []byte {
	b := make([]byte, 0, lineLen)
	b = append(append(append(b, version...), word...), " len="...)
	for div := int64(1_000_000_000); div > 0; div /= 10 {
		b = append(b, byte('0'+size/div%10))
	}
	b = append(b, " crc="...)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[crc>>shift&15])
	}
	b = append(b, " state="...)
	return append(b, state, '\n')
}

// appendHead appends the lines after the first, to the empty line.
func appendHead(b []byte, e *Envelope) []byte {
	b = append(b, "qid "...)
	b = append(b, e.ID...)
	b = append(b, "  arrived "...)
	b = e.Arrived.UTC().AppendFormat(b, timeForm)
	b = append(b, "  expires "...)
	b = e.Expires.UTC().AppendFormat(b, timeForm)
	b = append(b, "\nfrom <"...)
	b = append(escape(b, e.Sender), '>')
	b = pair(b, "auth", e.Auth)
	b = pair(b, "client", e.Client)
	b = pair(b, "ret", e.Ret)
	b = pair(b, "envid", e.EnvID)
	flags := "7bit" // as long as the other: Commit may correct it
	if e.EightBit {
		flags = "8bit"
	}
	if e.UTF8 {
		flags += ",utf8"
	}
	if e.dropped {
		flags += ",drop"
	}
	b = pair(b, "flags", flags)
	if e.Kind != "" || e.Parent != "" {
		kind := e.Kind
		if kind == "" {
			kind = "mail"
		}
		b = append(b, "\nkind "...)
		b = escape(b, kind)
		b = pair(b, "parent", e.Parent)
		marks := ""
		for i, c := range e.Covers {
			if i > 0 {
				marks += ","
			}
			marks += strconv.Itoa(c.N) + "=" + string(rune(c.Mark))
		}
		b = pair(b, "covers", marks)
	}
	b = append(b, '\n')
	for i := range e.Recipients {
		r := &e.Recipients[i]
		b = append(b, "to "...)
		if r.N < 1000 {
			b = append(b, "000"[len(strconv.Itoa(r.N))-1:]...)
		}
		b = strconv.AppendInt(b, int64(r.N), 10)
		b = append(b, ' ', byte(r.Mark), ' ', '<')
		b = append(escape(b, r.Addr), '>')
		b = pair(b, "notify", r.Notify)
		b = pair(b, "orcpt", r.ORcpt)
		b = append(b, '\n')
	}
	return append(b, '\n')
}

func pair(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ' ', ' ')
	b = append(b, key...)
	b = append(b, ' ')
	return escape(b, value)
}

// escape writes s so that no byte of it can end a value or a line: controls,
// <, >, % and spaces that could be taken for two become %XX.
func escape(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c == 0x7f || c == '%' || c == '<' || c == '>' ||
			c == ' ' && (i == 0 || i == len(s)-1 || s[i+1] == ' ') {
			b = append(b, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b = append(b, byte(n))
		i += 2
	}
	return string(b), true
}

// head is a parsed head and where its changeable bytes are.
type head struct {
	env       Envelope
	committed bool
	size      int64  // of the message
	crc       uint32 // as written
	counted   []byte // what the crc covers of the head: after its first line, all marks pending
	state     byte
	end       int64   // where the message begins
	marks     []int64 // offsets, in the order of env.Recipients
}

// errOpen says that the file's writer has not committed it.
var errOpen = errors.New("not committed")

func damage(text string) error { return errors.New(text) }

// parseFirst reads the first line.
func parseFirst(b []byte) (h head, err error) {
	if len(b) < lineLen { // died in the first write, or cut short by something else
		if open := firstLine(openWord, 0, 0, stateNew); bytes.HasPrefix(open, b) {
			return h, errOpen
		}
		return h, damage("the first line is cut short")
	}
	line := string(b[:lineLen])
	if !strings.HasPrefix(line, version) {
		if strings.HasPrefix(line, "PNEU") {
			return h, damage("written by another version of pneu")
		}
		return h, damage("the first line is not one of a spool file")
	}
	word := line[len(version) : len(version)+len(commitWord)]
	size, err1 := strconv.ParseUint(line[lenAt:lenAt+10], 10, 63)
	crc, err2 := strconv.ParseUint(line[crcAt:crcAt+8], 16, 32)
	h.size, h.crc, h.state = int64(size), uint32(crc), line[stateAt]
	if err1 != nil || err2 != nil || line != string(firstLine(word, h.size, h.crc, h.state)) {
		return h, damage("the first line is damaged")
	}
	switch word {
	case openWord:
		return h, errOpen
	case commitWord:
		h.committed = true
	default:
		return h, damage("the first line is damaged")
	}
	if h.state != stateNew && h.state != stateTried && h.state != stateBouncing {
		return h, damage("unknown state " + strconv.QuoteRune(rune(h.state)))
	}
	return h, nil
}

// headEnd returns the length of the head at the start of b, or -1 if the
// empty line that ends it is not there yet.
func headEnd(b []byte) int {
	if i := bytes.Index(b, []byte("\n\n")); i >= 0 {
		return i + 2
	}
	return -1
}

// parseHead reads a whole head, first line to empty line.
func parseHead(b []byte) (*head, error) {
	h, err := parseFirst(b)
	if err != nil {
		return &h, err
	}
	end := headEnd(b)
	if end < 0 {
		return &h, damage("the head has no end")
	}
	h.end = int64(end)
	p, off := string(b[lineLen:end-1]), lineLen
	seen := 0
	last := 0
	for p != "" {
		i := strings.IndexByte(p, '\n')
		line := p[:i]
		word, rest, _ := strings.Cut(line, " ")
		ok := true
		switch word {
		case "qid":
			seen |= 1
			ok = h.parseQid(rest)
		case "from":
			seen |= 2
			ok = h.parseFrom(rest)
		case "kind":
			ok = h.parseKind(rest)
		case "to":
			var r Recipient
			var mark int
			r, mark, ok = parseTo(rest)
			ok = ok && r.N > last
			last = r.N
			if ok {
				h.env.Recipients = append(h.env.Recipients, r)
				h.marks = append(h.marks, int64(off+len("to ")+mark))
			}
		default: // a later version's; what we do not know we keep
		}
		if !ok {
			return &h, damage("damaged line in the head: " + strconv.QuoteToASCII(short(line)))
		}
		off += i + 1
		p = p[i+1:]
	}
	h.counted = bytes.Clone(b[lineLen:end])
	for _, m := range h.marks {
		h.counted[m-int64(lineLen)] = byte(Pending)
	}
	if seen != 3 {
		return &h, damage("the head lacks its qid or from line")
	}
	return &h, nil
}

func short(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}

// pairs splits "a b  c d" into values by key.
func pairs(s string, f func(key, value string) bool) bool {
	for s != "" {
		var p string
		p, s, _ = strings.Cut(s, "  ")
		if p == "" {
			continue
		}
		key, value, _ := strings.Cut(p, " ")
		v, ok := unescape(value)
		if !ok || !f(key, v) {
			return false
		}
	}
	return true
}

func (h *head) parseQid(s string) bool {
	ok := pairs("qid "+s, func(key, v string) bool {
		var err error
		switch key {
		case "qid":
			h.env.ID = v
		case "arrived":
			h.env.Arrived, err = time.Parse(time.RFC3339Nano, v)
		case "expires":
			h.env.Expires, err = time.Parse(time.RFC3339Nano, v)
		}
		return err == nil
	})
	return ok && ValidID(h.env.ID) && !h.env.Arrived.IsZero() && !h.env.Expires.IsZero()
}

func angle(s string) (addr, rest string, ok bool) {
	if !strings.HasPrefix(s, "<") {
		return "", "", false
	}
	i := strings.IndexByte(s, '>')
	if i < 0 {
		return "", "", false
	}
	addr, ok = unescape(s[1:i])
	return addr, s[i+1:], ok
}

func (h *head) parseFrom(s string) bool {
	addr, rest, ok := angle(s)
	h.env.Sender = addr
	return ok && pairs(rest, func(key, v string) bool {
		switch key {
		case "auth":
			h.env.Auth = v
		case "client":
			h.env.Client = v
		case "ret":
			h.env.Ret = v
		case "envid":
			h.env.EnvID = v
		case "flags":
			for f := range strings.SplitSeq(v, ",") {
				switch f {
				case "8bit":
					h.env.EightBit = true
				case "utf8":
					h.env.UTF8 = true
				case "drop":
					h.env.dropped = true
				}
			}
		}
		return true
	})
}

func (h *head) parseKind(s string) bool {
	ok := pairs("kind "+s, func(key, v string) bool {
		switch key {
		case "kind":
			h.env.Kind = v
			if v == "mail" {
				h.env.Kind = ""
			}
			return v != ""
		case "parent":
			h.env.Parent = v
			return ValidID(v)
		case "covers":
			for c := range strings.SplitSeq(v, ",") {
				n, mark, _ := strings.Cut(c, "=")
				i, err := strconv.Atoi(n)
				if err != nil || len(mark) != 1 || !valid(Mark(mark[0])) {
					return false
				}
				h.env.Covers = append(h.env.Covers, Cover{i, Mark(mark[0])})
			}
		}
		return true
	})
	return ok && (h.env.Parent != "" || len(h.env.Covers) == 0)
}

// parseTo reads what follows "to " and says where in it the mark is.
func parseTo(s string) (r Recipient, mark int, ok bool) {
	n, rest, _ := strings.Cut(s, " ")
	i, err := strconv.Atoi(n)
	if err != nil || i < 1 || len(n) < 4 || len(rest) < 2 || rest[1] != ' ' || !valid(Mark(rest[0])) {
		return r, 0, false
	}
	r.N, r.Mark = i, Mark(rest[0])
	addr, more, ok := angle(rest[2:])
	r.Addr = addr
	ok = ok && pairs(more, func(key, v string) bool {
		switch key {
		case "notify":
			r.Notify = v
		case "orcpt":
			r.ORcpt = v
		}
		return true
	})
	return r, len(n) + 1, ok
}

func valid(m Mark) bool {
	return m == Pending || m == Done || m == Failed || m == Expired || m == Removed
}
