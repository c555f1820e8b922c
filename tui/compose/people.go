package compose

import (
	"sort"
	"strings"
	"time"

	"pneu/maildir/address"
	"pneu/maildir/message"
)

// People are the addresses seen in mail, for completion.
type People struct {
	by map[string]*Person
}

// A Person is one address and how much there was to do with it.
type Person struct {
	message.Addr
	Count int
	Last  time.Time
}

// NewPeople knows nobody.
func NewPeople() *People { return &People{by: map[string]*Person{}} }

const maxPeople = 50000

// Add notes that an address was seen. weight is more than 1 for those one writes to.
func (p *People) Add(a message.Addr, when time.Time, weight int) {
	if a.Addr == "" || !strings.Contains(a.Addr, "@") {
		return
	}
	k := strings.ToLower(a.Addr)
	x := p.by[k]
	if x == nil {
		if len(p.by) >= maxPeople {
			return
		}
		x = &Person{Addr: a}
		p.by[k] = x
	}
	x.Count += weight
	if when.After(x.Last) {
		x.Last = when
		if a.Name != "" {
			x.Name = a.Name
		}
	}
}

// Find returns up to n people of whose name or address a word begins with s, the most frequent first.
func (p *People) Find(s string, n int) []Person {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return nil
	}
	var out []Person
	for k, x := range p.by {
		if strings.HasPrefix(k, s) || wordPrefix(strings.ToLower(x.Name), s) || strings.Contains(k, "@"+s) {
			out = append(out, *x)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Count != out[j].Count {
			return out[i].Count > out[j].Count
		}
		if !out[i].Last.Equal(out[j].Last) {
			return out[i].Last.After(out[j].Last)
		}
		return out[i].Addr.Addr < out[j].Addr.Addr
	})
	return out[:min(n, len(out))]
}

func wordPrefix(name, s string) bool {
	for name != "" {
		if strings.HasPrefix(name, s) {
			return true
		}
		i := strings.IndexAny(name, " .-'\"(,")
		if i < 0 {
			return false
		}
		name = name[i+1:]
	}
	return false
}

// Format writes an address as it is typed.
func Format(a message.Addr) string {
	if a.Name == "" {
		return a.Addr
	}
	return address.Quote(a.Name) + " <" + a.Addr + ">"
}

// FormatList writes several.
func FormatList(list []message.Addr) string {
	var s []string
	for _, a := range list {
		s = append(s, Format(a))
	}
	return strings.Join(s, ", ")
}

// ParseList reads what was typed.
func ParseList(s string) []message.Addr {
	var out []message.Addr
	for _, a := range address.ParseList(s) {
		out = append(out, message.Addr{Name: message.DecodeWords(a.Name), Addr: a.Addr})
	}
	return out
}
