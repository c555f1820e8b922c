//go:build unix

package store

import (
	"errors"

	"golang.org/x/sys/unix"
)

// mapFile maps a file privately: what is written to the bytes stays in this process.
func mapFile(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Size == 0 || st.Mode&unix.S_IFMT != unix.S_IFREG || int64(int(st.Size)) != st.Size {
		return nil, errors.New("empty, or too large")
	}
	return unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
}

func unmap(b []byte) { unix.Munmap(b) }
