package queue

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
	"syscall"
	"time"
)

// AdoptDrops moves what unprivileged users left in drop/ into the queue, and
// returns how many messages. It must run as the owner of the spool.
//
// A file is copied, since its owner may hold it open still: one more sync, as
// in Postfix. The copy has the same id and stays locked until the drop is
// gone, durably; it is flagged "drop" so that whoever finds it after a crash
// between the two removes the drop first (see recover). One of our own files
// is copied too: the case is too rare to have a way of its own.
func (s *Spool) AdoptDrops() (int, error) {
	names, err := s.fs.Names(s.opt.Dir + "/" + inDrop)
	if missing(err) {
		return 0, nil
	}
	if err != nil {
		return 0, &stepError{"read drops", err}
	}
	var errs []error
	n := 0
	for _, id := range names {
		if !ValidID(id) {
			continue
		}
		ok, err := s.adopt(id)
		if ok {
			n++
		}
		if err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrGone) {
			errs = append(errs, &stepError{"adopt " + id, err})
		}
	}
	return n, errors.Join(errs...)
}

func (s *Spool) adopt(id string) (bool, error) {
	name := s.path(inDrop, id)
	// Not blocking: what a user put there may be a pipe.
	f, err := s.fs.Open(name, syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	if missing(err) {
		return false, ErrGone
	}
	if errors.Is(err, syscall.ELOOP) {
		return false, s.putAside(name, id, notPlain)
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if err := f.Lock(false); err != nil {
		return false, err
	}
	st, err := f.Stat()
	if err != nil {
		return false, err
	}
	old := &Message{s: s, f: f, place: inDrop}
	why := ""
	if !st.Regular {
		why = notPlain
	} else if old.h, err = readHead(f, st.Size); errors.Is(err, errOpen) {
		if time.Since(st.ModTime) < abandoned {
			return false, ErrBusy
		}
		return false, s.fs.Remove(name)
	} else if errors.As(err, new(*fs.PathError)) {
		return false, err // the disk's trouble, not the file's
	} else if err != nil {
		why = err.Error()
	} else if why, err = old.check(id, st.Size); err != nil {
		return false, err
	} else if why == "" {
		why = old.h.env.badParam()
	}
	if why != "" {
		return false, s.putAside(name, id, why)
	}
	old.fill()
	env := old.Envelope
	// The user wrote the head: what vouches for someone is ours to say.
	env.dropped = true
	env.Client = "uid " + strconv.FormatUint(uint64(st.UID), 10)
	env.Auth, env.Kind, env.Parent, env.Covers = "", "", "", nil
	if now := time.Now(); env.Arrived.After(now) || env.Expires.Sub(env.Arrived) > s.opt.Lifetime {
		env.Arrived = st.ModTime
		env.Expires = now.Add(s.opt.Lifetime)
	}
	d, err := s.Accept(&env)
	if errors.Is(err, ErrExists) {
		return false, s.undrop(id)
	}
	if err != nil {
		return false, err
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{d}, struct{ io.Reader }{old.Body()}, make([]byte, bufSize)); err != nil {
		d.Abort()
		return false, err
	}
	var notBefore time.Time
	if st.ModTime.After(time.Now()) {
		notBefore = st.ModTime
	}
	if err := d.commit(notBefore); err != nil {
		return false, err
	}
	defer func() {
		d.f.Close()
		d.f = nil
		s.Wake()
	}()
	return true, s.undrop(id)
}

// undrop removes a drop that is in the queue, durably: were it to come back
// after the message is finished, the message would be sent again.
func (s *Spool) undrop(id string) error {
	err := s.fs.Remove(s.path(inDrop, id))
	if err == nil || missing(err) { // gone, but perhaps not durably
		err = s.fs.SyncDir(s.opt.Dir + "/" + inDrop)
	}
	if err != nil {
		return &stepError{"remove drop", err}
	}
	return nil
}
