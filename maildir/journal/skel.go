// Package journal writes down every change a person makes to mail, so that it can be taken back.
package journal

import (
	"time"

	"pneu/maildir"
)

// An Op is one change to one message.
type Op struct {
	Kind                 string // flags, move, copy, purge, append
	Store                string // root of the tree
	FromFolder, ToFolder string // names
	From, To             string // directories of the folders
	File, NewFile        string // names of the file before and after
	New, NewNew          bool   // in new/ before and after
}

func (o Op) Base() string            { panic(skel) }
func (o Op) NewBase() string         { panic(skel) }
func (o Op) OldFlags() maildir.Flags { panic(skel) }
func (o Op) NewFlags() maildir.Flags { panic(skel) }

// A Record is a batch as the log shows it.
type Record struct {
	ID     string
	Time   time.Time
	Actor  string // tui, cli, rule
	What   string // for people
	Undone bool
	Ops    []Op
}

// A Failure is an operation that could not be undone, and why.
type Failure struct {
	Op  Op
	Err error
}

// A Report says what Undo or Redo did.
type Report struct {
	Batches []Record
	Paths   []string // where the messages are now
	Failed  []Failure
}

type Journal struct{}
type Batch struct{}

const skel = "journal: being written"

func Open(path string) (*Journal, error)             { panic(skel) }
func (j *Journal) Close() error                      { panic(skel) }
func (j *Journal) Begin(actor, what string) *Batch   { panic(skel) }
func (j *Journal) Undo(n int) (Report, error)        { panic(skel) }
func (j *Journal) Redo(n int) (Report, error)        { panic(skel) }
func (j *Journal) Log(n int) ([]Record, error)       { panic(skel) }
func (j *Journal) Follow(path string) (string, bool) { panic(skel) }
func (b *Batch) SetFlags(f *maildir.Folder, e maildir.Entry, add, remove maildir.Flags) (maildir.Entry, error) {
	panic(skel)
}
func (b *Batch) Move(f *maildir.Folder, e maildir.Entry, to *maildir.Folder) (maildir.Entry, error) {
	panic(skel)
}
func (b *Batch) Copy(f *maildir.Folder, e maildir.Entry, to *maildir.Folder) (maildir.Entry, error) {
	panic(skel)
}

// Purge deletes for good: it is written down but cannot be undone.
func (b *Batch) Purge(f *maildir.Folder, e maildir.Entry) error { panic(skel) }

// Added writes down a message that was just put into f (a draft, an import): undo removes it.
func (b *Batch) Added(f *maildir.Folder, e maildir.Entry) error { panic(skel) }
func (b *Batch) Commit() error                                  { panic(skel) }
