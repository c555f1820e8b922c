package main

import (
	"errors"
	"io"
	"os"
	"syscall"

	"pneu/mta/queue"
	"pneu/mta/submit"
	"pneu/mta/sysexits"
)

// keep does with a message that cannot be accepted what -oe asked for, and
// returns the error to exit with. A message whose body was begun has been seen to
// by rescue, or turned out too large on the way.
func (j *job) keep(cause error) error {
	if j.o.onError == errDefault || j.o.onError == errQuiet || j.taken {
		return cause
	}
	if j.head == nil {
		if h, err := submit.Read(j.in, submit.Options{}); err == nil {
			j.head = h
		} else {
			return cause // the header itself is what cannot be read
		}
	}
	if j.o.onError != errPrint && j.spool != nil && sysexits.Code(cause) != sysexits.TempFail {
		if err := j.mailBack(cause); err == nil {
			return cause
		}
	}
	return j.save(cause, func(w io.Writer) error {
		_, err := j.head.WriteTo(w)
		return err
	})
}

// rescue saves a message whose body is partly in the draft, when the spool has
// no room for the rest: nobody else has what came through a pipe.
func (j *job) rescue(d *queue.Draft, cause error) error {
	if j.o.onError == errDefault || j.o.onError == errQuiet || !j.taken || sysexits.Code(cause) != sysexits.TempFail {
		return cause
	}
	return j.save(cause, func(w io.Writer) error {
		_, err := io.CopyBuffer(w, struct{ io.Reader }{d.Written()}, make([]byte, 32<<10))
		return err
	})
}

// save saves a message in dead.letter: what begin writes, then the rest of the
// input. It returns cause with what became of it.
func (j *job) save(cause error, begin func(io.Writer) error) error {
	path, err := j.saveDead(begin)
	if err != nil {
		return &noted{cause, "and it could not be saved: " + err.Error()}
	}
	return &noted{cause, "saved in " + path}
}

// noted adds to an error what became of the message.
type noted struct {
	err  error
	note string
}

func (e *noted) Error() string { return e.err.Error() + " (" + e.note + ")" }
func (e *noted) Unwrap() error { return e.err }

// saveDead appends the message to dead.letter in the caller's home, as an mbox.
func (j *job) saveDead(begin func(io.Writer) error) (path string, err error) {
	home := j.caller().home
	if trusted() && os.Getenv("HOME") != "" {
		home = os.Getenv("HOME")
	}
	if home == "" {
		return "", errors.New("no home folder")
	}
	if !trusted() { // with the caller's rights alone
		syscall.Setgid(syscall.Getgid())
	}
	path = home + "/dead.letter"
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return "", err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	w := &mbox{w: f, start: true}
	if _, err := f.WriteString("From " + j.caller().name + " " + j.now.UTC().Format("Mon Jan _2 15:04:05 2006") + "\n"); err != nil {
		return "", err
	}
	if err := begin(w); err != nil {
		return "", err
	}
	if _, err := io.CopyBuffer(w, struct{ io.Reader }{j.in}, make([]byte, 32<<10)); err != nil {
		return "", err
	}
	if err := w.end(); err != nil {
		return "", err
	}
	if _, err := f.WriteString("\n"); err != nil {
		return "", err
	}
	return path, f.Sync()
}

// mbox quotes lines that look like the beginning of another message.
type mbox struct {
	w     io.Writer
	start bool
	held  int // bytes of "From " seen at the start of a line
}

func (m *mbox) Write(p []byte) (int, error) {
	const from = "From "
	out := make([]byte, 0, len(p)+16)
	for _, c := range p {
		if m.start && c == from[m.held] {
			if m.held++; m.held == len(from) {
				out = append(append(out, '>'), from...)
				m.start, m.held = false, 0
			}
			continue
		}
		out = append(append(out, from[:m.held]...), c)
		m.start, m.held = c == '\n', 0
	}
	if _, err := m.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// end writes what was held back.
func (m *mbox) end() error {
	_, err := io.WriteString(m.w, "From "[:m.held])
	m.held = 0
	return err
}

// mailBack sends the message back to the caller with what was wrong with it.
func (j *job) mailBack(cause error) error {
	to, err := j.qualify(j.caller().name)
	if err != nil {
		return err
	}
	env := &queue.Envelope{Client: "sendmail", Arrived: j.now, Recipients: []queue.Recipient{{Addr: to}}}
	begin := j.spool.Accept
	if !j.spool.Own() {
		begin = j.spool.Drop
	}
	d, err := begin(env)
	if err != nil {
		return err
	}
	// RFC 2045, 6.4: a part and what holds it say so if there may be 8-bit text in
	// it, and the message is copied as it comes.
	const eight = "Content-Transfer-Encoding: 8bit\n"
	boundary := "=_" + env.ID
	_, err = io.WriteString(d, "From: Mail Delivery System <MAILER-DAEMON@"+j.conf.Domains[0]+">\n"+
		"To: "+to+"\nSubject: Your message was not accepted\nAuto-Submitted: auto-replied\n"+
		"Date: "+submit.Date(j.now)+"\nMessage-ID: <"+env.ID+"@"+j.conf.Hostname+">\n"+
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\""+boundary+"\"\n"+eight+"\n"+
		"--"+boundary+"\nContent-Type: text/plain; charset=utf-8\n"+eight+"\n"+
		"sendmail did not accept the message below:\n\n  "+oneLine(cause.Error())+"\n\n"+
		"--"+boundary+"\nContent-Type: message/rfc822\n"+eight+"\n")
	if err == nil {
		_, err = j.head.WriteTo(d)
	}
	if err == nil {
		_, err = io.CopyBuffer(struct{ io.Writer }{d}, struct{ io.Reader }{j.in}, make([]byte, 32<<10))
	}
	if err == nil {
		_, err = io.WriteString(d, "\n--"+boundary+"--\n")
	}
	if err != nil {
		d.Abort()
		return err
	}
	env.EightBit = true
	return d.Commit(j.now)
}
