package digest

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// Words that most messages have are one octet, their place here plus one. 0 is none, 255 one that is not here. These
// lists only grow, and are part of the format.
var (
	usualTypes = [...]string{"text/plain", "text/html", "multipart/mixed", "multipart/alternative", "multipart/related",
		"multipart/signed", "multipart/report", "message/rfc822", "message/delivery-status", "application/octet-stream",
		"application/pdf", "application/pgp-signature", "application/pkcs7-signature", "image/png", "image/jpeg", "image/gif",
		"text/calendar", "text/x-patch", "text/x-diff", "application/zip", "application/ics", "multipart/encrypted", "multipart/digest",
		"text/rfc822-headers", "application/x-pkcs7-signature"}
	usualEncodings    = [...]string{"7bit", "8bit", "quoted-printable", "base64", "binary"}
	usualCharsets     = [...]string{"us-ascii", "utf-8", "iso-8859-1", "windows-1252", "iso-8859-15", "iso-8859-2", "koi8-r", "iso-2022-jp", "gb2312"}
	usualDispositions = [...]string{"attachment", "inline"}
)

const otherWord = 255

// Bits of a part.
const (
	partFlowed = 1 << iota
	partDelSp
)

// word writes one of the usual words, or its place among the strings.
func (k *maker) word(list []string, s string) {
	if s == "" {
		k.parts = append(k.parts, 0)
		return
	}
	if i := slices.Index(list, s); i >= 0 {
		k.parts = append(k.parts, byte(i+1))
		return
	}
	if len(s) > 500 {
		s = cut(s, 500)
		k.flags |= flagTruncated
	}
	k.parts = append(k.parts, otherWord)
	k.parts = appendSpan(k.parts, k.add(s))
}

// tree writes the parts, the attachments, and what follows from them.
func (k *maker) tree() {
	m := k.m
	countAt := len(k.parts)
	k.parts = append(k.parts, 0, 0)
	n, before := 0, 0
	for i := range m.Parts {
		if len(k.parts) > roomParts-500 {
			k.flags |= flagTruncated
			break
		}
		k.part(i, before)
		before = m.Parts[i].BodyStart
		n++
	}
	binary.LittleEndian.PutUint16(k.parts[countAt:], uint16(n))

	plain, html := -1, -1
	var others []int
	if len(m.Parts) == 1 && m.Parts[0].Type == "text" && m.Parts[0].Disposition != "attachment" && m.Parts[0].Filename == "" {
		if m.Parts[0].Subtype == "html" {
			html = 0
		} else {
			plain = 0
		}
	} else {
		plain, html, others = m.Display()
	}
	k.attachments(others, n)
	if plain < 0 && html >= 0 {
		k.class |= HTMLOnly
	}
	if plain >= 0 && m.Parts[plain].Flowed {
		k.class |= Flowed
	}
	k.preview(plain, html)
	k.kinds()
}

// part writes one part. before is where the body of the one in front of it starts.
func (k *maker) part(i, before int) {
	t := &k.m.Parts[i]
	k.parts = append(k.parts, byte(t.Depth))
	k.parts = binary.AppendUvarint(k.parts, uint64(t.NumChildren))
	k.parts = binary.AppendUvarint(k.parts, uint64(max(0, t.HeaderStart-before)))
	k.parts = binary.AppendUvarint(k.parts, uint64(t.BodyStart-t.HeaderStart))
	k.parts = binary.AppendUvarint(k.parts, uint64(t.BodyEnd-t.BodyStart))
	k.parts = binary.AppendUvarint(k.parts, uint64(t.Lines))
	head, body := k.bare(t.HeaderStart, t.BodyStart), t.Lines
	if !k.noCR {
		body = k.bare(t.BodyStart, t.BodyEnd)
	}
	k.parts = binary.AppendUvarint(k.parts, uint64(head))
	k.parts = binary.AppendVarint(k.parts, int64(t.Lines-body))
	bits := byte(0)
	if t.Flowed {
		bits |= partFlowed
	}
	if t.DelSp {
		bits |= partDelSp
	}
	k.parts = append(k.parts, bits)
	k.word(usualTypes[:], t.ContentType())
	k.word(usualEncodings[:], t.Encoding)
	k.word(usualCharsets[:], t.Charset)
	k.word(usualDispositions[:], t.Disposition)
	ctype := k.first[fieldType]
	if i > 0 {
		ctype = value{at: -1}
	}
	name := cut(t.Filename, 1000)
	if len(name) < len(t.Filename) {
		k.flags |= flagTruncated
	}
	if i == 0 { // its fields are those of the message
		k.parts = appendSpan(k.parts, k.ref(name, ctype))
		k.parts = append(k.parts, 0)
		return
	}
	within := t.Parent >= 0 && k.m.Parts[t.Parent].Type == "message"
	var seen [numFields]bool
	countAt, count := len(k.parts), 0
	var room [256]byte
	fields, file := room[:0], span{}
	for f := range k.m.RawFields(i) {
		id := fieldOf(f.Name)
		switch {
		case id >= fieldType && id <= fieldMD5:
		case within && id >= fieldFrom && id <= fieldInReplyTo:
		default:
			continue
		}
		if seen[id] && (id < fieldTo || id > fieldBcc) {
			continue
		}
		seen[id] = true
		v := bytes.Trim(f.Value, " \t\r\n")
		if len(v) > 2000 || count == 20 || len(k.parts)+len(fields) > roomParts-100 {
			k.flags |= flagTruncated
			continue
		}
		s := k.addBytes(v)
		if name != "" && file.n == 0 {
			if j := bytes.Index(v, []byte(name)); j >= 0 && s.n > 0 {
				file = span{s.at + j, len(name)}
			}
		}
		fields = append(fields, byte(id))
		fields = appendSpan(fields, s)
		count++
	}
	if file.n == 0 {
		file = k.add(name)
	}
	k.parts = appendSpan(k.parts[:countAt], file)
	k.parts = append(k.parts, byte(count))
	k.parts = append(k.parts, fields...)
}

// attachments writes what Display calls that; kept is how many parts there are.
func (k *maker) attachments(list []int, kept int) {
	k.files = append(k.files, 0, 0)
	n := 0
	for _, i := range list {
		if k.isAttachment(i) {
			k.class |= Attachment
		}
		t := &k.m.Parts[i]
		if runs(t.Filename) || t.Type == "application" && (t.Subtype == "x-msdownload" || t.Subtype == "x-msdos-program" || t.Subtype == "hta") {
			k.class |= Danger
		}
		if i >= kept || len(k.files) > roomFiles-20 {
			k.flags |= flagTruncated
			continue
		}
		k.files = binary.AppendUvarint(k.files, uint64(i))
		k.files = binary.AppendUvarint(k.files, uint64(k.decodedSize(i)))
		n++
	}
	binary.LittleEndian.PutUint16(k.files, uint16(n))
}

// isAttachment reports whether a person would call it one: not signatures, pictures of the text, reports of machines.
func (k *maker) isAttachment(i int) bool {
	t := &k.m.Parts[i]
	switch {
	case t.Type == "application" && (strings.HasSuffix(t.Subtype, "-signature") || t.Subtype == "pgp-encrypted"),
		t.Type == "message" && (t.Subtype == "delivery-status" || t.Subtype == "disposition-notification"),
		t.Type == "text" && (t.Subtype == "rfc822-headers" || t.Disposition != "attachment" && t.Filename == ""):
		return false
	}
	if t.Parent < 0 {
		return true
	}
	up := &k.m.Parts[t.Parent]
	if up.Subtype == "report" && t.Type == "message" {
		return false
	}
	return !(up.Subtype == "related" && t.Type == "image" && t.ContentID != "" && t.Disposition != "attachment")
}

// runs reports whether a file of that name is run when somebody opens it on a usual desktop.
func runs(name string) bool {
	name = strings.TrimRight(name, ". \t")
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot > 6 {
		return false
	}
	switch strings.ToLower(name[dot+1:]) {
	case "exe", "scr", "pif", "com", "bat", "cmd", "js", "jse", "vbs", "vbe", "wsf", "wsh", "hta", "msi", "msp", "jar", "lnk", "iso",
		"img", "ps1", "chm", "reg", "cpl", "dll", "scf", "url", "desktop", "app", "appx", "apk", "dmg", "pkg", "sh", "vhd", "xll":
		return true
	}
	return false
}

// decodedSize is exact for what is not encoded and for well-formed base64.
func (k *maker) decodedSize(i int) int {
	t := &k.m.Parts[i]
	n := t.BodyEnd - t.BodyStart
	switch t.Encoding {
	case "base64":
		b := k.m.Body(i)
		n -= t.Lines
		if !k.noCR {
			n -= t.Lines - k.bare(t.BodyStart, t.BodyEnd)
		}
		b = bytes.TrimRight(b, "\r\n \t")
		pad := 0
		for pad < 2 && len(b) > 0 && b[len(b)-1] == '=' {
			b = b[:len(b)-1]
			pad++
		}
		return max(0, n/4*3-pad)
	case "quoted-printable":
		if n <= 64<<10 {
			return len(k.m.Decode(i))
		}
	}
	return n
}

// kinds sets the bits that depend on the types of the parts.
func (k *maker) kinds() {
	for i := range k.m.Parts {
		t := &k.m.Parts[i]
		switch t.Type {
		case "multipart":
			switch t.Subtype {
			case "signed":
				k.class |= Signed
			case "encrypted":
				k.class |= Encrypted
			case "report":
				k.class |= Report
			}
		case "text":
			if t.Subtype == "calendar" {
				k.class |= Calendar
			}
		case "application":
			switch t.Subtype {
			case "ics":
				k.class |= Calendar
			case "pkcs7-mime", "x-pkcs7-mime":
				if contains(k.partType(i), "signed-data") {
					k.class |= Signed
				} else {
					k.class |= Encrypted
				}
			}
		}
	}
}

func (k *maker) partType(i int) []byte {
	for f := range k.m.RawFields(i) {
		if fieldOf(f.Name) == fieldType {
			return f.Value
		}
	}
	return nil
}

// A point is a place in the message, and how many line ends without a CR come before it.
type point struct{ at, bare int }

// countBare counts them for every place that will be asked for, in one pass.
func (k *maker) countBare() {
	raw := k.m.Raw
	parts := k.m.Parts[:min(len(k.m.Parts), roomParts/8)]
	k.bareAt = make([]point, 0, 3*len(parts)+1)
	for i := range parts {
		t := &parts[i]
		k.bareAt = append(k.bareAt, point{at: t.HeaderStart}, point{at: t.BodyStart}, point{at: t.BodyEnd})
	}
	k.bareAt = append(k.bareAt, point{at: len(raw)})
	slices.SortFunc(k.bareAt, func(a, b point) int { return a.at - b.at })
	pos, bare := 0, 0
	for i := range k.bareAt {
		end := k.bareAt[i].at
		for pos < end {
			j := bytes.IndexByte(raw[pos:end], '\n')
			if j < 0 {
				pos = end
				break
			}
			pos += j
			if pos == 0 || raw[pos-1] != '\r' {
				bare++
			}
			pos++
		}
		k.bareAt[i].bare = bare
	}
}

// bare returns the number of line ends without a CR in Raw[from:to].
func (k *maker) bare(from, to int) int {
	if k.noCR {
		return bytes.Count(k.m.Raw[from:to], []byte{'\n'})
	}
	return k.bareBefore(to) - k.bareBefore(from)
}

func (k *maker) bareBefore(at int) int {
	i, ok := slices.BinarySearchFunc(k.bareAt, at, func(p point, at int) int { return p.at - at })
	if !ok {
		return 0
	}
	return k.bareAt[i].bare
}

// totals returns the number of lines of the whole, and of those that end without a CR.
func (k *maker) totals() (lines, bare uint32) {
	raw := k.m.Raw
	if !k.noCR {
		n := k.bareBefore(len(raw))
		eol := []byte{'\n'}
		if bytes.IndexByte(raw, '\n') < 0 {
			eol[0] = '\r'
		}
		return clamp32(bytes.Count(raw, eol)), clamp32(n)
	}
	t := &k.m.Parts[0]
	n := bytes.Count(raw[:t.BodyStart], []byte{'\n'}) + t.Lines + bytes.Count(raw[t.BodyEnd:], []byte{'\n'})
	return clamp32(n), clamp32(n)
}

func clamp32(n int) uint32 { return uint32(min(int64(n), 1<<32-1)) }
