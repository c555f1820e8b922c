package index

import (
	"fmt"
	"runtime"
)

// Check reads everything there is and says what is wrong: checksums, order,
// counters, names that the hash tables do not find. It changes nothing.
func (x *Index) Check() []error { return x.check() }

// check takes a second or so for a million messages.
func (x *Index) check() (errs []error) {
	v, err := x.Refresh()
	if err != nil {
		return []error{err}
	}
	bad := func(format string, args ...any) {
		if len(errs) < 20 {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	if err, _ := x.Damage(); err != nil {
		bad("found at open: %w", err)
	}
	if v.snap != nil {
		if err := v.snap.verify(func(int, int) bool { return true }); err != nil {
			bad("pneu.idx: %w", err)
		}
	}
	err = shield(func() error {
		var want State
		last := UID(0)
		row := 0
		v.eachName(func(c *chunk, i int, stored []byte) {
			uid := UID(c.uid[i])
			if uid <= last {
				bad("row %d: UID %d after %d", row, uid, last)
			}
			last = uid
			if m := c.modseq(i); m == 0 || m > v.st.HighestModSeq {
				bad("UID %d: MODSEQ %d of %d", uid, m, v.st.HighestModSeq)
			}
			if n := v.KeywordSets(); int(c.kw[i]) >= n {
				bad("UID %d: keyword set %d of %d", uid, c.kw[i], n)
			}
			file := append(append([]byte{}, stored...), infoOf(c.state[i], c.disk[i])...)
			if at, m := v.Lookup(file, c.state[i]&stateNew != 0); m != Same || at != row {
				bad("UID %d: name %q is not found", uid, file)
			}
			size, wire := c.sizes(i)
			want.Total++
			want.Unseen += 1 - int(c.flags[i]&uint8(Seen))
			want.Deleted += int(c.flags[i]&uint8(Trashed)) / int(Trashed)
			want.New += int(c.state[i]&stateNew) / stateNew
			want.Pending += int(c.state[i]&statePending) / statePending
			if c.cache[i] == 0 {
				want.Undigested++
			}
			want.Bytes += max(size, 0)
			want.WireBytes += max(wire, 0)
			row++
		})
		if last >= v.st.UIDNext {
			bad("UID %d is not below UIDNEXT %d", last, v.st.UIDNext)
		}
		got := v.st
		got.GUID, got.UIDValidity, got.UIDNext, got.HighestModSeq = want.GUID, 0, 0, 0
		got.FloorModSeq, got.Dir, got.Sticky = 0, want.Dir, false
		if got != want {
			bad("counters say %+v, rows %+v", got, want)
		}
		return nil
	})
	if err != nil {
		bad("reading: %w", err)
	}
	runtime.KeepAlive(v)
	return errs
}
