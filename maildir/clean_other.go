//go:build !(linux || openbsd || dragonfly || darwin || freebsd || netbsd)

package maildir

import (
	"io/fs"
	"time"
)

func lastUse(st fs.FileInfo) time.Time { return st.ModTime() }
