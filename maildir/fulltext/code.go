package fulltext

// Texts are kept as the numbers of their terms. Frequent terms have small
// numbers and short codes:
//
//	00..BF                 terms 0..191
//	C0..F7 b               the next 56 x 256
//	F8..FE b b             the next 7 x 65536
//	FF b b b               the next 2^24
//
// Within each of these four tiers terms are sorted by their bytes.
const (
	tier1    = 192
	tier2    = tier1 + 56<<8
	tier3    = tier2 + 7<<16
	maxTerms = tier3 + 1<<24
)

// tiers are the borders of the four tiers.
var tiers = [...]uint32{0, tier1, tier2, tier3, maxTerms}

func appendCode(dst []byte, id uint32) []byte {
	switch {
	case id < tier1:
		return append(dst, byte(id))
	case id < tier2:
		id -= tier1
		return append(dst, byte(0xC0+id>>8), byte(id))
	case id < tier3:
		id -= tier2
		return append(dst, byte(0xF8+id>>16), byte(id>>8), byte(id))
	default:
		id -= tier3
		return append(dst, 0xFF, byte(id>>16), byte(id>>8), byte(id))
	}
}

// decodeOne returns the first number in b, which has one of the longer codes, and
// the length of its code. One that is cut short is no term's number.
func decodeOne(b []byte) (id uint32, n int) {
	switch {
	case b[0] < 0xFF && len(b) >= 3:
		return tier2 + uint32(b[0]-0xF8)<<16 + uint32(b[1])<<8 + uint32(b[2]), 3
	case b[0] == 0xFF && len(b) >= 4:
		return tier3 + uint32(b[1])<<16 + uint32(b[2])<<8 + uint32(b[3]), 4
	}
	return maxTerms, len(b)
}

// decode appends the numbers in b to dst. A code that is cut short ends it.
func decode(dst []uint32, b []byte) []uint32 {
	for i := 0; i < len(b); {
		c := uint32(b[i])
		switch {
		case c < 0xC0:
			dst = append(dst, c)
			i++
		case c < 0xF8:
			if i+2 > len(b) {
				return dst
			}
			dst = append(dst, tier1+(c-0xC0)<<8+uint32(b[i+1]))
			i += 2
		case c < 0xFF:
			if i+3 > len(b) {
				return dst
			}
			dst = append(dst, tier2+(c-0xF8)<<16+uint32(b[i+1])<<8+uint32(b[i+2]))
			i += 3
		default:
			if i+4 > len(b) {
				return dst
			}
			dst = append(dst, tier3+uint32(b[i+1])<<16+uint32(b[i+2])<<8+uint32(b[i+3]))
			i += 4
		}
	}
	return dst
}
