//go:build !linux

package maildir

import (
	"io/fs"
	"time"
)

func lastUse(st fs.FileInfo) time.Time { return st.ModTime() }
