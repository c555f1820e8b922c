// Package queue is the spool: it keeps accepted mail on disk until each
// recipient has an answer. Files, states and promises are described here and,
// for administrators, in pneu-spool(5).
//
// # A message's file
//
// One file a message: a head of text lines, an empty line, the message as it
// was given, byte for byte.
//
//	PNEU1 COMMIT len=0000041233 crc=9f31c2aa state=Q
//	qid 1KQ3V8ZJ4T7C03f  arrived 2026-11-21T01:28:03.123456Z  expires 2026-11-26T01:28:03.123456Z
//	from <a@example.org>  auth a  client 192.0.2.7 mx.example.org  ret HDRS  envid x1  flags 8bit,utf8
//	to 0001 . <b@example.net>  notify FAILURE,DELAY  orcpt rfc822;b@example.net
//	to 0002 D <c@example.com>
//
// The head is the truth, the name and the time of the file are hints. crc is
// CRC-32 (IEEE) of the message, then of the head after its first line, each
// mark counted as a dot. After acceptance only single bytes change: the state
// and the marks.
//
// # States and transitions
//
// A file:
//
//	(none) --Accept--> OPEN --Commit--> COMMIT Q --Defer--> COMMIT D
//	OPEN   --Abort, or a minute without a writer--> (none)
//	COMMIT Q|D --Bounce--> COMMIT B --SetMarks--> COMMIT D
//	COMMIT, all marks final --Finish--> (none)
//	q/ --Hold--> hold/ --Release--> q/        damaged: q/, hold/, drop/ --> bad/
//	drop/ --AdoptDrops--> q/
//
// A recipient: . (pending) to D (done), F (failed), X (expired) or R (removed
// by an administrator), and never again anything else.
//
// # Promises, and what keeps them
//
//  1. Plain files to ls, cat, mv and cp: one file a message, whole.
//  2. Accepted mail survives: Commit returns after one fsync of the file
//     (Strict: and one of its folder). What lacks COMMIT, its full length or
//     its checksum was never accepted, and is never sent.
//  3. Any number of runners: flock(2) on the message for an attempt, on a file
//     of dest/ for a connection. The kernel frees both when a process dies;
//     nothing else is shared.
//  4. A mark is synced before SetMarks returns, and read after the lock is
//     taken. A report has an id derived from message and recipients; itself it
//     says which marks it stands for, and whoever finds it or its parent after
//     a crash sets those before going on. So there is one report.
//  5. Answers are in log/, the next attempt is the file's time.
//  6. dest/ holds what runners tell one another about a destination.
//  7. An error before the sync removes the file again; later ones change no
//     accepted byte. Damage is moved to bad/ with its reason, never deleted.
//
// What is synced when: accept, one fsync; an answer for any number of
// recipients, one fdatasync; deferral, finish and history, none, since losing
// them costs an earlier retry, a second look, a line. Moving to and from hold/
// and out of drop/ syncs the folders.
package queue
