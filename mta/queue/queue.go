// Package queue keeps accepted mail on disk until each recipient has an answer.
package queue

import (
	"context"
	"errors"
	"io"
	"time"
)

// Errors a caller looks for with errors.Is.
var (
	ErrExists  = errors.New("message is in the spool already")
	ErrBusy    = errors.New("in use by another process")
	ErrGone    = errors.New("no such message in the spool")
	ErrDamaged = errors.New("damaged spool file")
)

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
	// Strict adds a sync of the folder to every accepted message, for file
	// systems that do not commit a new file's name with the file.
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
	opt Options
	fs  FS
}

// A Draft is a message being accepted. It is not in the queue before Commit.
type Draft struct{}

// A Message is one message of the spool. From Lock it is ours alone until
// Close; from Read it is a view, and may be old when it is returned.
type Message struct {
	Envelope
	State State
	Size  int64     // of the message, without our head
	Next  time.Time // the earliest next attempt
}

// An Event is one line of a message's history.
type Event struct {
	Time     time.Time
	Kind     string // accepted attempt deferred delivered failed expired bounced delayed held released removed note
	Rcpt     int    // 0 for the message as a whole
	Host, IP string
	TLS      string
	Code     int
	Enhanced string
	Text     string
	Next     time.Time
}

// A Slot is the right to one connection to a destination.
type Slot struct{}

// FS is the file system below a spool.
type FS interface{}

// Health is what is known about a destination, shared by all runners. It is
// advice: losing it loses no mail.
type Health struct {
	Fails int       // attempts failed in a row
	Next  time.Time // no attempt before, except a probe
	Last  string    // the last answer, for people
}

func Create(dir string) error                         { panic("not yet") }
func Open(o Options) (*Spool, error)                  { panic("not yet") }
func NewID(now time.Time) string                      { panic("not yet") }
func (s *Spool) Accept(env *Envelope) (*Draft, error) { panic("not yet") }
func (d *Draft) Write(p []byte) (int, error)          { panic("not yet") }
func (d *Draft) Commit(notBefore time.Time) error     { panic("not yet") }
func (d *Draft) Abort() error                         { panic("not yet") }
func (d *Draft) ID() string                           { panic("not yet") }
func (s *Spool) Due(now time.Time) ([]Ref, error)     { panic("not yet") }
func (s *Spool) All() ([]Ref, error)                  { panic("not yet") }
func (s *Spool) Read(id string) (*Message, error)     { panic("not yet") }
func (s *Spool) Lock(id string) (*Message, error)     { panic("not yet") }
func (m *Message) Body() *io.SectionReader            { panic("not yet") }
func (m *Message) Close() error                       { panic("not yet") }
func (m *Message) SetMarks(marks map[int]Mark) error  { panic("not yet") }
func (m *Message) Defer(next time.Time) error         { panic("not yet") }
func (m *Message) Log(ev Event) error                 { panic("not yet") }
func (m *Message) History() ([]Event, error)          { panic("not yet") }
func (m *Message) Finish() error                      { panic("not yet") }
func (m *Message) Hold() error                        { panic("not yet") }
func (m *Message) Release() error                     { panic("not yet") }

// Bounce accepts a report about recipients of m under a derived id, then sets
// their marks: never two reports, whatever happens in between. marks names the
// recipients and what they become (Failed, Expired, Done for a success report).
// env needs Sender (normally "") and Recipients; write writes the message.
func (m *Message) Bounce(env *Envelope, marks map[int]Mark, write func(io.Writer) error) (id string, err error) {
	panic("not yet")
}

// Derive returns the id of a message that follows from another: the same
// parent, kind and recipients always give the same id.
func Derive(parent, kind string, rcpts ...int) string       { panic("not yet") }
func (s *Spool) Slot(dest string, limit int) (*Slot, error) { panic("not yet") }
func (l *Slot) Release() error                              { panic("not yet") }
func (s *Spool) Health(dest string) (Health, error)         { panic("not yet") }
func (s *Spool) SetHealth(dest string, h Health) error      { panic("not yet") }

// Wake tells a waiting runner of new mail; nobody may be there.
func (s *Spool) Wake() { panic("not yet") }

// Wait returns when woken, when d has passed (nil), or with ctx's error.
func (s *Spool) Wait(ctx context.Context, d time.Duration) error { panic("not yet") }

// AdoptDrops moves what unprivileged users left in drop/ into the queue and
// returns how many. Must run as the owner of the spool.
func (s *Spool) AdoptDrops() (int, error) { panic("not yet") }
func (s *Spool) Dir() string              { return s.opt.Dir }
