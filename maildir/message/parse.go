package message

import "bytes"

// A Defect is something in a message that breaks the rules, and where.
type Defect struct {
	Part int
	What string
}

// Parse finds the structure of the message in b. It never fails and keeps b. A byte order mark and the "From " line
// of an mbox before the header are passed over.
func Parse(b []byte) *Message {
	m := &Message{Raw: b, eol: lineEnd(b)}
	p := parser{m: m, b: b, eol: m.eol}
	p.path = p.room[:0]
	m.Parts = make([]Part, 0, partsGuess(b))
	p.run(headerStart(b, p.eol))
	return m
}

// partsGuess sizes the list of parts, so that most messages need one allocation for it.
func partsGuess(b []byte) int {
	head := b[:min(len(b), 16<<10)]
	if i := bytes.Index(head, []byte("\n\n")); i >= 0 {
		head = head[:i]
	}
	if bytes.Contains(head, []byte("oundary")) {
		return 8
	}
	return 1
}

// lineEnd returns the byte that ends lines: LF, unless b has none at all and was written with CR alone. Nowhere else
// is a CR a line end, since a field smuggled in behind one would be seen by us and not by others.
func lineEnd(b []byte) byte {
	if bytes.IndexByte(b, '\n') < 0 && bytes.IndexByte(b, '\r') >= 0 {
		return '\r'
	}
	return '\n'
}

// headerStart returns where the header of the whole message starts.
func headerStart(b []byte, eol byte) int {
	pos := 0
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		pos = 3
	}
	if bytes.HasPrefix(b[pos:], []byte("From ")) {
		end, next := lineAt(b, pos, eol)
		rest := bytes.TrimLeft(b[pos+5:end], " \t")
		if len(rest) > 0 && rest[0] != ':' { // else it is a From field with blanks before the colon
			pos = next
		}
	}
	return pos
}

// A parser holds the state of one Parse.
type parser struct {
	m     *Message
	b     []byte
	eol   byte
	path  []level // the open parts, from the root to the innermost
	lines int     // line ends before counted
	count int     // how far they were counted
	param params
	room  [8]level
}

// A level is an open part. Its boundary is nil unless it is a multipart whose closing delimiter has not come.
type level struct {
	part     int
	lines    int // line ends before its body
	boundary []byte
}

func (p *parser) run(pos int) {
	pos, entered := p.begin(-1, pos)
	for {
		for entered { // a message within: its header follows at once
			pos, entered = p.begin(p.path[len(p.path)-1].part, pos)
		}
		k, closing, start, next := p.nextDelimiter(pos)
		if k < 0 {
			p.end(0, len(p.b))
			return
		}
		p.end(k+1, start)
		parent := &p.path[k]
		pos = next
		switch {
		case closing:
			parent.boundary = nil // what follows is its epilogue
		case len(p.m.Parts) >= MaxParts:
			p.defect(parent.part, "more than 10000 parts")
			p.end(0, len(p.b))
			return
		default:
			pos, entered = p.begin(parent.part, pos)
		}
	}
}

// begin adds a part whose header is at pos and returns where its body starts, and whether a message within has to
// be begun there.
func (p *parser) begin(parent, pos int) (body int, entered bool) {
	i := len(p.m.Parts)
	part := Part{Parent: parent, HeaderStart: pos, BodyEnd: -1, Type: "text", Subtype: "plain"}
	if parent >= 0 {
		up := &p.m.Parts[parent]
		up.NumChildren++
		part.Depth = up.Depth + 1
		if up.Type == "multipart" && up.Subtype == "digest" { // RFC 2046, 5.1.5
			part.Type, part.Subtype = "message", "rfc822"
		}
	}
	p.m.Parts = append(p.m.Parts, part)
	boundary := p.header(i)
	t := &p.m.Parts[i]
	lv := level{part: i, lines: p.countTo(t.BodyStart)}
	deep := t.Depth >= MaxDepth
	switch {
	case deep && (boundary != nil || t.holdsMessage()):
		p.defect(i, "nested more than 100 levels deep")
	case boundary != nil:
		lv.boundary = boundary
	case t.Type == "multipart":
		p.defect(i, "multipart without a boundary")
	case t.holdsMessage():
		entered = len(p.m.Parts) < MaxParts
	}
	p.path = append(p.path, lv)
	return t.BodyStart, entered
}

// holdsMessage reports whether the body is a message that can be entered where it lies. RFC 2046, 5.2.1 forbids to
// encode it; when it is, it stays a leaf (see Embedded).
func (t *Part) holdsMessage() bool {
	return t.Type == "message" && (t.Subtype == "rfc822" || t.Subtype == "global" || t.Subtype == "news") && identity(t.Encoding)
}

// header reads the header of part i, and returns the boundary if it is a multipart that has one.
func (p *parser) header(i int) (boundary []byte) {
	t := &p.m.Parts[i]
	s := scanner{b: p.b, pos: t.HeaderStart, eol: p.eol, open: p}
	var ctype, cte, cdisp []byte
	any := false
	for {
		name, value, ok := s.next()
		if !ok {
			break
		}
		any = true
		if len(name) < 10 || name[0]|0x20 != 'c' || name[7] != '-' {
			continue
		}
		switch {
		case equalFold(name, "content-type"):
			if ctype == nil { // of two, the first holds
				ctype = value
			} else {
				p.defect(i, "two Content-Type fields")
			}
		case cte == nil && equalFold(name, "content-transfer-encoding"):
			cte = value
		case cdisp == nil && equalFold(name, "content-disposition"):
			cdisp = value
		case t.ContentID == "" && equalFold(name, "content-id"):
			t.ContentID = firstID(value)
		}
	}
	t.BodyStart = s.body
	if any && !s.blank && !s.delim && s.body < len(p.b) {
		p.defect(i, "no empty line after the header")
	}
	if cte != nil {
		t.Encoding = intern(firstToken(cte))
	}
	if ctype != nil {
		boundary = p.contentType(t, ctype)
	}
	if cdisp != nil {
		p.param.reset(cdisp)
		t.Disposition = intern(p.param.value)
		if name, ok := p.param.text("filename"); ok {
			t.Filename = name
		}
	}
	return boundary
}

// contentType sets what the value of a Content-Type says.
func (p *parser) contentType(t *Part, v []byte) (boundary []byte) {
	p.param.reset(v)
	typ, sub := p.param.value, []byte(nil)
	if i := bytes.IndexByte(typ, '/'); i >= 0 {
		typ, sub = bytes.TrimSpace(typ[:i]), bytes.TrimSpace(typ[i+1:])
	}
	switch {
	case len(typ) == 0 || !isToken(typ) || !isToken(sub): // RFC 2045, 5.2: as if it were not there
	case len(sub) > 0:
		t.Type, t.Subtype = intern(typ), intern(sub)
	case equalFold(typ, "multipart"):
		t.Type, t.Subtype = "multipart", "mixed"
	case equalFold(typ, "text"):
		t.Type, t.Subtype = "text", "plain"
	default:
		t.Type, t.Subtype = "application", "octet-stream"
	}
	if c, ok := p.param.get("charset"); ok {
		t.Charset = intern(firstToken(c))
	}
	if t.Type == "multipart" {
		if b, ok := p.param.get("boundary"); ok && len(b) > 0 {
			// RFC 2046, 5.1.1: it cannot end in white space, and lines are compared without.
			boundary = bytes.TrimRight(b, " \t")
			if len(boundary) == 0 {
				boundary = nil
			}
		}
		return boundary
	}
	if t.Type == "text" {
		f, _ := p.param.get("format")
		t.Flowed = equalFold(f, "flowed")
		d, _ := p.param.get("delsp")
		t.DelSp = equalFold(d, "yes")
	}
	if name, ok := p.param.text("name"); ok {
		t.Filename = name
	}
	return nil
}

// delimiter reports which open multipart the line delimits, as an index into path (-1 for none), and whether it
// closes it. RFC 2046, 5.1.1: two hyphens, the boundary, and nothing more but white space.
func (p *parser) delimiter(line []byte) (k int, closing bool) {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return -1, false
	}
	line = line[2:]
	for len(line) > 0 && isBlank(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	n := len(line)
	for k = len(p.path) - 1; k >= 0; k-- {
		b := p.path[k].boundary
		switch {
		case b == nil:
		case len(b) == n:
			if bytes.Equal(b, line) {
				return k, false
			}
		case len(b) == n-2:
			if line[n-1] == '-' && line[n-2] == '-' && bytes.Equal(b, line[:n-2]) {
				return k, true
			}
		}
	}
	return -1, false
}

// nextDelimiter finds the next line from pos on that delimits an open multipart. It looks for two hyphens rather
// than for line ends: in base64 there are none, and the search runs as fast as memory is read.
func (p *parser) nextDelimiter(pos int) (k int, closing bool, start, next int) {
	wanted := false
	for i := range p.path {
		wanted = wanted || p.path[i].boundary != nil
	}
	if !wanted {
		return -1, false, 0, 0
	}
	b := p.b
	for {
		i := bytes.Index(b[pos:], []byte("--"))
		if i < 0 {
			return -1, false, 0, 0
		}
		pos += i
		if pos > 0 && b[pos-1] != p.eol {
			for pos += 2; pos < len(b) && b[pos] == '-'; pos++ { // a rule drawn with hyphens
			}
			continue
		}
		end, next := lineAt(b, pos, p.eol)
		if k, closing := p.delimiter(b[pos:end]); k >= 0 {
			return k, closing, pos, next
		}
		pos = end
	}
}

// end closes the open parts from level k on. What follows them is at stop; the line break before a delimiter is the
// delimiter's (RFC 2046, 5.1.1).
func (p *parser) end(k, stop int) {
	if stop < len(p.b) && stop > 0 {
		stop--
		if p.eol == '\n' && stop > 0 && p.b[stop-1] == '\r' {
			stop--
		}
	}
	for i := len(p.path) - 1; i >= k; i-- {
		lv := p.path[i]
		t := &p.m.Parts[lv.part]
		stop = max(stop, t.BodyStart)
		t.BodyEnd = stop
		t.Lines = p.countTo(stop) - lv.lines
		if t.Type == "multipart" && t.NumChildren == 0 {
			// Nothing was found in it, but there may be something to read.
			t.Type, t.Subtype = "text", "plain"
			p.defect(lv.part, "multipart without parts")
		}
	}
	p.path = p.path[:k]
}

// countTo returns the number of line ends before pos. Positions mostly rise, so that all is counted once.
func (p *parser) countTo(pos int) int {
	if pos >= p.count {
		p.lines += bytes.Count(p.b[p.count:pos], []byte{p.eol})
	} else {
		p.lines -= bytes.Count(p.b[pos:p.count], []byte{p.eol})
	}
	p.count = pos
	return p.lines
}

// maxDefects bounds what is kept about a message that has nothing right in it.
const maxDefects = 100

func (p *parser) defect(part int, what string) {
	if len(p.m.Defects) < maxDefects {
		p.m.Defects = append(p.m.Defects, Defect{part, what})
	}
}
