package main

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
	"time"

	"pneu/maildir/digest"
	"pneu/maildir/safe"
)

// A page gathers messages whose lines take no file to write, until they are many or no more
// are there to read: then all processors write.
type page struct {
	t       *tool
	colour  bool
	refs    []ref
	columns []*column
}

// A column is what one processor writes of a page.
type column struct {
	lines  *lines
	text   []byte
	n      int
	failed []int
}

// pageSize is how many lines a page has: enough that handing them out does not count.
const pageSize = 2048

func newPage(t *tool, width int, now time.Time, colour bool) *page {
	p := &page{t: t, colour: colour}
	for range min(runtime.GOMAXPROCS(0), 4) {
		p.columns = append(p.columns, &column{lines: newLines(width, now)})
	}
	return p
}

// add puts a message on the page, under a number.
func (p *page) add(r *ref, num int) error {
	p.refs = append(p.refs, *r)
	p.refs[len(p.refs)-1].num = int32(num)
	if len(p.refs) < pageSize && r.digested() {
		return nil
	}
	return p.print()
}

// print writes what is on the page.
func (p *page) print() error {
	n := len(p.columns)
	if len(p.refs) < pageSize/8 {
		n = 1
	}
	var wg sync.WaitGroup
	for i := 1; i < n; i++ {
		wg.Go(func() { p.write(i, n) })
	}
	p.write(0, n)
	wg.Wait()
	var err error
	for i, c := range p.columns[:n] {
		p.t.out.Write(c.text)
		p.t.printed += c.n
		from := i * len(p.refs) / n
		for _, k := range c.failed {
			p.t.fail(p.refs[from+k].path, p.refs[from+k].m.err)
		}
		if c.n > 0 {
			p.t.printed--
			err = p.t.wrote()
		}
	}
	p.refs = p.refs[:0]
	return err
}

// write is part i of n of print.
func (p *page) write(i, n int) {
	c := p.columns[i]
	c.text, c.n, c.failed = c.text[:0], 0, c.failed[:0]
	refs := p.refs[i*len(p.refs)/n : (i+1)*len(p.refs)/n]
	for k := range refs {
		r := &refs[k]
		line := c.lines.of(r, int(r.num))
		if r.m != nil && r.m.err != nil {
			c.failed = append(c.failed, k)
			continue
		}
		c.n++
		if p.colour && r.unread() {
			c.text = append(append(append(c.text, "\x1b[1m"...), line...), "\x1b[0m\n"...)
		} else {
			c.text = append(append(c.text, line...), '\n')
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
