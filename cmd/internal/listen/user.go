package listen

import (
	"fmt"
	"os/user"
	"strconv"
	"syscall"

	"pneu/mta/sysexits"
)

// Become gives up root for good and goes on as name, with that user's groups. For a process that is
// not root it does nothing.
func Become(name string) error {
	if name == "" || syscall.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return sysexits.New(sysexits.Config, fmt.Sprintf("user %q: no such user on this system", name))
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		return sysexits.New(sysexits.OSFile, fmt.Sprintf("user %q: ids %s and %s are no numbers", name, u.Uid, u.Gid))
	}
	groups := []int{gid}
	if ids, err := u.GroupIds(); err == nil {
		groups = groups[:0]
		for _, id := range ids {
			if n, err := strconv.Atoi(id); err == nil {
				groups = append(groups, n)
			}
		}
	}
	// In this order: the first steps need what the last one gives up.
	for _, step := range []struct {
		what string
		err  func() error
	}{
		{"groups", func() error { return syscall.Setgroups(groups) }},
		{"group", func() error { return syscall.Setgid(gid) }},
		{"user", func() error { return syscall.Setuid(uid) }},
	} {
		if err := step.err(); err != nil {
			return sysexits.Wrap(sysexits.OS, fmt.Errorf("become %s: set %s: %w", name, step.what, err))
		}
	}
	return nil
}
