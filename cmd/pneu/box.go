package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/store"
)

// A box is a folder as this run knows it: its index, if that is used, as it was when the
// input that is worked on came.
type box struct {
	f     *maildir.Folder
	b     *store.Box
	v     *store.View
	bad   bool          // there is no index for it, nor will there be
	told  bool          // that it cannot be read
	at    int           // t.turn when v was looked at
	when  time.Time     // and the time after that
	took  time.Duration // which was as long
	met   int           // messages asked for while there was no index
	full  bool          // what it lacked was read
	texts bool          // and the texts
	hits  hits
}

// A few messages are read as they are; beyond that the index that makes it quick is built.
const fewMessages = 64

// noIndex says that files alone are to be used: an index that is suspected of lying can be
// left out of a test so.
func noIndex() bool { return os.Getenv("PNEU_NO_INDEX") != "" }

// storeOf returns the store of a folder's tree.
func (t *tool) storeOf(f *maildir.Folder) (*store.Store, error) {
	root := f.Path()
	if f.Store() != nil {
		root = f.Store().Root()
	}
	return t.storeAt(root)
}

func (t *tool) storeAt(root string) (*store.Store, error) {
	if s := t.stores[root]; s != nil {
		return s, nil
	}
	// Who may only read uses the index that is there, and has no use for one he cannot keep.
	opt := store.Options{NoIndex: noIndex(), ReadOnly: unix.Access(root, unix.W_OK) != nil, Log: slog.New(&notes{t: t})}
	s, err := store.Open(root, opt)
	if err != nil {
		return nil, err
	}
	if t.stores == nil {
		t.stores = map[string]*store.Store{}
	}
	t.stores[root] = s
	return s, nil
}

func (t *tool) closeStores() {
	for _, s := range t.stores {
		s.Close() // what it could not write is found out again
	}
}

// boxOf returns what this run knows of a folder.
func (t *tool) boxOf(f *maildir.Folder) *box {
	b := t.boxes[f.Path()]
	if b == nil {
		b = &box{f: f}
		if t.boxes == nil {
			t.boxes = map[string]*box{}
		}
		t.boxes[f.Path()] = b
	}
	return b
}

// look returns the folder's messages as they are now, nil if it is to be worked on by its
// files. Unless make is set, no index is made for being looked at.
//
// What was seen is held to be true as long as no more input is waited for, and where the look
// takes long for ten times as long.
func (t *tool) look(b *box, create bool) *store.View {
	if b.v != nil && (b.at == t.turn || time.Since(b.when) < 10*b.took) || b.bad {
		b.at = t.turn
		return b.v
	}
	if b.b == nil && !t.open(b, create) {
		return nil
	}
	began := time.Now()
	v, err := b.b.Sync(t.context())
	b.when = time.Now()
	b.took, b.at = b.when.Sub(began), t.turn
	if err != nil {
		b.bad = b.v == nil
		return b.v
	}
	if b.v != v {
		b.v, b.hits = v, hits{}
	}
	return v
}

// open opens the index.
func (t *tool) open(b *box, create bool) bool {
	if !create {
		if noIndex() {
			b.bad = true
			return false
		}
		if b.met++; b.met < fewMessages {
			if b.met > 1 {
				return false
			}
			if _, err := os.Stat(filepath.Join(b.f.Path(), "pneu.log")); err != nil {
				return false
			}
		}
	}
	s, err := t.storeOf(b.f)
	if err == nil {
		b.b, err = s.BoxOf(b.f)
	}
	if b.bad = err != nil; b.bad {
		return false
	}
	t.retire(b)
	if errors.Is(b.b.Volatile(), index.ErrReadOnly) && !noIndex() { // of all else the store tells
		t.remarkOf("read only", fmt.Sprintf("%s is read from its files, for no index can be kept: you may not write there", b.f.Name()))
	}
	return true
}

// filesABox is how many files an open folder holds: of the log, digests, heads, and of texts.
const filesABox = 4

// fewBoxes may be open whatever the limit.
const fewBoxes = 8

// maxBoxes is how many folders are open at a time, by how many files may be.
func maxBoxes() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 64
	}
	return int(min(max(limit.Cur/(2*filesABox), fewBoxes), 4096))
}

// retire notes a folder as opened, and closes the one that was opened first if they are
// many. What was seen of that one stays: views need no file but those of messages.
func (t *tool) retire(b *box) {
	if t.held = append(t.held, b); len(t.held) <= fewBoxes {
		return
	}
	if t.mayOpen == 0 {
		t.mayOpen = maxBoxes()
	}
	t.closeBoxes(t.mayOpen)
}

// closeBoxes closes folders until no more than some are open.
func (t *tool) closeBoxes(open int) {
	for len(t.held) > open {
		first := t.held[0]
		t.held = t.held[1:]
		if first.v != nil {
			first.v.State() // has the digests mapped
		}
		first.b.Close() // what it could not write is found out again
		first.b = nil
	}
}

// readAll has the index read the messages it keeps nothing of yet, and tells of it where
// that takes long.
func (t *tool) readAll(b *box) {
	if b.full || b.b == nil || b.v == nil || b.v.State().Undigested == 0 || !b.v.State().Sticky {
		return
	}
	b.full = true
	p := t.progress("reading " + b.f.Name())
	err := b.b.Build(t.context(), p.show)
	p.end()
	if err != nil && t.context().Err() == nil {
		t.note("index of %s: %v", b.f.Name(), err)
	}
	b.at = -1 // look again
	t.look(b, true)
}

func (t *tool) context() context.Context {
	if t.c == nil || t.c.Context == nil {
		return context.Background()
	}
	return t.c.Context
}

// notes tells a person what a store has to say of itself, once.
type notes struct {
	t    *tool
	more []slog.Attr
}

func (n *notes) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (n *notes) WithGroup(string) slog.Handler                { return n }
func (n *notes) WithAttrs(a []slog.Attr) slog.Handler {
	return &notes{n.t, append(n.more[:len(n.more):len(n.more)], a...)}
}

func (n *notes) Handle(_ context.Context, r slog.Record) error {
	var s strings.Builder
	s.WriteString(r.Message)
	closed, kind := false, ""
	add := func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			closed = closed || isClosed(err)
			var why syscall.Errno
			if errors.As(err, &why) { // a full disk, say, is so for all folders
				kind = r.Message + why.Error()
			}
		}
		s.WriteString(", " + a.Key + " " + a.Value.String())
		return true
	}
	for _, a := range n.more {
		add(a)
	}
	r.Attrs(add)
	if kind == "" {
		kind = s.String()
	}
	if !closed {
		n.t.remarkOf(kind, s.String())
	}
	return nil
}

// isClosed reports whether an error comes of a directory that we may not look into: whoever
// asks for what is in it is told.
func isClosed(err error) bool {
	var pe *fs.PathError
	return errors.Is(err, fs.ErrPermission) && errors.As(err, &pe) && unix.Access(filepath.Dir(pe.Path), unix.R_OK|unix.X_OK) != nil
}

// failFolder reports, once, that a folder cannot be read; the others go on.
func (t *tool) failFolder(f *maildir.Folder, err error) {
	if b := t.boxOf(f); !b.told {
		b.told = true
		t.fail(f.Path(), err)
	}
}
