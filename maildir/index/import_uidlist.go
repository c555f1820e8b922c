package index

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
)

// A uidList is what a file says that keeps UIDs beside names: dovecot-uidlist in
// its versions 1 and 3, courierimapuiddb (which is version 1), and our own
// pneu.uids (version 3 with fields of ours).
type uidList struct {
	validity uint32
	next     uint32 // above every UID ever given, at least
	guid     [16]byte
	modseq   uint64 // of ours: above every MODSEQ ever given
	rows     []uidRow
	skipped  int // lines that could not be understood
}

// A uidRow is one message of a uidList.
type uidRow struct {
	uid      uint32
	name     string // with or without info part
	size     int64  // S; -1 if not said
	wire     int64  // W; -1 if not said
	guid     string // G
	uidl     string // P: the POP3 UIDL of before
	order    uint32 // O: its place in POP3's order
	saved    time.Time
	keywords []string // of ours: those that have no letter in the name
}

var errUIDList = errors.New("not a UID list")

// maxUIDLine is longer than any line with a file name of 255 bytes and a few
// fields; what is longer is damaged.
const maxUIDLine = 16 << 10

// readUIDs reads a list. It takes what it understands: a line out of order or
// cut off is skipped, for one damaged line must not cost every client its cache.
// An error means that there is no header to believe. In a list of our own lines have
// checksums, unless it was written before there were any.
func readUIDs(r io.Reader, own bool) (*uidList, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	line, err := uidLine(in)
	if err != nil {
		return nil, fmt.Errorf("%w: no header", errUIDList)
	}
	l := &uidList{next: 1}
	summed := false
	if own {
		if line, summed, err = cutLineSum(line); err != nil {
			return nil, err
		}
	}
	version, rest, _ := strings.Cut(string(line), " ")
	switch version {
	case "1":
		_, err = fmt.Sscan(rest, &l.validity, &l.next)
	case "3":
		err = l.header(rest)
	default:
		return nil, fmt.Errorf("%w: version %q", errUIDList, clip(version))
	}
	if err != nil || l.validity == 0 {
		return nil, fmt.Errorf("%w: header %q", errUIDList, clip(string(line)))
	}
	var last uint32
	for {
		line, err := uidLine(in)
		if err == io.EOF {
			break
		}
		if err == bufio.ErrBufferFull {
			l.skipped++
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			continue
		}
		if own {
			var sum bool
			line, sum, err = cutLineSum(line)
			switch {
			case sum && !summed: // a header with a sum has lost it
				return nil, fmt.Errorf("%w: header has no checksum: %w", errUIDList, ErrDamaged)
			case err != nil || summed && !sum:
				l.skipped++
				continue
			}
		}
		row, ok := parseUIDRow(line, version == "3")
		if !ok || row.uid <= last || row.uid == math.MaxUint32 {
			l.skipped++
			continue
		}
		last = row.uid
		l.rows = append(l.rows, row)
	}
	// Dovecot appends rows and leaves the header's next UID as it was.
	l.next = max(l.next, last+1)
	return l, nil
}

// uidLine returns the next line without its end; ErrBufferFull for one beyond
// maxUIDLine, of which nothing is returned. A last line without an end was cut
// off, perhaps in the middle of a name: it does not count.
func uidLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	long := len(line) > maxUIDLine
	for err == bufio.ErrBufferFull {
		long = true
		line, err = in.ReadSlice('\n')
	}
	if err != nil {
		return nil, err
	}
	if long {
		return nil, bufio.ErrBufferFull
	}
	return line[:len(line)-1], nil
}

// cutLineSum takes the field " C" out of a line and compares it with the sum of the rest. It
// is the last before the name, or of all in the header.
func cutLineSum(line []byte) (rest []byte, found bool, err error) {
	head, name := line, []byte(nil)
	if at := bytes.Index(line, []byte(" :")); at >= 0 {
		head, name = line[:at], line[at:]
	}
	at := len(head) - sumField
	if at < 0 || string(head[at:at+2]) != " C" {
		return line, false, nil
	}
	var want [sumField]byte
	if string(head[at:]) != string(appendLineSum(want[:0], update(checksum(head[:at]), name))) {
		return nil, true, fmt.Errorf("%w: %q: wrong checksum: %w", errUIDList, clip(string(line)), ErrDamaged)
	}
	return append(head[:at:at], name...), true, nil
}

// sumField is how long " C" and eight hexadecimal digits are.
const sumField = 10

func appendLineSum(b []byte, sum uint32) []byte {
	var be [4]byte
	binary.BigEndian.PutUint32(be[:], sum)
	return hex.AppendEncode(append(b, " C"...), be[:])
}

func clip(s string) string { return s[:min(len(s), 60)] }

// header reads "V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1".
func (l *uidList) header(s string) error {
	for field := range strings.FieldsSeq(s) {
		value := field[1:]
		switch field[0] {
		case 'V', 'N':
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return err
			}
			if field[0] == 'V' {
				l.validity = uint32(n)
			} else {
				l.next = max(l.next, uint32(n))
			}
		case 'G':
			if b, err := hex.DecodeString(value); err == nil && len(b) == len(l.guid) {
				copy(l.guid[:], b)
			}
		case 'M':
			l.modseq, _ = strconv.ParseUint(value, 10, 63)
		}
	}
	return nil
}

// parseUIDRow reads "25006 W2481 :name" or, of version 1, "25006 name".
func parseUIDRow(line []byte, v3 bool) (row uidRow, ok bool) {
	row.size, row.wire = -1, -1
	number, rest, found := bytes.Cut(line, []byte{' '})
	n, err := strconv.ParseUint(string(number), 10, 32)
	if err != nil || n == 0 || !found {
		return row, false
	}
	row.uid = uint32(n)
	if !v3 {
		row.name = string(rest)
		return row, goodName(row.name)
	}
	for len(rest) > 0 && rest[0] != ':' {
		var field []byte
		field, rest, found = bytes.Cut(rest, []byte{' '})
		if !found {
			return row, false
		}
		if len(field) == 0 {
			continue
		}
		value := string(field[1:])
		switch field[0] {
		case 'S':
			row.size = sizeField(value)
		case 'W':
			row.wire = sizeField(value)
		case 'G':
			row.guid = value
		case 'P':
			row.uidl = value
		case 'O':
			n, _ := strconv.ParseUint(value, 10, 32)
			row.order = uint32(n)
		case 'D':
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 {
				row.saved = time.Unix(n, 0)
			}
		case 'K':
			for word := range strings.SplitSeq(value, "%") {
				if word != "" {
					row.keywords = append(row.keywords, word)
				}
			}
		}
	}
	if len(rest) < 2 {
		return row, false
	}
	row.name = string(rest[1:])
	return row, goodName(row.name)
}

func sizeField(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// goodName reports whether a message can have the name.
func goodName(name string) bool {
	return name != "" && name[0] != '.' && len(name) <= 255 && !strings.ContainsAny(name, "/\x00\n")
}

// write writes version 3 with these rows. Names that hold a line end cannot stand in it, and
// Dovecot does not show such messages either; they are left out. own adds the
// fields only we read: Dovecot would keep them, but has no use for them.
func (l *uidList) write(w io.Writer, own bool, rows iter.Seq[*uidRow]) error {
	out := bufio.NewWriterSize(w, 64<<10)
	b := fmt.Appendf(nil, "3 V%d N%d", l.validity, l.next)
	if l.guid != [16]byte{} {
		b = fmt.Appendf(b, " G%x", l.guid)
	}
	if own && l.modseq > 0 {
		b = fmt.Appendf(b, " M%d", l.modseq)
	}
	if own {
		b = appendLineSum(b, checksum(b))
	}
	out.Write(append(b, '\n'))
	for r := range rows {
		b = r.append(b[:0], own)
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (r *uidRow) append(b []byte, own bool) []byte {
	if !goodName(r.name) {
		return b
	}
	b = strconv.AppendUint(b, uint64(r.uid), 10)
	number := func(key byte, n int64) {
		if n >= 0 {
			b = append(b, ' ', key)
			b = strconv.AppendInt(b, n, 10)
		}
	}
	text := func(key byte, s string) {
		// A space or a line end would be read as the end of the field.
		if s != "" && !strings.ContainsAny(s, " \n\r\x00") {
			b = append(b, ' ', key)
			b = append(b, s...)
		}
	}
	number('S', r.size)
	number('W', r.wire)
	text('G', r.guid)
	text('P', r.uidl)
	if r.order > 0 {
		number('O', int64(r.order))
	}
	if own {
		if !r.saved.IsZero() {
			number('D', r.saved.Unix())
		}
		text('K', strings.Join(r.keywords, "%"))
	}
	if own {
		b = appendLineSum(b, update(update(checksum(b), []byte(" :")), []byte(r.name)))
	}
	b = append(b, ' ', ':')
	b = append(b, r.name...)
	return append(b, '\n')
}
