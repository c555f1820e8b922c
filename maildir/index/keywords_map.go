package index

import (
	"encoding/binary"
	"slices"

	"pneu/maildir"
)

// A meaning is what the letters of a name say: flags, and sorted keywords.
type meaning struct {
	flags Flags
	words []string
}

// mean says what letters mean. Letters without a meaning say nothing, and stay.
func (l *keywordLetters) mean(letters maildir.Flags) (m meaning) {
	m.flags = FlagsOf(letters)
	for i := 0; i < len(letters); i++ {
		switch word := l.keyword(letters[i]); word {
		case "":
		case forwarded:
			m.flags |= Passed
		default:
			m.words = append(m.words, word)
		}
	}
	slices.Sort(m.words)
	return m
}

// want returns the letters that a name is to have whose letters are have: those
// of the flags and keywords, and of have whatever has no meaning here.
func (l *keywordLetters) want(have maildir.Flags, flags Flags, words []string) maildir.Flags {
	b := make([]byte, 0, 32)
	for i := 0; i < len(have); i++ {
		if c := have[i]; letterFlags(string(c)) == 0 && l.keyword(c) == "" {
			b = append(b, c)
		}
	}
	b = append(b, flags.Maildir()...)
	if flags.Has(Passed) {
		words = append(slices.Clone(words), forwarded)
	}
	for _, w := range words {
		if c := l.letter(w); c != 0 {
			b = append(b, c)
		}
	}
	return maildir.MakeFlags(string(b))
}

// lettersKey is where the journal has the map by which names were last read.
const lettersKey = "keyword letters"

// learnLetters returns the folder's map. Letters that have got a meaning since
// it was last asked give their keyword to the messages whose names have them.
func (x *Index) learnLetters(t *tx) (keywordLetters, error) {
	was, _ := t.view().Meta(lettersKey)
	old := parseKeywordLetters(was)
	now, _, _, err := loadKeywordLetters(x.f.Path(), fileMark{})
	if err != nil || now == (keywordLetters{}) {
		return old, nil // a file that went away takes no meaning with it
	}
	if now == old {
		return now, nil
	}
	u := t.view()
	given := map[byte][]UID{}
	for row := range u.Len() {
		for _, c := range []byte(u.Entry(row).Flags()) {
			if c >= 'a' && c <= 'z' && now.keyword(c) != "" && now.keyword(c) != old.keyword(c) {
				given[c] = append(given[c], u.UID(row))
			}
		}
	}
	for c, uids := range given {
		var set Flags
		words := []string{now.keyword(c)}
		if words[0] == forwarded {
			set, words = Passed, nil
		}
		// Rows that are pending stay so.
		var clean, pending []UID
		for _, uid := range uids {
			if row, _ := u.Find(uid); u.Pending(row) || set != 0 {
				pending = append(pending, uid)
			} else {
				clean = append(clean, uid)
			}
		}
		for i, part := range [][]UID{clean, pending} {
			if len(part) == 0 {
				continue
			}
			if _, err := t.flags(part, set, 0, words, nil, i == 1); err != nil {
				return now, err
			}
		}
	}
	return now, t.meta(lettersKey, now.bytes())
}

// letters returns the map by which the names in v were read.
func (v *View) letters() keywordLetters {
	b, _ := v.Meta(lettersKey)
	return parseKeywordLetters(b)
}

// unknown has a bit for each letter of a to z in letters that has no meaning.
func (l *keywordLetters) unknown(letters maildir.Flags) (bits uint32) {
	for i := 0; i < len(letters); i++ {
		if c := letters[i]; c >= 'a' && c <= 'z' && l.keyword(c) == "" {
			bits |= 1 << (c - 'a')
		}
	}
	return bits
}

// metKey is where the journal has the letters without a meaning that names had of messages that
// were moved away: undo brings them back, and they must not mean something then. Such a letter is
// given to no keyword any more.
const metKey = "letters met"

// met notes letters without a meaning, before the files with them are moved.
func (t *tx) met(bits uint32) error {
	if bits == 0 {
		return nil
	}
	was := t.view().metLetters()
	if was|bits == was {
		return nil
	}
	if err := t.meta(metKey, binary.LittleEndian.AppendUint32(nil, was|bits)); err != nil {
		return err
	}
	_, err := t.commit()
	return err
}

func (v *View) metLetters() uint32 {
	if b, ok := v.Meta(metKey); ok && len(b) == 4 {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// usedLetters has a bit for each letter a to z that stands in some name.
func (v *View) usedLetters() (bits uint32) {
	for row := range v.Len() {
		for _, c := range []byte(v.Entry(row).Flags()) {
			if c >= 'a' && c <= 'z' {
				bits |= 1 << (c - 'a')
			}
		}
	}
	return bits
}
