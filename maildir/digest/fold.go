package digest

import (
	"encoding/binary"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold appends s to dst as searches compare it: compatibility forms are one (NFKC), letters small, a run of white
// space is one blank, and what cannot be seen (controls, soft hyphens, joiners, selectors) is gone. What is no UTF-8
// becomes U+FFFD.
//
// Folding twice changes nothing more, and what is folded in pieces and joined with blanks is the same as the whole, but
// for blanks beside blanks. Blanks at the ends stay: a needle that begins with one asks for a word's beginning.
func Fold(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s))
	first := len(dst)
	out, n := dst[:cap(dst)], first
	blank := false // what was written last
	for i := 0; i < len(s); {
		for i+8 <= len(s) && n+8 <= len(out) {
			w := load(s[i : i+8])
			b := blanks(w)
			if !plain(w) || b&(b<<8) != 0 || blank && b&0x80 != 0 {
				break
			}
			binary.LittleEndian.PutUint64(out[n:n+8], small(w))
			blank = b>>63 != 0
			i += 8
			n += 8
		}
		stop := min(len(s), i+8)
		for ; i < stop && s[i] < utf8.RuneSelf && asciiFold[s[i]] != 0 && n < len(out); i++ {
			c := asciiFold[s[i]]
			out[n] = c
			if c != ' ' || !blank {
				n++
			}
			blank = c == ' '
		}
		if i == stop {
			continue
		}
		if n < len(out) { // else there is only no room
			dst, i = foldWide(out[:n], s, i, blank)
			n = len(dst)
			blank = n > first && dst[n-1] == ' '
		}
		dst = slices.Grow(dst[:n], len(s)-i)
		out = dst[:cap(dst)]
	}
	return out[:n]
}

// Eight octets at a time: lows and highs are the lowest and the highest bit of each.
const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

func load(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// plain reports whether all are printable ASCII. The sums below carry into no neighbour, since none is above 0x7f.
func plain(w uint64) bool {
	return w&highs == 0 && (w+lows*(0x80-' '))&^(w+lows)&highs == highs
}

// blanks marks the blanks among eight plain octets.
func blanks(w uint64) uint64 { return ^(w ^ lows*' ' + lows*0x7f) & highs }

// small makes the capitals among eight plain octets small.
func small(w uint64) uint64 {
	capital := (w + lows*(0x80-'A')) &^ (w + lows*(0x80-'Z'-1)) & highs
	return w | capital>>2
}

// asciiFold is what becomes of ASCII; 0 of what is removed.
var asciiFold = func() (t [utf8.RuneSelf]byte) {
	for c := byte(' '); c < 0x7f; c++ {
		t[c] = c
	}
	for c := byte('A'); c <= 'Z'; c++ {
		t[c] += 'a' - 'A'
	}
	for _, c := range "\t\n\v\f\r" {
		t[c] = ' '
	}
	return t
}()

// foldWide folds from s[i] on, which is no plain ASCII, up to the next that is. blank says that dst ends in one of s.
func foldWide(dst []byte, s string, i int, blank bool) ([]byte, int) {
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf && asciiFold[c] != 0 {
			break
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case unicode.IsSpace(r):
			if !blank {
				dst = append(dst, ' ')
			}
			blank = true
			i += size
		case simple(r):
			dst = utf8.AppendRune(dst, lower(r))
			blank = false
			i += size
		default:
			start, seen := i, false
			for ; i < len(s); i += size {
				if r, size = utf8.DecodeRuneInString(s[i:]); unicode.IsSpace(r) || simple(r) {
					break
				}
				seen = seen || !unseen(r)
			}
			if !seen { // what is left stands beside each other, and does not join
				continue
			}
			// It may join the character before it.
			if prev, size := utf8.DecodeLastRuneInString(s[:start]); size > 0 && simple(prev) && prev != ' ' {
				start -= size
				dst = dst[:len(dst)-utf8.RuneLen(lower(prev))]
			}
			dst, blank = compose(dst, s[start:i], blank)
		}
	}
	return dst, i
}

// maxMarks is how many combining marks of one character count. More are no writing.
const maxMarks = 8

// compose folds what has to be normalized.
func compose(dst []byte, s string, blank bool) ([]byte, bool) {
	var room [3][96]byte
	seen, marks := room[0][:0], 0
	for _, r := range s {
		switch {
		case unseen(r):
			continue
		case !unicode.Is(unicode.Mn, r):
			marks = 0
		case marks == maxMarks:
			continue
		default:
			marks++
		}
		seen = utf8.AppendRune(seen, r)
	}
	// Some letters with marks are one character only when small.
	letters := room[2][:0]
	for _, r := range string(norm.NFKC.Append(room[1][:0], seen...)) {
		letters = utf8.AppendRune(letters, lower(r))
	}
	for _, r := range string(norm.NFKC.Append(room[1][:0], letters...)) {
		if !unicode.IsSpace(r) {
			dst = utf8.AppendRune(dst, r)
			blank = false
		} else if !blank {
			dst = append(dst, ' ')
			blank = true
		}
	}
	return dst, blank
}

// unseen reports whether r has no shape: controls, marks of format, and selectors of one.
func unseen(r rune) bool {
	switch {
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef, r == 0x34f, r >= 0x180b && r <= 0x180f:
		return true
	}
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)
}

// lower is unicode.ToLower, with the small sigma at the end of a word like those within, and the compatibility forms of
// ASCII like that.
func lower(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	case r >= 0x410 && r <= 0x42f:
		return r + 0x20
	case r >= 0x430 && r <= 0x44f, r >= 0xdf && r <= 0xff, r >= 0x2e80 && r <= 0x9fff, r >= 0xac00 && r <= 0xd7a3:
		return r
	case r == 'ς':
		return 'σ'
	case r >= 0xff01 && r <= 0xff5e: // full width, as between Chinese characters
		return lower(r - 0xfee0)
	}
	return unicode.ToLower(r)
}

// simple reports whether lower is all that happens to r: NFKC does not touch it, nor when it is small, and it never joins
// what stands before it. Of those that are so, the usual ones are here.
func simple(r rune) bool {
	switch {
	case r < 0xc0:
		return r >= ' ' && r < 0x7f || r == '§' || r == '©' || r == '«' || r == '»' || r == '®' || r == '°' || r == '·'
	case r < 0x250: // Latin
		return r < 0x132 || r >= 0x134 && r <= 0x13e || r >= 0x141 && r <= 0x148 || r >= 0x14a && r <= 0x17e
	case r < 0x400: // Greek
		return r >= 0x388 && r <= 0x3ce && r != 0x38b && r != 0x38d && r != 0x3a2
	case r < 0x530: // Cyrillic
		return r <= 0x481 || r >= 0x48a
	case r < 0x900: // Hebrew, Arabic
		return r >= 0x5d0 && r <= 0x5ea || r >= 0x620 && r <= 0x64a || r >= 0x679 && r <= 0x6d3
	case r < 0x1000: // Devanagari, Thai
		return r >= 0x904 && r <= 0x939 || r >= 0x93d && r <= 0x94c || r >= 0xe01 && r <= 0xe32 || r >= 0xe34 && r <= 0xe37 ||
			r >= 0xe40 && r <= 0xe46
	case r < 0x2000: // Vietnamese
		return r >= 0x1e00 && r <= 0x1e99 || r >= 0x1ea0 && r <= 0x1eff
	case r < 0x2e80: // marks and pictures
		return r == 0x2010 || r >= 0x2012 && r <= 0x2016 || r >= 0x2018 && r <= 0x2023 || r == 0x2030 || r == 0x2039 || r == 0x203a ||
			r == '€' || r >= 0x2500 && r <= 0x27bf
	case r < 0x3400: // Japanese
		return r >= 0x3001 && r <= 0x3011 || r >= 0x3041 && r <= 0x3096 || r >= 0x30a1 && r <= 0x30fe
	}
	return r < 0x4dc0 || r >= 0x4e00 && r <= 0x9fff || r >= 0xac00 && r <= 0xd7a3 || r == utf8.RuneError || r >= 0xff01 && r <= 0xff5e ||
		r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x2a6df
}
