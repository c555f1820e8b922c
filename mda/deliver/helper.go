package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pneu/mta/sysexits"
)

// putAs files r as another user: root never writes into a folder that somebody
// else could have filled with links. The work is done by the deliver program,
// started as that user.
func (a *Agent) putAs(ctx context.Context, box Mailbox, uid, gid int, r *io.LimitedReader) error {
	if a.opt.Helper == "" {
		return sysexits.New(sysexits.Config, "deliver "+box.Maildir+": running as root without the deliver program beside this one, which would write as the mailbox's owner")
	}
	cmd := exec.Command(a.opt.Helper, append(box.Args(), "--size", strconv.FormatInt(r.N, 10))...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(uid, gid)}
	return a.run(ctx, cmd, box.Maildir, nil, r)
}

func credential(uid, gid int) *syscall.Credential {
	if gid < 0 {
		gid = uid
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{uint32(gid)}}
}

// Args spells the mailbox as options of the deliver program.
func (b Mailbox) Args() []string {
	args := []string{"--maildir", b.Maildir}
	add := func(name, value string) {
		if value != "" {
			args = append(args, "--"+name, value)
		}
	}
	add("home", b.Home)
	add("folder", b.Folder)
	add("name", b.Name)
	if !b.Arrived.IsZero() {
		add("arrived", b.Arrived.UTC().Format(time.RFC3339Nano))
	}
	if b.Quota > 0 {
		add("quota", strconv.FormatInt(b.Quota, 10))
	}
	for name, on := range map[string]bool{"create-folder": b.CreateFolder, "first": b.First, "reject": b.Reject, "strict": b.Strict, "no-index": b.NoIndex} {
		if on {
			args = append(args, "--"+name)
		}
	}
	return args
}

// run runs a program with the message on its standard input and makes an error
// of how it ended: its exit code, and what it printed.
func (a *Agent) run(ctx context.Context, cmd *exec.Cmd, name string, env []string, r io.Reader) error {
	var said printed
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, &said, &said
	cmd.Dir = "/"
	cmd.Env = append([]string{"PATH=" + a.opt.Path, "LC_ALL=C.UTF-8"}, env...)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.WaitDelay = 5 * time.Second // for children that keep our pipes open
	if err := cmd.Start(); err != nil {
		return sysexits.Wrap(sysexits.TempFail, fmt.Errorf("run %s: %w", name, err))
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	timer := time.NewTimer(a.opt.CommandTimeout)
	defer timer.Stop()
	var err error
	why := ""
	select {
	case err = <-ended:
	case <-timer.C:
		why = "took longer than " + a.opt.CommandTimeout.String() + " (command_timeout)"
	case <-ctx.Done():
		why = "stopped with us"
	}
	if why != "" {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group: a shell has children
		<-ended
		return sysexits.New(sysexits.TempFail, name+": "+why)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well; what it left running has lost its pipes
	}
	if err == nil {
		return nil
	}
	text := said.line()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return sysexits.Wrap(sysexits.TempFail, fmt.Errorf("run %s: %w", name, err))
	}
	code := exit.ExitCode()
	if text == "" {
		text = exit.Error()
	}
	switch code {
	case sysexits.Usage, sysexits.Data, sysexits.NoInput, sysexits.NoUser, sysexits.NoHost, sysexits.Unavailable,
		sysexits.Software, sysexits.OS, sysexits.OSFile, sysexits.CantCreate, sysexits.IO, sysexits.Protocol,
		sysexits.NoPerm, sysexits.Config:
	default: // 1, 127, a signal: nothing anybody meant to tell us
		code = sysexits.TempFail
	}
	if !strings.Contains(text, name) {
		text = name + ": " + text
	}
	return sysexits.New(code, text)
}

// printed keeps the beginning of what a program prints.
type printed struct{ bytes.Buffer }

func (p *printed) Write(b []byte) (int, error) {
	if room := 1000 - p.Len(); room > 0 {
		p.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

// ReadFrom must not be found in bytes.Buffer, which knows no limit.
func (p *printed) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{p}, r)
}

// line is all of it in one line.
func (p *printed) line() string {
	s := strings.Join(strings.Fields(p.String()), " ")
	return strings.TrimPrefix(s, "deliver: ")
}

// Whole returns r, with an error in place of an end that comes before size
// bytes. A helper whose parent was killed must not take the half it got for
// the message: it would be found under its derived name ever after.
func Whole(r io.Reader, size int64) io.Reader { return &whole{r, size} }

type whole struct {
	r    io.Reader
	left int64
}

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.left -= int64(n)
	if err == io.EOF && w.left > 0 || w.left < 0 {
		err = sysexits.New(sysexits.TempFail, "message is not as long as --size says")
	}
	return n, err
}
