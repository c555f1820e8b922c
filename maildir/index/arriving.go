package index

import (
	"slices"

	"pneu/maildir"
)

// Messages go from folder to folder by rename, and the record of it follows. If we die in
// between, whoever looks next finds new files, and knows of their keywords those that have
// letters in their names. The others are therefore written down in the folder they go to before
// any file is touched, and taken out again with the commit that adds the messages.

// arrivingKey is where a journal has the keywords of messages that are on their way: pairs of a
// base and a list of keywords.
const arrivingKey = "arriving"

// An arrival is a message on its way, and the keywords that its new name does not say.
type arrival struct {
	base  string
	words []string
}

// expect writes down what the names of messages do not say that are about to come, if there is
// any such thing.
func expect(t *tx, list []arrival) (bool, error) {
	if len(list) == 0 {
		return false, nil
	}
	var b []byte
	for _, a := range list {
		b = appendUint(appendBytes(b, a.base), uint64(len(a.words)))
		for _, w := range a.words {
			b = appendBytes(b, w)
		}
	}
	if len(b)+len(arrivingKey) > maxMeta {
		return false, nil // 500 messages of hundreds of keywords each: then the crash costs some
	}
	if err := t.meta(arrivingKey, b); err != nil {
		return false, err
	}
	_, err := t.commit()
	return err == nil, err
}

// arrived ends what expect began.
func arrived(t *tx) error { return t.meta(arrivingKey, nil) }

// arriving returns the keywords of messages that were on their way when a process died, by base.
func (v *View) arriving() map[string][]string {
	b, ok := v.Meta(arrivingKey)
	if !ok {
		return nil
	}
	all := map[string][]string{}
	d := decoder{b: b}
	for len(d.b) > 0 && !d.bad {
		base := string(d.bytes())
		var words []string
		for range d.count(1) {
			words = append(words, string(d.bytes()))
		}
		if !d.bad {
			all[base] = words
		}
	}
	return all
}

// claim gives fresh messages the keywords they had. If all that came is known, nothing more is to
// come: the lock is ours.
func (x *Index) claim(t *tx, messages []Message, all bool) error {
	waiting := t.view().arriving()
	if len(waiting) == 0 {
		return nil
	}
	for i := range messages {
		m := &messages[i]
		for _, w := range waiting[m.Entry.Base()] {
			if !containsFold(m.Keywords, w) {
				m.Keywords = append(m.Keywords, w)
			}
		}
		slices.Sort(m.Keywords)
	}
	if all {
		return arrived(t)
	}
	return nil
}

// Unsaid returns the keywords of a message that are not among the letters in its name.
func (v *View) Unsaid(row int) []string {
	words := v.Keywords(row)
	if len(words) == 0 {
		return nil
	}
	letters := v.letters()
	return unsaid(v.Entry(row), words, &letters)
}

// unsaid returns the keywords of a message that its name in another folder does not say.
func unsaid(as maildir.Entry, words []string, letters *keywordLetters) (left []string) {
	if len(words) == 0 {
		return nil
	}
	said := letters.mean(as.Flags()).words
	for _, w := range words {
		if !containsFold(said, w) {
			left = append(left, w)
		}
	}
	return left
}
