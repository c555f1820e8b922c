package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"pneu/maildir"
	mail "pneu/maildir/compose"
	"pneu/maildir/message"
	"pneu/tui/look"
	"pneu/tui/term"
)

// sending is a message in its hold: in the queue, but not on its way.
type sending struct {
	id       string
	deadline time.Time
	to       string
	draft    mail.Draft
	state    *draft
	folder   *maildir.Folder // copy in Sent
	entry    maildir.Entry
}

// sent is the result of putting a message into the queue.
type sent struct {
	s    *sending
	err  error // the queue did not take it
	warn error // it did, but something beside failed
}

var errNoSender = errors.New("mail cannot be sent from here: no sendmail was found")

// How long the queue may take to accept a message.
const sendTimeout = time.Minute

// send puts the message into the queue, where it waits for the hold.
func (a *App) send() term.Cmd {
	warning, bad := a.compose.Ready()
	switch {
	case bad != "":
		a.fail(errors.New(bad))
		return nil
	case warning != "":
		a.compose.Note(look.Tf("%s: ctrl+s again sends anyway", warning))
		return nil
	case a.opt.Sender == nil:
		a.fail(errNoSender)
		return nil
	}
	d, st, now, hold := a.compose.Draft(), a.draft, a.opt.Now(), a.opt.Hold
	st.closed = true
	a.say("handing over ...")
	sender, mdir, name := a.opt.Sender, a.tree, a.special("Sent")
	to := d.Recipients()[0]
	if n := len(d.Recipients()); n > 1 {
		to = fmt.Sprintf("%s and %d more", to, n-1)
	}
	return term.Batch(a.back(), a.jobs.change(func() term.Msg {
		s := &sending{to: to, draft: d, state: st}
		var b bytes.Buffer
		if err := d.Write(&b, now, st.msgid); err != nil {
			return sent{s: s, err: err}
		}
		ctx, stop := context.WithTimeout(context.Background(), sendTimeout)
		defer stop()
		id, err := sender.Send(ctx, b.Bytes(), d.From.Addr, d.Recipients(), hold)
		if err != nil {
			return sent{s: s, err: err}
		}
		s.id, s.deadline = id, now.Add(hold)
		r := sent{s: s}
		// The copy for oneself names the blind recipients.
		b.Reset()
		if err := d.WriteDraft(&b, now, st.msgid); err == nil {
			if s.folder, err = folderOf(mdir, name); err == nil {
				s.entry, err = s.folder.Deliver(maildir.Delivery{Flags: "S", Time: now, Cur: true}, &b)
			}
			r.warn = err
		} else {
			r.warn = err
		}
		if st.kept.Load() && r.warn == nil {
			if err := st.folder.Remove(st.entry); err != nil && !errors.Is(err, maildir.ErrGone) {
				r.warn = err
			}
			st.kept.Store(false)
		}
		if o := st.origin; o != nil {
			if e, err := o.folder.SetFlags(o.entry, o.flag, ""); err == nil {
				o.entry = e
			}
		}
		return r
	}))
}

func (a *App) sent(r sent) term.Cmd {
	if r.err != nil {
		r.s.state.closed = false
		cmd := a.write(r.s.draft, r.s.state)
		a.compose.Touch()
		a.fail(fmt.Errorf("not sent: %w", r.err))
		return cmd
	}
	a.sending = r.s
	a.acts = append(a.acts, act{send: r.s})
	a.status = status{}
	if r.warn != nil {
		a.fail(fmt.Errorf("sent, but: %w", r.warn))
	}
	a.remember(r.s)
	return term.Batch(a.loadFolders(), a.pollQueue(), a.compareIf(r.s))
}

// compareIf looks at the open folder again when sending changed it.
func (a *App) compareIf(s *sending) term.Cmd {
	if a.box == nil {
		return nil
	}
	name := a.box.Folder.Name()
	if s.folder != nil && s.folder.Name() == name || s.state.folder != nil && s.state.folder.Name() == name || s.state.origin != nil && s.state.origin.folder.Name() == name {
		return a.compare()
	}
	return nil
}

// unsent is the result of taking a message back out of the queue.
type unsent struct {
	s   *sending
	err error
}

// unsend takes the message back: into the place to write, as it was.
func (a *App) unsend(s *sending) term.Cmd {
	a.sending = nil
	a.say("taking it back ...")
	sender := a.opt.Sender
	return a.wait(a.jobs.change(func() term.Msg {
		if err := sender.Unsend(s.id); err != nil {
			return unsent{s, err}
		}
		if s.folder != nil {
			_ = s.folder.Remove(s.entry) // a copy of what was not sent; if it stays it does no harm
		}
		if o := s.state.origin; o != nil {
			if e, err := o.folder.SetFlags(o.entry, "", o.flag); err == nil {
				o.entry = e
			}
		}
		return unsent{s, nil}
	}))
}

func (a *App) unsent(r unsent) term.Cmd {
	a.forget()
	if r.err != nil {
		a.fail(fmt.Errorf("it is on its way already: %w", r.err))
		return a.pollQueue()
	}
	r.s.state.closed = false
	if a.screen == composeScreen { // something else is being written: the message goes back to Drafts
		d, st := r.s.draft, r.s.state
		name, mdir, now := a.special("Drafts"), a.tree, a.opt.Now()
		a.say("not sent; putting it into %s ...", name)
		return a.jobs.change(func() term.Msg {
			var b bytes.Buffer
			f, err := folderOf(mdir, name)
			if err == nil {
				err = d.WriteDraft(&b, now, st.msgid)
			}
			if err == nil {
				_, err = f.Deliver(maildir.Delivery{Flags: "DS", Time: now, Cur: true}, &b)
			}
			if err != nil {
				return failed{fmt.Errorf("taken back, but not kept in %s: %w", name, reason(err))}
			}
			return said{look.Tf("Not sent: it is in %s", name)}
		})
	}
	cmd := a.write(r.s.draft, r.s.state)
	a.compose.Touch()
	a.say("Not sent. It is here again, as it was.")
	return term.Batch(cmd, a.pollQueue(), a.loadFolders())
}

// held is what is written down of a message in its hold, so that u works after a restart too.
type held struct {
	ID       string    `json:"id"`
	Deadline time.Time `json:"deadline"`
	To       string    `json:"to"`
	Folder   string    `json:"folder"`
	File     string    `json:"file"`
}

func (a *App) remember(s *sending) {
	if a.opt.SentFile == "" || s.folder == nil {
		return
	}
	b, err := json.Marshal(held{s.id, s.deadline, s.to, s.folder.Name(), s.entry.File})
	if err == nil {
		_ = os.WriteFile(a.opt.SentFile, b, 0o600) // a convenience: without it u does not outlive the program
	}
}

func (a *App) forget() {
	if a.opt.SentFile != "" {
		os.Remove(a.opt.SentFile)
	}
}

// recallSent finds a message that is still in its hold from before the program was started.
func (a *App) recallSent() term.Cmd {
	path, mdir := a.opt.SentFile, a.tree
	if path == "" {
		return nil
	}
	now := a.opt.Now()
	return func() term.Msg {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		var h held
		if json.Unmarshal(b, &h) != nil || !now.Before(h.Deadline) {
			os.Remove(path)
			return nil
		}
		f, err := mdir.Folder(h.Folder)
		if err != nil {
			return nil
		}
		file, e, err := f.Open(maildir.Entry{File: h.File})
		if err != nil {
			return nil
		}
		defer file.Close()
		raw, err := io.ReadAll(io.LimitReader(file, maxMessage))
		if err != nil {
			return nil
		}
		m := message.Parse(raw)
		s := &sending{id: h.ID, deadline: h.Deadline, to: h.To, draft: mail.FromMessage(m), folder: f, entry: e,
			state: &draft{msgid: m.Header(0).MessageID(), closed: true}}
		return func(a *App) term.Cmd {
			if a.sending == nil {
				a.sending = s
			}
			return nil
		}
	}
}
