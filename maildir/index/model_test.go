package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pneu/maildir"
)

// model is the index as one would write it without care for speed.
type model struct {
	rows   []modelRow
	next   UID
	modseq uint64
	gone   map[UID]uint64
	meta   map[string]string
}

type modelRow struct {
	uid                           UID
	entry                         maildir.Entry
	flags                         Flags
	pending                       bool
	kw                            []string
	modseq                        uint64
	size, wire, recv, saved, sent int64
	class                         uint16
	blob                          string
}

func (m *model) clone() *model {
	c := *m
	c.rows = slices.Clone(m.rows)
	for i := range c.rows {
		c.rows[i].kw = slices.Clone(c.rows[i].kw)
	}
	c.gone, c.meta = map[UID]uint64{}, map[string]string{}
	for k, v := range m.gone {
		c.gone[k] = v
	}
	for k, v := range m.meta {
		c.meta[k] = v
	}
	return &c
}

// compare checks everything a view says.
func (m *model) compare(t *testing.T, what string, v *View) {
	t.Helper()
	if v.Len() != len(m.rows) {
		t.Fatalf("%s: %d rows, want %d", what, v.Len(), len(m.rows))
	}
	var want State
	within := what == "within" // digests come with the commit
	for row, r := range m.rows {
		size, wire := r.size, r.wire
		if size < 0 || wire < size {
			wire = -1
		}
		got := modelRow{v.UID(row), v.Entry(row), v.Flags(row), v.Pending(row), v.Keywords(row), v.ModSeq(row),
			v.Size(row), v.WireSize(row), v.Received(row), v.Saved(row), v.Sent(row), v.Class(row), string(v.Blob(row))}
		r.wire = wire
		if within {
			got.blob = r.blob
		}
		if fmt.Sprint(got) != fmt.Sprint(r) {
			t.Fatalf("%s: row %d is\n%q, want\n%q", what, row, fmt.Sprint(got), fmt.Sprint(r))
		}
		if v.DiskFlags(row) != FlagsOf(r.entry.Flags()) || !within && v.HasDigest(row) != (r.blob != "") || v.Base(row) != r.entry.Base() {
			t.Fatalf("%s: row %d of %q: disk flags %v, digest %v, base %q", what, row, r.entry.File, v.DiskFlags(row), v.HasDigest(row), v.Base(row))
		}
		if at, ok := v.Find(r.uid); at != row || !ok {
			t.Fatalf("%s: UID %d found at %d, %v; want %d", what, r.uid, at, ok, row)
		}
		if at, ok := v.FindBase(r.entry.Base()); at != row || !ok {
			t.Fatalf("%s: base %q found at %d, %v; want %d", what, r.entry.Base(), at, ok, row)
		}
		if at, match := v.Lookup([]byte(r.entry.File), r.entry.New); at != row || match != Same {
			t.Fatalf("%s: %q looked up: %d, %v; want %d", what, r.entry.File, at, match, row)
		}
		if at, match := v.Lookup([]byte(r.entry.File), !r.entry.New); at != row || match != Renamed {
			t.Fatalf("%s: %q looked up in the other directory: %d, %v; want %d", what, r.entry.File, at, match, row)
		}
		if at, match := v.Lookup([]byte(r.entry.Base()+":2,FXz"), false); at != row || match != Renamed && !strings.HasSuffix(r.entry.File, ":2,FXz") {
			t.Fatalf("%s: base of %q with other flags looked up: %d, %v; want %d", what, r.entry.File, at, match, row)
		}
		want.Total++
		if r.flags&Seen == 0 {
			want.Unseen++
		}
		if r.flags&Trashed != 0 {
			want.Deleted++
		}
		if r.entry.New {
			want.New++
		}
		if r.pending {
			want.Pending++
		}
		if r.blob == "" {
			want.Undigested++
		}
		want.Bytes += max(size, 0)
		want.WireBytes += max(wire, 0)
	}
	v.Files(len(m.rows)/3, len(m.rows), func(row int, file []byte, isNew bool) bool {
		if e := m.rows[row].entry; e.File != string(file) || e.New != isNew {
			t.Fatalf("%s: file of row %d is %q, want %q", what, row, file, e.File)
		}
		return true
	})
	got := v.State()
	want.GUID, want.UIDValidity, want.Sticky, want.FloorModSeq, want.Dir = got.GUID, got.UIDValidity, got.Sticky, got.FloorModSeq, got.Dir
	want.UIDNext, want.HighestModSeq = m.next, m.modseq
	if got != want {
		t.Fatalf("%s: state is\n%+v, want\n%+v", what, got, want)
	}
	if n := len(v.PendingRows()); n != want.Pending {
		t.Fatalf("%s: %d pending rows, want %d", what, n, want.Pending)
	}
	if _, match := v.Lookup([]byte("1.nobody.host:2,S"), false); match != Unknown {
		t.Fatalf("%s: found what is not there", what)
	}
	for _, since := range []uint64{0, 1, m.modseq / 2, m.modseq - 1, m.modseq} {
		var rows []int
		for row, r := range m.rows {
			if r.modseq > since {
				rows = append(rows, row)
			}
		}
		if got := v.Changed(since); !slices.Equal(got, rows) {
			t.Fatalf("%s: changed since %d: %v, want %v", what, since, got, rows)
		}
		var gone []UIDRange
		for uid, at := range m.gone {
			if at > since {
				gone = append(gone, UIDRange{uid, uid})
			}
		}
		got, known := v.Vanished(since)
		if !known && since == 0 {
			continue // the index begins with 1
		}
		if !known || !slices.Equal(got, joinRanges(gone)) {
			t.Fatalf("%s: vanished since %d: %v %v, want %v", what, since, got, known, joinRanges(gone))
		}
	}
	for k, val := range m.meta {
		if got, ok := v.Meta(k); !ok || string(got) != val {
			t.Fatalf("%s: meta %q is %q, %v; want %q", what, k, got, ok, val)
		}
	}
	if got := v.MetaKeys(""); len(got) != len(m.meta) {
		t.Fatalf("%s: meta keys %q, want %d", what, got, len(m.meta))
	}
	if !slices.EqualFunc(v.AllFlags(nil), m.rows, func(f Flags, r modelRow) bool { return f == r.flags }) ||
		!slices.EqualFunc(v.AllUIDs(nil), m.rows, func(u UID, r modelRow) bool { return u == r.uid }) ||
		!slices.EqualFunc(v.AllSent(nil), m.rows, func(s int64, r modelRow) bool { return s == r.sent }) {
		t.Fatalf("%s: a whole column differs from its rows", what)
	}
}

// oddNames are bases as programs make them, and as nobody should.
var oddNames = []func(n int) string{
	func(n int) string {
		return fmt.Sprintf("17000%05d.M%dP%dQ%dR%016x.mail.example.org,S=%d,W=%d", n, n%1e6, n%32768, n, uint64(n)*0x9e3779b97f4a7c15, 1000+n, 1030+n)
	},
	func(n int) string { return fmt.Sprintf("17000%05d.M%dP%d.dovecot,S=%d,W=%d", n, n, n, 1000+n, 1030+n) },
	func(n int) string { return fmt.Sprintf("17000%05d.R%d.mutt", n, uint64(n)*7919) },
	func(n int) string { return fmt.Sprintf("17000%05d.M%dP%dQ1.mblaze.example", n, n, n) },
	func(n int) string { return fmt.Sprintf("17000%05d.1234_%d.mbsync,U=%d", n, n, n) },
	func(n int) string { return fmt.Sprintf("%d", n) },
	func(n int) string { return fmt.Sprintf("a\nb\xff\xfe %d\x01", n) },
	func(n int) string { return fmt.Sprintf("%0240d", n) },
	func(n int) string { return fmt.Sprintf("%d.M1.h,S=%d", n, 100000+n) },     // ends in a longer number
	func(n int) string { return fmt.Sprintf("%d.RdeadbeefDEADBEEF.h:1,x", n) }, // another version of info
}

func oddName(r *rand.Rand, n int) maildir.Entry {
	base := oddNames[r.IntN(len(oddNames))](n)
	infos := []string{"", ":2,", ":2,S", ":2,FS", ":2,DFPRST", ":2,Sab", ":2,SF", ":2,S,x=1", ";2,S", "!2,", ":2,é"}
	name := base + infos[r.IntN(len(infos))]
	if len(name) > 255 {
		name = base
	}
	return maildir.Entry{File: name, New: r.IntN(4) == 0}
}

func TestAgainstModel(t *testing.T) {
	t.Parallel()
	seeds, more := uint64(5), 8
	if raceEnabled {
		seeds, more = 2, 0
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runModel(t, seed, 15+more*min(int(seed), 3)) })
	}
}

func runModel(t *testing.T, seed uint64, rounds int) {
	r := rand.New(rand.NewPCG(seed, 1))
	f := newFolder(t)
	x := mustOpen(t, f, Options{})
	reader := mustOpen(t, f, Options{ReadOnly: true})
	m := &model{next: 1, modseq: 1, gone: map[UID]uint64{}, meta: map[string]string{}}
	words := []string{"alpha", "$Junk", "b c", "Ωmega", "x1", "x2", "x3"}
	n := 0
	pick := func() (uids []UID) {
		for _, row := range m.rows {
			if r.IntN(3) == 0 {
				uids = append(uids, row.uid)
			}
		}
		uids = append(uids, UID(1+r.IntN(int(m.next))))
		slices.Sort(uids)
		return uids
	}
	var oldView *View
	var oldModel *model
	for round := range rounds {
		before := m.clone()
		tx := mustBegin(t, x)
		for range 1 + r.IntN(4) {
			switch op := r.IntN(11); op {
			case 0, 1, 2:
				burst := 1 + r.IntN(20)
				if seed == 0 && round == 3 {
					burst = 4200 // across chunks
				}
				for range burst {
					n++
					e := oddName(r, n)
					msg := Message{Entry: e, Size: int64(1000 + n), WireSize: int64(1030 + n), Received: int64(1700000000 + n),
						Sent: int64(r.Uint64()>>25) - 1<<38, Class: uint16(n)}
					row := modelRow{entry: e, flags: FlagsOf(e.Flags()), size: msg.Size, wire: msg.WireSize, recv: msg.Received, saved: msg.Received, sent: msg.Sent, class: msg.Class}
					if r.IntN(4) == 0 {
						msg.Size, row.size, row.wire = -1, -1, -1
					}
					if r.IntN(4) == 0 {
						msg.Saved = 1800000000
						row.saved = msg.Saved
					}
					if r.IntN(3) == 0 {
						row.kw = []string{words[r.IntN(len(words))]}
						msg.Keywords = row.kw
					}
					if r.IntN(2) == 0 {
						row.blob = fmt.Sprint("blob of ", n)
						msg.Digest, msg.Head = []byte(row.blob), []byte("head")
					}
					if r.IntN(5) == 0 {
						msg.Extra = Flags(r.IntN(64))
						row.flags |= msg.Extra
						row.pending = row.flags != FlagsOf(e.Flags())
					}
					if r.IntN(10) == 0 {
						msg.UID = m.next + UID(r.IntN(5))
					}
					uid, err := tx.add(msg)
					if err != nil {
						t.Fatal(err)
					}
					m.modseq++
					row.uid, row.modseq = uid, m.modseq
					m.next = uid + 1
					m.rows = append(m.rows, row)
				}
			case 3, 4, 5:
				uids := pick()
				set, clear := Flags(r.IntN(64)), Flags(r.IntN(64))
				if r.IntN(2) == 0 {
					set, clear = Flags(1<<r.IntN(6)), 0
				}
				var add, rm []string
				if r.IntN(2) == 0 {
					add, rm = []string{words[r.IntN(len(words))]}, []string{words[r.IntN(len(words))]}
				}
				pending := r.IntN(2) == 0
				high := m.modseq
				changed := false
				for i := range m.rows {
					row := &m.rows[i]
					if _, ok := slices.BinarySearch(uids, row.uid); !ok {
						continue
					}
					now := (row.flags | set) &^ clear
					kw := slices.Clone(row.kw)
					for _, k := range add {
						if !slices.Contains(kw, k) {
							kw = append(kw, k)
						}
					}
					kw = slices.DeleteFunc(kw, func(k string) bool { return slices.Contains(rm, k) })
					slices.Sort(kw)
					if now != row.flags || !slices.Equal(kw, row.kw) {
						row.flags, row.kw, row.modseq = now, kw, high+1
						changed = true
						if pending {
							row.pending = true
						}
					}
					if !pending && now == FlagsOf(row.entry.Flags()) {
						row.pending = false
					}
				}
				if changed {
					m.modseq = high + 1
				}
				if got, err := tx.flags(uids, set, clear, add, rm, pending); err != nil || got != m.modseq {
					t.Fatalf("flags: modseq %d, %v; want %d", got, err, m.modseq)
				}
			case 6, 7:
				run := r.IntN(2) == 0
				e0 := oddName(r, 0)
				for i := range m.rows {
					row := &m.rows[i]
					if r.IntN(5) != 0 {
						continue
					}
					e := maildir.Entry{File: row.entry.Base() + ":2," + string(row.flags.Maildir())}
					switch {
					case run:
						e = maildir.Entry{File: row.entry.Base() + ":2,S"}
					case r.IntN(3) == 0:
						n++
						e = oddName(r, n)
					case r.IntN(3) == 0:
						e = maildir.Entry{File: row.entry.Base(), New: e0.New}
					}
					if len(e.File) > 255 {
						continue
					}
					if err := tx.rename(row.uid, e); err != nil {
						t.Fatal(err)
					}
					row.entry = e
					if row.flags == FlagsOf(e.Flags()) {
						row.pending = false
					}
				}
			case 8:
				uids := pick()
				if r.IntN(3) != 0 {
					uids = uids[:min(len(uids), 3)] // few, mostly
				}
				high := m.modseq
				hit := false
				m.rows = slices.DeleteFunc(m.rows, func(row modelRow) bool {
					if _, ok := slices.BinarySearch(uids, row.uid); !ok {
						return false
					}
					hit = true
					m.gone[row.uid] = high + 1
					return true
				})
				if hit {
					m.modseq = high + 1
				}
				if _, err := tx.expunge(uids); err != nil {
					t.Fatal(err)
				}
			case 9:
				for i := range m.rows {
					row := &m.rows[i]
					if r.IntN(10) != 0 {
						continue
					}
					row.size, row.wire, row.sent, row.class = int64(r.IntN(5000)), 9999, int64(i), 7
					row.blob = fmt.Sprint("later ", i)
					tx.detail(row.uid, Detail{Size: row.size, WireSize: row.wire, Sent: row.sent, Class: 7, Digest: []byte(row.blob)})
					if r.IntN(3) == 0 {
						row.saved = int64(1900000000 + i)
						tx.saved(row.uid, row.saved)
					}
				}
			case 10:
				k := words[r.IntN(len(words))]
				if r.IntN(3) == 0 {
					delete(m.meta, k)
					tx.meta(k, nil)
				} else {
					m.meta[k] = fmt.Sprint(round)
					tx.meta(k, []byte(m.meta[k]))
				}
			}
			if len(m.rows) < 200 {
				m.compare(t, "within", tx.view())
			}
		}
		if len(m.rows) > 300 && seed != 0 {
			var uids []UID
			for _, row := range m.rows[:200] {
				uids = append(uids, row.uid)
				m.gone[row.uid] = m.modseq + 1
			}
			m.rows = m.rows[200:]
			m.modseq++
			tx.expunge(uids)
		}
		if r.IntN(10) == 0 {
			tx.end()
			m = before
			m.compare(t, "dropped", x.View())
			continue
		}
		v := mustCommit(t, tx)
		tx.end()
		m.compare(t, "committed", v)
		if oldView != nil {
			oldModel.compare(t, "old view", oldView)
			oldView = nil
		}
		if r.IntN(6) == 0 {
			oldView, oldModel = v, m.clone()
		}
		if r.IntN(8) == 0 {
			x.writer <- struct{}{}
			x.mu.Lock()
			if err := x.compact(); err != nil {
				t.Fatal(err)
			}
			x.mu.Unlock()
			<-x.writer
			m.compare(t, "compacted", x.View())
		}
		if v, err := reader.Refresh(); err != nil {
			t.Fatal(err)
		} else if r.IntN(3) == 0 {
			m.compare(t, "refreshed", v)
		}
		if r.IntN(8) == 0 {
			x.Close()
			x = mustOpen(t, f, Options{})
			m.compare(t, "reopened", x.View())
		}
	}
	if errs := x.check(); len(errs) > 0 {
		t.Error(errs)
	}
}
