package main

import (
	"bytes"
	"runtime"
	"strconv"
	"time"

	"pneu/maildir/digest"
	"pneu/maildir/safe"
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
	work   chan *sheet // to whom writes; nil: nobody does
	own    *lines      // for what is written here
}

// A sheet is a part of a page.
type sheet struct {
	refs   []ref
	text   []byte
	n      int   // lines
	failed []int // of refs
	done   chan struct{}
}

const (
	// sheetSize is how many lines a sheet has: enough that handing it out does not count.
	sheetSize = 512
	// fewLines are written at once, by whoever gathered them.
	fewLines = sheetSize / 2
	// maxWriters bounds how many processors write.
	maxWriters = 4
)

func newPage(t *tool, width int, now time.Time, colour bool) *page {
	return &page{t: t, colour: colour, width: width, now: now, sheet: newSheet()}
}

func newSheet() *sheet { return &sheet{done: make(chan struct{}, 1)} }

// add puts a message on the page, under a number.
func (p *page) add(r *ref, num int) error {
	s := p.sheet
	s.refs = append(s.refs, *r)
	s.refs[len(s.refs)-1].num = int32(num)
	if !r.digested() { // a file is to be read: what is before it need not wait for that
		return p.print()
	}
	if len(s.refs) == sheetSize {
		p.give()
		return p.take(2 * p.writers())
	}
	return nil
}

func (p *page) writers() int { return min(runtime.GOMAXPROCS(0), maxWriters) }

// give hands the sheet to who writes, and goes on with another one.
func (p *page) give() {
	if p.work == nil {
		p.work = make(chan *sheet, 2*p.writers()+1)
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

// take hands on what is written, until no more than some sheets are left.
func (p *page) take(left int) error {
	for len(p.given) > 0 {
		s := p.given[0]
		if len(p.given) > left {
			<-s.done
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
	for _, k := range s.failed {
		p.t.fail(s.refs[k].path, s.refs[k].m.err)
	}
	if s.n > 0 {
		p.t.printed--
		err = p.t.wrote()
	}
	s.refs = s.refs[:0]
	return err
}

// print writes and hands on all there is.
func (p *page) print() error {
	if len(p.sheet.refs) > fewLines {
		p.give()
	}
	if err := p.take(0); err != nil || len(p.sheet.refs) == 0 {
		return err
	}
	if p.own == nil {
		p.own = newLines(p.width, p.now)
	}
	p.write(p.sheet, p.own)
	return p.hand(p.sheet)
}

// end lets go of who writes.
func (p *page) end() {
	if p.work != nil {
		close(p.work)
	}
}

// write writes the lines of a sheet.
func (p *page) write(s *sheet, l *lines) {
	s.text, s.n, s.failed = s.text[:0], 0, s.failed[:0]
	for k := range s.refs {
		r := &s.refs[k]
		line := l.of(r, int(r.num))
		if r.m != nil && r.m.err != nil {
			s.failed = append(s.failed, k)
			continue
		}
		s.n++
		if p.colour && r.unread() {
			s.text = append(append(append(s.text, "\x1b[1m"...), line...), "\x1b[0m\n"...)
		} else {
			s.text = append(append(s.text, line...), '\n')
		}
	}
}

// lines writes the lines of scan. It keeps what it would make again: who writes mail, writes
// much of it.
type lines struct {
	width   int
	now     time.Time
	buf     []byte
	key     []byte
	senders map[string]string // the sender's column by name, NUL, address
	today   int64             // the day that now is, since 1970
	zone    span
	lastDay int64 // the day that was written last, as dayText: lists are often by date
	dayText []byte
}

// A span is a time in which the clock of the reader's place is not set.
type span struct {
	from, to int64
	offset   int64
}

// maxSenders bounds what is kept of a folder in which everybody wrote once.
const maxSenders = 1 << 16

func newLines(width int, now time.Time) *lines {
	l := &lines{width: width, now: now, senders: map[string]string{}, zone: span{from: 1}}
	l.today = l.day(now.Unix())
	return l
}

// of returns the line of a message: good until the next call.
func (l *lines) of(r *ref, num int) []byte {
	if r.v != nil {
		if b := r.v.Index().Blob(int(r.n)); b != nil {
			if d, err := digest.Decode(b); err == nil {
				return l.fromDigest(r, d, num)
			}
		}
	}
	return append(l.buf[:0], scanLine(r.msg(), num, l.width, l.now)...)
}

func (l *lines) fromDigest(r *ref, d digest.Digest, num int) []byte {
	b := l.buf[:0]
	from := len(b)
	b = strconv.AppendInt(b, int64(num), 10)
	if pad := 4 - (len(b) - from); pad > 0 {
		b = append(append(b[:from], "    "[:pad]...), strconv.Itoa(num)...)
	}
	b = append(b, ' ')
	marks := r.marks(d)
	b = append(b, marks[:]...)
	b = append(b, ' ')
	b = l.appendDate(b, r.v.Index().Sent(int(r.n)))
	b = append(b, ' ')
	who := l.sender(d)
	b = append(b, who...)
	b = append(b, "  "...)
	// The sender's column alone may have letters that are wide.
	room := max(l.width-(len(b)-len(who)+min(20, l.width/4)), 10)
	indent := 0
	if r.m != nil {
		indent = min(r.m.depth, 4)
	}
	subject := d.SubjectBytes()
	if indent == 0 && isPlain(subject) && len(bytes.TrimSpace(subject)) > 0 {
		if len(subject) > room {
			b = append(append(b, subject[:room-1]...), "…"...)
		} else {
			b = append(b, subject...)
		}
	} else {
		b = append(b, safe.Truncate(indentation[:2*indent]+subjectLine(string(subject)), room)...)
	}
	b = bytes.TrimRight(b, " ")
	l.buf = b
	return b
}

const indentation = "        "

// isPlain reports whether b is printable ASCII.
func isPlain(b []byte) bool {
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
