package queue

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"syscall"
	"time"

	"pneu/mta/sysexits"
)

// Errors a caller looks for with errors.Is.
var (
	ErrExists  = errors.New("message is in the spool already")
	ErrBusy    = errors.New("in use by another process")
	ErrGone    = errors.New("no such message in the spool")
	ErrDamaged = errors.New("damaged spool file")
)

// A stepError says what was being done.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// A Mark is the final or pending state of one recipient, one byte in the file.
type Mark byte

// The closed alphabet of marks.
const (
	Pending Mark = '.'
	Done    Mark = 'D'
	Failed  Mark = 'F'
	Expired Mark = 'X'
	Removed Mark = 'R'
)

// Final reports whether no attempt will be made any more.
func (m Mark) Final() bool { return m != Pending }

// A Recipient is one RCPT TO and what became of it.
type Recipient struct {
	N      int // counts from 1 and never changes
	Addr   string
	Mark   Mark
	Notify string // RFC 3461: "" or a comma list of NEVER, SUCCESS, FAILURE, DELAY
	ORcpt  string // RFC 3461: "rfc822;a@b", decoded from xtext
}

// A Cover says that a bounce speaks for recipient N of its parent.
type Cover struct {
	N    int
	Mark Mark
}

// An Envelope is everything about a message that is not the message.
type Envelope struct {
	ID               string // "" lets Accept choose one
	Arrived, Expires time.Time
	Sender           string // "" is the null sender
	Auth             string // the user who submitted it, if known
	Client           string // where it came from: "192.0.2.7 mx.example.org", "uid 1000"
	Ret, EnvID       string // RFC 3461: RET FULL or HDRS, and ENVID
	EightBit, UTF8   bool   // BODY=8BITMIME and SMTPUTF8 are needed
	Recipients       []Recipient

	Kind   string  // "" mail, "dsn" a report of our own
	Parent string  // the message a report is about
	Covers []Cover // the parent's recipients it speaks for

	dropped bool // came through drop/: see AdoptDrops
}

// Pending returns the recipients without a final mark.
func (e *Envelope) Pending() []Recipient {
	var p []Recipient
	for _, r := range e.Recipients {
		if !r.Mark.Final() {
			p = append(p, r)
		}
	}
	return p
}

// Options of a spool.
type Options struct {
	// Dir is the spool's folder.
	Dir string
	// Strict adds a sync of the folder to every accepted message. Open sets it
	// on file systems not known to commit a new file's name with the file.
	Strict bool
	// FS is the file system; nil means the system's.
	FS FS
	// Lifetime is how long a message is tried. Default: 5 days.
	Lifetime time.Duration
}

// A State says where a message stands, as people see it.
type State string

// The states of the JSON contract.
const (
	Queued   State = "queued"
	Deferred State = "deferred"
	Held     State = "held"
	Active   State = "active"
	Bad      State = "failed" // damaged, put aside in bad/
)

// A Ref names one message without having read it.
type Ref struct {
	ID    string
	Next  time.Time // the earliest next attempt
	Size  int64     // of the file, head included
	Held  bool
	State State // Queued means in q/; it may be Deferred or Active when read
}

// A Spool is one folder of waiting mail. It may be used by many goroutines,
// and by many processes at once.
type Spool struct {
	opt   Options
	fs    FS
	drop  FS     // for new files in drop/: their owner says who submitted them
	owner uint32 // of q/
	buf   int    // bytes of a message gathered before a write
}

// Open opens the spool that [Create] made.
func Open(o Options) (*Spool, error) {
	if o.FS == nil {
		o.FS = OS{}
	}
	if o.Lifetime <= 0 {
		o.Lifetime = 5 * 24 * time.Hour
	}
	if system, ok := o.FS.(OS); ok && !o.Strict && o.Dir != "" {
		o.Strict = !system.commitsNames(o.Dir)
	}
	s := &Spool{opt: o, fs: o.FS, buf: bufSize}
	if o.Dir == "" {
		return nil, sysexits.New(sysexits.Config, "open spool: no folder given")
	}
	st, err := s.fs.Stat(path.Join(o.Dir, inQueue))
	s.owner, s.drop = st.UID, s.fs
	if _, ok := s.fs.(OS); ok && st.UID != 0 && syscall.Geteuid() == 0 {
		s.fs = OS{Give: true, UID: st.UID, GID: st.GID}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, sysexits.New(sysexits.TempFail, "open spool: "+o.Dir+" is not a spool: run postmaster init")
	} else if err != nil {
		return nil, sysexits.Wrap(sysexits.TempFail, errors.New("open spool: "+err.Error()))
	}
	return s, nil
}

// Own reports whether the spool belongs to this user, who then accepts into
// the queue itself. Everybody else, root too, uses Drop: what they put into
// q/ the runner could not read.
func (s *Spool) Own() bool { return s.owner == uint32(syscall.Geteuid()) }

// Owner is the user whom the queue belongs to.
func (s *Spool) Owner() int { return int(s.owner) }

// Dir is the spool's folder.
func (s *Spool) Dir() string { return s.opt.Dir }

// The folders of a spool.
const (
	inQueue = "q"
	inHold  = "hold"
	inBad   = "bad"
	inDrop  = "drop"
	inLog   = "log"
)

func (s *Spool) path(place, id string) string {
	if place == inBad || place == inDrop {
		return s.opt.Dir + "/" + place + "/" + id
	}
	return s.opt.Dir + "/" + place + "/" + shard(id) + "/" + id
}

func (s *Spool) dir(place, id string) string {
	if place == inBad || place == inDrop {
		return s.opt.Dir + "/" + place
	}
	return s.opt.Dir + "/" + place + "/" + shard(id)
}

const readme = `This is the spool of pneu, a mail system: mail that was accepted and waits.

q/XX/ID     one file a message: lines about it, an empty line, the message.
            XX is the end of ID. A file's time is its next attempt.
hold/XX/ID  the same, held: mv it here to hold it, back to q/XX/ to release it.
log/XX/ID   what was tried and answered; never needed to deliver.
bad/ID      a damaged file put aside; ID.why says why. Nothing deletes it.
drop/       where sendmail leaves mail of users who may not write q/.
dest/       what is known about other hosts, and locks. May be deleted.
wake        a pipe that tells a waiting qrun of new mail. May be deleted.

List it with "qrun list"; see pneu-spool(5).
`

// Create makes a spool in dir, or completes one. Owner and group are the
// caller's to set: drop/ should belong to the group of a setgid sendmail.
func Create(dir string) error {
	o := OS{}
	mkdir := func(name string, perm uint32) error {
		if err := o.Mkdir(name, perm); err != nil && !errors.Is(err, fs.ErrExist) {
			return sysexits.Wrap(sysexits.CantCreate, err)
		}
		return nil
	}
	if err := mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, d := range []string{inQueue, inHold, inLog, inBad, "dest"} {
		if err := mkdir(path.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	for i := range 64 {
		for _, d := range []string{inQueue, inHold} { // where people move files between, all are there
			if err := mkdir(path.Join(dir, d, strconv.Itoa(i>>4)+string("0123456789abcdef"[i&15])), 0o700); err != nil {
				return err
			}
		}
	}
	drop := path.Join(dir, inDrop)
	if err := o.Mkdir(drop, 0o730); err == nil {
		// Set group id, so that drops belong to the group of the folder;
		// sticky, so that users cannot remove one another's.
		if err := syscall.Chmod(drop, 0o3730); err != nil {
			return sysexits.Wrap(sysexits.CantCreate, wrap("chmod", drop, err))
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return sysexits.Wrap(sysexits.CantCreate, err)
	}
	wake := path.Join(dir, "wake")
	if err := syscall.Mkfifo(wake, 0o622); err == nil {
		if err := syscall.Chmod(wake, 0o622); err != nil { // whatever the umask
			return sysexits.Wrap(sysexits.CantCreate, wrap("chmod", wake, err))
		}
	} else if err != syscall.EEXIST {
		return sysexits.Wrap(sysexits.CantCreate, wrap("mkfifo", wake, err))
	}
	f, err := o.Open(path.Join(dir, "README"), syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC, 0o644)
	if err != nil {
		return sysexits.Wrap(sysexits.CantCreate, err)
	}
	defer f.Close()
	if _, err := f.Write([]byte(readme)); err != nil {
		return sysexits.Wrap(sysexits.CantCreate, err)
	}
	for _, d := range []string{path.Join(dir, inQueue), path.Join(dir, inHold), dir, path.Dir(dir)} {
		if err := o.SyncDir(d); err != nil && d != path.Dir(dir) {
			return sysexits.Wrap(sysexits.CantCreate, err)
		}
	}
	return nil
}
