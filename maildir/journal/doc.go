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
package journal
