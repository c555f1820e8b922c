package main

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A patch is what the subject of a message says of its place in a series.
type patch struct {
	version, number, total int
	prefix                 string // what stands in the brackets besides, "net-next" say
}

var (
	patchTag = regexp.MustCompile(`^\[([^\][]*)\]\s*`)
	isPatch  = regexp.MustCompile(`(?i)\bpatch`)
	place    = regexp.MustCompile(`^(\d{1,6})/(\d{1,6})$`)
	reroll   = regexp.MustCompile(`^(?i:(?:patch)?v)(\d{1,4})$`)
)

// patchOf reads a subject as git format-patch writes it: "[PATCH net v3 02/12] text". Answers
// are no patches, whatever they quote; mailing lists put tags of their own in front.
func patchOf(subject string) (patch, bool) {
	p := patch{version: 1, number: 1, total: 1}
	s := strings.TrimSpace(subject)
	for {
		m := patchTag.FindStringSubmatch(s)
		if m == nil {
			return p, false
		}
		s = s[len(m[0]):]
		if !isPatch.MatchString(m[1]) {
			continue
		}
		var rest []string
		for _, w := range strings.Fields(m[1]) {
			if x := place.FindStringSubmatch(w); x != nil {
				p.number, _ = strconv.Atoi(x[1])
				p.total, _ = strconv.Atoi(x[2])
			} else if x := reroll.FindStringSubmatch(w); x != nil {
				p.version, _ = strconv.Atoi(x[1])
			} else {
				rest = append(rest, strings.ToLower(w))
			}
		}
		p.prefix = strings.Join(rest, " ")
		return p, true
	}
}

// eachPatch is each over the patches alone, without cover letters and answers: series stay in the
// order they were named in, each is sorted by number, and a patch that came twice counts once.
func (t *tool) eachPatch(args []string, fb fallback, f func(*msg) error) error {
	type numbered struct {
		*msg
		patch
		series int
	}
	type name struct {
		prefix, thread string
		version, total int
	}
	series := map[name]int{}
	var list []numbered
	all, err := t.all(args, fb)
	if err != nil {
		return err
	}
	for _, m := range t.threaded(all, false) {
		p, ok := patchOf(m.Summary().Subject)
		if !ok || p.number == 0 || !hasDiff(m) {
			continue
		}
		m.forget()
		k := name{p.prefix, m.thread, p.version, p.total}
		if _, ok := series[k]; !ok {
			series[k] = len(series)
		}
		list = append(list, numbered{m, p, series[k]})
	}
	slices.SortStableFunc(list, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.series, b.series), cmp.Compare(a.number, b.number))
	})
	list = slices.CompactFunc(list, func(a, b numbered) bool {
		return a.series == b.series && a.number == b.number && a.total > 1
	})
	for i, p := range list {
		if i+1 == len(list) || list[i+1].series != p.series {
			have := 0
			for _, q := range list {
				if q.series == p.series {
					have++
				}
			}
			if have < p.total {
				t.note("a series of %d has %d here: %s", p.total, have, p.Summary().Subject)
			}
		}
		if err := f(p.msg); err != nil {
			return err
		}
	}
	return nil
}

// hasDiff reports whether a message holds something to apply: a cover letter that nobody
// numbered, or an answer whose writer changed the subject, does not.
func hasDiff(m *msg) bool {
	p, err := m.load()
	if err != nil {
		return true // for the export to fail on
	}
	for i := range p.Parts {
		part := &p.Parts[i]
		if part.NumChildren > 0 || part.Type != "text" {
			continue
		}
		for line := range strings.SplitSeq(p.Text(i, maxText), "\n") {
			if strings.HasPrefix(line, "diff --git ") || strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "Index: ") {
				return true
			}
		}
	}
	return false
}
