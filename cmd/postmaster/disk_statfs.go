//go:build darwin || freebsd

package main

import "syscall"

func diskOf(dir string) (disk, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return disk{}, err
	}
	return disk{0, int64(st.Bavail) * int64(st.Bsize), int64(st.Files), int64(st.Ffree)}, nil
}
