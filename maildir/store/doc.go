// Package store is an account's mail as programs want it: folders with their counts,
// open folders that cost nothing to open and tell what changed, rows of a screen, flags
// and keywords, copy, move, expunge, sort, threads and search. A mail server, a reader
// and a tool need nothing beside it.
//
//	s, err := store.Open(root, store.Options{Log: log})
//	box, err := s.Box("INBOX")
//	view, err := box.Sync(ctx)              // what the folder holds now
//	order, err := view.Sort(ctx, store.By{Key: store.Date, Reverse: true})
//	for _, n := range order[:50] {
//		r := view.Row(int(n))
//		fmt.Println(r.UID(), r.From(), r.Subject())
//	}
//
// There are three nouns. A [Store] is the tree of folders. A [Box] is an open folder, of
// which a process has one however many of its parts use it: changes are asked of it. A
// [View] is what a folder held at one moment: it never changes, may be used by any number
// of goroutines, and answers every question. Its rows are numbered from 0 in the order of
// their UIDs, so that the row is the IMAP sequence number less one.
//
// It promises:
//
//   - The files are the truth. An index (package index) that is missing, damaged, of a
//     newer version, or that cannot be written is done without: the same answers come from
//     the files, more slowly, and the log says so once. No message is ever lost, hidden or
//     shown twice because of an index.
//   - What a message says is read from what was kept of it (package digest) and, where
//     nothing was kept, from its file. Both give the same.
//   - A query has the same result here as evaluated message by message on the files.
//   - Other programs may change the folder at any time; several processes may use this
//     package on it.
//
// What it keeps itself, beside the index of each folder: threads. References and base
// subjects tie them, as [thread.Build] does; a folder of 256 messages or more has them in
// the file pneu.threads (package thread says how), which is bound to the folder's numbering,
// brought up to date by who uses it, and made anew if it is missing or damaged. Its mark is the
// version of digests (a byte), the GUID of the folder and UIDVALIDITY (big endian); keys are UIDs,
// and dates the column sent. Threads of all folders together are joined of these by each process,
// and of digests where there are none: no file has them.
//
// The identity of the index of texts (package fulltext) and the numbering in a journal are the
// GUID of the folder in hexadecimal digits, a slash and UIDVALIDITY.
//
// A folder that is looked at for the first time is listed at once, and read by [Box.Build];
// texts are indexed by [Box.EnsureText], if anyone wants to search them. Until these are
// through, and for what came since, answers come from the files.
//
// What commands of IMAP (RFC 9051) and POP3 (RFC 1939) come to:
//
//	SELECT, STATUS     Box.Sync and View.State (GUID: MAILBOXID, RFC 8474, but
//	                   a copy made with cp has it too: package index; Sticky false:
//	                   UIDNOTSTICKY; Trashed is \Deleted), Store.Status, Store.StatusAll;
//	                   View.Index has KeywordNames
//	LIST, SUBSCRIBE    Store.Folders, Store.Subscribe, Store.Tree and there Subscriptions
//	CREATE, RENAME, DELETE    Store.CreateFolder, RenameFolder, DeleteFolder
//	FETCH              View.Find, View.Row; Row.Digest for ENVELOPE, BODYSTRUCTURE and places of
//	                   parts, Row.Read for what is in them
//	CHANGEDSINCE, VANISHED (RFC 7162)    View.Index and there Changed and Vanished
//	SEARCH, SORT, THREAD    View.Query with the constructors of package search, View.Select,
//	                   View.Threads; a Forest of Row.Fact for a part of the folder
//	STORE, COPY, MOVE, EXPUNGE, APPEND    Box.SetFlags, Copy, Move, Expunge, Append
//	IDLE               Box.Watch
//	METADATA (RFC 5464), QUOTA (RFC 9208)    Box.Annotate, View.Annotation; Store.Usage, and
//	                   Quota of Store.Tree
//	STAT, LIST, UIDL, RETR, DELE    Row.WireSize, UIDL of View.Index (if it was imported; else
//	                   of UIDVALIDITY and UID), Row.Read, Box.Expunge
//
// Errors to be told apart are [fs.ErrPermission] (Options.ReadOnly), [maildir.ErrNoFolder],
// [maildir.ErrExists], [maildir.ErrName], [maildir.ErrNotEmpty], [maildir.ErrGone],
// [index.ErrFull], [ErrClosed] and the context's.
//
// It leaves to others who the user is, what he may do, and where his mail lies. What a
// person did is written into a journal (package journal) by whoever did it: file by file, which
// an open Box learns of, or with [Box.Note] in one line for many messages.
package store
