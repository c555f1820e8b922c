package queue

import (
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Bounce accepts a report about recipients of m under a derived id, then sets
// their marks, so that there are never two reports, whatever happens between.
// marks names the recipients and what they become: Failed, Expired, or Done
// for a report of success. env needs a sender (normally the null sender) and
// recipients; write writes the message. The report's id is returned, also if
// it was there already.
//
// The steps, each durable before the next: m says it is being bounced; the
// report, which names m and the marks, is committed; the marks are set. Whoever
// locks m or the report after a crash between them sets the marks from the
// report, before anything else is tried (see recover).
func (m *Message) Bounce(env *Envelope, marks map[int]Mark, write func(io.Writer) error) (id string, err error) {
	if !m.locked {
		return "", errUnlocked
	}
	env.Kind, env.Parent, env.Covers = "dsn", m.ID, nil
	var ns []int
	for _, r := range m.Pending() {
		if mark, ok := marks[r.N]; ok && mark.Final() && valid(mark) {
			ns = append(ns, r.N)
			env.Covers = append(env.Covers, Cover{r.N, mark})
		}
	}
	if len(ns) == 0 {
		return "", &stepError{"bounce message", errors.New("no pending recipient named")}
	}
	env.ID = Derive(m.ID, "dsn", ns...)
	if err := m.setState(stateBouncing); err != nil {
		return "", err
	}
	if err := m.f.Datasync(); err != nil {
		return "", &stepError{"bounce message", err}
	}
	d, err := m.s.Accept(env)
	if err != nil && !errors.Is(err, ErrExists) {
		return "", &stepError{"bounce message", err}
	}
	if err == nil {
		if err := write(d); err != nil {
			d.Abort()
			return "", &stepError{"bounce message", err}
		}
		if err := d.commit(time.Time{}); err != nil {
			return "", &stepError{"bounce message", err}
		}
		defer func() { // only now may others have it
			d.f.Close()
			m.s.Wake()
		}()
	}
	return env.ID, m.SetMarks(marks)
}

// recover completes what a process that ended left undone between the steps
// of Bounce or AdoptDrops.
func (m *Message) recover() error {
	if m.h.state == stateBouncing {
		if err := m.fromReports(); err != nil {
			return err
		}
	}
	if m.Parent != "" && len(m.Covers) > 0 {
		if err := m.settle(); err != nil {
			return err
		}
	}
	if m.dropped {
		return m.s.undrop(m.ID)
	}
	return nil
}

// fromReports sets the marks that committed reports about m name.
func (m *Message) fromReports() error {
	marks := map[int]Mark{}
	for _, place := range []string{inQueue, inHold} {
		names, err := m.s.fs.Names(m.s.dir(place, m.ID))
		if err != nil {
			if place == inHold && missing(err) {
				continue
			}
			return &stepError{"look for reports", err}
		}
		for _, name := range names {
			if !strings.HasPrefix(name, root(m.ID)+"-") || name == m.ID || !ValidID(name) {
				continue
			}
			report, err := m.s.Read(name)
			if err == nil && report.State != Bad && report.Parent == m.ID && m.s.sound(name, place) {
				for _, c := range report.Covers {
					marks[c.N] = c.Mark
				}
			}
		}
	}
	return m.SetMarks(marks)
}

// sound reports whether a file passes the check that Lock makes, and makes it
// durable: a report cut short by a power cut must not count. It needs no lock.
func (s *Spool) sound(id, place string) bool {
	f, err := s.fs.Open(s.path(place, id), syscall.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return false
	}
	h, err := readHead(f, st.Size)
	if err != nil {
		return false
	}
	why, err := (&Message{f: f, h: h}).check(id, st.Size)
	if why != "" || err != nil {
		return false
	}
	// Whole, but its writer may have been killed before it was durable.
	err = f.Sync()
	if err == nil && s.opt.Strict {
		err = s.fs.SyncDir(s.dir(place, id))
	}
	return err == nil
}

// settle makes sure, before a report is sent and so can vanish, that the
// marks it stands for are durable.
func (m *Message) settle() error {
	for _, place := range []string{inQueue, inHold} {
		f, err := m.s.fs.Open(m.s.path(place, m.Parent), syscall.O_RDWR, 0)
		if missing(err) {
			continue
		}
		if err != nil {
			return &stepError{"settle parent", err}
		}
		done, err := m.settled(f)
		f.Close()
		if done || err != nil {
			return err
		}
		p, err := m.s.lock(m.Parent, place, false)
		if errors.Is(err, ErrGone) || errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil {
			return err
		}
		marks := map[int]Mark{}
		for _, c := range m.Covers {
			marks[c.N] = c.Mark
		}
		err = p.SetMarks(marks)
		p.Close()
		return err
	}
	return nil
}

// settled reports whether the parent has the marks already, and syncs them:
// the process that wrote them may not have come to it yet.
func (m *Message) settled(f File) (bool, error) {
	st, err := f.Stat()
	if err != nil {
		return false, &stepError{"settle parent", err}
	}
	h, err := readHead(f, st.Size)
	if err != nil {
		return false, nil // locking it will tell
	}
	for _, c := range m.Covers {
		i := slices.IndexFunc(h.env.Recipients, func(r Recipient) bool { return r.N == c.N })
		if i >= 0 && !h.env.Recipients[i].Mark.Final() {
			return false, nil
		}
	}
	if err := f.Datasync(); err != nil {
		return false, &stepError{"settle parent", err}
	}
	return true, nil
}
