package charset

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// iso2022 reads the seven-bit charsets that switch sets by escape sequences (RFC 1468, 1554, 1557, 1922, and what
// mailers made of them). A run in one set is read as the eight-bit encoding of the same set.
func iso2022(b []byte, variant byte) string {
	var out []byte
	g0, g1 := byte('B'), byte(0)
	switch variant {
	case 'k':
		g1 = 'K'
	case 'c':
		g1 = 'A'
	}
	shifted := false // between SO and SI
	g2Latin, g2Greek := false, false
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == 0x1b:
			set, to, n := designate(b[i:])
			if n == 0 {
				if i+2 < len(b) && b[i+1] == 'N' && (g2Latin || g2Greek) { // single shift to G2
					l := "iso-8859-1"
					if g2Greek {
						l = "iso-8859-7"
					}
					s, _ := Decode(l, []byte{b[i+2] | 0x80})
					out = append(out, s...)
					i += 3
					continue
				}
				out = utf8.AppendRune(out, utf8.RuneError)
				i++
				continue
			}
			switch to {
			case 0:
				g0 = set
			case 1:
				g1 = set
			case 2:
				g2Latin, g2Greek = set == 'L', set == 'F'
			}
			i += n
		case c == 0x0e && g1 != 0:
			shifted = true
			i++
		case c == 0x0f && g1 != 0:
			shifted = false
			i++
		case c == '\n' || c == '\r':
			// RFC 1468: a line ends in ASCII, so one that does not is only careless.
			if variant == 'j' {
				g0 = 'B'
			}
			shifted = false
			out = append(out, c)
			i++
		default:
			n := runLength(b[i:], g1 != 0)
			set := g0
			if shifted {
				set = g1
			}
			out = appendSet(out, b[i:i+n], set)
			i += n
		}
	}
	return string(out)
}

func runLength(b []byte, shifts bool) int {
	for n, c := range b {
		if c == 0x1b || c == '\n' || c == '\r' || shifts && (c == 0x0e || c == 0x0f) {
			return n
		}
	}
	return len(b)
}

// designate reads an escape sequence: which set goes to which of G0, G1, G2, and its length (0 if it is none).
// Sets: B ASCII (and its national forms), I half-width kana, 0 JIS X 0208, 1 JIS X 0212, A GB 2312, K KS X 1001;
// L and F are the upper halves of iso-8859-1 and -7.
func designate(b []byte) (set byte, to, n int) {
	for _, d := range [...]struct {
		seq string
		set byte
		to  int
	}{
		{"\x1b(B", 'B', 0}, {"\x1b(J", 'B', 0}, {"\x1b(H", 'B', 0}, {"\x1b(I", 'I', 0},
		{"\x1b$@", '0', 0}, {"\x1b$B", '0', 0}, {"\x1b$A", 'A', 0}, {"\x1b&@\x1b$B", '0', 0},
		{"\x1b$(@", '0', 0}, {"\x1b$(B", '0', 0}, {"\x1b$(A", 'A', 0}, {"\x1b$(C", 'K', 0}, {"\x1b$(D", '1', 0},
		{"\x1b$(O", '0', 0}, {"\x1b$(Q", '0', 0}, // JIS X 0213, plane 1, which is 0208 with more
		{"\x1b$)A", 'A', 1}, {"\x1b$)C", 'K', 1}, {"\x1b$)E", 'A', 1},
		{"\x1b.A", 'L', 2}, {"\x1b.F", 'F', 2},
	} {
		if bytes.HasPrefix(b, []byte(d.seq)) {
			return d.set, d.to, len(d.seq)
		}
	}
	return 0, 0, 0
}

func appendSet(out, run []byte, set byte) []byte {
	var e encoding.Encoding
	step, prefix := 2, []byte(nil)
	switch set {
	case 'I':
		e, step, prefix = japanese.EUCJP, 1, []byte{0x8e}
	case '0':
		e = japanese.EUCJP
	case '1':
		e, prefix = japanese.EUCJP, []byte{0x8f}
	case 'A':
		e = simplifiedchinese.GBK
	case 'K':
		e = korean.EUCKR
	default:
		if isASCII(run) {
			return append(out, run...)
		}
		// Eight-bit octets among them: Shift_JIS was sent under the wrong name.
		s, err := table(japanese.ShiftJIS, run)
		if err != nil {
			s = guess(run)
		}
		return append(out, s...)
	}
	wide := make([]byte, 0, len(run)*2)
	for i := 0; i < len(run); {
		if run[i] <= ' ' || i+step > len(run) { // blanks within a run stand for themselves
			wide = append(wide, run[i])
			i++
			continue
		}
		wide = append(wide, prefix...)
		for _, c := range run[i : i+step] {
			wide = append(wide, c|0x80)
		}
		i += step
	}
	s, _ := table(e, wide)
	return append(out, s...)
}
