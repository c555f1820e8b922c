package maildir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"
)

// A Delivery says how a message is to be filed. The zero value delivers a new
// message into new/.
type Delivery struct {
	// Name, if not empty, is the derived first part of the base, such as
	// "1700000000.Q01KQ3R0001.host": the same message for the same recipient has
	// the same one. If new/ or cur/ has it already, nothing is written, and what
	// is there is made durable and returned.
	Name string
	// First says that no earlier attempt at Name can have been made: the search
	// through cur/ (proportional to the folder) is left out.
	First bool
	// Flags, if any, put the message into cur/ under them (IMAP APPEND).
	Flags Flags
	// Time becomes the file's modification time, which is INTERNALDATE, and the
	// seconds of a fresh name. Zero: now.
	Time time.Time
	// Strict syncs file and directory each on their own (sequence A), whatever
	// the file system promises.
	Strict bool
	// Cur puts a message without flags into cur/ as well.
	Cur bool
	// Noting, if set, is called when the message is written and its fresh name known, and calls
	// do, which gives it that name: so that who keeps a journal knows of it before it is there. An
	// error leaves it out. It is not for messages with a derived name.
	Noting func(e Entry, do func() error) error
	// carried: from another file system, as it is, even if that is no bytes.
	carried bool
}

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// Deliver files the message r says. On return without error it is durable; on an
// error it is not in the folder.
//
// Sequence C (ext4, xfs, btrfs, tmpfs): write in tmp/, have the data written
// out, rename, sync the file; the sync commits name and content in one. Where
// that is not known to hold, or with Strict, sequence A: write in tmp/, sync the
// file, rename, sync the directory.
func (f *Folder) Deliver(d Delivery, r io.Reader) (Entry, error) {
	e, err := f.deliver(d, r)
	if err != nil {
		return Entry{}, fmt.Errorf("deliver to %s: %w", f.path, err)
	}
	return e, nil
}

func (f *Folder) deliver(d Delivery, r io.Reader) (Entry, error) {
	if d.Name != "" {
		if err := checkDerived(d.Name); err != nil {
			return Entry{}, err
		}
		if !d.First {
			// Before the work of writing; the answer that counts is got under the lock.
			if e, ok, err := f.present(d); ok || err != nil {
				return e, err
			}
		}
	}
	p, err := f.prepare(d, r)
	if err != nil {
		return Entry{}, err
	}
	defer f.changing()()
	e, existed, err := f.publish(d, p)
	if err != nil || existed {
		f.store.files.Remove(p.path)
		p.file.Close()
		return e, err
	}
	if err := f.settle(d, p, e); err != nil {
		// Nobody was told of it. If a reader has moved it meanwhile it stays: that
		// is a message too many, never one too few.
		f.store.files.Remove(f.File(e))
		return Entry{}, err
	}
	f.account(p.size, 1)
	return e, nil
}

// prepared is a whole message in tmp/.
type prepared struct {
	path        string
	file        file
	size, lines int64 // lines: LF without CR before it, which the wire will add
	synced      bool
}

// prepare writes the message into tmp/ and makes its content safe to name.
func (f *Folder) prepare(d Delivery, r io.Reader) (*prepared, error) {
	fsys := f.store.files
	p := &prepared{path: f.path + "/tmp/" + freshUnique(time.Time{})}
	var err error
	p.file, err = fsys.Create(p.path)
	if errors.Is(err, fs.ErrNotExist) && isMaildir(f.path) {
		os.Mkdir(f.path+"/tmp", 0o700) // version control and backups drop empty directories
		p.file, err = fsys.Create(p.path)
	}
	if err != nil {
		return nil, err
	}
	err = p.fill(d, r, fsys.Ordered(f.path))
	if err != nil {
		p.file.Close()
		fsys.Remove(p.path)
		return nil, err
	}
	return p, nil
}

func (p *prepared) fill(d Delivery, r io.Reader, ordered bool) error {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	var last byte
	for {
		n, err := r.Read(*buf)
		if b := (*buf)[:n]; n > 0 {
			p.lines += bareLines(b, last)
			last = b[n-1]
			p.size += int64(n)
			if _, err := p.file.Write(b); err != nil {
				return err
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if p.size == 0 && !d.carried {
		return ErrEmpty
	}
	if !d.Time.IsZero() {
		if err := p.file.SetTime(d.Time); err != nil {
			return err
		}
	}
	if ordered && !d.Strict {
		if err := p.file.Flush(); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	p.synced = true
	return p.file.Sync()
}

// bareLines counts the LFs in b that have no CR before them; last is the byte
// before b.
func bareLines(b []byte, last byte) int64 {
	n := int64(bytes.Count(b, []byte{'\n'}))
	if n == 0 {
		return 0
	}
	if b[0] == '\n' && last == '\r' {
		n--
	}
	if bytes.IndexByte(b, '\r') >= 0 {
		n -= int64(bytes.Count(b, []byte("\r\n")))
	}
	return n
}

// publish renames the message into new/ or cur/. existed is true if the derived
// name was there first: then e is what is there.
func (f *Folder) publish(d Delivery, p *prepared) (e Entry, existed bool, err error) {
	n := Name{Base: d.Name}
	if n.Base == "" {
		n.Base = freshUnique(d.Time)
	}
	n.Base += ",S=" + strconv.FormatInt(p.size, 10) + ",W=" + strconv.FormatInt(p.size+p.lines, 10)
	flags := MakeFlags(string(d.Flags))
	e = Entry{New: flags == "" && !d.Cur}
	if !e.New {
		n.Sep, n.Info = ':', "2,"+string(flags)
	}
	e.File = n.String()
	if d.Name == "" {
		do := func() error { return f.store.files.Rename(p.path, f.File(e)) }
		if d.Noting != nil {
			return e, false, d.Noting(e, do)
		}
		return e, false, do()
	}
	found, ok, err := f.publishDerived(d, p, e)
	if ok && err == nil {
		return found, true, f.resync(d, found) // out of the lock
	}
	return e, false, err
}

// publishDerived looks once more and renames, both under the lock that keeps
// other attempts at the same name out. Nothing is synced under it.
func (f *Folder) publishDerived(d Delivery, p *prepared, e Entry) (found Entry, ok bool, err error) {
	unlock, err := tempLock(f.path + "/tmp")
	if err != nil {
		return Entry{}, false, err
	}
	defer unlock()
	found, ok, err = f.lookup(d)
	if err == nil && !ok {
		err = f.store.files.Rename(p.path, f.File(e))
	}
	return found, ok, err
}

// settle makes name and content durable.
func (f *Folder) settle(d Delivery, p *prepared, e Entry) error {
	if p.synced {
		return errors.Join(f.store.files.SyncDir(f.dir(e.New)), p.file.Close())
	}
	return errors.Join(p.file.Sync(), p.file.Close())
}

// lookup finds a message of a derived name. First spares cur/: a name that was
// never tried can only be in new/, put there by a twin of this very attempt.
func (f *Folder) lookup(d Delivery) (Entry, bool, error) {
	e, err := f.find(d.Name, false, d.First)
	if errors.Is(err, ErrGone) {
		return Entry{}, false, nil
	}
	return e, err == nil, err
}

func (f *Folder) present(d Delivery) (Entry, bool, error) {
	e, ok, err := f.lookup(d)
	if !ok || err != nil {
		return Entry{}, false, err
	}
	return e, true, f.resync(d, e)
}

// resync makes a message durable that an earlier attempt put in place: it may
// have been killed between its rename and its sync.
func (f *Folder) resync(d Delivery, e Entry) error {
	fsys := f.store.files
	err := fsys.Sync(f.File(e))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // read, moved or deleted meanwhile: it was delivered
	}
	if err == nil && (d.Strict || !fsys.Ordered(f.path)) {
		err = fsys.SyncDir(f.dir(e.New))
	}
	return err
}
