package tui

import (
	"context"
	"errors"

	tea "github.com/charmbracelet/bubbletea"

	"pneu/tui/pick"
)

// Pick shows a choice until it is made.
func Pick(ctx context.Context, m *pick.Model, t Terminal) error {
	p := tea.NewProgram(picking{m}, tea.WithContext(ctx), tea.WithAltScreen(), tea.WithInput(t.In), tea.WithOutput(t.Out))
	_, err := p.Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return nil
	}
	return err
}

type picking struct{ m *pick.Model }

func (p picking) Init() tea.Cmd { return nil }
func (p picking) View() string  { return p.m.View() }

func (p picking) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		p.m.Size(msg.Width, msg.Height)
	case tea.KeyMsg:
		for _, k := range keys(msg) {
			if p.m.Key(k) {
				return p, tea.Quit
			}
		}
	}
	return p, nil
}
