package main

import (
	"encoding/binary"
	"hash/maphash"
	"runtime"
	"strconv"
	"time"

	"pneu/maildir/digest"
	"pneu/maildir/index"
	"pneu/maildir/safe"
	"pneu/maildir/store"
)

// A page is where the lines of messages are written whose lines take no file to write: all
// processors write, each a sheet, while more messages are looked for. The sheets are handed
// on in their order.
type page struct {
	t      *tool
	colour bool
	width  int
	now    time.Time
	sheet  *sheet   // that is gathered
	given  []*sheet // to be written, or written but not handed on
	free   []*sheet
	work   chan *sheet // to others who write; nil: there are none
	own    *lines      // for what is written by who gathers
}

// A sheet is a part of a page.
type sheet struct {
	rows   []lineOf
	text   []byte
	n      int    // lines
	failed []*msg // without one
	done   chan struct{}
}

// A lineOf is a message that an index has, and its number on the page. It is small, for one
// processor writes it and another one reads it.
type lineOf struct {
	v      *store.View
	n, num int32
}

const (
	// sheetSize is how many lines a sheet has: enough that handing it out does not count.
	sheetSize = 1024
	// atHand is how many messages are looked at before their lines are written: as many as a
	// processor keeps near.
	atHand = 32
	// fewLines are written at once, by whoever gathered them.
	fewLines = sheetSize / 4
	// maxWriters bounds how many processors write.
	maxWriters = 4
)

func newPage(t *tool, width int, now time.Time, colour bool) *page {
	return &page{t: t, colour: colour, width: width, now: now, sheet: newSheet()}
}

func newSheet() *sheet { return &sheet{done: make(chan struct{}, 1)} }

// add puts a message on the page, under a number.
func (p *page) add(r *ref, num int) error {
	if r.m != nil || !r.digested() { // a file is to be read: what is before it need not wait for that
		if err := p.print(); err != nil {
			return err
		}
		s, bold := p.sheet, p.colour && r.unread()
		if bold {
			s.text = append(s.text, boldOn...)
		}
		s.text = append(s.text, scanLine(r.msg(), num, p.width, p.now)...)
		p.end(s, 0, r.m, bold)
		return p.hand(s)
	}
	s := p.sheet
	if s.rows = append(s.rows, lineOf{r.v, r.n, int32(num)}); len(s.rows) == sheetSize {
		p.give()
		return p.take(2 * p.writers())
	}
	return nil
}

// writers is how many others write.
func (p *page) writers() int { return min(runtime.GOMAXPROCS(0), maxWriters) - 1 }

// give puts the sheet among those that are to be written, and goes on with another one.
func (p *page) give() {
	if p.work == nil {
		p.work = make(chan *sheet, 2*maxWriters)
		p.own = newLines(p.width, p.now)
		for range p.writers() {
			go func() {
				l := newLines(p.width, p.now)
				for s := range p.work {
					p.write(s, l)
					s.done <- struct{}{}
				}
			}()
		}
	}
	p.given = append(p.given, p.sheet)
	p.work <- p.sheet
	if p.sheet = nil; len(p.free) > 0 {
		p.sheet, p.free = p.free[len(p.free)-1], p.free[:len(p.free)-1]
	} else {
		p.sheet = newSheet()
	}
}

// take hands on what is written, and writes itself as long as more than some sheets are left.
func (p *page) take(left int) error {
	for len(p.given) > 0 {
		s := p.given[0]
		if len(p.given) > left {
			select {
			case <-s.done:
			case other := <-p.work:
				p.write(other, p.own)
				other.done <- struct{}{}
				continue
			}
		} else {
			select {
			case <-s.done:
			default:
				return nil
			}
		}
		p.given = append(p.given[:0], p.given[1:]...)
		err := p.hand(s)
		p.free = append(p.free, s)
		if err != nil {
			return err
		}
	}
	return nil
}

// hand hands on a sheet that is written.
func (p *page) hand(s *sheet) error {
	var err error
	p.t.out.Write(s.text)
	p.t.printed += s.n
	for _, m := range s.failed {
		p.t.fail(m.path, m.err)
	}
	if s.n > 0 {
		p.t.printed--
		err = p.t.wrote()
	}
	s.rows, s.text, s.n, s.failed = s.rows[:0], s.text[:0], 0, s.failed[:0]
	return err
}

// print writes and hands on all there is.
func (p *page) print() error {
	if len(p.sheet.rows) > fewLines {
		p.give()
	}
	if err := p.take(0); err != nil || len(p.sheet.rows) == 0 {
		return err
	}
	if p.own == nil {
		p.own = newLines(p.width, p.now)
	}
	p.write(p.sheet, p.own)
	return p.hand(p.sheet)
}

// close lets go of the others who write.
func (p *page) close() {
	if p.work != nil {
		close(p.work)
	}
}

// write writes the lines of a sheet.
func (p *page) write(s *sheet, l *lines) {
	for from := 0; from < len(s.rows); {
		v, to := s.rows[from].v, from+1
		for to < min(len(s.rows), from+atHand) && s.rows[to].v == v {
			to++
		}
		l.look(v, s.rows[from:to])
		for k := range l.listed {
			row, listed, at := &s.rows[from+k], &l.listed[k], len(s.text)
			bold := p.colour && !listed.Flags.Has(index.Seen)
			if bold {
				s.text = append(s.text, boldOn...)
			}
			var m *msg
			s.text, m = l.append(s.text, row, listed)
			p.end(s, at, m, bold)
		}
		from = to
	}
}

// end ends a line that begins at a place of the text, or takes it back if its message, where
// it was asked, could not be read.
func (p *page) end(s *sheet, at int, m *msg, bold bool) {
	if m != nil && m.err != nil {
		s.text = s.text[:at]
		s.failed = append(s.failed, m)
		return
	}
	s.n++
	if bold {
		s.text = append(s.text, boldOff...)
	}
	s.text = append(s.text, '\n')
}

const (
	boldOn  = "\x1b[1m"
	boldOff = "\x1b[0m"
)

// lines writes the lines of scan. It keeps what it would make again: who writes mail, writes
// much of it.
type lines struct {
	width   int
	now     time.Time
	rows    []int32
	listed  []index.Listed // of those that are written just now
	seed    maphash.Seed
	recent  [2048]sentBy
	senders map[string]string // the sender's column by name, NUL, address
	key     []byte
	today   int64 // the day that now is, since 1970
	zone    span
	lastDay int64 // the day that was written last, as dayText: lists are often by date
	dayText []byte
}

// A sentBy is who wrote a message that was listed before, and the column of that.
type sentBy struct{ name, addr, column string }

// A span is a time in which the clock of the reader's place is not set.
type span struct {
	from, to int64
	offset   int64
}

// maxSenders bounds what is kept of a folder in which everybody wrote once.
const maxSenders = 1 << 16

func newLines(width int, now time.Time) *lines {
	l := &lines{width: width, now: now, seed: maphash.MakeSeed(), senders: map[string]string{}, zone: span{from: 1}}
	l.today = l.day(now.Unix())
	return l
}

// look has at hand what an index knows of messages.
func (l *lines) look(v *store.View, rows []lineOf) {
	l.rows = l.rows[:0]
	for i := range rows {
		l.rows = append(l.rows, rows[i].n)
	}
	l.listed = v.Index().List(l.listed[:0], l.rows)
}

// append appends the line of a message, which is returned if it had to be asked.
func (l *lines) append(b []byte, row *lineOf, listed *index.Listed) ([]byte, *msg) {
	if listed.Blob != nil {
		if d, err := digest.Decode(listed.Blob); err == nil {
			return l.fromDigest(b, int64(row.num), d, listed), nil
		}
	}
	r := ref{b: &box{f: row.v.Folder()}, v: row.v, n: row.n}
	return append(b, scanLine(r.msg(), int(row.num), l.width, l.now)...), r.m
}

func (l *lines) fromDigest(b []byte, num int64, d digest.Digest, listed *index.Listed) []byte {
	from := len(b)
	for limit := int64(1000); num < limit && limit > 1; limit /= 10 {
		b = append(b, ' ')
	}
	b = strconv.AppendInt(b, num, 10)
	marks := markRow(listed, d)
	b = append(b, ' ', marks[0], marks[1], marks[2], ' ')
	b = l.appendDate(b, listed.Sent)
	b = append(b, ' ')
	// The sender's column alone may have letters that are wide.
	room := max(l.width-(len(b)-from+min(20, l.width/4)+2), 10)
	b = append(b, l.sender(d)...)
	b = append(b, "  "...)
	subject := d.SubjectBytes()
	if len(subject) > 0 && subject[0] != ' ' && isPlain(subject) {
		if len(subject) > room {
			b = append(append(b, subject[:room-1]...), "…"...)
		} else {
			b = append(b, subject...)
		}
	} else {
		b = append(b, safe.Truncate(subjectLine(string(subject)), room)...)
	}
	for b[len(b)-1] == ' ' { // the number is none
		b = b[:len(b)-1]
	}
	return b
}

// isPlain reports whether b is printable ASCII: of eight octets at a time, whether one has the
// highest bit, would have it with one more (DEL), or would lend it with 0x20 less.
func isPlain(b []byte) bool {
	const high, one, blank = 0x8080808080808080, 0x0101010101010101, 0x2020202020202020
	for ; len(b) >= 8; b = b[8:] {
		if x := binary.LittleEndian.Uint64(b); (x|(x+one)|(x-blank))&high != 0 {
			return false
		}
	}
	for _, c := range b {
		if c-' ' >= 0x7f-' ' {
			return false
		}
	}
	return true
}

// sender returns the column of the sender.
func (l *lines) sender(d digest.Digest) string {
	name, addr := d.FromNameBytes(), d.FromAddrBytes()
	last := &l.recent[maphash.Bytes(l.seed, addr)%uint64(len(l.recent))]
	if last.column == "" || last.addr != string(addr) || last.name != string(name) {
		*last = sentBy{string(name), string(addr), l.senderOf(d, name, addr)}
	}
	return last.column
}

func (l *lines) senderOf(d digest.Digest, name, addr []byte) string {
	l.key = append(append(append(l.key[:0], name...), 0), addr...)
	if s, ok := l.senders[string(l.key)]; ok {
		return s
	}
	s := safe.Pad(sender(d.From()), min(20, l.width/4))
	if len(l.senders) < maxSenders {
		l.senders[string(l.key)] = s
	}
	return s
}

// appendDate is shortDate.
func (l *lines) appendDate(b []byte, at int64) []byte {
	day := l.day(at)
	if day == l.today || at == seconds(time.Time{}) { // the time of day counts
		return append(b, shortDate(time.Unix(at, 0), l.now)...)
	}
	if day != l.lastDay || len(l.dayText) == 0 {
		l.lastDay, l.dayText = day, l.appendDay(l.dayText[:0], day, at)
	}
	return append(b, l.dayText...)
}

// appendDay is shortDate of a moment of some other day than today.
func (l *lines) appendDay(b []byte, day, at int64) []byte {
	if l.today-day >= 180 {
		if year, month := civil(day); year >= 1000 && year <= 9999 {
			return append(b, ' ', '0'+byte(year/10%10), '0'+byte(year%10), '-', '0'+byte(month/10), '0'+byte(month%10))
		}
	}
	return append(b, shortDate(time.Unix(at, 0), l.now)...)
}

// day is the day, since 1970, that it was for the reader.
func (l *lines) day(at int64) int64 {
	if at < l.zone.from || at >= l.zone.to {
		t := time.Unix(at, 0).In(l.now.Location())
		_, offset := t.Zone()
		from, to := t.ZoneBounds()
		l.zone = span{from: -1 << 62, to: 1 << 62, offset: int64(offset)}
		if !from.IsZero() {
			l.zone.from = from.Unix()
		}
		if !to.IsZero() {
			l.zone.to = to.Unix()
		}
	}
	at += l.zone.offset
	if at < 0 {
		return (at - 86399) / 86400
	}
	return at / 86400
}

// civil is the year and month of a day since 1970 (Howard Hinnant, "chrono-compatible
// low-level date algorithms").
func civil(day int64) (year, month int64) {
	day += 719468
	era := day / 146097
	if day < 0 {
		era = (day - 146096) / 146097
	}
	doe := day - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year, month = yoe+era*400, mp+3
	if month > 12 {
		month -= 12
		year++
	}
	return year, month
}
