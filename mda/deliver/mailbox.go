package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pneu/maildir"
	"pneu/maildir/store"
	"pneu/mda/account"
	"pneu/mta/sysexits"
)

// A Mailbox says where in which Maildir a message is put, for [Mailbox.Put].
// It is all that the part of a delivery done as the owner has to know.
type Mailbox struct {
	// Maildir is the tree; it is made if it is missing.
	Maildir string
	// Home, if set, is a folder that must be there: a home folder that is not
	// mounted is no reason to begin a new Maildir in its place.
	Home string
	// Folder is the one wanted; INBOX takes what has no folder. CreateFolder
	// makes it.
	Folder       string
	CreateFolder bool
	// Name is the derived name, or empty; First that it cannot be there yet.
	Name  string
	First bool
	// Arrived is when the message arrived.
	Arrived time.Time
	// Quota is the most the tree may hold, 0 for no limit; Reject says that
	// what is too much is refused for good.
	Quota  int64
	Reject bool
	// Strict asks for more syncs.
	Strict bool
	// NoIndex leaves the folder's index to those who read it.
	NoIndex bool
}

// textLimit is how much of a message is kept in memory for the index; of a larger
// one the index has its place, and those who read it look at the rest.
const textLimit = 16 << 20

// Put files the message of that size. On nil it is durable. All errors are to
// be tried again but those that say otherwise.
func (b Mailbox) Put(r io.Reader, size int64) error {
	var filer store.Filer
	defer filer.Close()
	return b.put(r, size, &filer)
}

func (b Mailbox) put(r io.Reader, size int64, filer *store.Filer) error {
	if b.Home != "" {
		if _, err := os.Stat(b.Home); err != nil {
			return trouble(b.Maildir, fmt.Errorf("home folder: %w", err))
		}
	}
	tree, err := maildir.Open(b.Maildir)
	if errors.Is(err, maildir.ErrNoFolder) {
		tree, err = maildir.Create(b.Maildir)
	}
	if err != nil {
		return trouble(b.Maildir, err)
	}
	folder, err := b.folder(tree)
	if err != nil {
		return trouble(b.Maildir, err)
	}
	if err := b.room(tree, size); err != nil {
		return err
	}
	var text kept
	if !b.NoIndex && size <= textLimit {
		text.room = textLimit
		r = io.TeeReader(r, &text)
	}
	e, err := folder.Deliver(maildir.Delivery{Name: b.Name, First: b.First, Time: b.Arrived, Strict: b.Strict}, r)
	if err != nil {
		return trouble(b.Maildir, err)
	}
	// Durable by now: whatever comes of the index, the message was delivered.
	if n, ok := e.Size(); ok && text.room > 0 && n == int64(text.Len()) { // else an earlier attempt's
		filer.Filed(folder, e, text.Bytes())
	}
	return nil
}

// kept keeps what is written to it, and nothing of more than there is room for.
type kept struct {
	bytes.Buffer
	room int
}

func (k *kept) Write(p []byte) (int, error) {
	if k.room = max(0, k.room-len(p)); k.room > 0 {
		k.Buffer.Write(p)
	}
	return len(p), nil
}

func (b Mailbox) folder(tree *maildir.Store) (*maildir.Folder, error) {
	if b.Folder != "" {
		f, err := tree.Folder(b.Folder)
		if err == nil {
			return f, nil
		}
		all, err := tree.Folders()
		if err != nil {
			return nil, err
		}
		for _, f := range all { // senders do not keep to the case of folders
			if strings.EqualFold(f.Name(), b.Folder) {
				return f, nil
			}
		}
		if b.CreateFolder {
			f, err := tree.CreateFolder(b.Folder)
			if !errors.Is(err, maildir.ErrName) {
				return f, err
			}
		}
	}
	return tree.Folder("INBOX")
}

// room refuses a message that goes beyond the quota.
func (b Mailbox) room(tree *maildir.Store, size int64) error {
	if b.Quota <= 0 {
		return nil
	}
	used, err := tree.Usage()
	if err != nil {
		return trouble(b.Maildir, err)
	}
	if used.Bytes+size <= b.Quota {
		return nil
	}
	text := "mailbox is full: " + strconv.FormatInt(used.Bytes, 10) + " of " + strconv.FormatInt(b.Quota, 10) + " bytes used"
	if size > b.Quota { // there will never be room
		return status(sysexits.New(sysexits.Unavailable, "message of "+strconv.FormatInt(size, 10)+" bytes is larger than the mailbox may be"), "5.2.3")
	}
	if b.Reject {
		return status(sysexits.New(sysexits.Unavailable, text), "5.2.2")
	}
	return status(sysexits.New(sysexits.TempFail, text), "4.2.2")
}

// trouble is an error about a Maildir: the mail waits until somebody has seen
// to it, and the text says what to see to.
func trouble(path string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, maildir.ErrEmpty) {
		return sysexits.Wrap(sysexits.NoInput, err)
	}
	text, code := err.Error(), "4.3.0"
	if !strings.Contains(text, path) {
		text = path + ": " + text
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		text += " (user " + strconv.Itoa(os.Geteuid()) + " must be able to write there)"
		code = "4.2.1"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		code = "4.3.1"
	case errors.Is(err, syscall.EROFS):
		code = "4.2.1"
	}
	return status(sysexits.Wrap(sysexits.TempFail, errors.New(text)), code)
}

// mailbox files the message into an account's Maildir, as its owner.
func (a *Agent) mailbox(ctx context.Context, env Envelope, t *account.Target, m *message) error {
	box := a.box(env)
	box.Maildir, box.Home, box.Folder, box.Quota = t.Account.Maildir, t.Account.Home, t.Folder, t.Account.Quota
	r, err := m.open(trace(env.Sender, t.Address)...)
	if err != nil {
		return err
	}
	return a.put(ctx, box, t.Account.UID, t.Account.GID, r)
}

func (a *Agent) box(env Envelope) Mailbox {
	return Mailbox{
		CreateFolder: a.opt.CreateFolders,
		Name:         derive(env, a.opt.Hostname),
		First:        env.First,
		Arrived:      env.Arrived,
		Reject:       a.opt.QuotaFull == "reject",
		Strict:       a.opt.Sync == "strict",
		NoIndex:      a.opt.Index != nil && !*a.opt.Index,
	}
}

// put files r as uid, in this process if that is who we are.
func (a *Agent) put(ctx context.Context, box Mailbox, uid, gid int, r *io.LimitedReader) error {
	if os.Geteuid() == 0 {
		if uid < 0 {
			uid, gid = owner(box.Maildir)
		}
		if uid != 0 {
			return a.putAs(ctx, box, uid, gid, r)
		}
	}
	return box.put(r, r.N, &a.filer)
}

// derive names a delivery: the same message for the same recipient always has
// the same name, whoever delivers it and whenever.
func derive(env Envelope, host string) string {
	if env.ID == "" {
		return ""
	}
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, host)
	return fmt.Sprintf("%d.Q%sR%04d.%.60s", env.Arrived.Unix(), env.ID, env.N, clean)
}

// owner returns whom a Maildir, or the nearest folder above it, belongs to.
func owner(path string) (uid, gid int) {
	for {
		if fi, err := os.Stat(path); err == nil {
			if st, ok := fi.Sys().(*syscall.Stat_t); ok {
				return int(st.Uid), int(st.Gid)
			}
		}
		up := filepath.Dir(path)
		if up == path {
			return 0, 0
		}
		path = up
	}
}
