package tui

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"pneu/maildir"
	mail "pneu/maildir/compose"
	"pneu/maildir/index"
	"pneu/maildir/message"
	"pneu/tui/compose"
	"pneu/tui/look"
	"pneu/tui/term"
)

// A draft is what is known of the message being written besides its text.
type draft struct {
	msgid  string
	folder *maildir.Folder // Drafts, once it was saved
	entry  maildir.Entry
	kept   atomic.Bool // it was; saving goes on outside the loop
	saving bool
	origin *origin
	closed bool        // it was left: a save that ends now does not touch the screen
	lost   atomic.Bool // the last save failed
}

// An origin is the message that was answered or passed on.
type origin struct {
	folder *maildir.Folder
	entry  maildir.Entry
	flag   maildir.Flags // R or P
}

type answer uint8

const (
	replyOne answer = iota
	replyAll
	replyList
	forward
	asNew
)

func (a *App) mine() []string {
	out := make([]string, len(a.opt.Me))
	for i, m := range a.opt.Me {
		out[i] = m.Addr
	}
	return out
}

func (a *App) composeOptions() mail.Options {
	return mail.Options{Signature: a.opt.Signature, Location: a.opt.Now().Location()}
}

// composeNew begins a message; arg may name recipients.
func (a *App) composeNew(arg string) term.Cmd {
	d := mail.Draft{To: compose.ParseList(arg)}
	if len(a.opt.Me) > 0 {
		d.From = a.opt.Me[0]
	}
	if a.opt.Signature != "" {
		d.Body = "\n\n-- \n" + a.opt.Signature + "\n"
	}
	return a.write(d, &draft{})
}

// reply answers, or passes on, the current message.
func (a *App) reply(kind answer) term.Cmd {
	if a.box == nil {
		return nil
	}
	id := a.list.Current()
	if a.screen == readerScreen {
		id = a.reader.Current()
	} else if ids := a.box.Conversation(id); len(ids) > 1 { // the newest message of a conversation
		id = a.box.Newest(ids)
	}
	if id < 0 {
		return nil
	}
	load, folder, entry := a.load(id), a.box.Folder, a.box.Entry(id)
	me, opt := a.mine(), a.composeOptions()
	from := message.Addr{}
	if len(a.opt.Me) > 0 {
		from = a.opt.Me[0]
	}
	return a.wait(func() term.Msg {
		raw, err := load()
		if err != nil {
			return failed{err}
		}
		m := message.Parse(raw)
		var d mail.Draft
		o := &origin{folder, entry, "R"}
		switch kind {
		case replyOne:
			d = mail.Reply(m, me, false, opt)
		case replyAll:
			d = mail.Reply(m, me, true, opt)
		case replyList:
			var ok bool
			if d, ok = mail.ReplyList(m, me, opt); !ok {
				return said{look.T("not from a mailing list; R replies to all")}
			}
		case forward:
			d = mail.Forward(m, mail.Inline, me, opt)
			o.flag = "P"
		case asNew:
			d = mail.FromMessage(m)
			d.InReplyTo, d.References, o = "", nil, nil
			d.From = from
		}
		if d.From.Addr == "" {
			d.From = from
		}
		return func(a *App) term.Cmd { return a.write(d, &draft{origin: o}) }
	})
}

// write opens the place to write.
func (a *App) write(d mail.Draft, st *draft) term.Cmd {
	if a.draft != nil && !a.draft.closed && a.screen == composeScreen {
		a.say("finish or leave this one first")
		return nil
	}
	for _, m := range a.opt.Me { // an answer knows the address it came to, not whose it is
		if d.From.Name == "" && strings.EqualFold(m.Addr, d.From.Addr) {
			d.From.Name = m.Name
		}
	}
	if st.msgid == "" {
		st.msgid = mail.NewID(a.opt.Now(), d.From.Addr)
	}
	if st.origin != nil && st.origin.flag == "R" {
		d.Body = roomBelow(d.Body)
	}
	a.draft = st
	a.compose = compose.New(a.theme, a.opt.Now, a.people, d)
	if st.origin != nil && st.origin.flag == "R" {
		a.compose.Body.To(belowQuote(d.Body))
	}
	a.compose.MarkSaved(a.compose.Serial(), time.Time{})
	a.status = status{}
	a.enter(composeScreen)
	return nil
}

// roomBelow makes room for an answer: two lines below the quoted text, above the signature.
func roomBelow(body string) string {
	text, sig, signed := strings.Cut(body, "\n-- \n")
	text = strings.TrimRight(text, "\n ") + "\n\n\n"
	if signed {
		return text + "\n-- \n" + sig
	}
	return text
}

// belowQuote is the line an answer begins in.
func belowQuote(body string) int {
	text, _, _ := strings.Cut(roomBelow(body), "\n-- \n")
	return strings.Count(strings.TrimRight(text, "\n "), "\n") + 2
}

func (a *App) composeKey(k term.Key) term.Cmd {
	switch k.Name {
	case "ctrl+z":
		return func() term.Msg { return term.Suspend{} }
	case "ctrl+l":
		return a.redraw()
	case "ctrl+c":
		return a.leaveDraft()
	}
	switch a.compose.Key(k) {
	case compose.Send:
		return a.send()
	case compose.Edit:
		return a.editor()
	case compose.Attach:
		a.askFor("attach file:", "", func(path string) term.Cmd {
			if path == "" {
				return nil
			}
			if err := a.compose.AttachFile(expand(path)); err != nil {
				a.fail(err)
			}
			return nil
		})
	case compose.Leave:
		return a.leaveDraft()
	case compose.Discard:
		a.ask("Discard this draft? y or n", func(s string) term.Cmd {
			if s != "y" && s != "yes" {
				return nil
			}
			st := a.draft
			st.closed = true
			a.say("discarding the draft ...")
			return term.Batch(a.back(), a.jobs.change(func() term.Msg {
				if st.kept.Load() {
					if err := st.folder.Remove(st.entry); err != nil && !errors.Is(err, maildir.ErrGone) {
						return failed{fmt.Errorf("draft not discarded: %w", reason(err))}
					}
				}
				return said{look.T("Draft discarded")}
			}))
		})
	}
	return nil
}

// expand makes a path of what was typed.
func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

// saved is the result of saving a draft.
type saved struct {
	draft  *draft
	folder *maildir.Folder
	entry  maildir.Entry
	serial int
	text   []byte // of a draft that could not be saved
	err    error
}

// saveDraft writes the draft to the Drafts folder; the older version goes only after that.
func (a *App) saveDraft() func() saved {
	st, c := a.draft, a.compose
	d, serial, now := c.Draft(), c.Serial(), a.opt.Now()
	mdir, name := a.tree, a.special("Drafts")
	return func() saved {
		r := saved{draft: st, serial: serial}
		var b bytes.Buffer
		if r.err = d.WriteDraft(&b, now, st.msgid); r.err != nil {
			return r
		}
		if r.folder, r.err = folderOf(mdir, name); r.err == nil {
			r.entry, r.err = r.folder.Deliver(maildir.Delivery{Flags: "DS", Time: now, Cur: true}, bytes.NewReader(b.Bytes()))
		}
		if r.err != nil {
			r.text = b.Bytes()
			st.lost.Store(true)
			return r
		}
		st.lost.Store(false)
		if st.kept.Load() {
			_ = st.folder.Remove(st.entry) // an older version that stays is no loss
		}
		st.folder, st.entry = r.folder, r.entry
		st.kept.Store(true)
		return r
	}
}

// draftTick saves what is being written, about once a second while it changes.
func (a *App) draftTick() term.Cmd {
	if a.screen != composeScreen || a.draft == nil || a.draft.saving || !a.compose.Changed() || a.compose.Empty() && !a.draft.kept.Load() {
		return nil
	}
	a.draft.saving = true
	save := a.saveDraft()
	return a.jobs.change(func() term.Msg { return save() })
}

// notSaved is said of a draft until it is saved.
const notSaved = "draft not saved"

// rescue writes a draft that the Drafts folder did not take to a file, and returns an error that says where.
func (a *App) rescue(s saved) error {
	err := fmt.Errorf(notSaved+": %w", reason(s.err))
	f, e := os.CreateTemp(a.opt.TempDir, "pneu-draft-*.eml")
	if e != nil {
		return err
	}
	_, e = f.Write(s.text)
	if c := f.Close(); e != nil || c != nil {
		os.Remove(f.Name())
		return err
	}
	return fmt.Errorf("%w; its text is in %s", err, f.Name())
}

// reason is what the system said, without the paths: "no space left on device".
func reason(err error) error {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	for _, known := range [...]error{index.ErrVersion, maildir.ErrNoFolder} {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}

// keepDraft returns a function that saves what is being written before the program ends; nil when there is nothing.
func (a *App) keepDraft() func() error {
	if a.draft == nil || a.draft.closed && !a.draft.lost.Load() || a.compose == nil || !a.compose.Changed() || a.compose.Empty() && !a.draft.kept.Load() {
		return nil
	}
	save := a.saveDraft()
	return func() error {
		if s := save(); s.err != nil {
			return a.rescue(s)
		}
		return nil
	}
}

// leaveDraft goes back; the draft is kept, and it is said when it is on the disk.
func (a *App) leaveDraft() term.Cmd {
	st := a.draft
	st.closed = true
	switch {
	case a.compose.Empty() && !st.kept.Load():
		a.say("Nothing written, nothing kept")
		return a.back()
	case !a.compose.Changed() && st.kept.Load() && !st.saving:
		a.sayKept(st)
		return a.back()
	}
	a.say("keeping the draft ...")
	save := a.saveDraft()
	return term.Batch(a.back(), a.jobs.change(func() term.Msg { return save() }))
}

func (a *App) sayKept(st *draft) {
	a.say("Draft kept in %s   gd opens it", st.folder.Name())
}

// updateWriting takes the messages of writing and sending.
func (a *App) updateWriting(msg term.Msg) (cmd term.Cmd, known bool) {
	switch msg := msg.(type) {
	case saved:
		return a.saved(msg), true
	case edited:
		return a.edited(msg), true
	case sent:
		return a.sent(msg), true
	case unsent:
		return a.unsent(msg), true
	}
	return nil, false
}

func (a *App) saved(s saved) term.Cmd {
	s.draft.saving = false
	open := a.draft == s.draft && !s.draft.closed
	switch {
	case s.err != nil && open:
		a.compose.SaveErr = reason(s.err)
		return nil
	case s.err != nil && a.draft == s.draft && a.screen != composeScreen: // it was left: back to it, it is nowhere else
		s.draft.closed = false
		a.compose.SaveErr = reason(s.err)
		a.enter(composeScreen)
		return a.failed(fmt.Errorf(notSaved+", so it is still here: %w", a.compose.SaveErr))
	case s.err != nil:
		return a.jobs.change(func() term.Msg { return failed{a.rescue(s)} })
	case open:
		a.compose.MarkSaved(s.serial, a.opt.Now())
		if a.status.err && strings.HasPrefix(a.status.text.String(), notSaved) {
			a.status = status{}
		}
		return nil
	case a.draft == s.draft && s.serial == a.compose.Serial(): // left, and this is what it was then
		a.sayKept(s.draft)
	}
	return a.loadFolders()
}

// edited is the return of $EDITOR.
type edited struct {
	path   string
	before []byte
	began  time.Time
	err    error
}

// editor lends the terminal to $EDITOR, with the draft in a file.
func (a *App) editor() term.Cmd {
	if len(a.opt.Editor) == 0 {
		a.say("no editor: set $EDITOR")
		return nil
	}
	text := a.compose.Draft().Text()
	dir := a.opt.TempDir
	f, err := os.CreateTemp(dir, "pneu-*.eml")
	if err == nil {
		_, err = f.Write(text)
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		a.fail(err)
		return nil
	}
	path := f.Name()
	cmd := exec.Command(a.opt.Editor[0], append(append([]string(nil), a.opt.Editor[1:]...), path)...)
	began := time.Now()
	save := a.draftTick()
	return term.Batch(save, lend(cmd, func(err error) term.Msg { return edited{path, text, began, err} }))
}

// edited takes over what the editor left. An editor that failed changes nothing.
func (a *App) edited(e edited) term.Cmd {
	defer os.Remove(e.path)
	if errors.Is(e.err, exec.ErrNotFound) {
		a.fail(fmt.Errorf("no program %q: set $EDITOR to an editor", a.opt.Editor[0]))
		return a.redraw()
	}
	if e.err != nil {
		a.fail(fmt.Errorf("editor: %w; the draft is as before", e.err))
		return a.redraw()
	}
	text, err := os.ReadFile(e.path)
	switch {
	case err != nil:
		a.fail(err)
	case bytes.Equal(text, e.before):
		if time.Since(e.began) < 200*time.Millisecond {
			a.say("the editor returned at once; does it need an option to wait (code -w)?")
		} else {
			a.say("not changed")
		}
	default:
		d, errs := a.compose.Draft().Edit(text)
		a.compose.Load(d)
		a.compose.Touch()
		if len(errs) > 0 {
			a.fail(errs[0])
		} else {
			a.say("taken over from the editor   ctrl+s sends")
		}
	}
	return a.redraw()
}

// recallDraft opens a stored draft. The stored copy stays until there is a newer one, or it was sent.
func (a *App) recallDraft(id int) term.Cmd {
	load, folder, entry := a.load(id), a.box.Folder, a.box.Entry(id)
	return a.wait(func() term.Msg {
		raw, err := load()
		if err != nil {
			return failed{err}
		}
		m := message.Parse(raw)
		d := mail.FromMessage(m)
		st := &draft{msgid: m.Header(0).MessageID(), folder: folder, entry: entry}
		st.kept.Store(true)
		return func(a *App) term.Cmd { return a.write(d, st) }
	})
}
