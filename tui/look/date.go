package look

import (
	"strconv"
	"time"
)

// ShortDate writes a time in at most seven cells, as short as the distance from now allows: "09:41", "Fri",
// "16 Nov", "2025-11".
func ShortDate(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(now.Location())
	y, m, d := now.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	switch {
	case !t.Before(today) && t.Before(today.AddDate(0, 0, 1)):
		return t.Format("15:04")
	case t.Before(today) && t.After(today.AddDate(0, 0, -6)):
		return t.Format("Mon")
	case t.Year() == y || t.Before(today) && t.After(today.AddDate(0, -6, 0)):
		return t.Format("2 Jan")
	}
	return t.Format("2006-01")
}

// LongDate writes a time as a reader of one message wants it.
func LongDate(t, now time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	t = t.In(now.Location())
	if t.Year() == now.Year() {
		return t.Format("Mon 2 Jan 15:04")
	}
	return t.Format("Mon 2 Jan 2006 15:04")
}

// Age writes how long something lasted or will, in one unit: "4 s", "11 min", "2 h", "3 d".
func Age(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	switch {
	case d < 100*time.Second:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < 100*time.Minute:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " d"
}

// Size writes a number of bytes: "68 B", "18 kB", "2.1 MB".
func Size(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	case n < 999_500:
		return strconv.FormatInt((n+500)/1000, 10) + " kB"
	case n < 9_950_000:
		return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + " MB"
	case n < 999_500_000:
		return strconv.FormatInt((n+500_000)/1_000_000, 10) + " MB"
	}
	return strconv.FormatFloat(float64(n)/1e9, 'f', 1, 64) + " GB"
}

// Number writes n with commas: 12,481.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural writes "1 message", "2 messages".
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	many := one + "s"
	switch {
	case one == "reply":
		many = "replies"
	case one == "match":
		many = "matches"
	}
	return Number(n) + " " + many
}
