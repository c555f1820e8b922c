package main

import (
	"errors"
	"os"
	"strings"
	"syscall"

	"pneu/mta/sysexits"
)

// become turns this process into another of pneu's programs: one that lies
// beside this one, or else in PATH.
func become(o *options, program string, args ...string) error {
	if err := giveUpGroup(); err != nil { // it must not inherit the right to write drop/
		return err
	}
	argv := []string{program}
	if o.config != "" {
		argv = append(argv, "-C", o.config)
	}
	argv = append(argv, args...)
	var dirs []string
	if self, err := os.Readlink("/proc/self/exe"); err == nil {
		dirs = append(dirs, self[:strings.LastIndexByte(self, '/')])
	}
	dirs = append(dirs, strings.Split(os.Getenv("PATH"), ":")...)
	for _, dir := range dirs {
		if !strings.HasPrefix(dir, "/") { // not where the caller happens to be
			continue
		}
		path := dir + "/" + program
		if err := syscall.Exec(path, argv, os.Environ()); err != syscall.ENOENT && err != syscall.EACCES && err != syscall.ENOTDIR {
			return sysexits.Wrap(sysexits.OS, errors.New("run "+path+": "+err.Error()))
		}
	}
	return sysexits.New(sysexits.Unavailable, program+" is not installed: neither beside sendmail nor in PATH")
}
