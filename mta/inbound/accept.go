package inbound

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"

	"pneu/mta/queue"
	"pneu/mta/smtp"
	"pneu/mta/submit"
	"pneu/mta/sysexits"
)

// readers lends the buffers through which messages are read: one for each that is coming in.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}

// accept puts a message into the queue. Only when that is done does it return without a refusal.
func (s *session) accept(r io.Reader) error {
	br := readers.Get().(*bufio.Reader)
	br.Reset(unixLines{r})
	defer func() {
		br.Reset(nil)
		readers.Put(br)
	}()
	now := time.Now()
	env := &queue.Envelope{
		ID:         queue.NewID(now),
		Arrived:    now,
		Sender:     s.from,
		Auth:       s.user,
		Client:     s.client(),
		Ret:        string(s.opts.Return),
		EnvID:      s.opts.EnvelopeID,
		EightBit:   s.opts.Body == "8BITMIME",
		UTF8:       s.opts.UTF8,
		Recipients: s.rcpts,
	}
	head, err := s.readHead(br, env)
	if err != nil {
		s.refused(err, "from", s.from)
		return err
	}
	d, err := s.svc.spool.Accept(env)
	if err != nil {
		return queueStatus(err)
	}
	defer func() { // even if a bug of ours panics; after Commit it does nothing
		if err := d.Abort(); err != nil {
			s.log.Warn("abort", "qid", env.ID, "err", err)
		}
	}()
	size, err := store(d, head, br)
	if err != nil {
		return err // of the reader: the engine knows whose fault it is
	}
	s.log.Info("accepted", "qid", env.ID, "from", s.from, "rcpts", len(env.Recipients), "to", env.Recipients[0].Addr, "size", size, "user", s.user, "client", env.Client)
	return smtp.NewStatus(250, smtp.EnhancedCode{2, 0, 0}, "Queued as "+env.ID)
}

// store writes and commits.
func store(d *queue.Draft, head io.WriterTo, body io.Reader) (int64, error) {
	n, err := head.WriteTo(d)
	if err != nil {
		return n, queueStatus(err)
	}
	w := &draftWriter{d: d}
	m, err := io.Copy(w, body)
	switch {
	case w.err != nil:
		return n, queueStatus(w.err)
	case err != nil:
		return n, err
	}
	if err := d.Commit(time.Time{}); err != nil {
		return n, queueStatus(err)
	}
	return n + m, nil
}

// draftWriter tells errors of the queue from those of the peer.
type draftWriter struct {
	d   *queue.Draft
	err error
}

func (w *draftWriter) Write(p []byte) (int, error) {
	n, err := w.d.Write(p)
	w.err = err
	return n, err
}

// queueStatus is the reply to a failure of the queue: always "later".
func queueStatus(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return statusNoSpace.Because(err)
	}
	return statusQueueFailed.Because(err)
}

// readHead reads the header block and adds to it: a Received field for all, what is missing for our
// users.
func (s *session) readHead(br *bufio.Reader, env *queue.Envelope) (io.WriterTo, error) {
	received := s.received(env)
	if !s.forUsers() {
		return readForeign(br, received, s.svc.opt.MaxReceived, s.svc.opt.MaxHeader)
	}
	h, err := submit.Read(br, submit.Options{
		MaxHeader:  s.svc.opt.MaxHeader,
		AddMissing: true,
		DropBcc:    true,
		From:       cmp.Or(s.from, s.user),
		FullName:   s.svc.opt.FullName,
		Hostname:   s.svc.opt.Hostname,
		ID:         env.ID,
		Received:   received,
		Now:        env.Arrived,
	})
	switch {
	case err == nil:
		return h, nil
	case sysexits.Code(err) == sysexits.Data:
		return nil, statusBadHeader.Because(err)
	}
	return nil, err
}

// unixLines turns the wire's line ends into the system's: a message lies in
// the spool and in a Maildir as other programs of this machine write and
// expect it, and every client makes CRLF of it again. Nothing is lost by it:
// the engine lets no CR through but those before an LF.
type unixLines struct{ r io.Reader }

func (u unixLines) Read(p []byte) (int, error) {
	for {
		n, err := u.r.Read(p)
		text := p[:0]
		for rest := p[:n]; len(rest) > 0; {
			cr := bytes.IndexByte(rest, '\r')
			if cr < 0 {
				text = append(text, rest...)
				break
			}
			text = append(text, rest[:cr]...)
			rest = rest[cr+1:]
		}
		if len(text) > 0 || err != nil || len(p) == 0 {
			return len(text), err
		}
	}
}
