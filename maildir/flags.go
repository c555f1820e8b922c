package maildir

import (
	"slices"
	"strings"
)

// Flags are the letters after ":2,": sorted by ASCII, each once. D (draft),
// F (flagged), P (passed), R (replied), S (seen) and T (trashed) have a meaning;
// a to z are keywords of Dovecot's and others'; the rest is kept as found.
type Flags string

// MakeFlags sorts letters and drops repetitions and all that is neither letter
// nor digit.
func MakeFlags(letters string) Flags {
	clean := true
	for i := 0; i < len(letters); i++ {
		if !flagByte(letters[i]) || i > 0 && letters[i-1] >= letters[i] {
			clean = false
			break
		}
	}
	if clean {
		return Flags(letters)
	}
	b := slices.DeleteFunc([]byte(letters), func(c byte) bool { return !flagByte(c) })
	slices.Sort(b)
	return Flags(slices.Compact(b))
}

// flagByte says what we write among flags. Other bytes that someone put there
// stay where they are, but none of them is a flag: "!2" for one could make a
// reader see another base.
func flagByte(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// Has reports whether letter is set.
func (f Flags) Has(letter byte) bool { return strings.IndexByte(string(f), letter) >= 0 }

// Change returns f with the letters of add set and those of remove cleared;
// a letter in both is cleared.
func (f Flags) Change(add, remove Flags) Flags {
	all := MakeFlags(string(f) + string(add))
	if remove == "" {
		return all
	}
	return Flags(slices.DeleteFunc([]byte(all), remove.Has))
}

// ParseFlags returns the flags in a file name; none for a name we cannot read.
func ParseFlags(file string) Flags {
	n, err := ParseName(file)
	if err != nil {
		return ""
	}
	return n.Flags()
}
