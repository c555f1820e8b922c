package store

import (
	"strings"

	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/maildir/safe/who"
	"pneu/tui/look"
)

// person returns how a sender is shown in a row. Where something about it is made to deceive, the real address
// comes first, and danger is true.
func person(a message.Addr) (name, short safe.Text, danger bool) {
	name, danger = who.From(a.Name, a.Addr)
	switch {
	case danger:
		short, _ = who.From("", a.Addr)
		return name, short, true
	case strings.TrimSpace(a.Name) == "":
		local, _, _ := strings.Cut(name.String(), "@")
		return name, look.T(local), false
	}
	return name, look.T(firstName(name.String())), false
}

// firstName is the first word of a name, or the one behind the comma of "Lovelace, Ada".
func firstName(n string) string {
	if family, given, ok := strings.Cut(n, ","); ok {
		if given = strings.TrimSpace(given); given != "" && !strings.ContainsAny(family, " ") {
			n = given
		}
	}
	n = strings.Trim(n, "\"' ")
	first, _, _ := strings.Cut(n, " ")
	if len(first) < 2 {
		return n
	}
	return first
}

func recipients(s message.Summary) safe.Text {
	var names []string
	for _, a := range append(append([]message.Addr(nil), s.To...), s.Cc...) {
		n, _ := who.From(a.Name, a.Addr)
		names = append(names, n.String())
		if len(names) == 3 {
			break
		}
	}
	if len(names) == 0 {
		return look.T("(no recipient)")
	}
	return look.T("To " + strings.Join(names, ", "))
}

// people lists who takes part in a conversation: full name for one, first names for several, those of unread
// messages kept when there are too many.
func people(heads []*Head) safe.Text {
	type party struct {
		short, full string
	}
	var all []party
	seen := map[string]bool{}
	more := 0
	for _, h := range heads {
		if h == nil {
			continue
		}
		k := h.Short.String()
		if len(h.From) > 0 {
			k = strings.ToLower(h.From[0].Addr)
		}
		if h.Mine {
			k = "\x00me"
		}
		if seen[k] {
			continue
		}
		seen[k] = true
		if len(all) == 3 {
			more++
			continue
		}
		all = append(all, party{h.Short.String(), h.Name.String()})
	}
	switch len(all) {
	case 0:
		return look.T("")
	case 1:
		return look.T(all[0].full)
	case 2:
		if t := look.T(all[0].full + ", " + all[1].short); safe.Width(t.String()) <= peopleW {
			return t
		}
	}
	for n := len(all); n > 1; n-- { // as many names as there is room for, and how many more there are
		names := make([]string, n)
		for i := range names {
			names[i] = all[i].short
		}
		s := strings.Join(names, ", ")
		if rest := more + len(all) - n; rest > 0 {
			s = s + " +" + look.Number(rest)
		}
		if t := look.T(s); safe.Width(t.String()) <= peopleW {
			return t
		}
	}
	return look.Tf("%s +%d", all[0].short, more+len(all)-1)
}

// peopleW is the width of the column that names people, where it is narrow.
const peopleW = 19
