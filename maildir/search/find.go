package search

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// A finder finds one needle in many texts. It looks for the needle's rarest byte with IndexByte, which goes over a
// text at the speed of memory, and compares only there; bytes.Index begins with the first byte, which in words is
// seldom a good one.
type finder struct {
	needle []byte
	rare   byte
	at     int // where rare stands in needle
}

func newFinder(needle []byte) finder {
	f := finder{needle: needle}
	f.choose(func(c byte) int { return int(rank(c)) })
	return f
}

// choose takes the byte of the needle that is the rarest.
func (f *finder) choose(often func(c byte) int) {
	best := -1
	for i, c := range f.needle {
		if n := often(c); best < 0 || n < best {
			best, f.rare, f.at = n, c, i
		}
	}
}

// A tuner counts the bytes of the first texts that are looked at, so that a finder learns what is rare among them: no
// table knows that all of somebody's mail comes from example.org. It serves several goroutines.
type tuner struct {
	tuned atomic.Pointer[finder]
	mu    sync.Mutex
	texts int
	count [256]int
}

// manyTexts are enough to know what is rare.
const manyTexts = 64

// finder returns the best finder known so far, for text.
func (t *tuner) finder(f *finder, text []byte) *finder {
	if known := t.tuned.Load(); known != nil {
		return known
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range text {
		t.count[c]++
	}
	if t.texts++; t.texts >= manyTexts {
		better := &finder{needle: f.needle}
		better.choose(func(c byte) int { return t.count[c]*256 + int(rank(c)) })
		t.tuned.Store(better)
	}
	return f
}

// rank is how common a byte is in folded text: of a thousand, roughly.
func rank(c byte) uint8 {
	switch {
	case c >= 0x80:
		return 8
	case c < ' ':
		return 0
	}
	return common[c-' ']
}

// common is the frequency of the bytes from blank to tilde in the folded headers and bodies of mail, scaled to 255.
const common = "" +
	//  !  "  #  $  %  &  '  (  )  *  +  ,  -  .  /
	"\xff\x02\x08\x02\x02\x01\x02\x06\x05\x05\x02\x02\x12\x20\x30\x18" +
	// 0   1   2   3   4   5   6   7   8   9   :   ;   <   =   >   ?
	"\x18\x18\x16\x0e\x0d\x0d\x0c\x0b\x0c\x0c\x12\x02\x12\x06\x12\x03" +
	//@
	"\x14\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01" +
	"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x03\x01\x03\x01\x06" +
	//`  a   b   c   d   e   f   g   h   i   j   k   l   m   n   o
	"\x01\x70\x20\x40\x38\xb0\x20\x26\x38\x78\x06\x12\x48\x38\x70\x78" +
	//p  q   r   s   t   u   v   w   x   y   z   {   |   }   ~   DEL
	"\x28\x03\x68\x68\x88\x30\x14\x1c\x0a\x1e\x06\x01\x01\x01\x01\x00"

// index is bytes.Index(text, needle).
func (f *finder) index(text []byte) int {
	n := len(f.needle)
	if n <= 1 {
		if n == 0 {
			return 0
		}
		return bytes.IndexByte(text, f.rare)
	}
	last := len(text) - n // the last place where the needle can begin
	if last < 0 {
		return -1
	}
	fails := 0
	for i := 0; i <= last; {
		k := bytes.IndexByte(text[i+f.at:last+f.at+1], f.rare)
		if k < 0 {
			return -1
		}
		i += k
		if string(text[i:i+n]) == string(f.needle) {
			return i
		}
		i++
		if fails++; fails > 4+i/16 {
			if k = bytes.Index(text[i:], f.needle); k >= 0 {
				return i + k
			}
			return -1
		}
	}
	return -1
}

func (f *finder) in(text []byte) bool { return f.index(text) >= 0 }
