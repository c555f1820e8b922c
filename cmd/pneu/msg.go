package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"pneu/maildir"
	"pneu/maildir/digest"
	"pneu/maildir/htmltext"
	"pneu/maildir/journal"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/maildir/store"
	"pneu/mta/sysexits"
)

// A msg is a message on its way through a verb: found, and read as far as needed. It
// answers the questions of a query (search.Doc).
type msg struct {
	path   string
	f      *maildir.Folder // nil for a file that lies in no Maildir
	e      maildir.Entry
	num    int    // its number in the sequence, or 0
	depth  int    // in its thread
	dest   string // where a dry run would have put it
	thread string // Message-ID or name of the first message of its thread
	of     string // path of the message it is a copy of
	was    string // its path before what happened to it

	keywords []string // by name, if its folder's index was asked

	v *store.View // its folder as the index has it, if that knows the message as e
	n int         // and its row there

	raw  []byte
	m    *message.Message
	sum  *message.Summary
	info os.FileInfo
	text *string
	err  error // the first one met while reading
}

// folderAt returns the folder whose new or cur is dir/.., each made once.
func (t *tool) folderAt(dir string) (*maildir.Folder, error) {
	if f, ok := t.dirs[dir]; ok {
		return f, nil
	}
	f, err := maildir.At(dir)
	if err == nil {
		t.dirs[dir] = f
	}
	return f, err
}

// find returns the message a path names, or named once: it follows changes of flags,
// moves by other programs within the tree, and moves noted in the journal.
func (t *tool) find(path string) (*msg, error) {
	if path == "" { // the shell's variable was empty
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if r, ok := t.known(path); ok {
		return r.msg(), nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dir, file := filepath.Split(abs)
	dir = filepath.Clean(dir)
	sub := filepath.Base(dir)
	inMaildir := sub == "cur" || sub == "new"
	st, err := os.Stat(abs)
	if err == nil && !st.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a message: no plain file")}
	}
	if err == nil && inMaildir {
		if f, ferr := t.folderAt(filepath.Dir(dir)); ferr == nil {
			return &msg{path: abs, f: f, e: maildir.Entry{File: file, New: sub == "new"}, info: st}, nil
		}
	}
	if err == nil {
		return &msg{path: abs, info: st}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) || !inMaildir {
		return nil, err
	}
	f, e, lerr := t.stale.locate(t, abs)
	switch {
	case errors.Is(lerr, maildir.ErrNoFolder):
		return nil, err // the plain "no such file"
	case errors.Is(lerr, maildir.ErrGone):
		return nil, maildir.ErrGone
	case lerr != nil:
		return nil, lerr
	}
	return &msg{path: f.File(e), f: f, e: e}, nil
}

// openJournal opens the journal shared with the screen; unless make is set, only if
// there is one.
func openJournal(create bool) (*journal.Journal, error) {
	if !create {
		if _, err := os.Stat(journalPath()); err != nil {
			return nil, err
		}
	}
	j, err := journal.Open(journalPath())
	if coded := (*sysexits.Error)(nil); err != nil && errors.As(withCode(err), &coded) && (coded.Code == sysexits.NoInput || coded.Code == sysexits.IO) {
		err = sysexits.Wrap(sysexits.CantCreate, err) // it is no input of anybody's
	}
	return j, err
}

func journalPath() string { return filepath.Join(stateDir(), "journal") }

// stateDir is where what must outlast a run is kept.
func stateDir() string {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := homeDir()
		if err != nil {
			home = os.DevNull // no directory, nor can root make it one
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "pneu")
}

// homeDir returns $HOME, and without it, as in a service, what passwd(5) says.
func homeDir() (string, error) {
	home, err := os.UserHomeDir()
	if err == nil {
		return home, nil
	}
	if u, uerr := user.Current(); uerr == nil && filepath.IsAbs(u.HomeDir) {
		return u.HomeDir, nil
	}
	return "", err
}

// open opens the message, following a rename in flight. What Dovecot has compressed is read
// as what it was.
func (m *msg) open() (io.ReadCloser, error) {
	file, err := m.file()
	if err != nil {
		return nil, err
	}
	var head [16]byte
	if n, _ := file.ReadAt(head[:], 0); !maildir.Compressed(head[:n]) {
		return file, nil
	}
	defer file.Close()
	packed, err := io.ReadAll(file)
	if err == nil {
		packed, err = maildir.Unpack(packed)
	}
	return io.NopCloser(bytes.NewReader(packed)), err
}

func (m *msg) file() (*os.File, error) {
	if m.f == nil {
		return os.Open(m.path)
	}
	file, e, err := m.f.Open(m.e)
	if err == nil && e != m.e {
		m.e, m.path = e, m.f.File(e)
	}
	return file, err
}

// bytes is the whole message.
func (m *msg) bytes() ([]byte, error) {
	if m.raw == nil && m.err == nil {
		file, err := m.open()
		if err != nil {
			m.err = err
			return nil, err
		}
		defer file.Close()
		var b bytes.Buffer
		if f, ok := file.(*os.File); ok {
			if st, err := f.Stat(); err == nil {
				b.Grow(int(st.Size()) + bytes.MinRead) // else it is copied as it grows
			}
		}
		_, m.err = b.ReadFrom(file)
		m.raw = b.Bytes()
		if m.raw == nil {
			m.raw = []byte{}
		}
	}
	return m.raw, m.err
}

// load reads and parses the whole message.
func (m *msg) load() (*message.Message, error) {
	if m.m == nil && m.err == nil {
		if raw, err := m.bytes(); err == nil {
			m.m = message.Parse(raw)
		}
	}
	return m.m, m.err
}

// digest is what an index keeps of the message, or would keep of it.
func (m *msg) digest() (digest.Digest, error) {
	if m.digested() {
		return m.row().Digest()
	}
	p, err := m.load()
	if err != nil {
		return digest.Digest{}, err
	}
	return digest.Decode(digest.Append(nil, p))
}

// fields is a header that has the fields of some names, or all: the index's, if it has all of
// those.
func (m *msg) fields(names []string) (message.Header, error) {
	if len(names) > 0 && m.digested() {
		d, err := m.row().Digest()
		if err != nil {
			return nil, err
		}
		// The type of the text is a hint at the charset of addresses.
		if b, all := d.AppendFields(nil, append(names[:len(names):len(names)], "Content-Type")...); all {
			return message.Header(b), nil
		}
	}
	p, err := m.load()
	if err != nil {
		return nil, err
	}
	return p.Header(0), nil
}

func (m *msg) stat() os.FileInfo {
	if m.info == nil {
		m.info, _ = os.Stat(m.path)
	}
	return m.info
}

// Summary is what a list shows; empty if the message cannot be read.
func (m *msg) Summary() *message.Summary {
	if m.sum == nil {
		m.sum = &message.Summary{}
		if m.digested() {
			*m.sum = m.row().Summary()
			return m.sum
		}
		if m.raw != nil {
			if s, err := message.ReadSummary(strings.NewReader(string(m.raw[:min(len(m.raw), 256<<10)]))); err == nil {
				*m.sum = s
			}
			return m.sum
		}
		file, err := m.open()
		if err == nil {
			var s message.Summary
			if s, err = message.ReadSummary(file); err == nil {
				*m.sum = s
			}
			file.Close()
		}
		if st := m.stat(); err != nil && st != nil && st.Size() == 0 {
			err = nil // it says nothing, as an index has it
		}
		if err != nil && m.err == nil {
			m.err = err
		}
	}
	return m.sum
}

// Header is the message's own header.
func (m *msg) Header() message.Header {
	if p, err := m.load(); err == nil {
		return p.Header(0)
	}
	return nil
}

// row is the message in the index: only where v is set.
func (m *msg) row() store.Row { return m.v.Row(m.n) }

// digested reports whether the index keeps what a list shows of it.
func (m *msg) digested() bool { return m.v != nil && m.v.Index().HasDigest(m.n) }

// Flags are those in the file's name, unless that is about to be changed.
func (m *msg) Flags() maildir.Flags {
	if m.v != nil && m.v.Index().Pending(m.n) {
		return m.row().Flags()
	}
	return m.e.Flags()
}

// Unread reports whether it lacks the flag S.
func (m *msg) Unread() bool {
	if m.v != nil {
		return m.row().Unread()
	}
	return m.f != nil && m.e.Unread()
}

// New reports whether it lies in new/.
func (m *msg) New() bool { return m.e.New }

// Folder is the name of its folder.
func (m *msg) Folder() string {
	if m.f == nil {
		return ""
	}
	return m.f.Name()
}

// Size is that of the file.
func (m *msg) Size() int64 {
	if n, ok := m.e.Size(); ok && m.f != nil {
		return n
	}
	if m.raw != nil {
		return int64(len(m.raw))
	}
	if m.v != nil {
		if n := m.v.Index().Size(m.n); n >= 0 {
			return n
		}
	}
	if st := m.stat(); st != nil {
		return st.Size()
	}
	return 0
}

// Received is when it came: the file's time, which is IMAP's INTERNALDATE, to the second.
func (m *msg) Received() time.Time {
	if m.v != nil {
		if at := m.row().Received(); !at.IsZero() {
			return at
		}
	}
	if st := m.stat(); st != nil {
		return st.ModTime().Truncate(time.Second)
	}
	return m.e.Time()
}

// Date is the date it bears, else when it came.
func (m *msg) Date() time.Time {
	if d := m.Summary().Date; !d.IsZero() {
		return d
	}
	return m.Received()
}

// maxText bounds the text of a message that is shown or searched.
const maxText = 2 << 20

// Text is what is searched of the message.
func (m *msg) Text() string {
	if m.text == nil {
		s := ""
		if p, err := m.load(); err == nil {
			s = digest.Text(p)
		}
		m.text = &s
	}
	return *m.text
}

// shown is what a person reads of the message, not yet wrapped.
func (m *msg) shown() string {
	if p, err := m.load(); err == nil {
		return body(p, 100, false).text
	}
	return ""
}

// A bodyText is the part of a message that is read, clean.
type bodyText struct {
	text   string
	flowed bool
	html   bool
	links  []htmltext.Link
	note   string // what was left out
}

// body chooses between plain text and HTML, and renders it.
func body(p *message.Message, width int, preferHTML bool) bodyText {
	plain, html, _ := p.Display()
	var b bodyText
	if plain >= 0 {
		b.text = p.Text(plain, maxText)
		b.flowed = p.Parts[plain].Flowed
		if b.flowed {
			b.text = unflow(b.text, p.Parts[plain].DelSp)
		}
	}
	if html >= 0 {
		r := htmltext.Render(p.Text(html, maxText), htmltext.Options{Width: width})
		if preferHTML || plain < 0 || htmltext.Prefer(b.text, r) {
			b = bodyText{text: r.Text, html: true, links: r.Links, note: leftOut(r)}
		}
	}
	b.text = safe.Body(b.text).String()
	return b
}

// leftOut says what of an HTML message was not shown.
func leftOut(r htmltext.Result) string {
	var s []string
	count := func(n int, one, many string) {
		if n == 1 {
			s = append(s, "1 "+one)
		} else if n > 1 {
			s = append(s, fmt.Sprintf("%d %s", n, many))
		}
	}
	count(r.Blocked.Images-r.Blocked.Trackers, "remote picture", "remote pictures")
	count(r.Blocked.Trackers, "tracker", "trackers")
	count(r.Blocked.Hidden, "hidden text", "hidden texts")
	if r.Truncated {
		s = append(s, "the end of a very long text")
	}
	return strings.Join(s, ", ")
}
