package index

import (
	"context"
	"slices"
)

// A Revised is a message whose file was found to hold something else than what was
// digested first, and what was taken of it then besides may be of the same age. Of
// says of which digest: a message may be revised twice.
type Revised struct {
	UID UID
	Of  uint32
}

const (
	revisedKey = "revised"
	// maxRevised bounds the list. Beyond it, it is that of all messages: UID 0.
	maxRevised = 4096
)

// Revised returns the messages whose texts are to be made anew, and whether that is
// all of them.
func (v *View) Revised() (list []Revised, all bool) {
	b, ok := v.Meta(revisedKey)
	if !ok {
		return nil, false
	}
	for d := (decoder{b: b}); len(d.b) > 0; {
		r := Revised{UID(d.uint()), uint32(d.uint())}
		if d.bad || r.UID == 0 {
			return nil, true
		}
		list = append(list, r)
	}
	return list, false
}

// revise notes that a message is another.
func (t *tx) revise(uid UID) error {
	list, all := t.view().Revised()
	if all {
		return nil
	}
	list = slices.DeleteFunc(list, func(r Revised) bool { return r.UID == uid })
	row, ok := t.view().Find(uid)
	if !ok {
		return nil
	}
	if len(list) == maxRevised {
		return t.keepRevised([]Revised{{}})
	}
	return t.keepRevised(append(list, Revised{uid, t.view().place(row)}))
}

func (t *tx) keepRevised(list []Revised) error {
	var b []byte
	for _, r := range list {
		b = appendUint(appendUint(b, uint64(r.UID)), uint64(r.Of))
	}
	return t.meta(revisedKey, b)
}

// Settled says that the texts of these have been made anew, or if all is set those of all
// messages. Those that were revised once more meanwhile stay in the list.
func (x *Index) Settled(ctx context.Context, list []Revised, all bool) error {
	t, err := x.begin(ctx)
	if err != nil {
		return err
	}
	defer t.end()
	now, nowAll := t.view().Revised()
	if nowAll && !all {
		return nil
	}
	if all {
		now = nil
	}
	done := make(map[Revised]bool, len(list))
	for _, r := range list {
		done[r] = true
	}
	now = slices.DeleteFunc(now, func(r Revised) bool {
		_, there := t.view().Find(r.UID)
		return done[r] || !there
	})
	if err := t.keepRevised(now); err != nil {
		return err
	}
	_, err = t.commit()
	return err
}

// place is where a row's digest is.
func (v *View) place(row int) uint32 {
	c, i := v.at(row)
	return c.cache[i]
}
