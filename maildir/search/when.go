package search

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A span is a stretch of time a date means: a day, a month, a year, an instant.
type span struct{ from, to time.Time }

// date reads the value of date:, received:, older: and newer:.
func (p *parser) date(t *term, at int) (expr, error) {
	v := strings.ToLower(t.value)
	t.column = map[string]Column{"received": Received, "saved": Saved}[t.field]
	if t.column == 0 {
		t.column = Sent
	}
	bad := func(s string) error { return p.fail(at, fmt.Sprintf("%q is not a date", s), hintFor(t.field)) }
	switch t.field {
	case "older", "newer":
		s, _, ok := p.when(v)
		if !ok {
			return nil, bad(v)
		}
		t.value = v
		if t.field == "older" {
			t.to = s.from
		} else {
			t.from = s.from
		}
		return t, nil
	}
	a, b, isRange := strings.Cut(v, "..")
	if !isRange {
		s, relative, ok := p.when(v)
		if !ok {
			return nil, bad(v)
		}
		t.from, t.to = s.from, s.to
		if relative {
			// "date:7d": since then.
			v, t.to = v+"..", time.Time{}
		}
		t.value = v
		return t, nil
	}
	if a == "" && b == "" {
		return nil, p.fail(at, "the range has neither begin nor end", hintFor(t.field))
	}
	if a != "" {
		s, _, ok := p.when(a)
		if !ok {
			return nil, bad(a)
		}
		t.from = s.from
	}
	if b != "" {
		s, _, ok := p.when(b)
		if !ok {
			return nil, bad(b)
		}
		t.to = s.to
	}
	if a != "" && b != "" && !t.to.After(t.from) {
		return nil, p.fail(at, "the range ends before it begins", "older comes first: 30d..7d")
	}
	t.value = v
	return t, nil
}

// when reads one date: 7d, 2026, 2026-03, 2026-03-14, 2026-03-14T10:30, @1700000000, today, last_week, monday, march.
func (p *parser) when(s string) (sp span, relative, ok bool) {
	now := p.opt.Now
	if sp, ok := p.named(strings.NewReplacer(" ", "_", "-", "_").Replace(s)); ok {
		return sp, false, true
	}
	if t, ok := ago(now, s); ok {
		return span{t, t}, true, true
	}
	if sec, isUnix := strings.CutPrefix(s, "@"); isUnix {
		n, err := strconv.ParseInt(sec, 10, 64)
		if err != nil || n < 0 || n > 1<<40 {
			return span{}, false, false
		}
		t := time.Unix(n, 0).In(now.Location())
		return span{t, t}, false, true
	}
	for _, f := range layouts {
		if len(s) == len(f.layout) {
			if t, err := time.ParseInLocation(f.layout, s, now.Location()); err == nil {
				return span{t, t.AddDate(f.y, f.m, f.d).Add(f.long)}, false, true
			}
		}
	}
	return span{}, false, false
}

// layouts are the forms of a date, in lower case, and how long each of them lasts.
var layouts = []struct {
	layout  string
	y, m, d int
	long    time.Duration
}{
	{"2006", 1, 0, 0, 0}, {"2006-01", 0, 1, 0, 0}, {"2006/01", 0, 1, 0, 0},
	{"2006-01-02", 0, 0, 1, 0}, {"2006/01/02", 0, 0, 1, 0}, {"20060102", 0, 0, 1, 0},
	{"2006-01-02t15:04", 0, 0, 0, time.Minute}, {"2006-01-02 15:04", 0, 0, 0, time.Minute}, {"200601021504", 0, 0, 0, time.Minute},
	{"2006-01-02t15:04:05", 0, 0, 0, time.Second}, {"2006-01-02 15:04:05", 0, 0, 0, time.Second}, {"20060102150405", 0, 0, 0, time.Second},
}

// named reads the days, weeks, months and years that have names. A weekday or a month is the latest one that has begun.
func (p *parser) named(s string) (span, bool) {
	now := p.opt.Now
	y, m, d := now.Date()
	at := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, now.Location()) }
	monday := d - (int(now.Weekday())+6)%7 // weeks begin as in ISO 8601
	switch s {
	case "now":
		return span{now, now}, true
	case "today":
		return span{at(y, m, d), at(y, m, d+1)}, true
	case "yesterday":
		return span{at(y, m, d-1), at(y, m, d)}, true
	case "this_week":
		return span{at(y, m, monday), at(y, m, monday+7)}, true
	case "last_week":
		return span{at(y, m, monday-7), at(y, m, monday)}, true
	case "this_month":
		return span{at(y, m, 1), at(y, m+1, 1)}, true
	case "last_month":
		return span{at(y, m-1, 1), at(y, m, 1)}, true
	case "this_year":
		return span{at(y, 1, 1), at(y+1, 1, 1)}, true
	case "last_year":
		return span{at(y-1, 1, 1), at(y, 1, 1)}, true
	}
	if len(s) < 3 {
		return span{}, false
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := strings.ToLower(day.String()); s == name || s == name[:3] {
			from := d - (int(now.Weekday())-int(day)+7)%7
			return span{at(y, m, from), at(y, m, from+1)}, true
		}
	}
	for month := time.January; month <= time.December; month++ {
		if name := strings.ToLower(month.String()); s == name || s == name[:3] {
			if month > m {
				y--
			}
			return span{at(y, month, 1), at(y, month+1, 1)}, true
		}
	}
	return span{}, false
}

// ago reads 7d, 2weeks, 3months: that long before now.
func ago(now time.Time, s string) (time.Time, bool) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	k, err := strconv.Atoi(s[:n])
	if err != nil || n > 5 {
		return time.Time{}, false
	}
	switch strings.TrimPrefix(s[n:], "_") {
	case "min", "mins", "minute", "minutes":
		return now.Add(-time.Duration(k) * time.Minute), true
	case "h", "hour", "hours":
		return now.Add(-time.Duration(k) * time.Hour), true
	case "d", "day", "days":
		return now.AddDate(0, 0, -k), true
	case "w", "week", "weeks":
		return now.AddDate(0, 0, -7*k), true
	case "m", "mo", "month", "months":
		return now.AddDate(0, -k, 0), true
	case "y", "year", "years":
		return now.AddDate(-k, 0, 0), true
	}
	return time.Time{}, false
}

// size reads >1M, <10k, >=, <=, 1M..5M, 1M (at least).
func (p *parser) size(t *term, at int) (expr, error) {
	v := t.value
	t.max = -1
	bad := func(s string) error { return p.fail(at, fmt.Sprintf("%q is not a size", s), hintFor("size")) }
	if a, b, ok := strings.Cut(v, ".."); ok {
		if a == "" && b == "" {
			return nil, bad(v)
		}
		if a != "" {
			if t.min, ok = bytesOf(a); !ok {
				return nil, bad(a)
			}
		}
		if b != "" {
			if t.max, ok = bytesOf(b); !ok {
				return nil, bad(b)
			}
			if t.max < t.min {
				return nil, p.fail(at, "the range ends before it begins", "")
			}
		}
	} else {
		num := strings.TrimLeft(v, "<>=")
		n, ok := bytesOf(num)
		if !ok {
			return nil, bad(num)
		}
		switch v[:len(v)-len(num)] {
		case ">":
			t.min = n + 1
		case ">=", "":
			t.min = n
		case "<":
			if n == 0 {
				return nil, p.fail(at, "nothing is smaller than 0", "")
			}
			t.max = n - 1
		case "<=":
			t.max = n
		case "=":
			t.min, t.max = n, n
		default:
			return nil, bad(v)
		}
	}
	t.value = spellSize(t.min, t.max)
	return t, nil
}

// spellSize is the canonical form of a range of sizes.
func spellSize(lo, hi int64) string {
	switch {
	case hi < 0 && lo > 1:
		return ">" + spellBytes(lo-1)
	case hi < 0:
		return spellBytes(lo) + ".."
	case lo == 0:
		return "<" + spellBytes(hi+1)
	}
	return spellBytes(lo) + ".." + spellBytes(hi)
}

func spellBytes(n int64) string {
	for _, u := range []struct {
		n int64
		s string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "k"}} {
		if n > 0 && n%u.n == 0 {
			return strconv.FormatInt(n/u.n, 10) + u.s
		}
	}
	return strconv.FormatInt(n, 10)
}

// bytesOf reads a number with an optional unit.
func bytesOf(s string) (int64, bool) {
	s = strings.TrimSuffix(strings.ToLower(s), "b")
	unit := 1.0
	if s != "" {
		switch s[len(s)-1] {
		case 'k':
			unit = 1 << 10
		case 'm':
			unit = 1 << 20
		case 'g':
			unit = 1 << 30
		}
		if unit > 1 {
			s = s[:len(s)-1]
		}
	}
	if s == "" || strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f*unit >= 1<<53 {
		return 0, false
	}
	return int64(f * unit), true
}
