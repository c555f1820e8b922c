package journal

import (
	"errors"
	"slices"
	"strings"

	"pneu/maildir"
)

// Keywords keeps the keywords of messages, which have names and so no place in those of
// files. A program passes an index.
type Keywords interface {
	// Of returns the keywords of a message.
	Of(f *maildir.Folder, e maildir.Entry) ([]string, error)
	// Change adds and removes keywords, and returns the entry of the message then.
	Change(f *maildir.Folder, e maildir.Entry, add, remove []string) (maildir.Entry, error)
	// Carry gives a message those keywords of another one that names do not hold, and returns
	// its entry then.
	Carry(from *maildir.Folder, e maildir.Entry, to *maildir.Folder, as maildir.Entry) (maildir.Entry, error)
}

// carry is Carry for a message that takes the place of another. The keywords of that one were
// never more than its letters if nobody keeps them.
func (j *Journal) carry(from *maildir.Folder, e maildir.Entry, to *maildir.Folder, as maildir.Entry) (maildir.Entry, error) {
	if j.keywords == nil {
		return as, nil
	}
	return j.keywords.Carry(from, e, to, as)
}

// errNoKeywords is the error of a journal without UseKeywords.
var errNoKeywords = errors.New("keywords are not kept here")

// UseKeywords says where keywords are kept, before the journal is used.
func (j *Journal) UseKeywords(k Keywords) { j.keywords = k }

// SetKeywords adds and removes keywords; what the message has or lacks already is not
// noted, so that undo leaves it as it was.
func (b *Batch) SetKeywords(f *maildir.Folder, e maildir.Entry, add, remove []string) (maildir.Entry, error) {
	if b.j.keywords == nil {
		return maildir.Entry{}, errNoKeywords
	}
	now, err := f.Current(e)
	if err != nil {
		return maildir.Entry{}, err
	}
	have, err := b.j.keywords.Of(f, now)
	if err != nil {
		return maildir.Entry{}, err
	}
	o := Op{Kind: "keywords", Store: f.Store().Root(), FromFolder: f.Name(), From: f.Path(), ToFolder: f.Name(), To: f.Path(), Old: now, New: now}
	for _, k := range add {
		if !containsFold(have, k) && !containsFold(remove, k) && !containsFold(o.Add, k) {
			o.Add = append(o.Add, k)
		}
	}
	for _, k := range have { // in the spelling they have
		if containsFold(remove, k) {
			o.Remove = append(o.Remove, k)
		}
	}
	if len(o.Add)+len(o.Remove) == 0 {
		return now, nil
	}
	err = b.note(o, func() (err error) {
		now, err = b.j.keywords.Change(f, now, o.Add, o.Remove)
		return err
	})
	return now, err
}

func containsFold(list []string, k string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return strings.EqualFold(l, k) })
}

// rekey changes the keywords of the message an operation was done to, wherever in the
// folder it is by now.
func (j *Journal) rekey(f *maildir.Folder, base string, add, remove []string) (string, error) {
	if j.keywords == nil {
		return "", errNoKeywords
	}
	now, err := f.Find(base)
	if err == nil {
		now, err = j.keywords.Change(f, now, add, remove)
	}
	if err != nil {
		return "", err
	}
	return f.File(now), nil
}
