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
