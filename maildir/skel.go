// Package maildir reads and writes mail kept as files: one Maildir tree, many programs.
package maildir

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

var (
	ErrNoFolder = errors.New("no such folder")
	ErrGone     = errors.New("message is gone")
	ErrName     = errors.New("bad name")
	ErrInfo     = errors.New("info part is not of version 2")
	ErrNotMail  = errors.New("not a message file")
	ErrEmpty    = errors.New("empty message")
)

type Flags string
type Name struct {
	Base string
	Sep  byte
	Info string
}
type Store struct{}
type Folder struct{}
type Entry struct {
	File string
	New  bool
}
type Counts struct{ Total, Unread, New int }
type Usage struct {
	Bytes    int64
	Messages int
}
type Delivery struct {
	Name   string // derived unique part, "" = fresh
	First  bool   // the caller knows that Name was never tried before: cur/ is not searched
	Flags  Flags
	Time   time.Time
	Strict bool
	Cur    bool
}
type EventKind int

const (
	Added EventKind = iota
	Gone
	Changed
	Overflow
)

type Event struct {
	Kind   EventKind
	Folder *Folder
	Entry  Entry
	Old    Entry
}

const skel = "maildir: being written"

func ParseFlags(file string) Flags                                        { panic(skel) }
func MakeFlags(letters string) Flags                                      { panic(skel) }
func (f Flags) Has(letter byte) bool                                      { panic(skel) }
func (f Flags) Change(add, remove Flags) Flags                            { panic(skel) }
func ParseName(file string) (Name, error)                                 { panic(skel) }
func (n Name) String() string                                             { panic(skel) }
func (n Name) Flags() Flags                                               { panic(skel) }
func (n Name) WithFlags(f Flags) (Name, error)                            { panic(skel) }
func Open(root string) (*Store, error)                                    { panic(skel) }
func Create(root string) (*Store, error)                                  { panic(skel) }
func At(dir string) (*Folder, error)                                      { panic(skel) }
func (s *Store) Root() string                                             { panic(skel) }
func (s *Store) Folders() ([]*Folder, error)                              { panic(skel) }
func (s *Store) Folder(name string) (*Folder, error)                      { panic(skel) }
func (s *Store) CreateFolder(name string) (*Folder, error)                { panic(skel) }
func (s *Store) Locate(path string) (*Folder, Entry, error)               { panic(skel) }
func (s *Store) Usage() (Usage, error)                                    { panic(skel) }
func LocatePath(path string) (*Folder, Entry, error)                      { panic(skel) }
func SpecialFolder(s *Store, role string) string                          { panic(skel) }
func (f *Folder) Name() string                                            { panic(skel) }
func (f *Folder) Path() string                                            { panic(skel) }
func (f *Folder) Store() *Store                                           { panic(skel) }
func (e Entry) Base() string                                              { panic(skel) }
func (e Entry) Flags() Flags                                              { panic(skel) }
func (e Entry) Unread() bool                                              { panic(skel) }
func (e Entry) Time() time.Time                                           { panic(skel) }
func (e Entry) Size() (n int64, ok bool)                                  { panic(skel) }
func (f *Folder) File(e Entry) string                                     { panic(skel) }
func (f *Folder) List() ([]Entry, error)                                  { panic(skel) }
func (f *Folder) Count() (Counts, error)                                  { panic(skel) }
func (f *Folder) Find(base string) (Entry, error)                         { panic(skel) }
func (f *Folder) Open(e Entry) (*os.File, Entry, error)                   { panic(skel) }
func (f *Folder) SetFlags(e Entry, add, remove Flags) (Entry, error)      { panic(skel) }
func (f *Folder) Move(e Entry, to *Folder) (Entry, error)                 { panic(skel) }
func (f *Folder) Copy(e Entry, to *Folder) (Entry, error)                 { panic(skel) }
func (f *Folder) Remove(e Entry) error                                    { panic(skel) }
func (f *Folder) Deliver(d Delivery, r io.Reader) (Entry, error)          { panic(skel) }
func (f *Folder) Clean(now time.Time) (int, error)                        { panic(skel) }
func (f *Folder) Watch(ctx context.Context) (<-chan Event, error)         { panic(skel) }
func Watch(ctx context.Context, folders ...*Folder) (<-chan Event, error) { panic(skel) }
