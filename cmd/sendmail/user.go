package main

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"pneu/mta/sysexits"
)

type user struct{ name, fullName, home string }

// trusted reports whether the caller has no rights beyond their own: if the
// program is setgid, their environment and -C do not choose what it writes
// with that group.
func trusted() bool {
	return syscall.Getuid() == syscall.Geteuid() && syscall.Getgid() == syscall.Getegid()
}

// giveUpGroup leaves the caller's own rights, for good.
func giveUpGroup() error {
	if trusted() {
		return nil
	}
	if err := syscall.Setregid(syscall.Getgid(), syscall.Getgid()); err != nil {
		return sysexits.Wrap(sysexits.OS, errors.New("give up group: "+err.Error()))
	}
	if !trusted() { // setuid, which it is not made for
		return sysexits.New(sysexits.NoPerm, "sendmail is set to a user, and must not be: chmod u-s on it")
	}
	return nil
}

// caller is the user who runs the program, by /etc/passwd: package os/user
// would bring in half the standard library.
func (j *job) caller() user {
	if j.user.name == "" {
		uid := strconv.Itoa(syscall.Getuid())
		j.user = lookUp("/etc/passwd", uid)
		if j.user.name == "" { // of a directory service, perhaps
			j.user.name = os.Getenv("LOGNAME")
			j.user.home = os.Getenv("HOME")
		}
		if j.user.name == "" || !trusted() && j.user.home == os.Getenv("HOME") && j.user.fullName == "" && !plain(j.user.name) {
			j.user.name = "uid" + uid
		}
	}
	return j.user
}

func plain(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

func lookUp(file, uid string) user {
	f, err := os.Open(file)
	if err != nil {
		return user{}
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		w := strings.Split(s.Text(), ":")
		if len(w) >= 6 && w[2] == uid {
			return user{w[0], gecos(w[4], w[0]), w[5]}
		}
	}
	return user{}
}

// gecos is the name in a passwd entry: up to the first comma, & for the login
// with a capital.
func gecos(s, login string) string {
	s, _, _ = strings.Cut(s, ",")
	if login != "" {
		s = strings.ReplaceAll(s, "&", strings.ToUpper(login[:1])+login[1:])
	}
	return s
}
