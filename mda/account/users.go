package account

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pneu/maildir/address"
	"pneu/mta/sasl"
)

// users are the accounts of one file, in its order and by address.
type users struct {
	list   []Account
	byName map[string]int // full address, or "@domain", in lower case
	logins map[string]int // system users by login
}

// The fields of a line, address:credentials:uid:gid:maildir:quota:
const (
	fieldAddress = iota
	fieldCredentials
	fieldUID
	fieldGID
	fieldMaildir
	fieldQuota
	fieldCount
)

// parseUsers reads the users file.
func (db *DB) parseUsers(path, text string) (*users, error) {
	u := &users{byName: map[string]int{}}
	lines := map[string]int{}
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		if line = strings.TrimSuffix(line, "\r"); skip(line) {
			continue
		}
		a, err := db.parseUser(path, line, n)
		if err != nil {
			return nil, err
		}
		if first, ok := lines[a.Address]; ok {
			return nil, at(path, n, 1, "%s stands in line %d already: take one of them out", a.Address, first)
		}
		lines[a.Address] = n
		u.byName[a.Address] = len(u.list)
		u.list = append(u.list, a)
	}
	return u, nil
}

// skip reports whether a line of the users file holds no account.
func skip(line string) bool {
	t := strings.TrimSpace(line)
	return t == "" || t[0] == '#'
}

func (db *DB) parseUser(path, line string, n int) (Account, error) {
	f := strings.Split(line, ":")
	col := func(field int) int {
		c := 1
		for i := range field {
			c += len(f[i]) + 1
		}
		return c
	}
	if len(f) > fieldCount && (len(f) > fieldCount+1 || strings.TrimSpace(f[fieldCount]) != "") {
		return Account{}, at(path, n, col(fieldCount), "too many fields: a line is address:credentials:uid:gid:maildir:quota:")
	}
	for len(f) < fieldCount {
		f = append(f, "")
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	a := Account{UID: -1, GID: -1, Credentials: f[fieldCredentials]}
	var err error
	if a.Address, err = db.complete(f[fieldAddress]); err != nil {
		return a, at(path, n, 1, "%q is not an address: %w", f[fieldAddress], err)
	}
	a.Login = a.Address
	if _, err := sasl.ParseCredentials(a.Credentials); err != nil {
		return a, at(path, n, col(fieldCredentials), "%w (postmaster user passwd %s sets new ones)", err, a.Address)
	}
	for i, id := range map[int]*int{fieldUID: &a.UID, fieldGID: &a.GID} {
		if f[i] == "" {
			continue
		}
		if *id, err = strconv.Atoi(f[i]); err != nil || *id < 0 {
			return a, at(path, n, col(i), "%q is not a number of a user or group", f[i])
		}
	}
	if f[fieldQuota] != "" {
		if a.Quota, err = ParseQuota(f[fieldQuota]); err != nil {
			return a, at(path, n, col(fieldQuota), "%w", err)
		}
	}
	a.Maildir = f[fieldMaildir]
	if a.Maildir == "" {
		if a.Maildir, err = db.template(a); err != nil {
			return a, at(path, n, col(fieldMaildir), "%w", err)
		}
	} else if !filepath.IsAbs(a.Maildir) {
		a.Maildir = filepath.Join(filepath.Dir(path), a.Maildir)
	}
	return a, nil
}

// complete checks an address of the users file and gives it a domain.
func (db *DB) complete(addr string) (string, error) {
	addr = strings.ToLower(addr)
	local, domain := address.Split(addr)
	if domain == "" {
		if len(db.opt.Domains) == 0 {
			return "", errors.New("it has no domain, and none is configured")
		}
		domain = db.opt.Domains[0]
	}
	probe := local
	if local == "" && strings.HasPrefix(addr, "@") {
		probe = "x" // a catch-all
	}
	if err := address.Valid(probe+"@"+domain, true); err != nil {
		return "", err
	}
	return local + "@" + domain, nil
}

// template makes the path of a Maildir that the users file does not name.
// address.Valid has kept slashes out of the domain; the local part may hold
// them, and dots, and must still be one folder.
func (db *DB) template(a Account) (string, error) {
	local, domain := address.Split(a.Address)
	if local == "" {
		return "", errors.New("a catch-all needs the path of a Maildir, in the fifth field")
	}
	home := ""
	if strings.Contains(db.opt.Mail, "%h") {
		if home = db.homeOf(a.UID); home == "" {
			return "", errors.New(`no Maildir: write its path into the fifth field, or set "mail" in the configuration to a path with %d and %u`)
		}
	}
	local, domain = folderName(local), folderName(domain)
	return filepath.Clean(strings.NewReplacer("%h", home, "%u", local, "%d", domain, "%%", "%").Replace(db.opt.Mail)), nil
}

// folderName makes one safe path element of a part of an address.
func folderName(s string) string {
	s = strings.NewReplacer("/", "%2f", "\x00", "%00").Replace(s)
	if strings.HasPrefix(s, ".") {
		s = "%2e" + s[1:]
	}
	return s
}

// homeOf returns the home folder of a system user, "" if there is none.
func (db *DB) homeOf(uid int) string {
	b, err := os.ReadFile(db.opt.Passwd)
	if uid < 0 || err != nil {
		return ""
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if f := strings.Split(line, ":"); len(f) >= 7 && f[2] == strconv.Itoa(uid) {
			return f[5]
		}
	}
	return ""
}

// ParseQuota reads a number of bytes: 1000000, 500MB, 2GiB, 1G.
func ParseQuota(s string) (int64, error) {
	digits := strings.TrimRight(s, "kKmMgGtTiIbB ")
	n, err := strconv.ParseInt(digits, 10, 64)
	unit := strings.ToLower(strings.TrimSpace(s[len(digits):]))
	scale := map[string]int64{"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}[unit]
	if err != nil || n < 0 || scale == 0 || n > (1<<62)/scale {
		return 0, fmt.Errorf("%q is not a quota: write a number of bytes, or one such as 500MB or 2G", s)
	}
	return n * scale, nil
}
