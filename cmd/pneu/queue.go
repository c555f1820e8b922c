package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"pneu/cmd/internal/boot"
	"pneu/maildir/safe"
	"pneu/mta/queue"
	"pneu/mta/sysexits"
)

func queueVerb() *cli.Command {
	filters := []cli.Flag{
		&cli.StringSliceFlag{Name: "to", Usage: "messages with a recipient like `PATTERN` (address, domain, *) still waiting"},
		&cli.StringSliceFlag{Name: "from", Usage: "messages from a sender like `PATTERN`; <> is the null sender"},
		&cli.StringSliceFlag{Name: "state", Usage: "messages in `STATE`: queued, deferred, held, active, failed"},
		&cli.StringFlag{Name: "older", Usage: "messages that came more than `TIME` ago: 90m, 2h, 3d"},
	}
	with := func(more ...cli.Flag) []cli.Flag { return outputFlags(append(slices.Clone(filters), more...)...) }
	all := &cli.BoolFlag{Name: "all", Usage: "every message"}
	dry := dryFlag()
	sub := func(name, usage string, do func(*spool) error, more ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, ArgsUsage: "[ID...]", Flags: with(more...), Action: verb(func(t *tool) error { return queued(t, do) })}
	}
	return &cli.Command{
		Name: "queue", Usage: "list and change the mail that waits to be sent", ArgsUsage: "[list|try|hold|release|cancel|edit|watch] [OPTION...] [ID...]",
		Flags: with(),
		Subcommands: []*cli.Command{
			sub("list", "print the messages", (*spool).list),
			sub("try", "try them now, whatever was planned", func(s *spool) error { return s.change("try") }, all, dry),
			sub("hold", "keep them from being tried", func(s *spool) error { return s.change("hold") }, all, dry),
			sub("release", "let them be tried again", func(s *spool) error { return s.change("release") }, all, dry),
			sub("cancel", "remove them, telling nobody", func(s *spool) error { return s.change("rm") }, all, dry),
			sub("edit", "change a message in $EDITOR, and queue it anew", (*spool).editOne),
			sub("watch", "print what changes, for as long as it runs", (*spool).watch,
				&cli.DurationFlag{Name: "interval", Value: 2 * time.Second, Usage: "look every `DURATION`"}),
		},
		Action: verb(func(t *tool) error { return queued(t, (*spool).list) }),
	}
}

// A spool is the queue as qrun shows it: that program knows the spool's files and is allowed
// to touch them.
type spool struct {
	t    *tool
	qrun string
	args []string // the filters
	ids  []string // named, or read from standard input
}

// A parcel is a message in the queue as JSON has it: the fields of qrun, and whom it waits
// for and what was said last as plain strings, for the shell.
type parcel struct {
	V          int             `json:"v"`
	ID         string          `json:"id"`
	State      string          `json:"state"`
	From       string          `json:"from"`
	To         string          `json:"to"`
	Subject    string          `json:"subject"`
	Last       string          `json:"last"`
	Size       int64           `json:"size"`
	Arrived    string          `json:"arrived"`
	Expires    string          `json:"expires"`
	Next       *string         `json:"next"`
	Attempts   int             `json:"attempts"`
	Auth       string          `json:"auth"`
	Recipients []waiting       `json:"recipients"`
	Notes      json.RawMessage `json:"notes"`
	Op         string          `json:"op,omitempty"`
}

type waiting struct {
	To       string          `json:"to"`
	State    string          `json:"state"`
	Attempts int             `json:"attempts"`
	Next     *string         `json:"next"`
	Last     json.RawMessage `json:"last"`
}

// queued finds qrun and the ids, and does something with the messages.
func queued(t *tool, do func(*spool) error) error {
	s := &spool{t: t, ids: t.c.Args().Slice()}
	var err error
	if s.qrun, _, err = beside("qrun"); err != nil {
		return err
	}
	for _, f := range []string{"to", "from", "state"} {
		for _, v := range t.c.StringSlice(f) {
			s.args = append(s.args, "--"+f, v)
		}
	}
	if o := t.c.String("older"); o != "" {
		s.args = append(s.args, "--older", o)
	}
	name := t.c.Command.Name
	if file, ok := t.in.(*os.File); len(s.ids)+len(s.args) == 0 && name != "queue" && name != "list" && name != "watch" && !t.c.Bool("all") {
		if st, err := file.Stat(); ok && (err != nil || st.Mode()&os.ModeCharDevice != 0) {
			return boot.Usage("which messages? Name ids, filters or --all, or pipe ids in")
		}
		if s.ids, err = readIDs(t.reading(t.in)); err != nil {
			return err
		}
		if len(s.ids) == 0 {
			return nil // as with every filter: nothing in, nothing out
		}
	}
	for _, id := range s.ids {
		if !queue.ValidID(id) {
			return boot.Usage(fmt.Sprintf("%q is no id of the queue", id))
		}
	}
	return do(s)
}

// maxIDs bounds what is read from standard input.
const maxIDs = 64 << 20

// readIDs reads ids in one of the three forms: ended by NUL, JSON objects with a field "id",
// or lines.
func readIDs(r io.Reader) ([]string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxIDs))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	var ids []string
	if t := bytes.TrimLeft(b, " \r\n"); len(t) > 0 && t[0] == '{' {
		for d := json.NewDecoder(bytes.NewReader(t)); ; {
			var o struct{ ID *string }
			if err := d.Decode(&o); err == io.EOF {
				return ids, nil
			} else if err != nil || o.ID == nil {
				return nil, sysexits.New(sysexits.Data, "standard input: no JSON object with an id")
			}
			ids = append(ids, *o.ID)
		}
	}
	end := "\n"
	if bytes.IndexByte(b, 0) >= 0 {
		end = "\x00"
	}
	for id := range strings.SplitSeq(string(b), end) {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// run runs qrun and returns what it printed; what it said on standard error is the error,
// its exit code the error's.
func (s *spool) run(args ...string) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(s.t.c.Context, s.qrun, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err == nil {
		return out.Bytes(), nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() < 1 {
		return out.Bytes(), sysexits.Wrap(sysexits.TempFail, fmt.Errorf("qrun: %w", err))
	}
	why := strings.ReplaceAll(strings.TrimSpace(errs.String()), "qrun: ", "")
	code := exit.ExitCode()
	if code == sysexits.Usage {
		code = exitUsage
	}
	return out.Bytes(), sysexits.New(code, why)
}

// read lists messages: those the filters choose, or those with these ids.
func (s *spool) read(filters, ids []string) ([]*parcel, error) {
	args := append([]string{"list", "--json"}, filters...)
	out, err := s.run(append(append(args, "--"), ids...)...)
	var list []*parcel
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &parcel{V: 1}
		if derr := d.Decode(p); derr == io.EOF {
			break
		} else if derr != nil {
			return nil, sysexits.Wrap(sysexits.Protocol, fmt.Errorf("qrun list: %w", derr))
		}
		p.summarise()
		list = append(list, p)
	}
	var code *sysexits.Error
	if errors.As(err, &code) && code.Code == exitNothing {
		if text := code.Error(); text != "" {
			for line := range strings.Lines(text) {
				s.t.failed++
				s.t.why = exitNothing
				s.t.note("%s", strings.TrimSpace(line))
			}
		}
		err = nil
	}
	return list, err
}

// summarise says in one string each whom the message waits for and what was said last.
func (p *parcel) summarise() {
	var to, all []string
	var newest time.Time
	for _, r := range p.Recipients {
		all = append(all, r.To)
		if r.State == "pending" || r.State == "deferred" {
			to = append(to, r.To)
		}
		var a struct {
			Time           time.Time
			Host, IP       string
			Code           int
			Enhanced, Text string
		}
		if json.Unmarshal(r.Last, &a) != nil || a.Time.IsZero() || a.Time.Before(newest) {
			continue
		}
		newest = a.Time
		p.Last = ""
		if a.Host != "" {
			p.Last = a.Host + ": "
		}
		if a.Code != 0 {
			p.Last += fmt.Sprint(a.Code) + " "
		}
		if a.Enhanced != "" {
			p.Last += a.Enhanced + " "
		}
		p.Last += a.Text
	}
	if len(to) == 0 {
		to = all
	}
	p.To = strings.Join(to, ", ")
}

func (s *spool) list() error {
	if s.t.tty && s.t.form == formPath {
		out, err := s.run(append(append(append([]string{"list"}, s.args...), "--"), s.ids...)...)
		s.t.out.Write(out)
		s.t.printed++
		return err
	}
	list, err := s.read(s.args, s.ids)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := s.emit(p, ""); err != nil {
			return err
		}
	}
	if len(list) == 0 && len(s.args)+len(s.ids) == 0 && s.t.failed == 0 {
		s.t.printed++ // that nothing waits is an answer, as mailq gives it
	}
	return nil
}

// emit prints a message in the form that was asked for; to people, a line that says how it is.
func (s *spool) emit(p *parcel, op string) error {
	p.Op = op
	t := s.t
	switch t.form {
	case formJSON:
		b, err := encode(p)
		if err != nil {
			return err
		}
		t.out.Write(b)
	case formTemplate:
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		m := map[string]any{"op": ""}
		if err := json.Unmarshal(b, &m); err != nil {
			return err
		}
		m["size"] = p.Size
		var line strings.Builder
		if err := t.tmpl.Execute(&line, cleaned(m)); err != nil {
			return boot.Usage("--format: " + explain(err))
		}
		fmt.Fprintln(t.out, line.String())
	case formNull:
		t.out.WriteString(p.ID + "\x00")
	default:
		t.out.WriteString(p.ID)
		if t.tty {
			fmt.Fprintf(t.out, "  %-8s  %s  %s", p.State, safe.Line(p.To), safe.Line(p.Last))
		}
		t.out.WriteByte('\n')
	}
	return t.wrote()
}

// change has qrun do something with the messages and prints how each is afterwards.
func (s *spool) change(what string) error {
	list, err := s.read(s.args, s.ids)
	if err != nil || len(list) == 0 {
		return err
	}
	op := what
	if what == "rm" {
		op = "cancel"
	}
	if s.t.c.Bool("dry-run") {
		for _, p := range list {
			if s.t.form == formPath {
				s.t.note("would %s %s to %s", op, p.ID, p.To)
			}
			if err := s.emit(p, op); err != nil {
				return err
			}
		}
		return nil
	}
	var ids []string
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	_, failure := s.run(append([]string{what, "--"}, ids...)...)
	var code *sysexits.Error
	if failure != nil && !errors.As(failure, &code) {
		return failure
	}
	after, err := s.read(nil, nil) // all: an id that has gone is no error here
	if err != nil {
		return err
	}
	for _, p := range list {
		i := slices.IndexFunc(after, func(a *parcel) bool { return a.ID == p.ID })
		done := true
		switch {
		case i < 0 && what == "rm":
			p.State, p.Next = "removed", nil
		case i < 0:
			p.State, p.Next = "done", nil
		default:
			p = after[i]
			held := p.State == string(queue.Held)
			done = what == "try" || what == "hold" && held || what == "release" && !held
		}
		if !done {
			continue // qrun said why
		}
		if err := s.emit(p, op); err != nil {
			return err
		}
	}
	if failure != nil && s.t.printed == 0 {
		return failure
	}
	if failure != nil {
		s.t.failed++
		s.t.why = exitNothing
		s.t.note("%v", failure)
	}
	return nil
}

// editOne lets the person change a message: it is held meanwhile, what was made of it goes
// into the queue to those who have not got it yet, and only then is the old one removed.
func (s *spool) editOne() error {
	list, err := s.read(s.args, s.ids)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return boot.Usage(fmt.Sprintf("edit wants one message, not %d", len(list)))
	}
	p := list[0]
	var to []string
	for _, r := range p.Recipients {
		if r.State == "pending" || r.State == "deferred" {
			to = append(to, r.To)
		}
	}
	held := p.State == string(queue.Held)
	if !held {
		if _, err := s.run("hold", "--", p.ID); err != nil {
			return err
		}
	}
	id, err := s.edited(p, to)
	if err != nil {
		if !held {
			if _, rerr := s.run("release", "--", p.ID); rerr != nil {
				s.t.note("%s is still held: %v", p.ID, rerr)
			}
		}
		return err
	}
	if _, err := s.run("rm", "--", p.ID); err != nil {
		return fmt.Errorf("%s is in the queue, but the old %s is still held: %w", id, p.ID, err)
	}
	now, err := s.read(nil, []string{id})
	if err != nil || len(now) != 1 {
		now = []*parcel{{V: 1, ID: id, State: "queued", From: p.From, To: strings.Join(to, ", "), Notes: json.RawMessage("[]")}}
	}
	return s.emit(now[0], "edit")
}

func (s *spool) edited(p *parcel, to []string) (string, error) {
	raw, err := s.run("show", "--raw", "--", p.ID)
	if err != nil {
		return "", err
	}
	path, after, err := s.t.edit("pneu-queue-*.eml", raw)
	if err != nil {
		return "", err
	}
	if bytes.Equal(raw, after) {
		os.Remove(path)
		return "", sysexits.New(exitNothing, p.ID+": not changed")
	}
	from := p.From
	if from == "" {
		from = "<>"
	}
	id, err := s.t.queue(after, from, to)
	if err == nil && id == "" {
		err = errors.New("sendmail took the message, but named no id")
	}
	if err != nil {
		return "", fmt.Errorf("%w (what was written is in %s)", err, path)
	}
	return id, os.Remove(path)
}

// watch prints the messages there are, then each change of one, until it is told to end.
func (s *spool) watch() error {
	every := s.t.c.Duration("interval")
	if every < 10*time.Millisecond {
		return boot.Usage("--interval wants 10ms at least")
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	s.t.printed++ // that nothing changed is no failure
	seen := map[string]*parcel{}
	for first := true; ; first = false {
		list, err := s.read(s.args, nil)
		if s.t.c.Context.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if len(s.ids) > 0 { // one that has gone is no error here
			list = slices.DeleteFunc(list, func(p *parcel) bool { return !slices.Contains(s.ids, p.ID) })
		}
		now := map[string]*parcel{}
		for _, p := range list {
			now[p.ID] = p
			old := seen[p.ID]
			op := "changed"
			switch {
			case first:
				op = "present"
			case old == nil:
				op = "new"
			case old.State == p.State && old.To == p.To && old.Last == p.Last && old.Attempts == p.Attempts:
				continue
			}
			if err := s.emit(p, op); err != nil {
				return err
			}
		}
		for id, p := range seen {
			if now[id] == nil {
				p.State, p.Next = "gone", nil
				if err := s.emit(p, "gone"); err != nil {
					return err
				}
			}
		}
		if err := s.t.out.Flush(); err != nil {
			return err
		}
		seen = now
		select {
		case <-s.t.c.Context.Done():
			return nil
		case <-tick.C:
		}
		if s.t.readerGone() {
			return nil
		}
	}
}

// readerGone reports whether nobody reads our output any more; a write would say so, but
// there may be nothing to write for days.
func (t *tool) readerGone() bool {
	f, ok := t.c.App.Writer.(*os.File)
	if !ok {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(f.Fd())}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}
