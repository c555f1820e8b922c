// Package maildir reads and writes mail kept as files: a Maildir tree that
// other programs (mutt, mbsync, notmuch, Dovecot, procmail) change at any time
// without asking.
//
// It promises:
//
//   - A delivery is durable when [Folder.Deliver] returns, and at no moment is a
//     partial message visible in new/ or cur/.
//   - A message is immutable: its content and its modification time never
//     change. The part of its file name before ":2," (its base) names it.
//   - Every change is one rename, and no rename ever replaces another message.
//   - No two messages of a folder keep one base: listing gives the younger of
//     them a fresh one.
//   - Where Dovecot reads the folder too, batches of renames are made under its
//     lock ([Hold]).
//   - What we do not know in a name (flag letters, fields such as ",U=") stays.
//   - A file that vanishes is first a rename in flight, and only then gone.
//
// It leaves to others what a message says, who owns the tree, and which folder
// a message belongs in. It knows no index: consumers see a [Folder] and its
// entries, so that an index can be put below them.
package maildir

import "errors"

// Errors that callers look for with errors.Is.
var (
	// ErrNoFolder: the folder, or the whole tree, does not exist.
	ErrNoFolder = errors.New("no such folder")
	// ErrGone: no file of that base is left in the folder.
	ErrGone = errors.New("message is gone")
	// ErrName: a folder or file name that is not allowed here.
	ErrName = errors.New("name not allowed")
	// ErrInfo: the name has an info part of another version than 2, such as ":1,".
	ErrInfo = errors.New("info part is not of version 2")
	// ErrNotMail: what bears the name is no plain file inside the tree.
	ErrNotMail = errors.New("not a message file")
	// ErrExists: another message has the name asked for.
	ErrExists = errors.New("name is taken by another message")
	// ErrEmpty: a delivery of no bytes at all.
	ErrEmpty = errors.New("empty message")
)
