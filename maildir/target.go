package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// ErrTarget: a file system that cannot hold a Maildir.
var ErrTarget = errors.New("file system does not suit a Maildir")

// fit refuses directories whose file system takes "a" and "A" for one name, or
// has no colons in names, such as FAT, NTFS and many a share (rule 25): names of
// messages differ by case, and flags come after a colon. dir is new.
func fit(dir string) error {
	return fitBy(dir+"/tmp/"+freshUnique(time.Time{}), func(path string) error {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		return f.Close()
	}, os.Remove)
}

func fitBy(path string, create, remove func(path string) error) error {
	lower, upper := path+"Probe:2,s", path+"Probe:2,S"
	if err := create(lower); err != nil {
		if errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "no space") {
			return err
		}
		return fmt.Errorf("%w: no colon in names: %w", ErrTarget, err)
	}
	defer remove(lower)
	err := create(upper)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: it does not tell case apart", ErrTarget)
	}
	if err == nil {
		err = remove(upper)
	}
	return err
}
