package deliver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pneu/mda/account"
	"pneu/mta/sysexits"
)

// file delivers to a path that an alias names: nowhere for /dev/null, into a
// Maildir for one that ends in a slash, else to the end of an mbox.
func (a *Agent) file(ctx context.Context, env Envelope, t *account.Target, m *message, path string) error {
	if path == "/dev/null" {
		return nil
	}
	if !a.opt.Files {
		return sysexits.New(sysexits.Config, t.Address+`: its alias leads to a file, which is not allowed: set "files = true" in [deliver] to allow it`)
	}
	r, err := m.open(trace(env.Sender, t.Address)...)
	if err != nil {
		return err
	}
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		if uid, gid, err = a.runAs(); err != nil {
			return err
		}
	}
	if strings.HasSuffix(path, "/") {
		box := a.box(env)
		box.Maildir = strings.TrimRight(path, "/")
		return a.put(ctx, box, uid, gid, r)
	}
	if os.Geteuid() == 0 {
		if a.opt.Helper == "" {
			return sysexits.New(sysexits.Config, "append to "+path+": running as root without the deliver program beside this one")
		}
		cmd := exec.Command(a.opt.Helper, "--mbox", path, "--sender", env.Sender, "--size", strconv.FormatInt(r.N, 10))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(uid, gid)}
		return a.run(ctx, cmd, path, nil, r)
	}
	return Append(ctx, path, env.Sender, r)
}

// Locking waits for others this long, and takes a lock file that nobody has
// touched for longer than staleLock for a leftover.
const (
	lockWait  = 30 * time.Second
	staleLock = 10 * time.Minute
)

// Append adds a message to an mbox in the form called mboxrd: a From line, the
// message with > before each of its own, an empty line. It takes both locks
// that others know, path.lock and flock(2). On an error the file is as it was.
func Append(ctx context.Context, path, sender string, r io.Reader) (err error) {
	defer func() {
		if err != nil {
			err = sysexits.Wrap(sysexits.TempFail, fmt.Errorf("append to %s: %w", path, err))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err := dotLock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return errors.New("not a plain file")
	}
	if err := waitFor(ctx, func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }, syscall.EWOULDBLOCK); err != nil {
		return err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if err = writeMbox(f, sender, r); err == nil {
		err = f.Sync()
	}
	if err != nil {
		f.Truncate(end)
	}
	return err
}

func writeMbox(f io.Writer, sender string, r io.Reader) error {
	if sender == "" {
		sender = "MAILER-DAEMON"
	}
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "From %s %s\n", strings.Map(noSpace, sender), time.Now().UTC().Format(time.ANSIC))
	br := bufio.NewReaderSize(r, 64<<10)
	begin, last := true, byte('\n')
	for {
		line, err := br.ReadSlice('\n')
		if begin && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
			w.WriteByte('>')
		}
		if len(line) > 0 {
			last = line[len(line)-1]
		}
		w.Write(line)
		begin = err == nil
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
	if last != '\n' {
		w.WriteByte('\n')
	}
	w.WriteByte('\n')
	return w.Flush()
}

func noSpace(r rune) rune {
	if r <= ' ' || r == 0x7f {
		return '_'
	}
	return r
}

// dotLock makes the lock file that other writers of an mbox look for.
func dotLock(ctx context.Context, path string) (unlock func(), err error) {
	err = waitFor(ctx, func() error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			fmt.Fprintf(f, "%d\n", os.Getpid())
			return f.Close()
		}
		if fi, err := os.Lstat(path); err == nil && time.Since(fi.ModTime()) > staleLock {
			os.Remove(path)
		}
		return err
	}, fs.ErrExist)
	return func() { os.Remove(path) }, err
}

// waitFor repeats do while it says busy.
func waitFor(ctx context.Context, do func() error, busy error) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := do()
		if !errors.Is(err, busy) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("locked by another program: %w", err)
		case <-time.After(pause):
		}
	}
}
