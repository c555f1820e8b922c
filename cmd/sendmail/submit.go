package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pneu/cmd/internal/conf/brief"
	"pneu/maildir/address"
	"pneu/mta/queue"
	"pneu/mta/submit"
	"pneu/mta/sysexits"
)

// A job is one message on its way into the spool.
type job struct {
	o     *options
	conf  *brief.File
	spool *queue.Spool
	in    *bufio.Reader
	head  *submit.Head
	now   time.Time
	user  user
	id    string
	taken bool // some of the body was read
}

func submitMessage(o *options) error {
	j := &job{o: o, now: time.Now()}
	var in io.Reader = stdin{}
	if !o.ignoreDots {
		in = submit.NewDotReader(in)
	}
	j.in = bufio.NewReaderSize(in, 16<<10)
	if err := j.open(); err != nil {
		return j.keep(err)
	}
	sender, err := j.sender()
	if err != nil {
		return j.keep(err)
	}
	if _, err := j.in.Peek(1); err == io.EOF {
		// Postfix sends a message without a word. It is nearly always a pipe whose
		// first program failed, and then somebody wants to know.
		return sysexits.New(sysexits.Data, "nothing on standard input: no message was sent")
	}
	j.id = queue.NewID(j.now)
	j.head, err = submit.Read(j.in, submit.Options{
		Recipients: o.fromHeader, AddMissing: true,
		From: j.from(sender), FullName: j.fullName(), Hostname: j.conf.Hostname, ID: j.id, Now: j.now,
		Received: "by " + j.conf.Hostname + " (pneu, from uid " + strconv.Itoa(syscall.Getuid()) + ")\n\tid " + j.id + "; " + submit.Date(j.now.UTC()), // the zone would be a file to read
	})
	if err != nil {
		return j.keep(err)
	}
	rcpts, err := j.recipients()
	if err != nil {
		return j.keep(err)
	}
	env := &queue.Envelope{
		ID: j.id, Sender: sender, Client: "uid " + strconv.Itoa(syscall.Getuid()),
		Ret: o.ret, EnvID: o.envid, Arrived: j.now, Recipients: rcpts,
		EightBit: j.head.EightBit, UTF8: j.head.UTF8 || notASCII(sender),
	}
	for _, r := range rcpts {
		env.UTF8 = env.UTF8 || notASCII(r.Addr)
	}
	if err := j.accept(env); err != nil {
		return j.keep(err)
	}
	if o.printID {
		if _, err := os.Stdout.WriteString(env.ID + "\n"); err != nil {
			return err
		}
	}
	if o.verbose {
		os.Stderr.WriteString("queued as " + env.ID + " for " + strconv.Itoa(len(rcpts)) + " recipients\n")
	}
	return nil
}

// stdin is the standard input, read without a poller.
type stdin struct{}

func (stdin) Read(p []byte) (int, error) {
	for {
		switch n, err := syscall.Read(0, p); {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN: // someone else made it non-blocking
			time.Sleep(time.Millisecond)
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// open reads the configuration and opens the spool.
func (j *job) open() error {
	path, err := brief.Find(j.o.config)
	if err == nil && path != brief.DefaultPath {
		err = giveUpGroup() // the caller chose what it says
	}
	if err != nil {
		return err
	}
	if j.conf, err = brief.Load(path); err != nil {
		return err
	}
	j.spool, err = queue.Open(queue.Options{Dir: j.conf.Spool})
	return err
}

// accept streams the message into the spool.
func (j *job) accept(env *queue.Envelope) (err error) {
	begin := j.spool.Accept
	if !j.spool.Own() {
		begin = j.spool.Drop
	}
	d, err := begin(env)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = j.rescue(d, err)
			d.Abort() // nothing half written stays
		}
	}()
	if _, err := j.head.WriteTo(d); err != nil {
		return err
	}
	for {
		if j.in.Buffered() == 0 {
			if _, err := j.in.Peek(1); err == io.EOF {
				break
			} else if err != nil {
				return sysexits.Wrap(sysexits.IO, errors.New("read message: "+err.Error()))
			}
		}
		b, _ := j.in.Peek(j.in.Buffered())
		env.EightBit = env.EightBit || submit.EightBit(b)
		if n, err := d.Write(b); err != nil {
			j.in.Discard(n)
			j.taken = true
			return err
		}
		if d.Size() > j.conf.MessageSize {
			return sysexits.New(sysexits.Data, "message is larger than message_size, "+strconv.FormatInt(j.conf.MessageSize, 10)+" bytes")
		}
		j.in.Discard(len(b))
		j.taken = true
	}
	if err := d.Flush(); err != nil {
		return err
	}
	var notBefore time.Time
	if j.o.holdFor > 0 {
		notBefore = time.Now().Add(j.o.holdFor)
	}
	return d.Commit(notBefore)
}

func notASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return true
		}
	}
	return false
}

// qualify completes a name without a domain and checks the whole.
func (j *job) qualify(addr string) (string, error) {
	if _, domain := address.Split(addr); domain == "" && !strings.HasSuffix(addr, "@") {
		addr += "@" + j.conf.Domains[0]
	}
	if err := address.Valid(addr, true); err != nil {
		return "", sysexits.New(sysexits.Data, "address "+strconv.Quote(short(addr))+": "+err.Error())
	}
	return addr, nil
}

func short(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}

// sender is -f, or the user who called.
func (j *job) sender() (string, error) {
	s := strings.TrimSpace(j.o.sender)
	if j.o.senderSet && (s == "" || s == "<>") {
		return "", nil
	}
	if !j.o.senderSet {
		return j.qualify(j.caller().name)
	}
	list := address.ParseList(s)
	if len(list) != 1 || list[0].Addr == "" {
		return "", sysexits.New(sysexits.Data, "sender "+strconv.Quote(short(s))+" is not one address")
	}
	return j.qualify(list[0].Addr)
}

// from is the address for a From field.
func (j *job) from(sender string) string {
	if sender == "" {
		return "MAILER-DAEMON@" + j.conf.Domains[0]
	}
	return sender
}

// fullName is -F; $NAME, as other sendmails have it; or what /etc/passwd says
// of the caller, if the mail goes out under the caller's name.
func (j *job) fullName() string {
	if j.o.fullName != "" {
		return j.o.fullName
	}
	if name := os.Getenv("NAME"); name != "" {
		return name
	}
	if j.o.senderSet {
		return ""
	}
	return j.caller().fullName
}

// recipients are those of the command line or, with -t, of the header.
func (j *job) recipients() ([]queue.Recipient, error) {
	var list []string
	if j.o.fromHeader {
		list = j.head.Recipients
	} else {
		for _, arg := range j.o.recipients {
			n := len(list)
			if !strings.ContainsAny(arg, ",;:<>()\"\\") && strings.TrimSpace(arg) != "" {
				list = append(list, strings.TrimSpace(arg)) // no header: nothing is guessed
				continue
			}
			all, stray := address.ParseRecipients(arg)
			if stray != "" { // perhaps somebody is meant by it, who would never hear of it
				return nil, sysexits.New(sysexits.Data, "recipient "+strconv.Quote(short(arg))+": "+strconv.Quote(short(stray))+" is no address: a comma may be missing")
			}
			for _, a := range all {
				if a.Addr != "" {
					list = append(list, a.Addr)
				}
			}
			if len(list) == n {
				return nil, sysexits.New(sysexits.Data, "recipient "+strconv.Quote(short(arg))+" is no address")
			}
		}
	}
	seen := map[string]bool{}
	drop := map[string]bool{}
	if j.o.fromHeader { // arguments name whom to leave out
		for _, arg := range j.o.recipients {
			for _, a := range address.ParseList(arg) {
				if addr, err := j.qualify(a.Addr); err == nil {
					drop[addr] = true
				}
			}
		}
	}
	rcpts := make([]queue.Recipient, 0, len(list))
	for _, a := range list {
		addr, err := j.qualify(a)
		if err != nil {
			return nil, err
		}
		if !seen[addr] && !drop[addr] {
			seen[addr] = true
			rcpts = append(rcpts, queue.Recipient{Addr: addr, Notify: j.o.notify})
		}
	}
	switch {
	case len(rcpts) > 0:
		return rcpts, nil
	case j.o.fromHeader:
		return nil, sysexits.New(sysexits.Data, "no recipients in the header")
	}
	return nil, sysexits.New(sysexits.Usage, "no recipients: name some, or take them from the header with -t")
}
