// Pneu-tui reads and writes mail on the terminal.
package main

import (
	"os"

	"pneu/tui/term/quiet"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
)

func main() {
	quiet.Restore()
	os.Exit(boot.Run(&cli.App{
		Name:      "pneu-tui",
		Usage:     "read and write mail on the terminal",
		UsageText: "pneu-tui [-C FILE] [--from ADDRESS] [--folder NAME] [MAILDIR | FOLDER]",
		Flags: []cli.Flag{
			boot.ConfigFlag(),
			&cli.StringFlag{Name: "maildir", Usage: "`DIR` is the Maildir to read"},
			&cli.StringFlag{Name: "folder", Usage: "open folder `NAME` first (default: INBOX)"},
			&cli.StringFlag{Name: "from", Usage: "write mail as `ADDRESS`"},
			&cli.StringFlag{Name: "theme", Usage: "`dark`, light or mono (default: what the terminal says)"},
			&cli.StringFlag{Name: "layout", Usage: "show the `list` alone, or with a preview of the message (default: what there is room for)"},
			&cli.BoolFlag{Name: "pick", Usage: "mark some of the messages named on standard input, and print their paths"},
			&cli.BoolFlag{Name: "ascii", Usage: "draw frames with ASCII characters alone"},
		},
		Action: run,
	}))
}
