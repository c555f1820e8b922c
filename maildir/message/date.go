package message

import (
	"errors"
	"strings"
	"time"
)

var errDate = errors.New("no date that can be read")

// ParseDate reads a Date field (RFC 5322, 3.3 and 4.3) and much that was meant to be one: asctime, ISO 8601, days and
// months spelled out, missing seconds or zones, dots in times. A zone that is not known counts as UTC (4.3).
func ParseDate(s string) (time.Time, error) {
	d := dateReader{year: -1, month: -1, day: -1, hour: -1}
	if len(s) > 200 {
		s = s[:200]
	}
	if d.iso(strings.TrimSpace(s)) {
		return d.time()
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '(':
			i = skipComment([]byte(s), i)
		case isDigit(c), (c == '+' || c == '-') && i+1 < len(s) && isDigit(s[i+1]) && d.hour >= 0:
			j := i + 1
			for j < len(s) && (isDigit(s[j]) || (s[j] == ':' || s[j] == '.') && j+1 < len(s) && isDigit(s[j+1])) {
				j++
			}
			if !d.number(s[i:j]) {
				return time.Time{}, errDate
			}
			i = j
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			j := i + 1
			for j < len(s) && (s[j]|0x20 >= 'a' && s[j]|0x20 <= 'z') {
				j++
			}
			d.word(s[i:j])
			i = j
		default:
			i++
		}
	}
	return d.time()
}

// A dateReader collects the pieces of a date. -1 is what was not seen.
type dateReader struct {
	year, month, day  int
	hour, min, sec    int
	offset            int // seconds east of UTC
	zone, longYear    bool
	afternoon, before bool // 12-hour clock
}

// iso reads 2006-01-02T15:04:05 with fractions and a zone after it, or with a blank for the T.
func (d *dateReader) iso(s string) bool {
	if len(s) < 16 || s[4] != '-' || s[7] != '-' || s[10] != 'T' && s[10] != 't' && s[10] != ' ' || s[13] != ':' {
		return false
	}
	for _, p := range [...]struct {
		to        *int
		from, to2 int
	}{{&d.year, 0, 4}, {&d.month, 5, 7}, {&d.day, 8, 10}, {&d.hour, 11, 13}, {&d.min, 14, 16}} {
		n, ok := atoi(s[p.from:p.to2])
		if !ok {
			*d = dateReader{year: -1, month: -1, day: -1, hour: -1}
			return false
		}
		*p.to = n
	}
	d.longYear = true
	rest := s[16:]
	if len(rest) >= 3 && rest[0] == ':' {
		if n, ok := atoi(rest[1:3]); ok {
			d.sec = n
			rest = rest[3:]
		}
	}
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		rest = strings.TrimLeft(rest[1:], "0123456789")
	}
	rest = strings.TrimSpace(rest)
	if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
		d.number(rest)
	} else {
		d.word(rest)
	}
	return true
}

// number takes what begins with a digit or a sign: a time, a zone, a day or a year.
func (d *dateReader) number(s string) bool {
	if s[0] == '+' || s[0] == '-' {
		if d.zone && d.offset != 0 {
			return true
		}
		digits := strings.ReplaceAll(s[1:], ":", "")
		n, ok := atoi(digits)
		if !ok {
			return true
		}
		switch len(digits) {
		case 1, 2:
			n *= 100
		case 3, 4:
		default:
			return true
		}
		if n/100 > 24 || n%100 > 59 { // RFC 5322, 3.3: nonsense, so the zone is not known
			return true
		}
		d.offset = n/100*3600 + n%100*60
		if s[0] == '-' {
			d.offset = -d.offset
		}
		d.zone = true
		return true
	}
	if d.hour < 0 && (strings.IndexByte(s, ':') > 0 || strings.Count(s, ".") == 2 && d.day >= 0) {
		return d.clock(s)
	}
	s, _, _ = strings.Cut(s, ".")
	n, ok := atoi(s)
	switch {
	case !ok:
		return d.year >= 0 // more digits than a date has
	case d.day < 0 && len(s) <= 2:
		d.day = n
	case d.year < 0 && len(s) == 4:
		d.year, d.longYear = n, true
	case d.year < 0 && (d.day >= 0 && d.month >= 0) && len(s) <= 3:
		d.year = n
	}
	return true
}

func (d *dateReader) clock(s string) bool {
	sep := byte(':')
	if strings.IndexByte(s, ':') < 0 {
		sep = '.'
	}
	var ok [3]bool
	h, rest, _ := strings.Cut(s, string(sep))
	m, rest, more := strings.Cut(rest, string(sep))
	d.hour, ok[0] = atoi(h)
	m, _, _ = strings.Cut(m, ".")
	d.min, ok[1] = atoi(m)
	ok[2] = true
	if more {
		rest, _, _ = strings.Cut(rest, ".")
		rest, _, _ = strings.Cut(rest, ":")
		d.sec, ok[2] = atoi(rest)
	}
	return ok[0] && ok[1] && ok[2]
}

// word takes a month, a zone, or half of the day; other words (the day of the week) say nothing.
func (d *dateReader) word(s string) {
	if len(s) >= 3 && d.month < 0 {
		const months = "jan feb mar apr may jun jul aug sep oct nov dec"
		if i := strings.Index(months, strings.ToLower(s[:3])); i >= 0 && i%4 == 0 {
			d.month = i/4 + 1
			return
		}
	}
	if d.hour < 0 || d.zone {
		return
	}
	u := strings.ToUpper(s)
	switch u {
	case "AM":
		d.before = true
		return
	case "PM":
		d.afternoon = true
		return
	}
	if h, ok := zoneHours(u); ok {
		d.offset, d.zone = int(h*3600), true
	}
}

// zoneHours knows the zones of RFC 5322, 4.3 and those that mail from elsewhere carries. The military letters count
// as unknown there, as RFC 822 had their signs wrong.
func zoneHours(z string) (float64, bool) {
	switch z {
	case "UT", "GMT", "UTC", "Z", "WET":
		return 0, true
	case "EST":
		return -5, true
	case "EDT":
		return -4, true
	case "CST":
		return -6, true
	case "CDT":
		return -5, true
	case "MST":
		return -7, true
	case "MDT":
		return -6, true
	case "PST":
		return -8, true
	case "PDT":
		return -7, true
	case "AST":
		return -4, true
	case "ADT":
		return -3, true
	case "NST":
		return -3.5, true
	case "AKST":
		return -9, true
	case "AKDT":
		return -8, true
	case "HST":
		return -10, true
	case "BRT":
		return -3, true
	case "BST", "CET", "MET", "MEZ", "WEST", "WAT":
		return 1, true
	case "CEST", "MEST", "MESZ", "EET", "SAST", "CAT":
		return 2, true
	case "EEST", "MSK", "EAT":
		return 3, true
	case "MSD":
		return 4, true
	case "IST":
		return 5.5, true
	case "HKT", "AWST", "SGT":
		return 8, true
	case "JST", "KST":
		return 9, true
	case "AEST":
		return 10, true
	case "AEDT":
		return 11, true
	case "NZST":
		return 12, true
	case "NZDT":
		return 13, true
	}
	return 0, false
}

func (d *dateReader) time() (time.Time, error) {
	if d.hour < 0 {
		d.hour = 0
	}
	switch {
	case d.afternoon && d.hour < 12:
		d.hour += 12
	case d.before && d.hour == 12:
		d.hour = 0
	}
	if d.year >= 0 && !d.longYear { // RFC 5322, 4.3: 00-49 are of this century, and three digits count from 1900
		if d.year < 50 {
			d.year += 2000
		} else {
			d.year += 1900
		}
	}
	if d.year < 1900 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 || d.hour > 23 || d.min > 59 || d.sec > 60 {
		return time.Time{}, errDate
	}
	zone := time.UTC
	if d.offset != 0 {
		zone = time.FixedZone("", d.offset)
	}
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.min, d.sec, 0, zone)
	if t.Day() != d.day && d.sec < 60 { // 31 February
		return time.Time{}, errDate
	}
	return t, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// atoi reads up to four digits.
func atoi(s string) (n int, ok bool) {
	if len(s) == 0 || len(s) > 4 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
