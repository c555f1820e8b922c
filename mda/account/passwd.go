package account

import (
	"path/filepath"
	"strconv"
	"strings"
)

// parsePasswd takes the people among the system's users: root, and whoever has
// a number from FirstUID up and a home folder. Others, such as daemon, have no
// mailbox; an alias can give them one. A line that is not understood is no
// business of ours.
func (db *DB) parsePasswd(_, text string) (*users, error) {
	u := &users{byName: map[string]int{}, logins: map[string]int{}}
	domain := "localhost"
	if len(db.opt.Domains) > 0 {
		domain = db.opt.Domains[0]
	}
	for line := range strings.SplitSeq(text, "\n") {
		f := strings.Split(strings.TrimSuffix(line, "\r"), ":")
		if len(f) < 7 || f[0] == "" || strings.ContainsAny(f[0], "@/ ") || strings.HasPrefix(f[0], "#") {
			continue
		}
		uid, err1 := strconv.Atoi(f[2])
		gid, err2 := strconv.Atoi(f[3])
		home := f[5]
		person := uid == 0 && f[0] == "root" || uid >= db.opt.FirstUID
		if err1 != nil || err2 != nil || !person || !filepath.IsAbs(home) || home == "/" || home == "/nonexistent" {
			continue
		}
		name := strings.ToLower(f[0])
		if _, twice := u.logins[name]; twice {
			continue
		}
		path := strings.NewReplacer("%h", home, "%u", folderName(f[0]), "%d", folderName(domain), "%%", "%").Replace(db.opt.Mail)
		a := Account{Address: name + "@" + domain, Login: f[0], Home: home, Maildir: filepath.Clean(path), UID: uid, GID: gid}
		u.logins[name] = len(u.list)
		u.list = append(u.list, a)
	}
	return u, nil
}

// find returns the account of a local part at one of our domains, both in
// lower case; a system user has its mailbox at each of them.
func (u *users) find(local, domain string) *Account {
	i, ok := u.byName[local+"@"+domain]
	if !ok && local != "" {
		i, ok = u.logins[local]
	}
	if !ok {
		return nil
	}
	a := u.list[i]
	return &a
}
