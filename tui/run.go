package tui

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"pneu/tui/term"
)

// A Terminal is where the program runs.
type Terminal struct {
	In     io.Reader // a *term.Input for a real terminal
	Out    io.Writer // a *term.Output for a real terminal
	Typed  []byte    // what was typed before the program could read it
	Size   term.Size // of a terminal that cannot be asked
	NoSigs bool      // tests have none
}

// Run shows the App until it ends.
func Run(ctx context.Context, a *App, t Terminal) error {
	defer a.Close()
	opts := []tea.ProgramOption{tea.WithContext(ctx), tea.WithAltScreen(), tea.WithFPS(120), tea.WithInput(t.In), tea.WithOutput(t.Out)}
	if t.NoSigs {
		opts = append(opts, tea.WithoutSignals())
	} else {
		opts = append(opts, tea.WithoutSignalHandler())
	}
	p := tea.NewProgram(&driver{a: a}, opts...)
	go func() {
		for _, k := range term.Split([]rune(string(t.Typed)), false) {
			p.Send(k)
		}
		if t.Size.W > 0 {
			p.Send(tea.WindowSizeMsg{Width: t.Size.W, Height: t.Size.H})
		}
	}()
	_, err := p.Run()
	if !a.quitting {
		a.jobs.settle(finish)
	}
	a.flush()
	if save := a.keepDraft(); save != nil { // ended by a signal, or by trouble with the terminal
		if e := save(); e != nil {
			return e
		}
	}
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return nil
	}
	return err
}

// A driver is an App for Bubble Tea. No other file knows of it.
type driver struct {
	a     *App
	sized bool
}

func (d *driver) Init() tea.Cmd { return d.cmd(d.a.Init()) }

func (d *driver) View() string {
	if !d.sized {
		return "" // the size is not known yet
	}
	return d.a.View()
}

func (d *driver) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		var cmds []tea.Cmd
		for _, k := range keys(msg) {
			cmds = append(cmds, d.cmd(d.a.Update(k)))
		}
		return d, tea.Batch(cmds...)
	case tea.WindowSizeMsg:
		d.sized = true
		return d, d.cmd(d.a.Update(term.Size{W: msg.Width, H: msg.Height}))
	case tea.ResumeMsg:
		return d, d.cmd(d.a.Update(term.Resumed{}))
	case term.Batched:
		var cmds []tea.Cmd
		for _, c := range msg {
			cmds = append(cmds, d.cmd(c))
		}
		return d, tea.Batch(cmds...)
	case term.Quit:
		return d, tea.Quit
	case term.Suspend:
		return d, tea.Suspend
	case term.Redraw:
		return d, tea.ClearScreen
	case term.Exec:
		if msg.Command.Stdin == nil {
			msg.Command.Stdin = os.Stdin
		}
		return d, tea.ExecProcess(msg.Command, func(err error) tea.Msg { return msg.Done(err) })
	case tea.Cmd:
		return d, msg
	case nil:
		return d, nil
	}
	return d, d.cmd(d.a.Update(msg))
}

// cmd makes Bubble Tea's command of ours.
func (d *driver) cmd(c term.Cmd) tea.Cmd {
	if c == nil {
		return nil
	}
	return func() tea.Msg { return c() }
}

// Names of keys that Bubble Tea calls otherwise.
var names = map[tea.KeyType]string{
	tea.KeyEnter: "enter", tea.KeyTab: "tab", tea.KeyEsc: "esc", tea.KeyBackspace: "backspace", tea.KeyDelete: "delete",
	tea.KeyPgUp: "pgup", tea.KeyPgDown: "pgdown", tea.KeyHome: "home", tea.KeyEnd: "end",
}

// keys makes single keys of what Bubble Tea read at once: it merges all characters of one read into one message.
func keys(msg tea.KeyMsg) []term.Key {
	switch {
	case msg.Paste:
		return []term.Key{term.Pasted(string(msg.Runes))}
	case msg.Type == tea.KeyRunes:
		return term.Split(msg.Runes, msg.Alt)
	case msg.Type == tea.KeySpace:
		return term.Split([]rune{' '}, msg.Alt)
	}
	name, ok := names[msg.Type]
	if !ok {
		name = tea.Key{Type: msg.Type}.String()
	}
	if msg.Alt && name == "esc" { // two of them in one read
		return []term.Key{term.Named("esc"), term.Named("esc")}
	}
	if msg.Alt {
		name = "alt+" + name
	}
	return []term.Key{term.Named(name)}
}

// flush writes flags into names that still lack them, for programs that read nothing else. What it does not get to
// is done by the next one of ours that opens the folder.
func (a *App) flush() {
	if a.box == nil || a.box.Mail().View().State().Pending == 0 {
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), finish)
	defer stop()
	_ = a.box.Mail().Flush(ctx)
}

// finish is how long changes to mail that are under way may take when a signal ends the program.
const finish = 2 * time.Second

// grace is how long the end waits for answers of the terminal that are under way.
const grace = 20 * time.Millisecond

// Settle takes late answers out of the input, so that the shell does not get them.
func Settle(in *os.File) { term.Drain(in, grace) }
