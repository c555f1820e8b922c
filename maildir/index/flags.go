package index

import (
	"strings"

	"pneu/maildir"
)

// Flags are the flags with a meaning, one bit each. Letters beyond them stay in
// the file name, and keywords in the index.
type Flags uint8

// The flags, by the letters of Maildir names.
const (
	Seen    Flags = 1 << iota // S
	Replied                   // R
	Flagged                   // F
	Trashed                   // T, \Deleted
	Draft                     // D
	Passed                    // P, $Forwarded
)

// flagLetters are in the order of the bits.
const flagLetters = "SRFTDP"

// FlagsOf returns the bits of those letters that have one.
func FlagsOf(f maildir.Flags) Flags { return letterFlags(string(f)) }

func letterFlags(letters string) Flags {
	var b Flags
	for i := 0; i < len(letters); i++ {
		if k := strings.IndexByte(flagLetters, letters[i]); k >= 0 {
			b |= 1 << k
		}
	}
	return b
}

// Maildir returns the letters of f in the order of names.
func (f Flags) Maildir() maildir.Flags { return maildir.Flags(letters[f&63]) }

// Has reports whether all flags of g are set in f.
func (f Flags) Has(g Flags) bool { return f&g == g }

// letters has the sorted letters of every combination.
var letters = func() (t [64]string) {
	for f := range t {
		for _, c := range "DFPRST" {
			if f>>strings.IndexRune(flagLetters, c)&1 != 0 {
				t[f] += string(c)
			}
		}
	}
	return t
}()
