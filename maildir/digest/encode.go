package digest

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"unicode/utf8"

	"pneu/maildir/message"
)

// Places in the fixed part: see the package comment.
const (
	atFlags     = 1
	atClass     = 2
	atZone      = 4
	atLang      = 6
	atDate      = 8
	atSize      = 16
	atBare      = 24
	atLines     = 28
	atBase      = 32
	atSubject   = 40
	atFromName  = 44
	atFromAddr  = 48
	atPreview   = 52
	atID        = 56
	atAddrs     = 60
	atFields    = 62
	atParts     = 64
	atFiles     = 66
	atEnd       = 68
	fixedLength = 70
)

const (
	flagTruncated = 1 << iota
	flagDate      // there is a date that could be read
	flagCRLF      // the fields that are not kept whole end in CRLF
	flagPartial   // made of the beginning
)

// Room of the sections, so that no place needs more than 16 bits.
const (
	roomStrings = 40000
	roomAddrs   = 10000
	roomFields  = 3000
	roomParts   = 9000
	roomFiles   = 3000
	roomLine    = 16000 // one header field
	roomSubject = 2000
)

// A value is that of a field: as it stands, and where it was copied to (-1 if it was not).
type value struct {
	raw []byte
	at  int
}

// A span is a piece of the digest.
type span struct{ at, n int }

// A maker builds one digest. Strings go straight to b, the other sections are put behind them in the end.
type maker struct {
	m     *message.Message
	b     []byte // what was there, and the digest
	start int    // of the digest

	addrs, fields, parts, files []byte

	r      message.FieldReader
	first  [numFields]value // of each field the first one
	lists  [numLists][]span // name and address of each mailbox, by turns
	flags  byte
	class  Class
	noCR   bool
	bareAt []point // if not noCR: the bare line ends before each place of interest
}

// Make appends the digest of the message raw, a whole file with any compression undone, to dst. It never fails.
func Make(dst, raw []byte) []byte { return Append(dst, message.Parse(raw)) }

// Append appends the digest of a parsed message to dst.
func Append(dst []byte, m *message.Message) []byte {
	if size := int64(len(m.Raw)); size > MaxRaw {
		at := len(dst)
		dst = Append(dst, message.Parse(m.Raw[:MaxRaw]))
		Cut(dst[at:], size, size+int64(bytes.Count(m.Raw, []byte{'\n'})-bytes.Count(m.Raw, []byte("\r\n"))))
		return dst
	}
	var rooms [4][256]byte
	k := maker{m: m, start: len(dst), addrs: rooms[0][:0], fields: rooms[1][:0], parts: rooms[2][:0], files: rooms[3][:0]}
	dst = slices.Grow(dst, 1024)
	var zero [fixedLength]byte
	k.b = append(dst, zero[:]...)
	k.noCR = bytes.IndexByte(m.Raw, '\r') < 0
	if !k.noCR {
		k.countBare()
	}
	k.header()
	k.people()
	k.tree()
	k.rest()
	return k.finish()
}

// MaxRaw is how much of a message is looked at: of a longer one digest and text are those of its beginning.
const MaxRaw = 32 << 20

// Cut makes of the digest of the first MaxRaw octets of a message that of the message, which has size octets, and wire
// with CRLF line ends. It is Partial then.
func Cut(b []byte, size, wire int64) {
	b[atFlags] |= flagPartial
	binary.LittleEndian.PutUint64(b[atSize:], uint64(size))
	binary.LittleEndian.PutUint32(b[atBare:], uint32(min(max(wire-size, 0), 1<<32-1)))
}

func (k *maker) put16(at, n int) { binary.LittleEndian.PutUint16(k.b[k.start+at:], uint16(n)) }
func (k *maker) put32(at int, n uint32) {
	binary.LittleEndian.PutUint32(k.b[k.start+at:], n)
}
func (k *maker) put64(at int, n uint64) {
	binary.LittleEndian.PutUint64(k.b[k.start+at:], n)
}
func (k *maker) putSpan(at int, s span) {
	k.put16(at, s.at)
	k.put16(at+2, s.n)
}

// add copies a string and returns its place.
func (k *maker) add(s string) span {
	if s == "" {
		return span{}
	}
	at := len(k.b) - k.start
	if at+len(s) > roomStrings {
		k.flags |= flagTruncated
		return span{}
	}
	k.b = append(k.b, s...)
	return span{at, len(s)}
}

func (k *maker) addBytes(s []byte) span {
	if len(s) == 0 {
		return span{}
	}
	at := len(k.b) - k.start
	if at+len(s) > roomStrings {
		k.flags |= flagTruncated
		return span{}
	}
	k.b = append(k.b, s...)
	return span{at, len(s)}
}

// ref returns the place of s, which is likely to stand in v just like that.
func (k *maker) ref(s string, v value) span {
	if s == "" {
		return span{}
	}
	if v.at >= 0 {
		if i := bytes.Index(v.raw, []byte(s)); i >= 0 {
			return span{v.at + i, len(s)}
		}
	}
	return k.add(s)
}

// header copies the fields that are kept, and notes the first of each.
func (k *maker) header() {
	for i := range k.first {
		k.first[i].at = -1
	}
	h := message.HeaderOf(k.m.Raw)
	k.r = h.Reader()
	var toRoom [4]value // To, Cc and Bcc, of which all count
	var idRoom [4]fieldID
	to, ids := toRoom[:0], idRoom[:0]
	for f := range h.RawFields() {
		id := fieldOf(f.Name)
		if id == fieldNone || id == fieldAuth && k.first[id].raw != nil {
			continue
		}
		v := value{f.Value, -1}
		if !k.keep(h[f.Start:f.End], id, f.Name, &v) {
			k.flags |= flagTruncated
		}
		if k.first[id].raw == nil {
			k.first[id] = v
			if v.raw == nil {
				k.first[id].raw = []byte{}
			}
		}
		if id >= fieldTo && id <= fieldBcc {
			to = append(to, v)
			ids = append(ids, id)
		}
	}
	// Only now: what is written here follows the fields.
	for i, v := range to {
		list := &k.lists[listTo+ids[i]-fieldTo]
		*list = k.mailboxes(*list, v)
	}
}

// keep copies a field, and sets what is then to be read of it.
func (k *maker) keep(line []byte, id fieldID, name []byte, v *value) bool {
	at := len(k.b) - k.start
	if len(line) > roomLine || at+len(line) > roomStrings || len(k.fields)+12 > roomFields {
		return false
	}
	eol := 1
	if n := len(line); n > 1 && line[n-2] == '\r' {
		eol = 2
	}
	if len(k.fields) == 0 && eol == 2 {
		k.flags |= flagCRLF
	}
	crlf := k.flags&flagCRLF != 0
	if n := len(name); len(line) > n+2+eol && line[n] == ':' && line[n+1] == ' ' && line[len(line)-1] == '\n' && crlf == (eol == 2) {
		content := line[n+2 : len(line)-eol]
		if code := spelling(id, name); code != spellWhole && content[len(content)-1] != '\r' {
			v.raw, v.at = content, at
			if id == fieldDate && k.first[id].raw == nil {
				if how := k.date(content); how != spellWhole {
					k.fields = append(k.fields, how, 0)
					v.at = -1
					return true
				}
			}
			k.b = append(k.b, content...)
			k.fields = append(k.fields, code)
			k.fields = binary.AppendUvarint(k.fields, uint64(len(content)))
			return true
		}
	}
	colon := cap(name) - cap(v.raw)
	k.b = append(k.b, line...)
	k.fields = append(k.fields, spellWhole)
	k.fields = binary.AppendUvarint(k.fields, uint64(len(line)))
	k.fields = binary.AppendUvarint(k.fields, uint64(colon))
	v.at = at + colon
	return true
}

// date notes the date, and reports in which usual form it is written.
func (k *maker) date(v []byte) byte {
	t, err := message.ParseDate(message.Unfold(v))
	if err != nil {
		return spellWhole
	}
	_, zone := t.Zone()
	k.flags |= flagDate
	k.put16(atZone, zone/60)
	k.put64(atDate, uint64(t.Unix()))
	var room [40]byte
	if len(v) > maxFormatted {
		return spellWhole
	}
	if string(t.AppendFormat(room[:0], formatDay2)) == string(v) {
		return spellDay2
	}
	if string(t.AppendFormat(room[:0], formatDay)) == string(v) {
		return spellDay
	}
	return spellWhole
}

// mailboxes reads an address field.
func (k *maker) mailboxes(to []span, v value) []span {
	if v.raw == nil || len(to) > roomAddrs/2 {
		return to
	}
	if v.at >= 0 {
		if list, ok := easyMailboxes(to, v); ok {
			return list
		}
	}
	for _, a := range k.r.Addresses(nil, v.raw) {
		if len(to) > roomAddrs/2 {
			k.flags |= flagTruncated
			break
		}
		to = append(to, k.ref(a.Name, v), k.ref(a.Addr, v))
	}
	return to
}

// easyMailboxes reads the address lists that most mail has: of mailboxes with or without a name, in ASCII and without
// comments, groups, backslashes or encoded words. Nothing in them has to be decoded.
func easyMailboxes(to []span, v value) ([]span, bool) {
	b := v.raw
	for i := 0; ; {
		for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
			i++
		}
		if i == len(b) {
			return to, len(to) > 0 && len(bytes.TrimSpace(b)) > 0
		}
		var name span
		start := i
		if b[i] == '"' {
			end := bytes.IndexByte(b[i+1:], '"')
			if end <= 0 {
				return to, false
			}
			q := b[i+1 : i+1+end]
			if !isPhrase(q, true) {
				return to, false
			}
			name = span{v.at + i + 1, len(q)}
			if i += end + 2; i >= len(b) || b[i] != ' ' {
				return to, false
			}
			if i++; i >= len(b) || b[i] != '<' {
				return to, false
			}
		} else {
			for i < len(b) && addrClass[b[i]]&(inPhrase|inAddr) != 0 {
				i++
			}
			if i < len(b) && b[i] == '<' && i > start {
				q := b[start : i-1]
				if b[i-1] != ' ' || !isPhrase(q, false) {
					return to, false
				}
				name = span{v.at + start, len(q)}
			}
		}
		addr := span{v.at + start, i - start}
		if i < len(b) && b[i] == '<' {
			i++
			addr.at = v.at + i
			for i < len(b) && b[i] != '>' {
				i++
			}
			if i == len(b) {
				return to, false
			}
			addr.n = v.at + i - addr.at
			i++
		} else if name.n > 0 {
			return to, false
		}
		if !isAddr(b[addr.at-v.at : addr.at-v.at+addr.n]) {
			return to, false
		}
		to = append(to, name, addr)
		for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
			i++
		}
		if i == len(b) {
			return to, true
		}
		if b[i] != ',' {
			return to, false
		}
		if i++; len(to) > roomAddrs/2 {
			return to, false
		}
	}
}

const (
	inPhrase = 1 << iota // in a name as it stands
	inQuoted             // in a quoted name
	inAddr               // in an address
)

var addrClass = func() (t [256]byte) {
	for c := 0; c < 256; c++ {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$%&'*+-/^_`{|}~", byte(c)) >= 0:
			t[c] = inPhrase | inQuoted | inAddr
		case c == '=':
			t[c] = inAddr
		case c == '.':
			t[c] = inPhrase | inQuoted | inAddr
		case c == '@':
			t[c] = inAddr | inQuoted
		case c == ' ':
			t[c] = inPhrase | inQuoted
		case c == ',' || c == '(' || c == ')' || c == ':' || c == '[' || c == ']' || c == ';':
			t[c] = inQuoted
		}
	}
	return t
}()

// isPhrase reports whether b is a name that stays as it is.
func isPhrase(b []byte, quoted bool) bool {
	want := byte(inPhrase)
	if quoted {
		want = inQuoted
	}
	blank := true
	for _, c := range b {
		if addrClass[c]&want == 0 || c == ' ' && blank {
			return false
		}
		blank = c == ' '
	}
	return !blank
}

// isAddr reports whether b is local@domain without quotes or comments.
func isAddr(b []byte) bool {
	at := 0
	for i, c := range b {
		if addrClass[c]&inAddr == 0 {
			return false
		}
		if c == '@' {
			if at > 0 || i == 0 {
				return false
			}
			at = i
		}
	}
	return at > 0 && at < len(b)-1
}

// people writes the addresses and ids.
func (k *maker) people() {
	k.lists[listFrom] = k.mailboxes(nil, k.first[fieldFrom])
	k.lists[listSender] = k.mailboxes(nil, k.first[fieldSender])
	k.lists[listReplyTo] = k.mailboxes(nil, k.first[fieldReplyTo])
	if from := k.lists[listFrom]; len(from) >= 2 {
		name := from[0]
		if name.n == 0 {
			name = from[1]
		}
		k.putSpan(atFromName, name)
		k.putSpan(atFromAddr, from[1])
	}
	for i, list := range k.lists {
		k.lists[i] = list[:min(len(list), max(0, roomAddrs-len(k.addrs)-1000)/8*2)]
		if len(k.lists[i]) < len(list) {
			k.flags |= flagTruncated
		}
		k.addrs = binary.AppendUvarint(k.addrs, uint64(len(k.lists[i])/2))
		for _, s := range k.lists[i] {
			k.addrs = appendSpan(k.addrs, s)
		}
	}
	list := k.first[fieldListID]
	id := k.r.ListID(list.raw)
	k.addrs = appendSpan(k.addrs, k.ref(id, list))
	if id != "" {
		k.class |= List
	}
	k.putSpan(atID, k.id(k.first[fieldMessageID]))
	reply := k.first[fieldInReplyTo]
	answered := k.replyID(reply)
	k.addrs = appendSpan(k.addrs, answered)
	k.references(k.first[fieldReferences], reply)
}

// easyID returns the id at the start of b, behind its angle bracket, if nothing about it is odd.
func easyID(b []byte) (n int, ok bool) {
	for i, c := range b {
		if c == '>' {
			return i, i > 0 && i < 1000
		}
		if c <= ' ' || c >= 0x7f || c == '<' {
			return 0, false
		}
	}
	return 0, false
}

func (k *maker) id(v value) span {
	if i := bytes.IndexByte(v.raw, '<'); v.at >= 0 && i >= 0 {
		if n, ok := easyID(v.raw[i+1:]); ok {
			return span{v.at + i + 1, n}
		}
	}
	return k.ref(k.r.ID(v.raw), v)
}

func (k *maker) replyID(v value) span {
	if i := bytes.IndexByte(v.raw, '<'); v.at >= 0 && i >= 0 {
		if n, ok := easyID(v.raw[i+1:]); ok {
			return span{v.at + i + 1, n}
		}
	}
	return k.ref(k.r.ReplyID(v.raw), v)
}

func (k *maker) references(refs, reply value) {
	var room [32]span
	ids, ok := room[:0], refs.at >= 0 || refs.raw == nil
	for i := 0; ok; {
		j := bytes.IndexByte(refs.raw[i:], '<')
		if j < 0 {
			break
		}
		i += j + 1
		var n int
		if n, ok = easyID(refs.raw[i:]); ok {
			ids = append(ids, span{refs.at + i, n})
			i += n
			ok = len(ids) < 500
		}
	}
	if i := bytes.IndexByte(reply.raw, '<'); ok && i >= 0 {
		var n int
		if n, ok = easyID(reply.raw[i+1:]); ok && reply.at >= 0 {
			id, have := reply.raw[i+1:i+1+n], false
			for _, s := range ids {
				have = have || bytes.Equal(k.b[k.start+s.at:k.start+s.at+s.n], id)
			}
			if !have {
				ids = append(ids, span{reply.at + i + 1, n})
			}
		}
		ok = ok && reply.at >= 0
	}
	if !ok {
		ids = ids[:0]
		for _, id := range k.r.References(refs.raw, reply.raw) {
			ids = append(ids, k.ref(id, refs))
		}
	}
	if most := max(0, roomAddrs-len(k.addrs)-8) / 6; len(ids) > most {
		ids = ids[:most]
		k.flags |= flagTruncated
	}
	k.addrs = binary.AppendUvarint(k.addrs, uint64(len(ids)))
	for _, s := range ids {
		k.addrs = appendSpan(k.addrs, s)
	}
}

// appendSpan writes the length and, unless it is 0, the place.
func appendSpan(b []byte, s span) []byte {
	b = binary.AppendUvarint(b, uint64(s.n))
	if s.n > 0 {
		b = binary.AppendUvarint(b, uint64(s.at))
	}
	return b
}

// rest writes what is in the fixed part.
func (k *maker) rest() {
	k.subject()
	if v := k.first[fieldDate]; v.raw != nil && k.flags&flagDate == 0 {
		k.date(v.raw)
	}
	ctype, cdisp := k.first[fieldType].raw, k.first[fieldDisposition].raw
	if message.LikelyAttachment(ctype, cdisp) {
		k.class |= LikelyAttachment
	}
	if contains(k.first[fieldUnsubscribePost].raw, "one-click") {
		k.class |= OneClick
	}
	if v := k.first[fieldAutoSubmitted].raw; v != nil && !contains(v, "no") || isBulk(k.first[fieldPrecedence].raw) {
		k.class |= Auto
	}
	if v := bytes.TrimSpace(k.first[fieldXPriority].raw); len(v) > 0 && (v[0] == '1' || v[0] == '2') ||
		contains(k.first[fieldImportance].raw, "high") || contains(k.first[fieldPriority].raw, "urgent") {
		k.class |= Important
	}
	if len(k.m.Defects) > 0 {
		k.class |= Odd
	}
	lines, bare := k.totals()
	k.put64(atSize, uint64(len(k.m.Raw)))
	k.put32(atBare, bare)
	k.put32(atLines, lines)
}

func isBulk(v []byte) bool {
	return contains(v, "bulk") || contains(v, "list") || contains(v, "junk")
}

// contains reports whether lower is in v in any case.
func contains(v []byte, lower string) bool {
	if len(v) == 0 {
		return false
	}
	return bytes.Contains(bytes.ToLower(v[:min(len(v), 200)]), []byte(lower))
}

func (k *maker) subject() {
	v := k.first[fieldSubject]
	trim := bytes.Trim(v.raw, " \t\r\n")
	blank, easy := false, v.at >= 0
	for i, c := range trim {
		if c < ' ' || c >= 0x7f || c == ' ' && blank || c == '=' && i+1 < len(trim) && trim[i+1] == '?' {
			easy = false
			break
		}
		blank = c == ' '
	}
	var s span
	if easy && len(trim) <= roomSubject && len(trim) > 0 {
		s = span{v.at + cap(v.raw) - cap(trim), len(trim)}
	} else if text := k.r.Text(v.raw); text != "" {
		if len(text) > roomSubject {
			text = cut(text, roomSubject)
			k.flags |= flagTruncated
		}
		s = k.ref(text, v)
	}
	k.putSpan(atSubject, s)
	if s.n == 0 {
		return
	}
	text := string(k.b[k.start+s.at : k.start+s.at+s.n])
	base, reply := message.BaseSubject(text)
	if reply {
		k.class |= Reply
	}
	if isPatch(text) {
		k.class |= Patch
	}
	k.put64(atBase, HashSubject(base))
}

// isPatch: as git format-patch marks it.
func isPatch(s string) bool {
	if strings.IndexByte(s, '[') < 0 {
		return false
	}
	s = strings.ToLower(s)
	return strings.Contains(s, "[patch") || strings.Contains(s, " patch ") && strings.HasPrefix(s, "[")
}

// HashSubject returns the hash that Digest.BaseSubject has for a base subject.
func HashSubject(base string) uint64 {
	if base == "" {
		return 0
	}
	var room [256]byte
	h := fnv.New64a()
	h.Write(Fold(room[:0], base))
	return max(h.Sum64(), 1)
}

// cut shortens s to n bytes or a little less, so that no character is broken.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// finish puts the sections together.
func (k *maker) finish() []byte {
	for _, s := range [...]struct {
		at      int
		content []byte
	}{{atAddrs, k.addrs}, {atFields, k.fields}, {atParts, k.parts}, {atFiles, k.files}} {
		k.put16(s.at, len(k.b)-k.start)
		k.b = append(k.b, s.content...)
	}
	k.put16(atEnd, len(k.b)-k.start)
	k.b[k.start] = Version
	k.b[k.start+atFlags] = k.flags
	k.put16(atClass, int(k.class))
	return k.b
}
