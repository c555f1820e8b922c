package queue

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"pneu/mta/sysexits"
)

// bufSize is how much of a message is gathered before it is written: most
// messages are one write.
const bufSize = 64 << 10

// A Draft is a message being accepted. It is not in the queue before Commit;
// until then its file is locked and says OPEN.
type Draft struct {
	s     *Spool
	f     File
	env   *Envelope
	place string
	buf   []byte
	off   int64 // bytes written to the file
	size  int64 // bytes of the message
	crc   uint32
	head  []byte // as written, without its first line
	err   error  // of an earlier write: Commit must not succeed
}

// Accept begins a message. It numbers the recipients, fills in ID, Arrived and
// Expires where they are missing, and marks all recipients pending. An ID
// given by the caller that is in the spool already returns [ErrExists]: it was
// accepted before, and need not be again.
func (s *Spool) Accept(env *Envelope) (*Draft, error) {
	return s.accept(env, inQueue)
}

// Drop is Accept for those who may not write the queue: the message waits in
// drop/ until a runner adopts it.
func (s *Spool) Drop(env *Envelope) (*Draft, error) {
	return s.accept(env, inDrop)
}

func (s *Spool) accept(env *Envelope, place string) (*Draft, error) {
	if len(env.Recipients) == 0 {
		return nil, sysexits.New(sysexits.Data, "accept message: no recipients")
	}
	now := time.Now()
	if env.Arrived.IsZero() {
		env.Arrived = now
	}
	if env.Expires.IsZero() {
		env.Expires = env.Arrived.Add(s.opt.Lifetime)
	}
	for i := range env.Recipients {
		env.Recipients[i].N, env.Recipients[i].Mark = i+1, Pending
	}
	chosen := env.ID == ""
	if !chosen && !ValidID(env.ID) {
		return nil, sysexits.New(sysexits.Software, "accept message: not an id")
	}
	var f File
	for try := 0; ; try++ {
		if chosen {
			env.ID = NewID(now)
		}
		var err error
		f, err = s.createFile(env.ID, place)
		if err == nil {
			break
		}
		if errors.Is(err, fs.ErrExist) && try < 20 {
			if chosen {
				continue
			}
			if err = s.reclaim(env.ID); err == nil {
				continue
			}
		}
		return nil, err
	}
	d := &Draft{s: s, f: f, env: env, place: place}
	n := 512
	for i := range env.Recipients {
		n += 64 + len(env.Recipients[i].Addr) + len(env.Recipients[i].ORcpt)
	}
	d.buf = make([]byte, 0, max(n, 4<<10))
	d.buf = append(d.buf, firstLine(openWord, 0, 0, stateNew)...)
	d.buf = appendHead(d.buf, env)
	d.head = append([]byte(nil), d.buf[lineLen:]...)
	return d, nil
}

// createFile creates the file under its final name and locks it.
func (s *Spool) createFile(id, place string) (File, error) {
	name, perm := s.path(place, id), uint32(0o600)
	if place == inDrop {
		perm = 0o640 // the owner of drop/ reads it through the group
	} else if strings.IndexByte(id, '-') >= 0 {
		if _, err := s.fs.Stat(s.path(inHold, id)); err == nil {
			return nil, ErrExists // derived, and held by an administrator
		}
	}
	const flags = syscall.O_RDWR | syscall.O_CREAT | syscall.O_EXCL
	create := s.fs
	if place == inDrop {
		create = s.drop
	}
	f, err := create.Open(name, flags, perm)
	if errors.Is(err, fs.ErrNotExist) && place != inDrop {
		if err := s.makeDir(place, id); err != nil {
			return nil, err
		}
		f, err = s.fs.Open(name, flags, perm)
	}
	if err != nil {
		return nil, err
	}
	if err := f.Lock(true); err != nil {
		f.Close()
		return nil, err
	}
	// Between the two steps a runner may have seen an empty file without an
	// owner; only one that is older than a minute is removed, but a stopped
	// process can be that slow.
	if st, err := f.Stat(); err != nil || st.Links == 0 {
		f.Close()
		return nil, fs.ErrExist // the caller chooses again
	}
	return f, nil
}

// makeDir makes the folder of an id durable.
func (s *Spool) makeDir(place, id string) error {
	if err := s.fs.Mkdir(s.dir(place, id), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.fs.SyncDir(s.opt.Dir + "/" + place)
}

// reclaim looks at the file that has a derived id already: nil if it was in
// the way and is no longer, ErrExists if it is the message.
func (s *Spool) reclaim(id string) error {
	m, err := s.lock(id, inQueue, true)
	switch {
	case err == nil:
		defer m.Close()
		if !s.sound(id, inQueue) {
			return &stepError{"accept message", errors.New("an earlier copy cannot be synced")}
		}
		return ErrExists
	case errors.Is(err, ErrGone), errors.Is(err, ErrDamaged):
		return nil // removed, or put aside: begin again
	case errors.Is(err, ErrBusy):
		// Someone has it: committed, then it is being sent; else it is being
		// written or removed, and this attempt comes too early.
		if s.sound(id, inQueue) {
			return ErrExists
		}
	}
	return err
}

// ID returns the message's id.
func (d *Draft) ID() string { return d.env.ID }

// Size returns how much of the message was written.
func (d *Draft) Size() int64 { return d.size }

// Write appends to the message. After an error, what it says was written is
// still to be had from Written.
func (d *Draft) Write(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	d.crc = crc32.Update(d.crc, crc32.IEEETable, p)
	d.size += int64(len(p))
	if d.size > maxLen {
		d.err = sysexits.New(sysexits.Unavailable, "message too large for the spool")
		return 0, d.err
	}
	rest := p
	for len(rest) > 0 {
		if len(d.buf) == 0 && len(rest) >= d.s.buf {
			if err := d.put(rest); err != nil {
				return len(p) - len(rest), err
			}
			break
		}
		room := max(d.s.buf-len(d.buf), 0)
		n := min(room, len(rest))
		d.buf = append(d.buf, rest[:n]...)
		rest = rest[n:]
		if len(d.buf) >= d.s.buf {
			if err := d.flush(); err != nil {
				return len(p) - len(rest), err
			}
		}
	}
	return len(p), nil
}

func (d *Draft) put(p []byte) error {
	_, err := d.f.WriteAt(p, d.off)
	if d.err = err; err == nil {
		d.off += int64(len(p))
	}
	return err
}

func (d *Draft) flush() error {
	if len(d.buf) == 0 {
		return nil
	}
	err := d.put(d.buf)
	if err == nil {
		d.buf = d.buf[:0]
	}
	return err
}

// Flush writes what was gathered so far. Commit does it too, and gives the
// draft up if it fails; after Flush, Written can still be asked.
func (d *Draft) Flush() error {
	if d.err != nil {
		return d.err
	}
	return d.flush()
}

// Written returns the message as far as it was written, until Commit or Abort:
// for one who has no other copy, and no room for it in the spool.
func (d *Draft) Written() io.Reader {
	if d.f == nil {
		return bytes.NewReader(nil)
	}
	head := int64(lineLen + len(d.head))
	gathered := d.buf[min(max(head-d.off, 0), int64(len(d.buf))):]
	return io.MultiReader(io.NewSectionReader(d.f, head, max(d.off-head, 0)), bytes.NewReader(gathered))
}

// Commit makes the message durable and lets it be tried from notBefore on
// (zero: now). After nil it survives anything; after an error it is not in the
// queue.
func (d *Draft) Commit(notBefore time.Time) error {
	if err := d.commit(notBefore); err != nil {
		return err
	}
	d.f.Close()
	d.f = nil
	d.s.Wake() // later mail too: a runner that sleeps must learn when
	return nil
}

// Keep is Commit for an acceptor that will run the message itself: it comes
// back locked, and no runner was woken.
func (d *Draft) Keep() (*Message, error) {
	if err := d.commit(time.Time{}); err != nil {
		return nil, err
	}
	m, err := d.s.load(d.f, d.env.ID, inQueue, false)
	if err != nil {
		d.f.Close()
		return nil, err
	}
	d.f = nil
	return m, nil
}

func (d *Draft) commit(notBefore time.Time) (err error) {
	defer func() {
		if err != nil {
			d.Abort()
			err = &stepError{"accept message", err}
		}
	}()
	if d.f == nil || d.err != nil {
		return errors.Join(d.err, errors.New("cannot go on after an error"))
	}
	if err := d.flush(); err != nil {
		return err
	}
	if err := d.correct(); err != nil {
		return err
	}
	crc := crc32.Update(d.crc, crc32.IEEETable, d.head)
	if _, err := d.f.WriteAt(firstLine(commitWord, d.size, crc, stateNew), 0); err != nil {
		return err
	}
	name := d.s.path(d.place, d.env.ID)
	if !notBefore.IsZero() { // before the sync, so that it lasts as long as the message
		if err := d.s.fs.SetTime(name, notBefore); err != nil {
			return err
		}
	}
	if err := d.f.Sync(); err != nil {
		return err
	}
	if d.s.opt.Strict {
		if err := d.s.fs.SyncDir(d.s.dir(d.place, d.env.ID)); err != nil {
			return err
		}
	}
	return nil
}

// correct writes 8bit in place of 7bit, if the acceptor learnt on the way that
// the message is (it may set EightBit of its Envelope until Commit).
func (d *Draft) correct() error {
	if !d.env.EightBit {
		return nil
	}
	const seven = "  flags 7bit"
	i := bytes.Index(d.head, []byte(seven)) // escape leaves no two spaces in a value
	if i < 0 {
		return nil
	}
	i += len(seven) - len("7bit")
	copy(d.head[i:], "8bit")
	_, err := d.f.WriteAt([]byte("8bit"), int64(lineLen+i))
	return err
}

// Abort gives the message up. After Commit it does nothing.
func (d *Draft) Abort() error {
	if d.f == nil {
		return nil
	}
	// If it cannot be removed, at least it must not look accepted.
	d.f.WriteAt(firstLine(openWord, 0, 0, stateNew), 0)
	err := d.s.fs.Remove(d.s.path(d.place, d.env.ID))
	d.f.Close()
	d.f = nil
	return err
}
