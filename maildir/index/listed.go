package index

import (
	"encoding/binary"
	"runtime"
)

// A Listed is what a list shows of a row, as the methods of those names say it.
type Listed struct {
	Flags Flags
	InNew bool
	Sent  int64
	Blob  []byte // see [View.Blob]
}

// List appends what a list shows of some rows to dst, in much less time than the methods
// that say the same of one.
func (v *View) List(dst []Listed, rows []int32) []Listed {
	defer runtime.KeepAlive(v)
	for len(rows) > 0 {
		n := min(len(rows), listGroup)
		dst = v.listGroup(dst, rows[:n])
		rows = rows[n:]
	}
	return dst
}

const listGroup = 64

func (v *View) listGroup(dst []Listed, rows []int32) []Listed {
	var places [listGroup]int64
	var uids [listGroup]UID
	from := len(dst)
	for k, row := range rows {
		c, i := v.at(int(row))
		places[k], uids[k] = int64(c.cache[i])*8, UID(c.uid[i])
		dst = append(dst, Listed{Flags: Flags(c.flags[i]), InNew: c.state[i]&stateNew != 0, Sent: c.sent(i)})
	}
	v.blob.readAll(dst[from:], places[:len(rows)], uids[:len(rows)])
	return dst
}

// readAll is read for many.
func (b *blobs) readAll(dst []Listed, places []int64, uids []UID) {
	k := 0
	if b.fs != nil {
		if b.open() != nil {
			return
		}
		shield(func() error {
			for ; k < len(places); k++ {
				if places[k] != 0 {
					dst[k].Blob, _ = b.record(places[k], uids[k])
				}
			}
			return nil
		})
	}
	for ; k < len(places); k++ { // behind a fault, each by itself
		if places[k] != 0 {
			dst[k].Blob = b.read(places[k], uids[k])
		}
	}
}

// record returns a record of pneu.cache, nil if it is damaged. It may fault.
func (b *blobs) record(at int64, uid UID) ([]byte, error) {
	m, err := b.cache.reach(at + blobHeader)
	if err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(m.b[at+4:]))
	if n > maxBlob {
		return nil, ErrDamaged
	}
	if m, err = b.cache.reach(at + blobHeader + n); err != nil {
		return nil, err
	}
	rec := m.b[at : at+blobHeader+n : at+blobHeader+n]
	if UID(binary.LittleEndian.Uint32(rec)) != uid || blobSum(rec) != binary.LittleEndian.Uint32(rec[8:]) {
		return nil, ErrDamaged
	}
	return rec[blobHeader:], nil
}
