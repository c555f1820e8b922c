// Package journal writes down every change a person makes to mail, so that it
// can be taken back: by another program, and days later.
//
// The journal is one append-only file of JSON lines. The shell tools and the
// screen append to it at the same time; each line is one write under flock, and
// a line torn by a crash is passed over. An operation is written down before it
// is done, with the names before and after, so that a crash between the two
// leaves nothing that undo could not settle by looking at the folders.
//
// Undo never deletes the last copy of a message, and never overwrites what
// another program did meanwhile: it does what is still possible and reports the
// rest. The journal is not synced: a power cut may cost the chance to undo, not
// mail.
//
// # File
//
// A line is an object of at most 1 MB; one that is none, or of another v, is passed over.
//
//	v 1      version
//	t        what it is: see below
//	id       of its batch: an action of a person, or a rule
//	time     RFC 3339    actor "tui", "cli" or "rule"    what for people
//	n        numbers of operations in the batch
//	op       the operation
//
//	begin    id time actor what    a batch begins; ids are never used again
//	op       id n op               an operation is about to be done
//	many     id n op               operations numbered from n on, which op.each tells apart
//	fail     id n                  they were not done after all
//	end      id                    the batch is complete
//	try      id n                  copies, and what was filed, are about to be taken back
//	undo     id n                  they were taken back
//	redo     id n                  and done again
//	lost     id n                  they can be neither taken back nor done again
//	left     id op                 as in many: messages that leave their folder by undo or
//	                               redo, and the numbers they had in it
//
// Of an operation:
//
//	kind     flags, move, copy, append, replace, purge: one message; mkdir: a folder;
//	         keywords: one message's; bulk, words: flags and keywords by number
//	store    root of the tree
//	from_folder, to_folder, from, to    names of the folders, and their directories; of mkdir
//	         both are the folder
//	old, new      "cur/" or "new/" and the file's name, before and after
//	add, remove   keywords; of bulk letters of flags
//	numbering     of which uids are: without the same numbering they mean nothing
//	uids          "1:500,502"; of a move the number the message had, if it is known
//	each          of many: old and new of each, each as "c" or "n", the name and a slash, or a
//	              slash alone; uids has a number for each then, 0 for none
//
// Bases of old and new name the message, whatever flags it has by now. Numbers in a batch
// ascend. A string that is no UTF-8 is a list of its bytes. What has happened to an operation
// last counts; a new action of a person ends what can be done again. At 32 MB the journal is
// renamed to JOURNAL.old. JOURNAL.kept is a Maildir with the messages that undo of append, and
// replace, took out of folders.
package journal
