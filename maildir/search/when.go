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

// when reads one date: 7d, 2026, 2026-03, 2026-03-14, today, yesterday.
func (p *parser) when(s string) (sp span, relative, ok bool) {
	now := p.opt.Now
	y, m, d := now.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	switch s {
	case "now":
		return span{now, now}, false, true
	case "today":
		return span{day, day.AddDate(0, 0, 1)}, false, true
	case "yesterday":
		return span{day.AddDate(0, 0, -1), day}, false, true
	}
	if n := len(s) - 1; n > 0 && n < 6 {
		if k, err := strconv.Atoi(s[:n]); err == nil && k >= 0 {
			t := now
			switch s[n] {
			case 'h':
				t = now.Add(-time.Duration(k) * time.Hour)
			case 'd':
				t = now.AddDate(0, 0, -k)
			case 'w':
				t = now.AddDate(0, 0, -7*k)
			case 'm':
				t = now.AddDate(0, -k, 0)
			case 'y':
				t = now.AddDate(-k, 0, 0)
			default:
				goto absolute
			}
			return span{t, t}, true, true
		}
	}
absolute:
	for _, f := range []struct {
		layout  string
		y, m, d int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {"2006-01-02", 0, 0, 1}, {"2006/01/02", 0, 0, 1}, {"20060102", 0, 0, 1}} {
		if len(s) == len(f.layout) {
			if t, err := time.ParseInLocation(f.layout, s, now.Location()); err == nil {
				return span{t, t.AddDate(f.y, f.m, f.d)}, false, true
			}
		}
	}
	return span{}, false, false
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
