package maildir

import "os"

// sharedFile in the root of a tree says that several machines use it at the same
// time. A file, because all programs on all of them must agree, whoever started
// them with what settings.
const sharedFile = "pneu.safe"

// Shared reports whether the tree is one that several machines use at the same
// time over NFS: whether somebody has put a file pneu.safe into its root.
func (s *Store) Shared() bool {
	_, err := os.Lstat(s.root + "/" + sharedFile)
	return err == nil
}
