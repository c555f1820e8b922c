package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// ErrServed: Dovecot holds its lock on the folder.
var ErrServed = errors.New("folder is in use by Dovecot")

// LockDovecot takes dovecot-uidlist.lock, under which Dovecot's own files may be
// written, whether or not Dovecot was ever here. Unlike a [Hold] it does not go
// without: ErrServed if the lock is not free in time.
func (f *Folder) LockDovecot(wait time.Duration) (unlock func(), err error) {
	mode := fs.FileMode(0o600)
	if st, err := os.Stat(f.path + "/dovecot-uidlist"); err == nil {
		mode = st.Mode().Perm()
	}
	l := shareUidlistLock(f.path+"/dovecot-uidlist.lock", mode, wait)
	if !l.got {
		l.release()
		if _, err := os.Lstat(l.path); err != nil {
			return nil, fmt.Errorf("lock %s: %w", f.path, fs.ErrPermission)
		}
		return nil, fmt.Errorf("lock %s: %w", f.path, ErrServed)
	}
	return l.release, nil
}
