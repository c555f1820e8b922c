package queue

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// Due returns the messages of the queue whose time has come, the oldest time
// first. It reads no file: a file's time is its next attempt.
func (s *Spool) Due(now time.Time) ([]Ref, error) {
	var due []Ref
	err := s.scan(inQueue, func(r Ref) {
		if !r.Next.After(now) {
			due = append(due, r)
		}
	})
	sortRefs(due)
	return due, err
}

// Next returns the earliest time at which a message of the queue is due; zero
// if there is none.
func (s *Spool) Next() (time.Time, error) {
	var next time.Time
	err := s.scan(inQueue, func(r Ref) {
		if next.IsZero() || r.Next.Before(next) {
			next = r.Next
		}
	})
	return next, err
}

// All returns every message of the spool: waiting, held, put aside, dropped.
func (s *Spool) All() ([]Ref, error) {
	var all []Ref
	var errs []error
	for _, place := range []string{inQueue, inHold, inBad, inDrop} {
		err := s.scan(place, func(r Ref) { all = append(all, r) })
		if err != nil && !missing(err) {
			errs = append(errs, err)
		}
	}
	sortRefs(all)
	return all, errors.Join(errs...)
}

func sortRefs(refs []Ref) {
	slices.SortFunc(refs, func(a, b Ref) int {
		if c := a.Next.Compare(b.Next); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// scan calls f for each message file of a place.
func (s *Spool) scan(place string, f func(Ref)) error {
	top := s.opt.Dir + "/" + place
	dirs := []string{""}
	if place == inQueue || place == inHold {
		names, err := s.fs.Names(top)
		if err != nil {
			return &stepError{"read spool", err}
		}
		slices.Sort(names)
		dirs = names
	}
	state := map[string]State{inQueue: Queued, inHold: Held, inBad: Bad, inDrop: Queued}[place]
	now := time.Now()
	moved := map[string]bool{} // these may be met once more, further on
	list := func(id string) error {
		st, err := s.fs.Stat(s.path(place, id))
		if missing(err) { // finished meanwhile
			return nil
		}
		if err != nil {
			return &stepError{"read spool", err}
		}
		f(Ref{ID: id, Next: nextAttempt(st, now), Size: st.Size, Held: place == inHold, State: state})
		return nil
	}
	for _, dir := range dirs {
		names, err := s.fs.Names(path.Join(top, dir))
		if errors.Is(err, syscall.ENOTDIR) && s.refile(place, "", dir) {
			moved[dir] = true
			if err := list(dir); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			if missing(err) || errors.Is(err, syscall.ENOTDIR) { // a stranger's file
				continue
			}
			return &stepError{"read spool", err}
		}
		for _, n := range names {
			if !ValidID(n) { // a reason's .why, an editor's backup
				continue
			}
			if moved[n] {
				continue
			}
			if dir != "" && shard(n) != dir { // no name we would find again
				if moved[n] = s.refile(place, dir, n); !moved[n] {
					continue
				}
			}
			if err := list(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// refile moves a message that hands put too high or into the wrong folder of
// a place to where it is found by its name. It reports whether that was done:
// other files, and copies of what is there already, stay.
func (s *Spool) refile(place, dir, id string) bool {
	from, to := path.Join(s.opt.Dir, place, dir, id), s.path(place, id)
	if !ValidID(id) {
		return false
	}
	if st, err := s.fs.Stat(from); err != nil || !st.Regular {
		return false
	}
	if _, err := s.fs.Stat(to); !missing(err) {
		return false
	}
	f, err := s.fs.Open(from, syscall.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return false
	}
	if h, err := readHead(f, st.Size); err != nil || h.env.ID != id {
		return false
	}
	err = s.fs.Rename(from, to)
	if missing(err) && s.makeDir(place, id) == nil {
		err = s.fs.Rename(from, to)
	}
	return err == nil
}

// clockSlack is how far a file's times may be ahead of the clock.
const clockSlack = time.Minute

// nextAttempt is a file's time, unless the clock that set it was ahead of
// today's: what was accepted then must not wait until that day comes.
func nextAttempt(st Info, now time.Time) time.Time {
	if st.ModTime.After(now) && st.Changed.After(now.Add(clockSlack)) {
		return now
	}
	return st.ModTime
}

// Read returns a view of a message for people, wherever it lies. It takes no
// lock and does not check the content; one in bad/ comes with State Bad and as
// much of its envelope as could be read.
func (s *Spool) Read(id string) (*Message, error) {
	if !ValidID(id) {
		return nil, ErrGone
	}
	for _, place := range []string{inQueue, inHold, inBad, inDrop} {
		f, err := s.fs.Open(s.path(place, id), syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
		if missing(err) {
			continue
		}
		if errors.Is(err, syscall.ELOOP) {
			m := &Message{s: s, place: place, h: &head{}, State: Bad, Reason: toBeMoved}
			m.ID = id
			if st, err := s.fs.Stat(s.path(place, id)); err == nil {
				m.Arrived, m.Expires = st.ModTime, st.ModTime
			}
			if place == inBad {
				m.Reason = s.why(id)
			}
			return m, nil
		}
		if err != nil {
			return nil, &stepError{"read message", err}
		}
		m, err := s.view(f, id, place)
		if err != nil {
			f.Close()
			return nil, err
		}
		return m, nil
	}
	return nil, &stepError{id, ErrGone}
}

const toBeMoved = "damaged: the next qrun will move it to bad/"

func (s *Spool) view(f File, id, place string) (*Message, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, &stepError{"read message", err}
	}
	m := &Message{s: s, f: f, place: place, Next: nextAttempt(st, time.Now())}
	m.h, err = readHead(f, st.Size)
	if err == nil && m.h.env.ID == id && m.h.end+m.h.size <= st.Size {
		m.fill()
	} else if err != nil && place != inBad && !errors.Is(err, errOpen) && errors.As(err, new(*fs.PathError)) {
		return nil, &stepError{"read message", err}
	} else if errors.Is(err, errOpen) && place != inBad {
		return nil, &stepError{id + ": not accepted yet", ErrGone}
	} else {
		m.h = &head{size: st.Size}
		m.Envelope = Envelope{ID: id, Arrived: st.ModTime, Expires: st.ModTime}
		m.Size, m.State = st.Size, Bad
		m.Reason = toBeMoved
	}
	if place == inBad {
		m.State, m.Reason = Bad, s.why(id)
	}
	return m, nil
}

// why reads the reason beside a file in bad/.
func (s *Spool) why(id string) string {
	f, err := s.fs.Open(s.path(inBad, id)+".why", syscall.O_RDONLY, 0)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	b := make([]byte, 1000)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(b[:n]), "\n")
	return line
}

// Busy returns which files are locked at this moment, by inode, as
// /proc/locks tells. Asking with a lock would make a runner pass the message
// over. Where it cannot be read, nothing seems busy.
func (s *Spool) busy() map[uint64]bool {
	f, err := OS{}.Open("/proc/locks", syscall.O_RDONLY, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	var text []byte
	b := make([]byte, 16<<10)
	for len(text) < 16<<20 {
		n, err := f.ReadAt(b, int64(len(text)))
		text = append(text, b[:n]...)
		if err != nil || n == 0 {
			break
		}
	}
	return parseLocks(string(text))
}

// parseLocks reads lines such as
// "1: FLOCK  ADVISORY  WRITE 4711 08:01:393220 0 EOF".
func parseLocks(text string) map[uint64]bool {
	busy := map[uint64]bool{}
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if len(w) < 6 || w[1] != "FLOCK" {
			continue
		}
		if i := strings.LastIndexByte(w[5], ':'); i >= 0 {
			if ino, err := strconv.ParseUint(w[5][i+1:], 10, 64); err == nil {
				busy[ino] = true
			}
		}
	}
	return busy
}

// Active returns the ids, of those given, that some process is working on.
func (s *Spool) Active(refs []Ref) map[string]bool {
	locks := s.busy()
	active := map[string]bool{}
	if len(locks) == 0 {
		return active
	}
	for _, r := range refs {
		if r.State != Queued {
			continue
		}
		if st, err := s.fs.Stat(s.path(inQueue, r.ID)); err == nil && locks[st.Inode] {
			active[r.ID] = true
		}
	}
	return active
}
