//go:build !linux

package maildir

import (
	"errors"
	"sync"
)

func renameFree(from, to string) error { return renameChecked(from, to) }

func ordered(string) bool { return false }

func (f diskFile) Flush() error { return errors.ErrUnsupported }

var temp sync.Mutex

// tempLock keeps deliverers of derived names in this process apart; between
// processes the name of the queue's lock must do.
func tempLock(string) (unlock func(), err error) {
	temp.Lock()
	return temp.Unlock, nil
}

func fineStamps() bool { return false }

func fineDir(string) bool { return false }

func localDir(string) bool { return false }
