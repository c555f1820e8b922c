package maildir

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sequence numbers the names this process makes.
var sequence atomic.Uint64

var hostname = sync.OnceValue(func() string {
	h, err := os.Hostname()
	if err != nil || h == "" {
		return "localhost"
	}
	return escapeHost(h)
})

// escapeHost keeps '/' and ':' out of names, as the Maildir page says, and with
// them all that could be taken for a field or a control byte.
func escapeHost(h string) string {
	var b strings.Builder
	for i := 0; i < len(h) && b.Len() < 60; i++ {
		c := h[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_',
			c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "\\%03o", c)
		}
	}
	return b.String()
}

// freshUnique makes a name nobody has: seconds of arrival, microseconds of now,
// process, counter and 64 random bits, so that a clock step or a reused process
// number does no harm.
func freshUnique(arrived time.Time) string {
	now := time.Now()
	if arrived.Unix() <= 0 {
		arrived = now
	}
	var r [8]byte
	rand.Read(r[:]) // never fails: crypto/rand ends the program instead
	return strconv.FormatInt(arrived.Unix(), 10) +
		".M" + strconv.Itoa(now.Nanosecond()/1000) +
		"P" + strconv.Itoa(os.Getpid()) +
		"Q" + strconv.FormatUint(sequence.Add(1), 10) +
		"R" + hex.EncodeToString(r[:]) +
		"." + hostname()
}

// maxName is how long a file name can be on every file system in use.
const maxName = 255

// Fresh returns the entry that e becomes in another folder: a new base of the
// same arrival time, with the sizes and the flags of e but without the fields
// that hold in its old folder alone (",U=" of mbsync, ",FMD5=" of offlineimap).
func Fresh(e Entry) Entry {
	n, err := ParseName(e.File)
	if err != nil {
		n = Name{Base: e.File}
	}
	base := freshUnique(e.Time())
	for _, key := range []string{"S", "W"} {
		if v, ok := field(n.Base, key); ok {
			if _, err := strconv.ParseUint(v, 10, 63); err == nil {
				base += "," + key + "=" + v
			}
		}
	}
	n.Base = base
	// Sets we do not know stay if there is room; the flags always have it.
	if len(n.String()) > maxName {
		n.Info = "2," + string(n.Flags())
	}
	return Entry{n.String(), e.New}
}

// Returned is e as it comes back into a folder that it had left: under the name that it had
// there, without the fields of mbsync and offlineimap. They have seen it go, and would take it
// for one they know and that the other side has not any more: there it would stay deleted.
func Returned(e Entry) Entry {
	n, err := ParseName(e.File)
	if err != nil {
		return e
	}
	base, rest, more := strings.Cut(n.Base, ",")
	for more {
		var field string
		field, rest, more = strings.Cut(rest, ",")
		if !strings.HasPrefix(field, "U=") && !strings.HasPrefix(field, "FMD5=") {
			base += "," + field
		}
	}
	n.Base = base
	return Entry{n.String(), e.New}
}

// checkDerived refuses a derived name that could not stand in a file name, or
// that a reader would take apart elsewhere than we do.
func checkDerived(name string) error {
	bad := name == "" || name[0] == '.' || len(name) >= 200
	for i := 0; i < len(name) && !bad; i++ {
		c := name[i]
		bad = c <= ' ' || c >= 0x7f || strings.IndexByte("/:;!,", c) >= 0
	}
	if bad {
		return fmt.Errorf("derived name %q: %w", name, ErrName)
	}
	return nil
}
