package queue

import (
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"syscall"
	"time"
)

// abandoned is the age at which a file without a writer is removed.
const abandoned = time.Minute

// A Message is one message of the spool. From Lock it is ours alone until
// Close; from Read it is a view, and may be old when it is returned.
type Message struct {
	Envelope
	State  State
	Size   int64     // of the message, without our head
	Next   time.Time // the earliest next attempt
	Reason string    // why it lies in bad/

	s      *Spool
	f      File // nil in a view
	place  string
	locked bool
	h      *head
}

// Lock takes a message for an attempt and checks all of it. The errors are
// [ErrBusy] (someone has it, or it is still being written), [ErrGone], and
// [ErrDamaged]: it was moved to bad/ with a reason.
func (s *Spool) Lock(id string) (*Message, error) {
	if !ValidID(id) {
		return nil, ErrGone
	}
	m, err := s.lock(id, inQueue, false)
	if errors.Is(err, ErrGone) {
		if held, herr := s.lock(id, inHold, false); !errors.Is(herr, ErrGone) {
			return held, herr
		}
	}
	return m, err
}

// lock takes the file at place; derive skips the minute of grace for a file
// whose writer died, for the one process that may write it again.
func (s *Spool) lock(id, place string, derive bool) (*Message, error) {
	name := s.path(place, id)
	f, err := s.fs.Open(name, syscall.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &stepError{id, ErrGone}
	}
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EISDIR) {
		return nil, s.putAside(name, id, notPlain)
	}
	if err != nil {
		return nil, &stepError{"lock message", err}
	}
	if err := f.Lock(false); err != nil {
		f.Close()
		return nil, &stepError{id, err}
	}
	m, err := s.load(f, id, place, derive)
	if err != nil {
		f.Close()
		return nil, err
	}
	if err := m.recover(); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// load reads and checks a file whose lock we hold.
func (s *Spool) load(f File, id, place string, derive bool) (*Message, error) {
	name := s.path(place, id)
	// It may have been finished, held or replaced before we had the lock.
	st, err := f.Stat()
	if err != nil {
		return nil, &stepError{"lock message", err}
	}
	at, err := s.fs.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && at.Inode != st.Inode {
		return nil, &stepError{id, ErrGone}
	}
	if err != nil {
		return nil, &stepError{"lock message", err}
	}
	m := &Message{s: s, f: f, place: place, locked: true, Next: nextAttempt(at, time.Now())}
	why := ""
	if !st.Regular {
		why = notPlain
	} else if m.h, err = readHead(f, st.Size); errors.Is(err, errOpen) {
		if !derive && time.Since(st.ModTime) < abandoned {
			return nil, &stepError{id, ErrBusy}
		}
		if s.tried(id) { // so it was accepted once: the file system lost what was in it
			return nil, s.putAside(name, id, "it has no content, though it was tried before")
		}
		if err := s.fs.Remove(name); err != nil {
			return nil, &stepError{"remove what was never accepted", err}
		}
		return nil, &stepError{id + ": removed: its writer ended before it was accepted", ErrGone}
	} else if errors.As(err, new(*fs.PathError)) {
		return nil, &stepError{"read message", err} // the disk's trouble, not the file's
	} else if err != nil {
		why = err.Error()
	} else if why, err = m.check(id, st.Size); err != nil {
		return nil, &stepError{"read message", err}
	}
	if why != "" {
		return nil, s.putAside(name, id, why)
	}
	m.fill()
	return m, nil
}

// tried reports whether a message has a history, which begins with its first
// attempt.
func (s *Spool) tried(id string) bool {
	_, err := s.fs.Stat(s.path(inLog, id))
	return err == nil
}

// fill sets what people see from the head.
func (m *Message) fill() {
	m.Envelope, m.Size = m.h.env, m.h.size
	switch {
	case m.place == inHold:
		m.State = Held
	case m.place == inBad:
		m.State = Bad
	case m.h.state == stateNew:
		m.State = Queued
	default:
		m.State = Deferred
	}
}

// readHead reads as much of a file as its head takes.
func readHead(f File, size int64) (*head, error) {
	n := min(size, 4<<10)
	for {
		b := make([]byte, n)
		got, err := f.ReadAt(b, 0)
		if err != nil && err != io.EOF {
			return nil, err
		}
		b = b[:got]
		if int64(got) >= min(size, int64(lineLen)) {
			if h, err := parseFirst(b); err != nil {
				return &h, err
			}
		}
		if headEnd(b) >= 0 || n >= size || n >= maxHead {
			return parseHead(b)
		}
		n = min(size, n*4, maxHead)
	}
}

// check compares a file with what its head says of it, and returns what is
// wrong with it.
func (m *Message) check(id string, size int64) (why string, err error) {
	h := m.h
	if h.env.ID != id {
		return "its head names another message: " + h.env.ID, nil
	}
	if len(h.env.Recipients) == 0 {
		return "no recipients", nil
	}
	if size != h.end+h.size {
		return "its length is not the one it was accepted with", nil
	}
	sum := uint32(0)
	b := make([]byte, min(h.size, 256<<10))
	for off := h.end; off < size; {
		n, err := m.f.ReadAt(b[:min(int64(len(b)), size-off)], off)
		if n == 0 {
			if err == nil || err == io.EOF {
				return "its length changed while it was read", nil
			}
			return "", err
		}
		sum = crc32.Update(sum, crc32.IEEETable, b[:n])
		off += int64(n)
	}
	if crc32.Update(sum, crc32.IEEETable, h.counted) != h.crc {
		return "its checksum is wrong: some bytes changed since it was accepted", nil
	}
	return "", nil
}

const notPlain = "not a plain file"

// putAside moves a file to bad/ and returns the error that says so.
func (s *Spool) putAside(name, id, why string) error {
	if err := s.quarantine(name, id, why); err != nil {
		return &stepError{"put damaged " + id + " aside", err}
	}
	return &stepError{id + ": moved to bad/: " + why, ErrDamaged}
}

// quarantine moves a file to bad/ with the reason beside it.
func (s *Spool) quarantine(name, id, why string) error {
	to := s.path(inBad, id)
	for n := 'a'; n <= 'z'; n++ { // an earlier one of that name stays
		if _, err := s.fs.Stat(to); errors.Is(err, fs.ErrNotExist) {
			break
		}
		to = s.path(inBad, id) + string(n)
	}
	f, err := s.fs.Open(to+".why", syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(time.Now().UTC().Format(timeForm) + " " + why + "\n"))
	if cerr := f.Close(); err != nil || cerr != nil {
		return errors.Join(err, cerr)
	}
	return s.fs.Rename(name, to)
}

// Body returns the message, without our head. It is good until Close.
func (m *Message) Body() *io.SectionReader {
	return io.NewSectionReader(m.f, m.h.end, m.h.size)
}

// Close frees the message.
func (m *Message) Close() error {
	if m.f == nil {
		return nil
	}
	err := m.f.Close()
	m.f, m.locked = nil, false
	return err
}

var errUnlocked = errors.New("message is not locked")

// SetMarks writes recipients' marks, by N, and returns when they are durable.
// A final mark never changes again.
func (m *Message) SetMarks(marks map[int]Mark) error {
	if !m.locked {
		return errUnlocked
	}
	var set []int
	for i, r := range m.Recipients {
		mark, ok := marks[r.N]
		if !ok || r.Mark.Final() {
			continue
		}
		if !valid(mark) {
			return &stepError{"set mark", errors.New("unknown mark")}
		}
		if _, err := m.f.WriteAt([]byte{byte(mark)}, m.h.marks[i]); err != nil {
			return &stepError{"set mark", err}
		}
		set = append(set, i)
	}
	if m.h.state == stateBouncing {
		if err := m.setState(stateTried); err != nil {
			return err
		}
	} else if len(set) == 0 {
		return nil
	}
	if err := m.f.Datasync(); err != nil {
		return &stepError{"set mark", err}
	}
	for _, i := range set {
		m.Recipients[i].Mark = marks[m.Recipients[i].N]
	}
	return nil
}

func (m *Message) setState(state byte) error {
	if m.h.state == state {
		return nil
	}
	if _, err := m.f.WriteAt([]byte{state}, int64(stateAt)); err != nil {
		return &stepError{"set state", err}
	}
	m.h.state = state
	return nil
}

// Defer sets the time of the next attempt. It is not synced: at worst the
// next attempt comes earlier.
func (m *Message) Defer(next time.Time) error {
	if !m.locked {
		return errUnlocked
	}
	if m.h.state == stateNew {
		if err := m.setState(stateTried); err != nil {
			return err
		}
		m.restate()
	}
	if err := m.s.fs.SetTime(m.s.path(m.place, m.ID), next); err != nil {
		return &stepError{"defer message", err}
	}
	m.Next = next
	return nil
}

// Finish removes a message whose recipients all have a final mark. Should the
// removal be lost in a crash, the next run finds only final marks and
// finishes it again.
func (m *Message) Finish() error {
	if !m.locked {
		return errUnlocked
	}
	if len(m.Pending()) > 0 {
		return &stepError{"finish message", errors.New("recipients are pending")}
	}
	if err := m.s.fs.Remove(m.s.path(inLog, m.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &stepError{"finish message", err}
	}
	if err := m.s.fs.Remove(m.s.path(m.place, m.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &stepError{"finish message", err}
	}
	return nil
}

// Hold takes a message out of the queue until it is released.
func (m *Message) Hold() error { return m.move(inHold) }

// Release puts a held message back into the queue, due now.
func (m *Message) Release() error {
	if err := m.move(inQueue); err != nil {
		return err
	}
	if err := m.Defer(time.Now()); err != nil {
		return err
	}
	m.s.Wake()
	return nil
}

func (m *Message) move(to string) error {
	if !m.locked {
		return errUnlocked
	}
	if m.place == to {
		return nil
	}
	from, dest := m.s.path(m.place, m.ID), m.s.path(to, m.ID)
	err := m.s.fs.Rename(from, dest)
	if errors.Is(err, fs.ErrNotExist) {
		if err := m.s.makeDir(to, m.ID); err != nil {
			return &stepError{"move message", err}
		}
		err = m.s.fs.Rename(from, dest)
	}
	if err != nil {
		return &stepError{"move message", err}
	}
	// Both folders, the new name first: it may be in two places after a power
	// cut, but not in none. An inode in two places has one lock and one set of
	// marks.
	for _, dir := range []string{m.s.dir(to, m.ID), m.s.dir(m.place, m.ID)} {
		if err := m.s.fs.SyncDir(dir); err != nil {
			return &stepError{"move message", err}
		}
	}
	m.place = to
	m.restate()
	return nil
}

// restate renews State alone.
func (m *Message) restate() {
	env := m.Envelope
	m.fill()
	m.Envelope = env
}

// Restore puts a message back from bad/ into the queue, where the next runner
// checks it again.
func (s *Spool) Restore(id string) error {
	if !ValidID(id) {
		return ErrGone
	}
	if _, err := s.fs.Stat(s.path(inQueue, id)); err == nil {
		return ErrExists
	}
	err := s.fs.Rename(s.path(inBad, id), s.path(inQueue, id))
	if errors.Is(err, fs.ErrNotExist) {
		return &stepError{id, ErrGone}
	} else if err != nil {
		return &stepError{"restore message", err}
	}
	if err := s.fs.Remove(s.path(inBad, id) + ".why"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &stepError{"restore message", err}
	}
	s.Wake()
	return nil
}
