//go:build !linux

package maildir

import (
	"io"
	"io/fs"
	"os"
)

// readDir calls fn for every name in dir but those with a leading dot.
func readDir(dir string, fn func(name []byte, k kind) error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		list, err := d.ReadDir(1024)
		for _, e := range list {
			if e.Name()[0] == '.' {
				continue
			}
			k := other
			switch e.Type() {
			case 0:
				k = plain
			case fs.ModeSymlink:
				k = link
			case fs.ModeIrregular:
				k = unknown
			}
			if err := fn([]byte(e.Name()), k); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readDirAhead is readDir.
func readDirAhead(dir string, fn func(name []byte, k kind) error) error { return readDir(dir, fn) }
