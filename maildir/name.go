package maildir

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Name is a file name in new/ or cur/ taken apart: Base, then, if Sep is not
// zero, Sep and Info. Info begins with the version ("2,FS", "1,...").
type Name struct {
	Base string
	Sep  byte
	Info string
}

// separators before the info part: ':' on Unix, ';' and '!' where a colon
// cannot stand in a name. What is found is written back.
const separators = ":;!"

// ParseName takes file apart. The base ends at the last ":2," (or ";2,",
// "!2,"), else at the last ":1,". It refuses what names no message: the empty
// name, one with a leading dot, with a slash or with a NUL.
func ParseName(file string) (Name, error) {
	if file == "" || file[0] == '.' || strings.ContainsAny(file, "/\x00") {
		return Name{}, fmt.Errorf("file %q: %w", file, ErrName)
	}
	for _, version := range "21" {
		for i := range len(separators) {
			sep := separators[i : i+1]
			if at := strings.LastIndex(file, sep+string(version)+","); at > 0 {
				return Name{file[:at], sep[0], file[at+1:]}, nil
			}
		}
	}
	return Name{Base: file}, nil
}

// String puts the name together again.
func (n Name) String() string {
	if n.Sep == 0 {
		return n.Base
	}
	return n.Base + string(rune(n.Sep)) + n.Info
}

// split parts "2,FS,set" into the letters and what follows them.
func (n Name) split() (letters, rest string, ok bool) {
	letters, ok = strings.CutPrefix(n.Info, "2,")
	if i := strings.IndexByte(letters, ','); i >= 0 {
		letters, rest = letters[:i], letters[i:]
	}
	return letters, rest, ok
}

// Flags returns the letters of the info part, none if it is missing or not of
// version 2.
func (n Name) Flags() Flags {
	letters, _, ok := n.split()
	if !ok {
		return ""
	}
	return MakeFlags(letters)
}

// WithFlags returns the name with the flags f. Letters of another alphabet and
// every further ",set" stay. A name without info part gets one.
func (n Name) WithFlags(f Flags) (Name, error) {
	if n.Sep == 0 {
		return Name{n.Base, ':', "2," + string(MakeFlags(string(f)))}, nil
	}
	letters, rest, ok := n.split()
	if !ok {
		return n, fmt.Errorf("file %q: %w", n.String(), ErrInfo)
	}
	f = MakeFlags(string(f))
	if n.Flags() == f {
		return n, nil
	}
	var strange []byte // bytes no flag may be, but someone wrote them
	for i := 0; i < len(letters); i++ {
		if !flagByte(letters[i]) {
			strange = append(strange, letters[i])
		}
	}
	return Name{n.Base, n.Sep, "2," + string(f) + string(strange) + rest}, nil
}

// passing are the fields that come and go while a message stays the same: mbsync
// and offlineimap add U and FMD5, Dovecot drops sizes that are wrong.
var passing = []string{"U=", "FMD5=", "S=", "W="}

// unique is the base without passing fields, by which a message asked for by an
// older base is recognised.
func unique(base string) string {
	u, rest, more := strings.Cut(base, ",")
	for more {
		var field string
		field, rest, more = strings.Cut(rest, ",")
		if !slices.ContainsFunc(passing, func(key string) bool { return strings.HasPrefix(field, key) }) {
			u += "," + field
		}
	}
	return u
}

// field returns the value of ",key=" in base.
func field(base, key string) (string, bool) {
	_, fields, _ := strings.Cut(base, ",")
	for f := range strings.SplitSeq(fields, ",") {
		if v, ok := strings.CutPrefix(f, key+"="); ok {
			return v, true
		}
	}
	return "", false
}

// arrival reads seconds and microseconds from a name ("1700000000.M42P7.host");
// 0, 0 if it does not begin with a number.
func arrival(file string) (sec int64, usec int64) {
	i := 0
	for ; i < len(file) && file[i] >= '0' && file[i] <= '9'; i++ {
		if sec > 1<<40 {
			return 0, 0
		}
		sec = sec*10 + int64(file[i]-'0')
	}
	if i == 0 || i >= len(file) || file[i] != '.' {
		return 0, 0
	}
	// The middle part is a row of letters with a number each: M is microseconds.
	for i++; i < len(file) && file[i] != '.' && file[i] != ',' && file[i] != ':'; i++ {
		if file[i] != 'M' {
			continue
		}
		for i++; i < len(file) && file[i] >= '0' && file[i] <= '9' && usec < 1e6; i++ {
			usec = usec*10 + int64(file[i]-'0')
		}
		if usec >= 1e6 {
			usec = 0
		}
		break
	}
	return sec, usec
}

// An Entry is one message in a folder: a file in cur/, or in new/ if New.
type Entry struct {
	File string
	New  bool
}

// Base returns the part of the name that stays the same in its folder.
func (e Entry) Base() string {
	n, err := ParseName(e.File)
	if err != nil {
		return e.File
	}
	return n.Base
}

// Flags returns the flags in the name. A message in new/ may have some: other
// programs write them there.
func (e Entry) Flags() Flags { return ParseFlags(e.File) }

// Unread reports whether the message lacks the S flag.
func (e Entry) Unread() bool { return !e.Flags().Has('S') }

// Time returns when the message arrived, as its name says; zero if it does not.
func (e Entry) Time() time.Time {
	sec, usec := arrival(e.File)
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, usec*1000)
}

// Size returns the size in bytes that the name states (",S=").
func (e Entry) Size() (n int64, ok bool) {
	v, ok := field(e.Base(), "S")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil && n >= 0
}
