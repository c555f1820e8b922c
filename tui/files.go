package tui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"pneu/maildir/message"
	"pneu/maildir/safe"
	"pneu/tui/look"
	"pneu/tui/parts"
	"pneu/tui/reader"
	"pneu/tui/term"
)

// openParts shows the parts of the current message.
func (a *App) openParts() term.Cmd {
	if a.screen == listScreen {
		if a.geometry().split == onePane || a.reader.Message() == nil {
			if id := a.list.Current(); id >= 0 && a.box != nil {
				cmd := a.readInto(id)
				if a.reader.Message() == nil {
					a.enter(readerScreen)
					a.whenRead = a.openParts
					return cmd
				}
			}
		}
	}
	m := a.reader.Message()
	if m == nil {
		a.whenRead = a.openParts
		return nil
	}
	a.parts = parts.New(a.theme, m, a.reader.Subject(), a.reader.Doc())
	a.enter(partsScreen)
	return nil
}

// partView shows the text of a part; other parts can be saved or piped.
func (a *App) partView() term.Cmd {
	m, i := a.parts.Message(), a.parts.Current()
	p := m.Parts[i]
	name, _ := reader.PartName(p)
	w, theme := min(a.size.W-2, 100), a.theme
	switch {
	case p.Type == "text":
		return func() term.Msg {
			lines := reader.PartText(m, i, theme, w)
			return func(a *App) term.Cmd {
				a.parts.Show(look.Tf("%d  %s/%s  %s", i+1, p.Type, p.Subtype, name.String()), lines)
				return nil
			}
		}
	case p.Type == "message" && p.Subtype == "rfc822":
		return func() term.Msg {
			in := message.Parse(m.Decode(i))
			doc := reader.Layout(in, theme, w, reader.Show{Headers: true})
			return func(a *App) term.Cmd { a.parts.Show(look.T(in.Header(0).Text("Subject")), doc.Lines); return nil }
		}
	case p.Type == "multipart":
		return nil
	}
	a.say("%s/%s is not text: s saves it, | gives it to a program", p.Type, p.Subtype)
	return nil
}

// partSave saves one part, or all attachments.
func (a *App) partSave(arg string, all bool) term.Cmd {
	m := a.parts.Message()
	which := []int{a.parts.Current()}
	if all {
		if which = a.parts.Attachments(); len(which) == 0 {
			a.say("no attachments")
			return nil
		}
	}
	fill := a.opt.SaveDir
	if !all {
		fill = filepath.Join(fill, partFile(m, which[0]))
	}
	do := func(to string) term.Cmd {
		if to == "" {
			return nil
		}
		to = expand(to)
		return func() term.Msg {
			n, err := saveParts(m, which, to, all)
			if err != nil {
				return failed{err}
			}
			if len(which) == 1 {
				return said{look.Tf("Saved %s, %s", to, look.Size(n))}
			}
			return said{look.Tf("Saved %s in %s, %s", look.Plural(len(which), "file"), to, look.Size(n))}
		}
	}
	if arg != "" {
		return do(arg)
	}
	a.askFor("save to:", safe.Path(fill).String(), do)
	return nil
}

func partFile(m *message.Message, i int) string {
	p := m.Parts[i]
	if p.Filename != "" {
		return safe.Filename(p.Filename)
	}
	ext := map[string]string{"plain": ".txt", "html": ".html", "rfc822": ".eml", "jpeg": ".jpg"}[p.Subtype]
	if ext == "" && p.Subtype != "" && p.Type != "multipart" {
		ext = "." + p.Subtype
	}
	return safe.Filename(fmt.Sprintf("part-%d%s", i+1, ext))
}

// saveParts writes parts to files. Nothing that exists is overwritten.
func saveParts(m *message.Message, which []int, to string, dir bool) (int64, error) {
	var total int64
	if fi, err := os.Stat(to); err == nil && fi.IsDir() {
		dir = true
	}
	for _, i := range which {
		path := to
		if dir {
			path = filepath.Join(to, partFile(m, i))
		}
		f, err := create(path, dir)
		if err != nil {
			return total, err
		}
		w := &counter{w: f}
		err = m.DecodeTo(w, i)
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			return total, err
		}
		total += w.n
	}
	return total, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// create makes a new file; in a folder, another name is tried when the first is taken.
func create(path string, again bool) (*os.File, error) {
	for n := 1; ; n++ {
		try := path
		if n > 1 {
			ext := filepath.Ext(path)
			try = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), n, ext)
		}
		f, err := os.OpenFile(try, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil || !errors.Is(err, fs.ErrExist) || !again || n > 999 {
			return f, err
		}
	}
}

// saveMessage saves the current message as it is.
func (a *App) saveMessage(arg string) term.Cmd {
	id := a.currentID()
	if id < 0 {
		return nil
	}
	load := a.load(id)
	name := "message.eml"
	if h := a.box.Head(id); h != nil && h.Subject != "" {
		name = safe.Filename(h.Subject + ".eml")
	}
	do := func(to string) term.Cmd {
		if to == "" {
			return nil
		}
		to = expand(to)
		return func() term.Msg {
			raw, err := load()
			if err != nil {
				return failed{err}
			}
			f, err := create(to, false)
			if err != nil {
				return failed{err}
			}
			_, err = f.Write(raw)
			if e := f.Close(); err == nil {
				err = e
			}
			if err != nil {
				return failed{err}
			}
			return said{look.Tf("Saved %s, %s", to, look.Size(int64(len(raw))))}
		}
	}
	if arg != "" {
		return do(arg)
	}
	a.askFor("save to:", safe.Path(filepath.Join(a.opt.SaveDir, name)).String(), do)
	return nil
}

func (a *App) currentID() int {
	if a.box == nil {
		return -1
	}
	if a.screen == readerScreen {
		return a.reader.Current()
	}
	return a.list.Current()
}

// pipe gives the current message to a command of the shell.
func (a *App) pipe(arg string) term.Cmd {
	id := a.currentID()
	if id < 0 {
		return nil
	}
	return a.pipeTo(arg, a.load(id))
}

func (a *App) partPipe(arg string) term.Cmd {
	m, i := a.parts.Message(), a.parts.Current()
	return a.pipeTo(arg, func() ([]byte, error) { return m.Decode(i), nil })
}

func (a *App) pipeTo(arg string, load func() ([]byte, error)) term.Cmd {
	shell := a.opt.Shell
	if shell == "" {
		shell = "/bin/sh"
	}
	do := func(line string) term.Cmd {
		if line == "" {
			return nil
		}
		return func() term.Msg {
			raw, err := load()
			if err != nil {
				return failed{err}
			}
			cmd := exec.Command(shell, "-c", line)
			cmd.Stdin = bytes.NewReader(raw)
			return term.Exec{Command: cmd, Done: func(err error) term.Msg {
				if err != nil {
					return failed{fmt.Errorf("%s: %w", line, err)}
				}
				return said{look.Tf("%s: done", line)}
			}}
		}
	}
	if arg != "" {
		return do(arg)
	}
	a.askFor("pipe to:", "", do)
	return nil
}

// browse opens a link in a browser. Only addresses of the web and of mail are ever passed on.
func (a *App) browse(link string) term.Cmd {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
		a.say("not opened: %s", link)
		return nil
	}
	if u.Scheme == "mailto" {
		to, err := url.PathUnescape(u.Opaque)
		if err != nil {
			to = u.Opaque
		}
		return a.composeNew(to)
	}
	if len(a.opt.Browser) == 0 {
		a.say("%s", link)
		return nil
	}
	cmd := exec.Command(a.opt.Browser[0], append(append([]string(nil), a.opt.Browser[1:]...), u.String())...)
	a.say("opening %s", u.Host)
	return lend(cmd, func(err error) term.Msg {
		if err != nil {
			return failed{fmt.Errorf("%s: %w", cmd.Args[0], err)}
		}
		return term.Redraw{}
	})
}
