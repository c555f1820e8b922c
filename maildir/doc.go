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
// a message belongs in. It needs no index, and tells whoever keeps one of its
// changes ([Observer]).
//
// What follows is what holds for all of this package and those below it, so that
// another program can use the same mail beside us, or in our place.
//
// # What lies where
//
// A folder is a directory with cur, new and tmp. Beside these three lie plain
// files, all of which a Maildir can do without:
//
//	pneu.log pneu.idx pneu.cache pneu.head     the index: package index
//	pneu.uids pneu.lock
//	pneu.text pneu.text.<n> pneu.text.tail     texts to be searched: package fulltext
//	pneu.text.lock
//	pneu.threads                               conversations: package thread, written by store
//	dovecot-keywords                           letters of keywords: package index
//	maildirfolder                              Maildir++ says so of a subfolder: this package
//
// and in the root of a tree:
//
//	pneu.safe                                  several machines use the tree: this package
//	subscriptions                              as Dovecot has it: this package
//	maildirsize                                quota of Maildir++, appended to if it is there
//
// Formats stand in the comments of the packages named; what is kept of a message
// is package digest's. Files are of mode 0600, or that of the file they replace,
// and belong to the owner of the folder even if root makes them. Names ending in
// .tmp, .new or .pneu are being written, or left over from a crash. The journal
// for undo (package journal) belongs to a person, not to a folder: it lies
// wherever programs put it, in $XDG_STATE_HOME/pneu/journal; JOURNAL.old is the
// one before, and the Maildir JOURNAL.kept has messages that undo took away, for
// 30 days.
//
// The layers, each using those above it alone:
//
//	maildir            files; no state between calls
//	digest, fulltext   what is kept of one message; which messages hold a text
//	index              one folder: UIDs, MODSEQ, flags, keywords, columns
//	search, thread     queries and conversations, over any source
//	store              an account, for servers, readers and tools
//	journal            what a person did, and how to take it back
//
// # Identity
//
// In its folder a message is its base: the file name without ":2," and what
// follows. Bases that differ by the fields U and FMD5, which mbsync and
// offlineimap insert, or by S and W, which Dovecot corrects, are one message. In
// another folder it has another base, so a moved message is a new one there.
// Over folders and programs nothing but the Message-ID holds, and it may be
// missing, or twice. An inode is nobody's identity: it is compared only to see
// whether two names are one file at this moment.
//
// Clients know the message by UIDVALIDITY and UID of its folder. Those are in the
// index alone, and in dovecot-uidlist where Dovecot was.
//
// # Who may do what, and when
//
// Any program may deliver into new/ and cur/ by way of tmp/, rename within a
// folder, move to another, and delete, at any moment and under no lock. What is
// asked of it is what Maildir asks: a file that is in new/ or cur/ is whole and
// its content never changes again. If it does nonetheless, the index keeps what
// it has read of it, until it is rebuilt. A program may remove any of the pneu.*
// files while none of ours runs; while one runs it loses what that process
// learns until it looks again, never mail.
//
// # Locks
//
// Readers take none. In the order in which they are taken by who needs several:
//
//	JOURNAL              flock    a line is appended, or a whole undo is done
//	cur/                 flock    the one process that reads all files for an index
//	tmp/                 flock    a delivery under a derived name is being published
//	dovecot-uidlist.lock O_EXCL   batches of renames, while Dovecot's list is in use;
//	                              dovecot-keywords is changed
//	the folder           flock    the index is written, and names with it
//	pneu.text.lock       flock    segments of texts are written; not waited for
//	pneu.text.tail       flock    a text is appended
//
// Two folders are locked in the order of their paths. Nobody waits without end
// but for flock on the journal, the folder and tmp/, which the kernel frees when
// their holder dies. For Dovecot's lock it is 3 seconds, and then the renames are
// made without; only dovecot-keywords and an export are not written then. A lock
// of Dovecot's that was not touched for 2 minutes is broken, as Dovecot does
// itself, and a hold of ours not used for a second is let go. A delivery waits
// for no index: it tries the lock, and if another has it, whoever looks next finds
// the message.
//
// # When a process dies
//
// Between any two system calls it leaves: in tmp/ a file, which is removed when
// nobody has used it for 36 hours; a message in its old place, its new one, or
// under both names as one inode, which is one message; an index as of its last
// commit; names that lag behind flags the index has acknowledged, which the next
// writer renames; in the journal an operation that was announced and perhaps not
// done, which undo settles by looking at the folders.
//
// # When power fails
//
// Messages that were delivered, appended or carried to another file system are
// there: content and name were synced first. Moves, links, changes of flags and
// deletions the file system may take back for some seconds, each of them wholly.
// The index goes on from bounds it had reserved and synced before, so that no UID
// or MODSEQ is used twice; messages whose rows were lost are found as new ones.
// The journal may lack its last lines, and texts, conversations and digests are
// made again.
//
// # NFS
//
// A tree that one machine uses at a time over NFS needs nothing: the kind of file
// system is looked at, and notices of the kernel and young directory times are not
// trusted there; a directory that cannot be locked is replaced by pneu.lock.
// If several machines use it at the same time, all must work in safe mode
// (index.Options.Safe, [Store.Shared]): that is what the file pneu.safe in the
// root of a tree is for. Locks go through pneu.lock, which NFS version 4 and lockd
// hold across machines, and every commit is synced, what a slot says before the
// slot. pneu.log, and what is appended to, is locked for a moment by itself
// (shared, so that nobody waits): by that alone a client forgets what it has read
// of a file that it has open. Directories are opened to be looked at, which tells
// nothing new where they are mounted with "nocto". What looks damaged is read
// again under the lock before it is repaired. Nobody asks the kernel for notices.
// Then these hold as ever: no mail is lost, no UID is used twice, changes are seen
// by the next Sync. These do not: a change by another machine wakes nobody; a
// message that was removed there is held to be gone 2 seconds later at the
// earliest; a directory that changes is always read as a whole; a delivery leaves
// the index to who looks next. Links and renames that the server did and whose
// answer was lost are settled by looking at what is there.
//
// # The rules
//
// How we live with other programs on the same files. Each has tests that bear
// its number (TestRule01...).
//
//  1. The content of a message never changes, nor, out of tmp/, its time.
//  2. Delivery: O_EXCL in tmp/, written, time set, made durable under its name in
//     new/ (with flags: cur/), then acknowledged. See [Folder.Deliver].
//  3. Names: <seconds>.M<usec>P<pid>Q<n>R<random>.<host>,S=<bytes>,W=<bytes with
//     CRLF>, or a derived first part; no '/' or ':' of the host, no leading dot.
//  4. The base is the identity. A change of flags is one rename.
//  5. Unknown letters and further ",sets" stay; letters are sorted and single.
//  6. Keywords are letters a-z by dovecot-keywords, changed only under Dovecot's
//     lock, and those past 26 in the index alone. $Forwarded is P too.
//  7. In another folder a message has a fresh base with its S= and W=, without U=
//     and FMD5=, and without them it comes back. A copy is a link where that is
//     possible.
//  8. Unknown fields stay in renames within the folder.
//  9. From new/ to cur/ by rename, when a person opens the folder and not when it
//     is counted or listed.
//  10. Names with an info part in new/, without one in cur/, and with ";2," or
//     "!2," are read, and written back as they were.
//  11. One reading of a directory makes no message gone: its time must be the
//     same before and after and old enough, or the kernel must have told.
//  12. A file that is not where it was is a rename in flight; look again.
//  13. Names with a leading dot, directories, sockets and links that lead out of
//     the tree are no messages.
//  14. Of two messages with one base the younger gets a fresh one.
//  15. tmp/ is cleaned of what was not used for 36 hours.
//  16. Our files are plain files pneu.* of mode 0600, without a leading dot.
//  17. Where dovecot-uidlist was written in the last 30 days, two or more renames
//     or removals are made under its lock.
//  18. UIDs, UIDVALIDITY, keywords and POP3 UIDLs come from dovecot-uidlist
//     (1 and 3) or courierimapuiddb at first sight, and go back by an export. A
//     list of a Dovecot that runs is not written.
//  19. UIDVALIDITY changes only if the index and every list of UIDs are lost.
//  20. maildirfolder in new subfolders; maildirsize, subscriptions and
//     courierimapsubscribed as their owners have them.
//  21. The file's time is INTERNALDATE, kept in moves and copies across file
//     systems.
//  22. LF, CRLF or both in files; CRLF and its sizes on the wire.
//  23. Messages compressed by Dovecot are read; none is written.
//  24. An open file is read to its end whatever becomes of its name.
//  25. No tree is made where names do not tell case apart or have no colon.
//  26. The kind in a directory's entry, and inode numbers, are hints.
//  27. Times of directories are compared for equality, never for order.
package maildir
