package fulltext

// Where a text is cut into tokens. The rule looks at no more than a few bytes on
// each side of a cut, so that a text and any piece of it are cut at the same
// places: exactness rests on this. Tokens are words, runs of punctuation and
// single ideographs (three bytes of UTF-8 from U+3000 to U+9FFF, kana among
// them: written without blanks, they would make sentences into words). A blank
// belongs to the token after it. Every byte belongs to one token.

const (
	classWord  = iota // ASCII letters, digits, ' - _ and what is not ASCII
	classPunct        // other ASCII, control characters too
	classIdeo         // first byte of an ideograph
	classBlank
)

// end stands between the terms of a dictionary: a byte that no UTF-8 has.
const end = 0xFF

var classes = func() (c [256]uint8) {
	for b := range c {
		switch {
		case b == ' ':
			c[b] = classBlank
		case b >= 0xE3 && b <= 0xE9:
			c[b] = classIdeo
		case b >= 0x80, b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '\'', b == '-', b == '_':
			c[b] = classWord
		default:
			c[b] = classPunct
		}
	}
	return c
}()

// noWord is 1 for bytes of other classes than classWord.
var noWord = func() (t [256]uint8) {
	for b, class := range classes {
		if class != classWord {
			t[b] = 1
		}
	}
	return t
}()

// wordEnds has a bit for each of eight bytes that is not one of a word.
func wordEnds(w uint64) uint32 {
	return uint32(noWord[byte(w)]) | uint32(noWord[byte(w>>8)])<<1 | uint32(noWord[byte(w>>16)])<<2 | uint32(noWord[byte(w>>24)])<<3 |
		uint32(noWord[byte(w>>32)])<<4 | uint32(noWord[byte(w>>40)])<<5 | uint32(noWord[byte(w>>48)])<<6 | uint32(noWord[byte(w>>56)])<<7
}

// tokenEnd returns where the token ends that starts at b[i].
func tokenEnd(b []byte, i int) int {
	if b[i] == ' ' {
		i++
		if i == len(b) || classes[b[i]] >= classIdeo {
			return i
		}
	}
	switch class := classes[b[i]]; class {
	case classIdeo:
		for n := 0; n < 2 && i+1 < len(b) && continues(b[i+1]); n++ {
			i++
		}
		return i + 1
	default:
		for i++; i < len(b) && classes[b[i]] == class; i++ {
		}
		return i
	}
}

// continues reports whether c is not the first byte of a character.
func continues(c byte) bool { return c&0xC0 == 0x80 }

// pieces cuts a needle as a text is cut. The first piece is the end of a token
// and the last one the start of a token; those between are tokens. exact is
// false if the needle starts within a character: whether there is a cut after it
// is not known then, and the pieces stand for less than the needle.
func pieces(needle []byte) (list [][]byte, exact bool) {
	exact = true
	for len(needle) > 0 && continues(needle[0]) {
		needle, exact = needle[1:], false
	}
	for i := 0; i < len(needle); {
		j := tokenEnd(needle, i)
		list = append(list, needle[i:j])
		i = j
	}
	return list, exact
}
