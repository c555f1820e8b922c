package store

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"pneu/maildir"
	"pneu/maildir/index"
)

// Options say how an account's mail is used.
type Options struct {
	// ReadOnly: nothing is written, neither mail nor index. What an index has is used.
	ReadOnly bool
	// NoIndex works from the files alone: indexes are neither read nor written.
	NoIndex bool
	// Safe is for a tree that several machines use at the same time over NFS. It holds
	// as well if maildir.Store.Shared says so of the tree, for all programs must agree.
	Safe bool
	// StrictFlags has changes of flags rename files before they return, instead of soon after.
	StrictFlags bool
	// Log gets a line for everything unusual. Nil: nothing is logged.
	Log *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// A Store is one account's tree of folders. Its methods may be called from several
// goroutines.
type Store struct {
	tree *maildir.Store
	opt  Options

	mu     sync.Mutex
	boxes  map[string]*Box // open ones, by directory
	closed bool
	said   sync.Map // what the log was told, by folder

	account     account
	keepThreads int // threadsKept, less in tests
}

// ErrClosed is in the error of what is asked of a Store or Box after Close, or of a Box whose folder
// was renamed or removed.
var ErrClosed = index.ErrClosed

// Open opens the tree at root. It reads a directory or two and no message.
func Open(root string, opt Options) (*Store, error) {
	tree, err := maildir.Open(root)
	if err != nil {
		return nil, err
	}
	return newStore(tree, opt), nil
}

// Create is Open for a tree that need not exist yet.
func Create(root string, opt Options) (*Store, error) {
	tree, err := maildir.Create(root)
	if err != nil {
		return nil, err
	}
	return newStore(tree, opt), nil
}

func (opt Options) complete() Options {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return opt
}

func newStore(tree *maildir.Store, opt Options) *Store {
	opt = opt.complete()
	opt.Safe = opt.Safe || tree.Shared()
	s := &Store{tree: tree, opt: opt, boxes: map[string]*Box{}, keepThreads: threadsKept}
	if !opt.ReadOnly && !opt.NoIndex {
		tree.Observe(index.Observe(s.indexOf))
	}
	return s
}

// indexOf returns the index of a folder that is open: what is done to files through the tree
// comes to be known without reading directories.
func (s *Store) indexOf(f *maildir.Folder) *index.Index {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.boxes[f.Path()]; b != nil {
		return b.x
	}
	return nil
}

// Close closes what is still open.
func (s *Store) Close() error {
	s.mu.Lock()
	boxes := make([]*Box, 0, len(s.boxes))
	for _, b := range s.boxes {
		boxes = append(boxes, b)
	}
	clear(s.boxes)
	s.closed = true
	s.mu.Unlock()
	s.tree.Observe(nil)
	var err error
	for _, b := range boxes {
		err = errors.Join(err, b.shut())
	}
	return err
}

// Tree returns the files below.
func (s *Store) Tree() *maildir.Store { return s.tree }

// Box opens a folder by its name in the tree. Every Box is to be closed; the last Close of
// a folder's lets go of its files.
func (s *Store) Box(name string) (*Box, error) {
	f, err := s.tree.Folder(name)
	if err != nil {
		return nil, err
	}
	return s.BoxOf(f)
}

// BoxOf opens a folder, which may be one outside of the tree.
func (s *Store) BoxOf(f *maildir.Folder) (*Box, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("store: %w", ErrClosed)
	}
	b := s.boxes[f.Path()]
	if b == nil {
		b = &Box{s: s, f: f}
		if err := b.open(); err != nil {
			return nil, err
		}
		s.boxes[f.Path()] = b
	}
	b.users++
	return b, nil
}

func (s *Store) indexOptions() index.Options {
	return index.Options{ReadOnly: s.opt.ReadOnly, Memory: s.opt.NoIndex, Safe: s.opt.Safe, StrictFlags: s.opt.StrictFlags, Log: s.opt.Log, Now: s.opt.Now}
}
