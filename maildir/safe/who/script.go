package who

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A script is a writing system, or those of one language together.
type script uint16

const (
	latin script = 1 << iota
	cyrillic
	greek
	han
	kana
	hangul
	bopomofo
	other // one that is not told apart below; two of them count as one
)

// together are the scripts that languages mix: the "highly restrictive" level of UTS #39, 5.2.
var together = [...]script{latin | han | kana, latin | han | bopomofo, latin | han | hangul}

var tables = [...]struct {
	of    script
	table *unicode.RangeTable
}{
	{latin, unicode.Latin}, {cyrillic, unicode.Cyrillic}, {greek, unicode.Greek}, {han, unicode.Han},
	{kana, unicode.Hiragana}, {kana, unicode.Katakana}, {hangul, unicode.Hangul}, {bopomofo, unicode.Bopomofo},
}

// scriptOf returns the script of a letter, 0 for what belongs to all of them.
func scriptOf(r rune) script {
	if r < 0x80 {
		if l := r | 0x20; l >= 'a' && l <= 'z' {
			return latin
		}
		return 0
	}
	for _, t := range tables {
		if unicode.Is(t.table, r) {
			return t.of
		}
	}
	if !unicode.IsLetter(r) || unicode.In(r, unicode.Common, unicode.Inherited) {
		return 0
	}
	return other
}

// mixed reports whether a word is of scripts that no language writes together.
func mixed(word string) bool {
	var all script
	for _, r := range word {
		all |= scriptOf(r)
	}
	if all&(all-1) == 0 {
		return false
	}
	for _, set := range together {
		if all&^set == 0 {
			return false
		}
	}
	return true
}

// mixedWord reports whether one of the words in s is mixed.
func mixedWord(s string) bool {
	if isASCII(s) {
		return false
	}
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) }) {
		if mixed(w) {
			return true
		}
	}
	return false
}

// Letters that look like Latin ones; a label of nothing else is a disguise (UTS #39, 4: whole-script confusables).
const (
	likeLatinCyrillic = "асԁеһіјӏорԛѕԝхуьпгѵѡ"
	likeLatinGreek    = "αγικνορτυχω"
)

// disguised reports whether a label looks Latin and is not, under a top-level domain where that is not to be
// expected: neither of the same script nor of a country that writes it.
func disguised(label, top string) bool {
	label = strings.ToLower(label)
	for _, s := range [...]struct {
		of        script
		like      string
		countries string
	}{
		{cyrillic, likeLatinCyrillic, " bg by kg kz mk mn rs ru su tj ua uz "},
		{greek, likeLatinGreek, " gr cy "},
	} {
		letters, others := 0, false
		for _, r := range label {
			switch {
			case strings.ContainsRune(s.like, r):
				letters++
			case r >= '0' && r <= '9' || r == '-':
			default:
				others = true
			}
		}
		if letters == 0 || others {
			continue
		}
		first, _ := utf8.DecodeRuneInString(top)
		return scriptOf(first) != s.of && !strings.Contains(s.countries, " "+strings.ToLower(top)+" ")
	}
	return false
}
