package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/message"
)

func watchVerb() *cli.Command {
	return &cli.Command{
		Name: "watch", Usage: "print messages as they come, are moved, flagged or go", ArgsUsage: "[FOLDER...]",
		Flags: outputFlags(maildirFlag(),
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"r"}, Usage: "also the folders below, and those made later"},
			&cli.StringFlag{Name: "on", Usage: "print these `EVENTS` alone, with commas between: new, moved, flags, gone"},
			&cli.StringFlag{Name: "exec", Usage: "print nothing, run `COMMAND` by sh(1) for each"},
		),
		Action: verb(watch),
	}
}

// What can befall a message.
const (
	eventNew   = "new"
	eventMoved = "moved"
	eventFlags = "flags"
	eventGone  = "gone"
)

var eventNames = []string{eventNew, eventMoved, eventFlags, eventGone}

// A change is one event, put together from what the folders told.
type change struct {
	what string
	f    *maildir.Folder
	e    maildir.Entry // as it is, or was if it has gone
	was  string        // path before, of moved and flags
}

func watch(t *tool) error {
	w := &watching{t: t, on: map[string]bool{}, known: map[string]*known{}, pause: time.Second}
	on := []string{eventNew, eventMoved}
	if t.c.IsSet("on") {
		on = strings.Split(t.c.String("on"), ",")
	} else if t.form == formJSON || t.form == formTemplate || t.c.IsSet("exec") {
		on = eventNames // these can tell them apart
	}
	for _, name := range on {
		if name = strings.TrimSpace(name); !slices.Contains(eventNames, name) {
			return boot.Usage("--on wants new, moved, flags or gone, with commas between")
		}
		w.on[name] = true
	}
	if t.c.IsSet("exec") && t.form != formPath {
		return boot.Usage("--exec prints nothing: leave out -0, --json and --format")
	}
	w.folders = func() ([]*maildir.Folder, error) { return w.there(t.c.Args().Slice(), t.c.Bool("recursive")) }
	w.follow = t.c.Bool("recursive")
	w.emit = w.print
	if t.c.IsSet("exec") {
		w.emit = w.exec
	}
	debug.SetGCPercent(100) // other than most verbs this one stays
	ctx, cancel := context.WithCancel(t.c.Context)
	defer cancel()
	if out, ok := t.c.App.Writer.(*os.File); ok {
		go readerGone(out, cancel)
	}
	err := w.run(ctx)
	if err == nil && ctx.Err() != nil {
		if t.c.Context.Err() == nil {
			return boot.Exit(128 + int(unix.SIGPIPE))
		}
		return t.context().Err()
	}
	return err
}

// readerGone calls cancel when nobody reads the pipe any more: without it "watch | head -1"
// would end only at the next event.
func readerGone(out *os.File, cancel func()) {
	if st, err := out.Stat(); err != nil || st.Mode()&os.ModeNamedPipe == 0 {
		return
	}
	for {
		fds := []unix.PollFd{{Fd: int32(out.Fd())}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if fds[0].Revents&unix.POLLERR != 0 {
			cancel()
			return
		}
	}
}

// watching is a run of watch.
type watching struct {
	t       *tool
	on      map[string]bool
	folders func() ([]*maildir.Folder, error)
	follow  bool // look for new folders
	emit    func(change) error
	pause   time.Duration   // before what failed is tried again
	missing map[string]bool // folders that were asked for, or had been there, and are not

	list  []*maildir.Folder
	known map[string]*known // by directory
	half  []half
}

// A half of a move waits for the other: a message that has gone, or one that has come and
// may be going elsewhere. We link it to its new place before we remove it from the old.
type half struct {
	change
	until time.Time
}

const (
	moveTime    = 100 * time.Millisecond // the two halves come one after the other
	folderTime  = 2 * time.Second        // between looks for new folders
	longArrived = time.Minute            // older names in cur/ were not just delivered
)

// run watches until ctx ends. When events are lost, or folders come, the folders are
// listed and compared with what was known.
func (w *watching) run(ctx context.Context) error {
	for first := true; ctx.Err() == nil; first = false {
		list, err := w.folders()
		if err != nil {
			return err
		}
		if len(list) == 0 { // each was reported
			return w.expire(time.Now().Add(moveTime))
		}
		w.list = list
		if err := w.session(ctx, first); err != nil {
			return err
		}
	}
	return nil
}

// there returns the folders that are to be watched and are there; of those that are not, it
// tells once.
func (w *watching) there(args []string, recursive bool) ([]*maildir.Folder, error) {
	now := map[string]bool{}
	gone := func(name string, err error) bool {
		if now[name] = true; !w.missing[name] {
			w.t.asked = true
			w.t.fail(name, err)
		}
		return true
	}
	named := slices.DeleteFunc(slices.Clone(args), func(a string) bool {
		_, err := w.t.folder(a)
		return err != nil && gone(a, err)
	})
	var list []*maildir.Folder
	var err error
	if len(named) > 0 || len(args) == 0 {
		list, err = w.t.folders(named, recursive)
	}
	list = slices.DeleteFunc(list, func(f *maildir.Folder) bool {
		for _, sub := range []string{"new", "cur"} {
			if _, err := os.Stat(filepath.Join(f.Path(), sub)); err != nil {
				return gone(f.Path(), err)
			}
		}
		return false
	})
	w.missing = now
	return list, err
}

// session watches the folders of w.list until others come or the watch breaks.
func (w *watching) session(ctx context.Context, first bool) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := maildir.Watch(inner, w.list...)
	if err != nil {
		if first {
			return err
		}
		w.wait(ctx, w.pause)
		return nil
	}
	for _, f := range w.list {
		if err := w.compare(f, first); err != nil {
			return err
		}
	}
	if first {
		w.t.closeBoxes(0)
		debug.FreeOSMemory() // the lists took much
	}
	var look <-chan time.Time
	if w.follow || len(w.missing) > 0 {
		tick := time.NewTicker(folderTime)
		defer tick.Stop()
		look = tick.C
	}
	for {
		var departed <-chan time.Time
		if len(w.half) > 0 {
			departed = time.After(time.Until(w.half[0].until))
		}
		select {
		case <-ctx.Done():
			return nil
		case ev, ok := <-events:
			if !ok {
				w.wait(ctx, w.pause)
				return nil
			}
			if err := w.event(ev); err != nil {
				return err
			}
			if ev.Kind == maildir.Overflow && ev.Folder != nil { // its directory is no more what it was
				return nil
			}
		case <-departed:
			if err := w.expire(time.Now()); err != nil {
				return err
			}
		case <-look:
			if now, err := w.folders(); err == nil && !slices.EqualFunc(now, w.list, samePlace) {
				return nil
			}
		}
	}
}

func samePlace(a, b *maildir.Folder) bool { return a.Path() == b.Path() }

func (w *watching) wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// compare lists a folder. What differs from what was known is an event, unless the folder
// is met for the first time at the start.
func (w *watching) compare(f *maildir.Folder, quiet bool) error {
	if quiet && w.t != nil && w.t.c != nil {
		if v := w.t.look(w.t.boxOf(f), false); v != nil {
			w.known[f.Path()] = knownOf(v, nil)
			return nil
		}
	}
	entries, err := f.List()
	if errors.Is(err, maildir.ErrNoFolder) || errors.Is(err, os.ErrNotExist) {
		entries, err = nil, nil // it went with all that was in it
	}
	if err != nil {
		w.t.fail(f.Path(), err)
		return nil
	}
	was := w.known[f.Path()]
	delete(w.known, f.Path())
	alone := make([]bool, len(entries))
	for i, e := range entries {
		alone[i] = w.alone(e)
	}
	now := knownOf(nil, entries)
	w.known[f.Path()] = now
	if quiet {
		return nil
	}
	was.all(func(e maildir.Entry) {
		if _, ok := now.get(e.Base()); !ok && err == nil {
			err = w.leave(f, e)
		}
	})
	for i, e := range entries {
		if err != nil {
			return err
		}
		old, ok := was.get(e.Base())
		if !ok {
			err = w.come(f, e, alone[i])
		} else if old != e {
			if err = w.tell(f, e.Base()); err == nil {
				err = w.emit(change{eventFlags, f, e, f.File(old)})
			}
		}
	}
	return err
}

// event takes what the folder told. It may tell again what a list has shown.
func (w *watching) event(ev maildir.Event) error {
	if ev.Kind == maildir.Overflow {
		for _, f := range w.list {
			if ev.Folder == nil || ev.Folder.Path() == f.Path() {
				if err := w.compare(f, false); err != nil {
					return err
				}
			}
		}
		return nil
	}
	f := ev.Folder
	old, ok := w.known[f.Path()].get(ev.Entry.Base())
	switch {
	case ev.Kind == maildir.Gone && ok && old == ev.Entry:
		w.drop(f, old)
		return w.leave(f, old)
	case ev.Kind == maildir.Gone:
	case ok && old != ev.Entry:
		if err := w.tell(f, old.Base()); err != nil {
			return err
		}
		if old, ok = w.known[f.Path()].get(ev.Entry.Base()); !ok || old == ev.Entry {
			return nil // as that has found it
		}
		w.keep(f, ev.Entry)
		return w.emit(change{eventFlags, f, ev.Entry, f.File(old)})
	case !ok:
		alone := w.alone(ev.Entry)
		w.keep(f, ev.Entry)
		return w.come(f, ev.Entry, alone)
	}
	return nil
}

// keep notes that a message is there, and drop that it is not.
func (w *watching) keep(f *maildir.Folder, e maildir.Entry) { w.of(f).keep(e) }
func (w *watching) drop(f *maildir.Folder, e maildir.Entry) { w.of(f).drop(e) }

// of is what is known of a folder: nothing, if it could not be listed.
func (w *watching) of(f *maildir.Folder) *known {
	k := w.known[f.Path()]
	if k == nil {
		k = knownOf(nil, nil)
		w.known[f.Path()] = k
	}
	return k
}

// alone reports whether no message that is known has arrived in the same second.
func (w *watching) alone(e maildir.Entry) bool {
	second := e.Time().Unix()
	for _, k := range w.known {
		if k.at(second) > 0 {
			return false
		}
	}
	return true
}

// tell emits the half that is kept of a message, before more is told of it.
func (w *watching) tell(f *maildir.Folder, base string) error {
	i := slices.IndexFunc(w.half, func(h half) bool { return h.what == eventNew && samePlace(h.f, f) && h.e.Base() == base })
	if i < 0 {
		return nil
	}
	c := w.half[i].change
	w.half = slices.Delete(w.half, i, i+1)
	return w.emit(c)
}

// leave is told that a message has gone: to where another has come, or nobody knows.
func (w *watching) leave(f *maildir.Folder, e maildir.Entry) error {
	if err := w.tell(f, e.Base()); err != nil {
		return err
	}
	if c, ok := w.match(eventNew, f, e); ok {
		return w.moved(c, f, e)
	}
	w.half = append(w.half, half{change{what: eventGone, f: f, e: e}, time.Now().Add(moveTime)})
	return nil
}

// come tells a new message from one that was moved; alone is that no message was known
// which it could be.
func (w *watching) come(f *maildir.Folder, e maildir.Entry, alone bool) error {
	c := change{what: eventNew, f: f, e: e}
	if gone, ok := w.match(eventGone, f, e); ok {
		return w.moved(c, gone.f, gone.e)
	}
	if !alone {
		w.half = append(w.half, half{c, time.Now().Add(moveTime)})
		return nil
	}
	if at := e.Time(); !e.New && !at.IsZero() && time.Since(at) > longArrived {
		c.what = eventMoved // from a folder that is not watched
	}
	return w.emit(c)
}

// moved makes one event of both halves, none if the message is back.
func (w *watching) moved(c change, f *maildir.Folder, was maildir.Entry) error {
	c.what, c.was = eventMoved, f.File(was)
	if samePlace(c.f, f) {
		if c.what = eventFlags; c.e == was {
			return nil
		}
	}
	return w.emit(c)
}

// match takes out the other half of a move, if it is waiting. Other programs keep the
// name, we keep its time, size and flags. Within a folder mbsync and others put fields
// into the base.
func (w *watching) match(what string, f *maildir.Folder, e maildir.Entry) (change, bool) {
	find := func(here bool, same func(maildir.Entry) bool) int {
		return slices.IndexFunc(w.half, func(h half) bool { return h.what == what && samePlace(h.f, f) == here && same(h.e) })
	}
	unique := maildir.Unique(e.Base())
	i := find(true, func(o maildir.Entry) bool { return unique != "" && maildir.Unique(o.Base()) == unique })
	if i < 0 {
		i = find(false, func(o maildir.Entry) bool { return o.Base() == e.Base() })
	}
	if i < 0 {
		i = find(false, func(o maildir.Entry) bool { return alike(o, e) })
	}
	if i < 0 {
		return change{}, false
	}
	c := w.half[i].change
	w.half = slices.Delete(w.half, i, i+1)
	return c, true
}

func alike(a, b maildir.Entry) bool {
	x, _ := a.Size()
	y, _ := b.Size()
	return a.Time().Unix() == b.Time().Unix() && x == y && a.Flags() == b.Flags()
}

// expire tells of those whose other half has not come.
func (w *watching) expire(now time.Time) error {
	for len(w.half) > 0 && !w.half[0].until.After(now) {
		c := w.half[0].change
		w.half = w.half[1:]
		if err := w.emit(c); err != nil {
			return err
		}
	}
	return nil
}

// print writes the record of an event at once.
func (w *watching) print(c change) error {
	if !w.on[c.what] {
		return nil
	}
	t, path := w.t, c.f.File(c.e)
	m := &msg{path: path, f: c.f, e: c.e, was: c.was}
	var err error
	switch t.form {
	case formJSON, formTemplate:
		t.names(m)
		r, rerr := m.record()
		if rerr != nil { // it is there no longer
			r = &record{V: 1, Path: path, ID: c.e.Base(), Folder: c.f.Name(), New: c.e.New, Flags: string(c.e.Flags()), Keywords: []string{}, Refs: []string{},
				From: []message.Addr{}, To: []message.Addr{}, Cc: []message.Addr{}, ReplyTo: []message.Addr{}, Attachments: []attachment{}, Was: c.was}
		}
		switch {
		case c.what == eventGone: // a message of that name, if there is one, is another
			r.Path, r.ID, r.New = path, c.e.Base(), c.e.New
		case r.Path != path:
			// It has been renamed again: that is told now, and not once more.
			w.drop(c.f, c.e)
			w.keep(c.f, m.e)
			if r.Path == c.was {
				return nil
			}
		}
		r.Op = c.what
		if t.form == formJSON {
			err = t.emitRecord(r)
		} else {
			err = t.emitTemplate(r)
		}
	default:
		err = t.emitPath(path)
	}
	if err == nil {
		err = t.out.Flush()
	}
	return err
}

// exec runs the command with the path as $1.
func (w *watching) exec(c change) error {
	if !w.on[c.what] {
		return nil
	}
	path := c.f.File(c.e)
	cmd := exec.Command("/bin/sh", "-c", w.t.c.String("exec"), "sh", path)
	cmd.Env = append(os.Environ(), "PNEU_EVENT="+c.what, "PNEU_PATH="+path, "PNEU_WAS="+c.was, "PNEU_FOLDER="+c.f.Name())
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	w.t.printed++
	if err := cmd.Run(); err != nil {
		w.t.note("--exec for %s: %v", filepath.Base(path), fmt.Sprint(err))
	}
	return nil
}
