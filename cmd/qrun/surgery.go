package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"pneu/cmd/internal/boot"
	"pneu/maildir/address"
	"pneu/mta/dns"
	"pneu/mta/queue"
	"pneu/mta/runner"
	"pneu/mta/sysexits"
)

// locked does something with each chosen message under its lock. What is in use
// is left, and the exit code then says to try later.
func (s *surgeon) locked(done string, f func(m *queue.Message) error) error {
	var failure error
	for _, id := range s.ids {
		m, err := s.sys.spool.Lock(id)
		switch {
		case errors.Is(err, queue.ErrBusy):
			failure = sysexits.New(sysexits.TempFail, id+": a runner is at work on it; try again")
			fmt.Fprintln(s.c.App.ErrWriter, "qrun: "+failure.Error())
			continue
		case errors.Is(err, queue.ErrGone):
			if ref, rerr := s.sys.spool.Read(id); rerr == nil && ref.State == queue.Bad {
				ref.Close()
				failure = sysexits.New(sysexits.Data, id+": damaged; look at it in bad/ of the spool, then requeue it or delete it there")
				fmt.Fprintln(s.c.App.ErrWriter, "qrun: "+failure.Error())
			}
			continue
		case err != nil:
			return err
		}
		err = f(m)
		m.Close()
		if err != nil {
			return err
		}
		if done != "" {
			fmt.Fprintf(s.c.App.Writer, "%s %s\n", id, done)
		}
	}
	if failure != nil {
		return boot.Exit(sysexits.Code(failure))
	}
	return nil
}

func (s *surgeon) note(m *queue.Message, kind, text string) {
	// The history is for people: what was done is done without it.
	_ = m.Log(queue.Event{Time: time.Now(), Kind: kind, Text: text})
}

func (s *surgeon) hold() error {
	return s.locked("held", func(m *queue.Message) error {
		s.note(m, "held", "by hand")
		return m.Hold()
	})
}

func (s *surgeon) release() error {
	return s.locked("released", func(m *queue.Message) error {
		if m.State != queue.Held {
			return nil
		}
		s.note(m, "released", "by hand")
		return m.Release()
	})
}

func (s *surgeon) requeue() error {
	var rest []string
	for _, id := range s.ids {
		m, err := s.sys.spool.Read(id)
		if err != nil {
			continue
		}
		bad := m.State == queue.Bad
		m.Close()
		if !bad {
			rest = append(rest, id)
			continue
		}
		if err := s.sys.spool.Restore(id); err != nil {
			return err
		}
		fmt.Fprintf(s.c.App.Writer, "%s put back to be checked again\n", id)
	}
	s.ids = rest
	return s.locked("requeued", func(m *queue.Message) error { return s.due(m, runner.Requeued) })
}

// due makes a message due now, with its destinations not thought to be down.
func (s *surgeon) due(m *queue.Message, text string) error {
	s.note(m, "released", text)
	for _, r := range m.Pending() {
		_, domain := address.Split(r.Addr)
		if d, err := dns.ASCII(domain); err == nil {
			domain = d
		}
		dest := strings.ToLower(domain)
		if relay, err := s.sys.relay(); err == nil && relay != nil {
			dest = strings.ToLower(relay.Host)
		}
		if h, err := s.sys.spool.Health(dest); err == nil && h.Fails > 0 {
			h.Next = time.Time{} // still a probe, but now
			if err := s.sys.spool.SetHealth(dest, h); err != nil {
				return err
			}
		}
	}
	if m.State == queue.Held {
		return m.Release()
	}
	return m.Defer(time.Now())
}

// try makes the attempts itself, so that there is an answer at once and no
// daemon is needed.
func (s *surgeon) try() error {
	log := boot.Logger(s.c)
	if !s.c.Bool("verbose") {
		log = slog.New(quiet{log.Handler()})
	}
	if err := s.sys.connect(s.c, log); err != nil {
		return err
	}
	if err := s.locked("", func(m *queue.Message) error { return s.due(m, "to be tried now") }); err != nil {
		return err
	}
	defer s.sys.client.Wait()
	if err := runner.New(s.sys.spool, s.sys.opt).Try(s.c.Context, s.ids); err != nil {
		return err
	}
	s.now = time.Now()
	for _, id := range s.ids {
		m, err := s.sys.spool.Read(id)
		if err != nil {
			fmt.Fprintf(s.c.App.Writer, "%s done\n", id)
			continue
		}
		events, _ := m.History()
		s.print(s.c.App.Writer, describe(m, m.State, events))
		m.Close()
	}
	return nil
}

func (s *surgeon) remove() error {
	if s.c.Bool("unsend") {
		return s.unsend()
	}
	return s.locked("removed", func(m *queue.Message) error { return s.take(m, "by hand") })
}

// take marks what is pending and ends the message. Nobody is told.
func (s *surgeon) take(m *queue.Message, why string) error {
	s.note(m, "removed", why)
	marks := map[int]queue.Mark{}
	for _, r := range m.Pending() {
		marks[r.N] = queue.Removed
	}
	if len(marks) > 0 {
		if err := m.SetMarks(marks); err != nil {
			return err
		}
	}
	return m.Finish()
}

// unsend removes what nobody has begun to send.
func (s *surgeon) unsend() error {
	for _, id := range s.ids {
		m, err := s.sys.spool.Lock(id)
		if errors.Is(err, queue.ErrBusy) || errors.Is(err, queue.ErrGone) {
			return tooLate(id)
		}
		if err != nil {
			return err
		}
		events, err := m.History()
		begun := err != nil || len(m.Pending()) < len(m.Recipients)
		for _, ev := range events {
			begun = begun || ev.Kind == "attempt"
		}
		if begun {
			m.Close()
			return tooLate(id)
		}
		err = s.take(m, "unsent")
		m.Close()
		if err != nil {
			return err
		}
		fmt.Fprintf(s.c.App.Writer, "%s unsent\n", id)
	}
	return nil
}

func tooLate(id string) error {
	return sysexits.New(sysexits.TempFail, id+": too late, it is being sent or was sent already")
}
