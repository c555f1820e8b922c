package store

import (
	"context"
	"runtime"

	"pneu/maildir/digest"
	"pneu/maildir/index"
	"pneu/maildir/message"
	"pneu/maildir/search"
	"pneu/maildir/thread"
)

// source is a View as a query sees it: search.Source.
type source struct {
	v *View
}

func (s *source) Len() int       { return s.v.Len() }
func (s *source) Folder() string { return s.v.box.f.Name() }

// flagBits are the bits that a query knows the flags by.
var flagBits = func() (t [64]int64) {
	for f := range t {
		t[f] = search.FlagBits(index.Flags(f).Maildir())
	}
	return t
}()

func (s *source) Column(c search.Column, from int, dst []int64) bool {
	ix := s.v.ix
	known := func(n int64) int64 {
		if n < 0 {
			return search.Unknown
		}
		return n
	}
	switch c {
	case search.Flags:
		for i := range dst {
			dst[i] = flagBits[ix.Flags(from+i)&63]
		}
	case search.Name:
		for i := range dst {
			n := from + i
			dst[i] = flagBits[ix.Flags(n)&63]
			if ix.InNew(n) {
				dst[i] |= search.FlagNew
			}
			// Letters of other programs stand in the name alone.
			if more(ix, n) {
				dst[i] |= search.FlagMore
			}
		}
	case search.Class:
		for i := range dst {
			if ix.HasDigest(from + i) {
				dst[i] = int64(ix.Class(from + i))
			} else {
				dst[i] = search.Unknown
			}
		}
	case search.Sent:
		for i := range dst {
			dst[i] = sent(ix, from+i)
		}
	case search.Received:
		for i := range dst {
			dst[i] = ix.Received(from + i)
		}
	case search.Saved:
		for i := range dst {
			dst[i] = ix.Saved(from + i)
		}
	case search.Size:
		for i := range dst {
			dst[i] = known(ix.Size(from + i))
		}
	case search.WireSize:
		for i := range dst {
			dst[i] = known(ix.WireSize(from + i))
		}
	case search.UID:
		for i := range dst {
			dst[i] = int64(ix.UID(from + i))
		}
	case search.ModSeq:
		for i := range dst {
			dst[i] = int64(ix.ModSeq(from + i))
		}
	case search.Thread:
		val, err := s.v.once("roots", s.roots)
		if err != nil {
			return false
		}
		for i, root := range val.([]int32)[from : from+len(dst)] {
			dst[i] = int64(root)
		}
	default:
		return false
	}
	return true
}

// roots returns the number of its thread for each row.
func (s *source) roots() (any, error) {
	tree, err := s.v.Threads(context.Background(), thread.Newest)
	if err != nil {
		return nil, err
	}
	roots := make([]int32, s.Len())
	for i, t := range tree.Threads {
		for _, spot := range tree.Spots[t.From : t.From+t.N] {
			roots[spot.Row] = int32(i)
		}
	}
	return roots, nil
}

// more reports whether the name has letters that are no standard flags.
func more(ix *index.View, n int) bool {
	for _, c := range []byte(ix.Entry(n).Flags()) {
		switch c {
		case 'D', 'F', 'P', 'R', 'S', 'T':
		default:
			return true
		}
	}
	return false
}

// sent is the Date field. The index has the time of arrival in its place where there is none.
func sent(ix *index.View, n int) int64 {
	defer runtime.KeepAlive(ix)
	at := ix.Sent(n)
	switch {
	case !ix.HasDigest(n):
		return search.Unknown
	case at != ix.Received(n):
		return at
	}
	d, err := digest.Decode(ix.Blob(n))
	if err != nil {
		return search.Unknown
	}
	at, ok := d.Sent()
	if !ok {
		return search.Never
	}
	return at
}

func (s *source) Keywords(match func(keyword string) bool) (*search.Bits, bool) {
	ix := s.v.ix
	set := search.NewBits(s.Len())
	any := false
	for _, k := range ix.KeywordNames() {
		any = any || match(k)
	}
	if !any {
		return set, true
	}
	for n := range s.Len() {
		for _, k := range ix.Keywords(n) {
			if match(k) {
				set.Set(n)
				break
			}
		}
	}
	return set, true
}

// Heads leaves rows out that the index cannot tell of: they are asked for themselves.
func (s *source) Heads(ctx context.Context, lo, hi int, fn func(row int, rec []byte)) error {
	if err := s.v.ix.HeadScan(func(row int, rec []byte) bool {
		fn(row, rec)
		return ctx.Err() == nil
	}); err != nil && s.v.State().Undigested < s.Len() {
		s.v.box.say("headers are read from files", err)
	}
	return ctx.Err()
}

func (s *source) Doc(row int) search.Doc { return &doc{Row: s.v.Row(row)} }

// A doc is a message asked by a query for itself: search.Doc, and what that may have besides.
type doc struct {
	Row
	read bool
	m    *message.Message
	sum  *message.Summary
	text *string
	dig  digest.Digest
	got  int8 // 1: dig was made, -1: it could not be
}

// Message returns the parsed file, of a very long one the beginning, nil if it cannot be read.
func (d *doc) Message() *message.Message {
	if !d.read {
		d.read = true
		if raw, err := d.v.box.begin(d.Entry()); err == nil {
			d.m = message.Parse(raw)
		}
	}
	return d.m
}

func (d *doc) Digest() (digest.Digest, bool) {
	if d.got == 0 {
		d.got = -1
		if dig, err := d.Row.Digest(); err == nil {
			d.dig, d.got = dig, 1
		}
	}
	return d.dig, d.got > 0
}

func (d *doc) Summary() *message.Summary {
	if d.sum == nil {
		dig, _ := d.Digest()
		sum := d.summary(dig)
		d.sum = &sum
	}
	return d.sum
}

func (d *doc) Header() message.Header {
	if m := d.Message(); m != nil {
		return m.Header(0)
	}
	return nil
}

func (d *doc) Text() string {
	if d.text == nil {
		s := ""
		if !d.read && d.v.ix.Size(d.n) > roomKept { // not to be garbage for long
			d.v.box.x.WithMessage(d.Entry(), func(m *message.Message) { s = digest.Text(m) })
		} else if m := d.Message(); m != nil {
			s = digest.Text(m)
		}
		d.text = &s
	}
	return *d.text
}

func (d *doc) UID() uint32   { return uint32(d.Row.UID()) }
func (d *doc) Sequence() int { return d.n + 1 }
