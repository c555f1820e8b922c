//go:build !unix

package fulltext

import (
	"errors"
	"os"
)

const plainOnly = 0

// Without flock there is no telling whether someone else writes: nothing is written.
func lock(*os.File, bool) error { return errors.ErrUnsupported }

func mapFile(f *os.File, size int) (data []byte, unmap func([]byte), err error) {
	data = make([]byte, size)
	_, err = f.ReadAt(data, 0)
	return data, func([]byte) {}, err
}

func forget([]byte) {}

func adopt(*os.File) {}
