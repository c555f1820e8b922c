package tui

import (
	"context"
	"errors"
	"strings"

	"pneu/maildir"
	"pneu/maildir/journal"
	mstore "pneu/maildir/store"
	"pneu/tui/keywords"
	"pneu/tui/look"
	"pneu/tui/store"
	"pneu/tui/term"
)

// customary are keywords that are offered though the folder has none of them yet: other programs know them.
var customary = [...]string{"$Important", "$Muted", "$Junk", "$NotJunk"}

// keywordsOver is the list of keywords.
type keywordsOver struct {
	*keywords.Picker
	ids []int
	of  *store.Box // which has messages of these numbers
}

func (o *keywordsOver) box(w, h int) (look.Box, bool) { return o.Box(w, h), true }

func (o *keywordsOver) key(a *App, k term.Key) term.Cmd {
	done, ok := o.Key(k)
	if !done {
		return nil
	}
	a.over = nil
	if !ok {
		return nil
	}
	if a.box != o.of {
		a.say("no keywords set: the folder changed meanwhile")
		return nil
	}
	add, remove := o.Change()
	return a.setKeywords(o.ids, add, remove)
}

// keywords sets and removes keywords of the chosen messages: those that are named, as +work or -work, or those that
// are marked in a list.
func (a *App) keywords(arg string) term.Cmd {
	return a.choose(false, func(c choice) term.Cmd {
		if arg == "" {
			view := a.box.View()
			return a.behind(len(c.ids), func() func(*App) term.Cmd {
				items := known(view, c.ids)
				return func(a *App) term.Cmd {
					a.over = &keywordsOver{keywords.NewPicker(a.theme, "keywords of "+look.Plural(len(c.ids), "message"), items, len(c.ids)), c.ids, a.box}
					return nil
				}
			})
		}
		var add, remove []string
		for _, w := range strings.Fields(arg) {
			if name, ok := strings.CutPrefix(w, "-"); ok {
				remove = append(remove, name)
			} else {
				add = append(add, strings.TrimPrefix(w, "+"))
			}
		}
		return a.setKeywords(c.ids, add, remove)
	})
}

// known are the keywords of the folder, with how many of these messages have them.
func known(view *mstore.View, ids []int) []keywords.Item {
	ix := view.Index()
	bySet := map[int]int{}
	for _, id := range ids {
		if row, ok := view.Find(mstore.UID(id)); ok {
			bySet[ix.KeywordSet(row)]++
		}
	}
	have := map[string]int{}
	for set, n := range bySet {
		for _, name := range ix.KeywordsOf(set) {
			have[name] += n
		}
	}
	var items []keywords.Item
	seen := map[string]bool{}
	for _, name := range append(ix.KeywordNames(), customary[:]...) {
		if low := strings.ToLower(name); !seen[low] {
			seen[low] = true
			items = append(items, keywords.Item{Name: name, Have: have[name]})
		}
	}
	return items
}

var errKeyword = errors.New(`a keyword has no blanks and none of ( ) { } % * " \ ] in it, and only ASCII`)

// setKeywords changes keywords, as one batch of the journal.
func (a *App) setKeywords(ids []int, add, remove []string) term.Cmd {
	var words []string
	for i, name := range append(append([]string(nil), add...), remove...) {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r) }) {
			a.fail(errKeyword)
			return nil
		}
		words = append(words, map[bool]string{true: "+", false: "-"}[i < len(add)]+name)
	}
	if len(words) == 0 {
		a.say("no keyword changed")
		return nil
	}
	all, about := strings.Join(words, " "), a.about(ids)
	d := &deed{doing: look.Tf("Setting %s on %s ...", all, about), done: look.Tf("Set %s on %s", all, about), of: len(ids), undo: true}
	if len(add) == 0 {
		all = strings.Join(remove, " ")
		d.doing, d.done = look.Tf("Removing %s from %s ...", all, about), look.Tf("Removed %s from %s", all, about)
	}
	a.begins(d)
	a.list.Clear()
	c := journal.Change{AddKeywords: add, RemoveKeywords: remove}
	return a.each(ids, d, "keywords "+strings.Join(words, " "), func(b *journal.Batch, f *maildir.Folder, list []maildir.Entry) ([]mstore.Result, error) {
		return a.noted.SetFlags(context.Background(), b, f, list, c), nil
	})
}
