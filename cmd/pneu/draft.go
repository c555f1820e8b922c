package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/conf"
	"pneu/cmd/internal/person"
	"pneu/maildir"
	"pneu/maildir/address"
	"pneu/maildir/compose"
	"pneu/maildir/journal"
	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/mta/sysexits"
)

// maxBody bounds what --body-file reads.
const maxBody = 16 << 20

// A writing is one run of new, reply, forward or bounce: what they have in common is that
// a message comes out, which is kept as a draft or goes into the queue.
type writing struct {
	t     *tool
	me    []message.Addr
	body  *string // of --body-file
	sign  string
	many  bool // messages are named on a pipe: one that fails does not end the rest
	now   time.Time
	batch *journal.Batch
}

// writeFlags are those of every verb that writes a message.
func writeFlags(more ...cli.Flag) []cli.Flag {
	return append(outputFlags(maildirFlag(),
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "make nothing, print the message that would be made"},
		&cli.StringFlag{Name: "from", Aliases: []string{"f"}, Usage: "write as `ADDRESS`"},
		&cli.StringSliceFlag{Name: "to", Aliases: []string{"t"}, Usage: "write also to `ADDRESS`"},
		&cli.StringSliceFlag{Name: "cc", Usage: "a copy to `ADDRESS`"},
		&cli.StringSliceFlag{Name: "bcc", Usage: "a copy to `ADDRESS`, of which the others see nothing"},
		&cli.BoolFlag{Name: "send", Usage: "put it into the queue, and a copy into Sent"},
		&cli.StringFlag{Name: "draft", Usage: "keep it in `FOLDER` instead of Drafts"},
	), more...)
}

// textFlags are those of the verbs whose message has a text to write.
func textFlags(more ...cli.Flag) []cli.Flag {
	return writeFlags(append([]cli.Flag{
		&cli.StringFlag{Name: "subject", Aliases: []string{"s"}, Usage: "the `SUBJECT`"},
		&cli.StringFlag{Name: "body-file", Usage: "take the text from `FILE`; - is standard input"},
		&cli.StringSliceFlag{Name: "attach", Aliases: []string{"a"}, Usage: "attach `FILE`"},
		&cli.StringSliceFlag{Name: "header", Aliases: []string{"H"}, Usage: "add the field `'NAME: VALUE'`"},
		&cli.BoolFlag{Name: "edit", Aliases: []string{"e"}, Usage: "open it in $VISUAL or $EDITOR first"},
	}, more...)...)
}

// write prepares a run and ends its action in the journal.
func write(t *tool, what string, f func(*writing) error) error {
	w := &writing{t: t, now: time.Now(), many: t.c.NArg() != 1}
	file, err := configuration()
	if err != nil {
		return err
	}
	w.me = person.Addresses(t.c.String("from"), file)
	if root, err := t.root(); err == nil && !t.c.IsSet("from") {
		if a := person.Owner(person.Accounts(file), root); a != "" {
			w.me = append([]message.Addr{{Addr: a}}, w.me...)
		}
	}
	w.sign = person.Signature()
	if t.c.IsSet("body-file") {
		if err := w.readBody(t.c.String("body-file")); err != nil {
			return err
		}
	}
	if t.c.Bool("send") && t.c.IsSet("draft") {
		return boot.Usage("choose one of --send and --draft")
	}
	if t.c.Bool("dry-run") {
		return f(w)
	}
	j, err := openJournal(true)
	if err != nil {
		return err
	}
	defer j.Close()
	w.batch = j.Begin("cli", what)
	err = f(w)
	if cerr := w.batch.Commit(); err == nil {
		err = cerr
	}
	return err
}

// configuration reads the system's settings; mail is written without any, too.
func configuration() (*conf.File, error) {
	path, err := conf.Find("")
	if errors.Is(err, conf.ErrNone) {
		return conf.Default(), nil
	} else if err != nil {
		return nil, err
	}
	return conf.Load(path, "", nil)
}

func (w *writing) readBody(name string) error {
	r := w.t.in
	if name == "-" {
		if file, ok := r.(*os.File); ok && isTerminal(file) {
			return boot.Usage("--body-file -: pipe the text in")
		}
	} else {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		r = file
	}
	b, err := io.ReadAll(io.LimitReader(w.t.reading(r), maxBody+1))
	if err != nil {
		return fmt.Errorf("read the text: %w", err)
	}
	if len(b) > maxBody {
		return sysexits.New(sysexits.Data, "the text is longer than 16 MB: attach it")
	}
	s := strings.ReplaceAll(strings.ToValidUTF8(string(b), "\ufffd"), "\r\n", "\n")
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	w.body = &s
	return nil
}

// messages walks over what is answered or passed on; stdin cannot hold both them and the text.
func (w *writing) messages(f func(*msg) error) error {
	if w.t.c.NArg() == 0 && w.t.c.String("body-file") == "-" {
		return boot.Usage("standard input holds the text: name the messages")
	}
	return w.t.each(w.t.c.Args().Slice(), current, f)
}

func (w *writing) mine() []string {
	out := make([]string, len(w.me))
	for i, a := range w.me {
		out[i] = a.Addr
	}
	return out
}

// options are how answers are made; the signature is put below what is written, not below
// what is quoted.
func (w *writing) options() compose.Options {
	opt := compose.Options{Location: w.now.Location()}
	if w.t.c.IsSet("from") && len(w.me) > 0 {
		opt.From = w.me[0]
	}
	return opt
}

func (w *writing) signature() string {
	if w.sign == "" {
		return ""
	}
	return "\n-- \n" + w.sign + "\n"
}

// fill puts the options of the command line into a draft.
func (w *writing) fill(d *compose.Draft) error {
	c := w.t.c
	if d.From.Addr == "" && len(w.me) > 0 {
		d.From = w.me[0]
	}
	for _, a := range w.me { // an answer knows the address it came to, not whose it is
		if d.From.Name == "" && strings.EqualFold(a.Addr, d.From.Addr) {
			d.From.Name = a.Name
		}
	}
	for _, l := range []struct {
		name string
		to   *[]message.Addr
	}{{"to", &d.To}, {"cc", &d.Cc}, {"bcc", &d.Bcc}} {
		more, err := typedAddrs(c.StringSlice(l.name))
		if err != nil {
			return boot.Usage("--" + l.name + ": " + err.Error())
		}
		*l.to = append(*l.to, more...)
	}
	if c.IsSet("subject") {
		d.Subject = c.String("subject")
	}
	for _, path := range c.StringSlice("attach") {
		if st, err := os.Stat(path); err != nil {
			return err
		} else if !st.Mode().IsRegular() {
			return sysexits.New(sysexits.NoInput, "attach "+path+": no plain file")
		}
		d.Attachments = append(d.Attachments, compose.Attachment{Path: path})
	}
	for _, h := range c.StringSlice("header") {
		name, _, ok := strings.Cut(h, ":")
		more, errs := compose.ParseText([]byte(h + "\n\n"))
		if !ok || len(errs) > 0 || len(more.Extra) != 1 {
			return boot.Usage(fmt.Sprintf("--header %q: no field to set so (Name: value)", strings.TrimSpace(name)))
		}
		d.Extra = append(d.Extra, more.Extra[0])
	}
	return nil
}

// typedAddrs reads what an option says; a list with commas is several.
func typedAddrs(values []string) ([]message.Addr, error) {
	var out []message.Addr
	for _, v := range values {
		list := address.ParseList(v)
		if len(list) == 0 {
			return nil, fmt.Errorf("%q is no address", v)
		}
		for _, a := range list {
			full := a.Addr
			if full != "" && !strings.Contains(full, "@") {
				full += "@localhost" // somebody here
			}
			if err := address.Valid(full, true); err != nil {
				return nil, fmt.Errorf("%q: %w", v, err)
			}
			out = append(out, message.Addr{Name: message.DecodeWords(a.Name), Addr: a.Addr})
		}
	}
	return out, nil
}

// An origin is what was answered or passed on, and the flag that says so.
type origin struct {
	list []*msg
	flag maildir.Flags
}

// finish edits a draft if that is wanted and puts it where it belongs.
func (w *writing) finish(d compose.Draft, o origin) error {
	if w.t.c.Bool("edit") {
		var err error
		if d, err = w.editDraft(d); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	id := compose.NewID(w.now, d.From.Addr)
	if err := d.WriteDraft(&b, w.now, id); err != nil {
		return sysexits.Wrap(sysexits.Data, err)
	}
	if !w.t.c.Bool("send") {
		return w.keep(b.Bytes(), o)
	}
	rcpts := d.Recipients()
	if len(rcpts) == 0 {
		return sysexits.New(sysexits.Data, "nobody to send it to: say --to")
	}
	kept := bytes.Clone(b.Bytes()) // the copy for oneself names the blind recipients
	b.Reset()
	if err := d.Write(&b, w.now, id); err != nil {
		return sysexits.Wrap(sysexits.Data, err)
	}
	return w.submit(b.Bytes(), kept, d.From.Addr, rcpts, o)
}

// keep files a draft and prints its path.
func (w *writing) keep(raw []byte, o origin) error {
	if w.batch == nil {
		return w.show(raw)
	}
	m, err := w.file(raw, "Drafts", w.t.c.String("draft"), "DS", o)
	if err != nil {
		return err
	}
	return w.t.emit(m, "draft")
}

// show is what a dry run prints: the message, clean where a person reads it.
func (w *writing) show(raw []byte) error {
	text := string(raw)
	if w.t.tty {
		text = safe.Body(text).String()
	}
	w.t.out.WriteString(text)
	return w.t.wrote()
}

// file puts a message into the folder of that name, else into the one that has the role, in
// the tree of what it answers.
func (w *writing) file(raw []byte, role, name string, flags maildir.Flags, o origin) (*msg, error) {
	var s *maildir.Store
	if len(o.list) > 0 && o.list[0].f != nil && !w.t.c.IsSet("maildir") {
		s = o.list[0].f.Store()
	}
	if s == nil {
		var err error
		if s, err = w.t.tree(); err != nil {
			return nil, err
		}
	}
	if name == "" {
		name = maildir.SpecialFolder(s, role)
	}
	f, err := w.batch.CreateFolder(s, name)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", name, err)
	}
	e, err := w.batch.Deliver(f, maildir.Delivery{Flags: flags, Time: w.now, Cur: true}, bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", name, err)
	}
	return &msg{path: f.File(e), f: f, e: e}, nil
}

// submit puts a message into the queue, then does what is of use afterwards and cannot
// undo that: a copy in Sent (unless kept is nil), the flags of what it answers.
func (w *writing) submit(raw, kept []byte, from string, rcpts []string, o origin) error {
	if w.batch == nil {
		return w.show(raw)
	}
	id, err := w.t.queue(raw, from, rcpts)
	if err != nil {
		return err
	}
	path := ""
	if kept != nil {
		if m, err := w.file(kept, "Sent", "", "S", o); err != nil {
			w.t.fail(id, fmt.Errorf("sent, but no copy is kept: %w", err))
		} else {
			path = m.path
		}
	}
	for _, m := range o.list {
		if m.f == nil || o.flag == "" {
			continue
		}
		if e, err := w.batch.SetFlags(m.f, m.e, o.flag, ""); err != nil {
			w.t.fail(m.path, fmt.Errorf("sent, but not marked so: %w", err))
		} else {
			m.became(m.f, e)
		}
	}
	return w.t.emitSent(path, id)
}

// queue gives a message to sendmail and returns its id there, empty if it is not ours.
func (t *tool) queue(raw []byte, from string, rcpts []string) (string, error) {
	args := []string{"-oi"}
	if from != "" {
		args = append(args, "-f", from)
	}
	sendmail, ours, err := beside("sendmail")
	if err != nil {
		return "", err
	}
	if ours {
		args = append(args, "--print-id")
	}
	return t.handOver(sendmail, append(append(args, "--"), rcpts...), bytes.NewReader(raw))
}

// emitSent prints the queue's id of a message that was sent.
func (t *tool) emitSent(path, id string) error {
	switch t.form {
	case formJSON:
		b, err := encode(struct {
			V    int    `json:"v"`
			Path string `json:"path"`
			ID   string `json:"id"`
			Op   string `json:"op"`
		}{1, path, id, "send"})
		if err != nil {
			return err
		}
		t.out.Write(b)
	case formNull:
		t.out.WriteString(id + "\x00")
	default:
		if id != "" {
			fmt.Fprintln(t.out, safe.Line(id))
		}
	}
	return t.wrote()
}

// one reports what is wrong with one message where there are more to do.
func (w *writing) one(m *msg, err error) error {
	var code *sysexits.Error
	switch {
	case err == nil:
		return nil
	case !w.many || errors.As(err, &code) && slices.Contains([]int{sysexits.Usage, sysexits.Unavailable, sysexits.NoPerm, sysexits.Config}, code.Code):
		return err
	}
	w.t.fail(m.path, err)
	return nil
}

// editDraft lets the person change a draft. What cannot be read afterwards stays where it was edited.
func (w *writing) editDraft(d compose.Draft) (compose.Draft, error) {
	path, text, err := w.t.edit("pneu-*.eml", d.Text())
	if err != nil {
		return d, err
	}
	d, errs := d.Edit(text)
	if len(errs) > 0 {
		return d, sysexits.New(sysexits.Data, fmt.Sprintf("%v (what was written is in %s)", errs[0], path))
	}
	return d, os.Remove(path)
}

// edit opens text in the person's editor and returns what it left, and in which file.
func (t *tool) edit(pattern string, text []byte) (path string, after []byte, err error) {
	editor := os.Getenv("VISUAL")
	for _, name := range []string{os.Getenv("EDITOR"), "sensible-editor", "vi", "nano"} {
		if editor == "" && name != "" {
			if _, err := exec.LookPath(strings.Fields(name)[0]); err == nil || name == os.Getenv("EDITOR") {
				editor = name
			}
		}
	}
	if editor == "" {
		return "", nil, sysexits.New(sysexits.Unavailable, "no editor: set EDITOR")
	}
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return "", nil, sysexits.Wrap(sysexits.CantCreate, err)
	}
	path = f.Name()
	_, err = f.Write(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(path)
		return "", nil, sysexits.Wrap(sysexits.CantCreate, err)
	}
	t.out.Flush()
	cmd := exec.CommandContext(t.c.Context, "sh", "-c", editor+` "$1"`, "editor", path)
	// Standard input and output may be pipes of the line this verb stands in.
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		defer tty.Close()
		cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, os.Stderr
	} else {
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	}
	if err := cmd.Run(); err != nil {
		os.Remove(path)
		return "", nil, sysexits.New(sysexits.TempFail, fmt.Sprintf("editor %s: %v; nothing was made", editor, err))
	}
	if after, err = os.ReadFile(path); err != nil {
		return "", nil, err
	}
	return path, after, nil
}
