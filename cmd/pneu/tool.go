package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/index"
	"pneu/maildir/safe"
	"pneu/maildir/store"
	"pneu/mta/sysexits"
)

// A tool is one run of a verb: where it reads and writes, in which form, and how it went.
type tool struct {
	c     *cli.Context
	name  string
	in    io.Reader
	out   *bufio.Writer
	errw  io.Writer
	tty   bool // out is a terminal
	form  form
	tmpl  *template.Template
	dirs  map[string]*maildir.Folder // folders met, by path
	store *maildir.Store             // the default tree, once asked for
	stale locator

	stores  map[string]*store.Store // by root
	boxes   map[string]*box         // folders as their indexes have them, by path
	held    []*box                  // those of boxes that are open, the oldest first
	mayOpen int                     // how many may be, once they are several
	turn    int                     // how often input was waited for
	lane    lane
	given   ref    // that is worked on
	one     []byte // for a name
	paths   []string
	files   []string
	found   []index.Found
	finder  *index.Finder
	lean    bool // refs to rows of an index come without their paths
	remarks remarks

	keeper  *keeper         // of keywords that are read
	changes *keeper         // what changes many messages, while they are changed
	indexed map[string]bool // folders that have an index

	interruption interruption

	due     atomic.Bool  // the output is to be handed on
	timer   *time.Timer  // sets due
	idle    func() error // called before more input is waited for
	slow    bool         // it reads messages whole, and nobody sees by the output how far it is
	bar     *progress    // that says so then
	wide    bool         // the pipe that is read was given room
	printed int          // records written
	failed  int          // records that could not be
	why     int          // the exit code that tells why, if all failed alike; else exitNothing
	asked   bool         // messages were named on the command line
}

// A form is how records are written.
type form int

const (
	formPath form = iota
	formNull
	formJSON
	formTemplate
)

// outputFlags are those of every verb that prints records.
func outputFlags(more ...cli.Flag) []cli.Flag {
	return append(more,
		&cli.BoolFlag{Name: "null", Aliases: []string{"0"}, Usage: "print paths that end in NUL"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object a line"},
		&cli.StringFlag{Name: "format", Usage: "print each record by a Go `TEMPLATE`"},
	)
}

func dryFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "change nothing, say what would be done"}
}

func maildirFlag() cli.Flag {
	return &cli.StringFlag{Name: "maildir", Aliases: []string{"M"}, Usage: "use the Maildir at `DIR`"}
}

// verb makes a cli action of what a verb does.
func verb(f func(*tool) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		name := "pneu " + c.Command.Name
		if strings.HasSuffix(c.Command.HelpName, " "+c.Command.Name) {
			name = c.Command.HelpName // with the words between, as in "pneu part get"
		}
		t := &tool{c: c, name: name, in: os.Stdin, errw: c.App.ErrWriter, dirs: map[string]*maildir.Folder{}}
		if c.App.Reader != nil {
			t.in = c.App.Reader
		}
		file, _ := c.App.Writer.(*os.File)
		t.tty = file != nil && isTerminal(file)
		t.out = bufio.NewWriterSize(&outlet{w: c.App.Writer, file: file}, outBuffer)
		if err := t.chooseForm(); err != nil {
			return err
		}
		stop := t.interruption.heed(t.context())
		defer stop()
		err := f(t)
		if t.keeper != nil {
			t.keeper.close()
		}
		t.closeStores()
		if ferr := t.out.Flush(); err == nil && ferr != nil {
			err = ferr
		}
		return t.verdict(err)
	}
}

// verdict is the error that gives the right exit code.
func (t *tool) verdict(err error) error {
	switch {
	case errors.Is(err, syscall.EPIPE):
		return boot.Exit(128 + int(syscall.SIGPIPE))
	case t.cutShort(err):
		return boot.Exit(t.interruption.code())
	case err != nil:
		return withCode(err)
	case t.failed > 0 && t.printed == 0 && (t.asked || t.why != sysexits.NoInput):
		return boot.Exit(t.why)
	case t.failed > 0 || t.printed == 0:
		return boot.Exit(exitNothing)
	}
	return nil
}

// cause is the exit code for a run that did nothing because of errors like this one. What
// is not told apart is "some messages failed". That a message named on a pipe has gone is
// nothing unusual, and verdict makes no more of it.
func cause(err error) int {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, maildir.ErrGone), errors.Is(err, maildir.ErrNoFolder):
		return sysexits.NoInput
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return sysexits.NoPerm
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return sysexits.TempFail
	case errors.Is(err, syscall.EIO):
		return sysexits.IO
	}
	return exitNothing
}

// withCode gives an error its exit code, unless it has one.
func withCode(err error) error {
	var coded *sysexits.Error
	var quiet boot.Exit
	switch {
	case errors.As(err, &coded) || errors.As(err, &quiet):
		return err
	case errors.Is(err, maildir.ErrNoFolder), errors.Is(err, maildir.ErrGone), errors.Is(err, fs.ErrNotExist):
		return sysexits.Wrap(sysexits.NoInput, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return sysexits.Wrap(sysexits.NoPerm, err)
	case errors.Is(err, maildir.ErrName):
		return sysexits.Wrap(sysexits.Usage, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return sysexits.Wrap(sysexits.TempFail, err)
	}
	return sysexits.Wrap(sysexits.IO, err)
}

// contextOf returns the context in which a flag was given: that of the verb, or of the one
// it is part of.
func (t *tool) contextOf(flag string) *cli.Context {
	for _, c := range t.c.Lineage() {
		if c.Command != nil && c.IsSet(flag) {
			return c
		}
	}
	return t.c
}

func (t *tool) chooseForm() error {
	if when := t.c.String("color"); t.c.IsSet("color") && when != "auto" && when != "always" && when != "never" {
		return boot.Usage("--color wants auto, always or never")
	}
	n := 0
	if t.c.Bool("null") {
		t.form = formNull
		n++
	}
	if t.contextOf("json").Bool("json") {
		t.form = formJSON
		n++
	}
	if s := t.c.String("format"); t.c.IsSet("format") {
		var err error
		if t.tmpl, err = parseTemplate(s); err != nil {
			return boot.Usage("--format: " + explain(err))
		}
		t.form = formTemplate
		n++
	}
	if n > 1 {
		return boot.Usage("choose one of -0, --json and --format")
	}
	return nil
}

// emit writes the record of a message.
func (t *tool) emit(m *msg, op string) error {
	switch t.form {
	case formJSON:
		t.names(m)
		r, err := m.record()
		if err != nil {
			t.fail(m.path, err)
			return nil
		}
		r.Op = op
		return t.emitRecord(r)
	case formTemplate:
		t.names(m)
		r, err := m.record()
		if err != nil {
			t.fail(m.path, err)
			return nil
		}
		r.Op = op
		return t.emitTemplate(r)
	}
	return t.emitPath(m.path)
}

func (t *tool) emitRecord(r *record) error {
	if !utf8.ValidString(r.Path) {
		t.fail(r.Path, errNoUTF8)
		return nil
	}
	line, err := encode(r)
	if err != nil {
		return err
	}
	t.out.Write(line)
	return t.wrote()
}

func (t *tool) emitTemplate(r *record) error {
	line, err := execute(t.tmpl, r)
	if mistake(err) {
		return boot.Usage("--format: " + explain(err))
	}
	if err != nil {
		t.fail(r.Path, errors.New("--format: "+explain(err)))
		return nil
	}
	if t.tty {
		line = safe.Body(line).String()
	}
	t.out.WriteString(line)
	t.out.WriteByte('\n')
	return t.wrote()
}

// emitPath writes a path: as it is to a program, cleaned to a terminal.
func (t *tool) emitPath(path string) error {
	switch {
	case t.form == formNull:
		t.out.WriteString(path)
		t.out.WriteByte(0)
	case hasNewline(path):
		t.fail(path, errors.New("its name holds a line end: use -0 or --json"))
		return nil
	case t.tty:
		t.out.WriteString(safe.Path(path).String())
		t.out.WriteByte('\n')
	default:
		t.out.WriteString(path)
		t.out.WriteByte('\n')
	}
	return t.wrote()
}

func hasNewline(s string) bool { return strings.IndexByte(s, '\n') >= 0 }

// holdFor is how long a record may lie in the buffer while the verb has work to do.
const holdFor = 50 * time.Millisecond

// wrote counts a record. It is handed on when the next input has to be waited for (see
// patient), and after holdFor: a write of its own for each would be most of the work, and so
// would be a look at the clock.
func (t *tool) wrote() error {
	t.printed++
	switch {
	case t.timer == nil:
		t.timer = time.AfterFunc(holdFor, func() { t.due.Store(true) })
	case t.due.Load():
		t.due.Store(false)
		t.timer.Reset(holdFor)
		return t.out.Flush()
	}
	_, err := t.out.Write(nil) // the error of an earlier write, if any
	return err
}

// patient is the standard input of a filter: before it waits for more, what was written
// so far is handed on, so that filters behind watch stream.
type patient struct{ t *tool }

// unwritten is an error of the output that the input returns.
type unwritten struct{ error }

func (u unwritten) Unwrap() error { return u.error }

// unread is what is said of an error of the input; code is for those of its own.
func unread(code int, err error) error {
	var u unwritten
	if errors.As(err, &u) {
		return u.error
	}
	return sysexits.Wrap(code, fmt.Errorf("read standard input: %w", err))
}

func (p patient) Read(b []byte) (int, error) {
	file, ok := p.t.in.(*os.File)
	if !ok || !ready(file) {
		if err := p.rest(); err != nil {
			return 0, err
		}
		if ok {
			if err := p.t.await(file); err != nil {
				return 0, err
			}
		}
	}
	p.t.turn++
	n, err := p.t.in.Read(b)
	if n >= outBuffer && !p.t.wide { // whoever writes has more than fits
		p.t.wide = true
		if file, ok := p.t.in.(*os.File); ok {
			widen(file)
		}
	}
	return n, err
}

// rest is done before more input is waited for.
func (p patient) rest() error {
	if p.t.bar != nil {
		p.t.bar.end()
	}
	if p.t.idle != nil {
		if err := p.t.idle(); err != nil {
			return unwritten{err}
		}
	}
	if err := p.t.out.Flush(); err != nil {
		return unwritten{err}
	}
	return nil
}

// outBuffer is how much is written at once; a pipe holds as much, unless it is asked for more.
const outBuffer = 64 << 10

// An outlet is the standard output. A pipe into which a full buffer goes gets room for several,
// so that a long list does not have two programs wait for each other at every page of it.
type outlet struct {
	w    io.Writer
	file *os.File // nil: no file
	wide bool
}

func (o *outlet) Write(b []byte) (int, error) {
	if len(b) >= outBuffer && !o.wide {
		o.wide = true
		if o.file != nil {
			widen(o.file)
		}
	}
	return o.w.Write(b)
}

// fail reports what went wrong with one record; the others go on.
func (t *tool) fail(path string, err error) {
	if why := cause(err); t.failed == 0 || why == t.why {
		t.why = why
	} else {
		t.why = exitNothing
	}
	t.failed++
	t.out.Flush()
	if t.bar != nil {
		t.bar.end()
	}
	text := plainly(path, err)
	if t.form == formJSON {
		b, _ := json.Marshal(struct {
			V    int    `json:"v"`
			Path string `json:"path"`
			Err  string `json:"err"`
		}{1, path, text})
		fmt.Fprintf(t.errw, "%s\n", escapeInvisible(b))
		return
	}
	name := safe.Path(path).String()
	if name == "" {
		name = `""`
	}
	fmt.Fprintf(t.errw, "%s: %s: %s\n", t.name, name, safe.Line(text))
}

// plainly is the text of an error behind a path, which it need not name again.
func plainly(path string, err error) string {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.Is(err, maildir.ErrGone):
		return maildir.ErrGone.Error()
	case errors.As(err, &pe) && (pe.Path == path || pe.Path == absolute(path) || strings.HasPrefix(pe.Path, path+"/")):
		return pe.Err.Error()
	case errors.As(err, &le) && (le.Old == path || le.Old == absolute(path)):
		return le.Err.Error()
	}
	text := err.Error()
	for _, name := range []string{path + ": ", fmt.Sprintf("folder %q: ", path)} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}

// note tells a person something that is no error.
func (t *tool) note(format string, args ...any) {
	t.out.Flush()
	fmt.Fprintf(t.errw, "%s: %s\n", t.name, safe.Line(fmt.Sprintf(format, args...)))
}

// remarks are what was said to a person of what is no message's fault: each once.
type remarks struct {
	mu   sync.Mutex
	said map[string]bool
}

// remarkOf says only the first of a kind. It may be called from any goroutine.
func (t *tool) remarkOf(kind, text string) {
	t.remarks.mu.Lock()
	defer t.remarks.mu.Unlock()
	if t.remarks.said[kind] {
		return
	}
	if t.remarks.said == nil {
		t.remarks.said = map[string]bool{}
	}
	t.remarks.said[kind] = true
	fmt.Fprintf(t.errw, "%s: %s\n", t.name, safe.Line(text))
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// width is how wide a screen is written for: $COLUMNS, the terminal, else 80.
func (t *tool) width() int {
	if n := atoi(os.Getenv("COLUMNS")); n >= 20 {
		return n
	}
	if f, ok := t.c.App.Writer.(*os.File); ok && t.tty {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w >= 20 {
			return w
		}
	}
	return 80
}

// colour says whether to use it.
func (t *tool) colour() bool {
	switch t.c.String("color") {
	case "always":
		return true
	case "never":
		return false
	}
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	if v := os.Getenv("CLICOLOR_FORCE"); v != "" && v != "0" {
		return true
	}
	return t.tty
}

func colourFlag() cli.Flag {
	return &cli.StringFlag{Name: "color", Value: "auto", Usage: "use colour `WHEN`: auto, always or never"}
}
