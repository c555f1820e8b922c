package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir/safe"
	"pneu/mta/sysexits"
)

func sendVerb() *cli.Command {
	return &cli.Command{
		Name: "send", Usage: "submit messages through sendmail, print their queue ids", ArgsUsage: "[MESSAGE...]",
		Flags: []cli.Flag{
			dryFlag(),
			&cli.StringFlag{Name: "from", Aliases: []string{"f"}, Usage: "envelope sender `ADDRESS`"},
			&cli.StringSliceFlag{Name: "to", Usage: "send to `ADDRESS` instead of those in the header"},
			&cli.DurationFlag{Name: "hold-for", Usage: "let the first attempt wait for `DURATION`, such as 10s"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object a message"},
		},
		Action: verb(send),
	}
}

// send gives each message to sendmail, which is the one to decide and to keep it. Without
// arguments the message itself is on stdin.
func send(t *tool) error {
	if t.c.NArg() > 0 {
		return t.each(t.c.Args().Slice(), current, func(m *msg) error {
			file, err := m.open()
			if m.raw != nil {
				return t.submit(m.path, bytes.NewReader(m.raw))
			}
			if err != nil {
				t.fail(m.path, err)
				return nil
			}
			defer file.Close()
			return t.submit(m.path, file)
		})
	}
	if file, ok := t.in.(*os.File); ok {
		if st, err := file.Stat(); err != nil || st.Mode()&os.ModeCharDevice != 0 {
			return boot.Usage("no message: name files, or pipe a message in")
		}
	}
	return t.submit("-", t.in)
}

func (t *tool) submit(path string, r io.Reader) error {
	sendmail, ours, err := beside("sendmail")
	if err != nil {
		return err
	}
	args := []string{"-oi"}
	if f := t.c.String("from"); f != "" {
		args = append(args, "-f", f)
	}
	if ours {
		args = append(args, "--print-id")
		if d := t.c.Duration("hold-for"); d > 0 {
			args = append(args, "--hold-for", d.String())
		}
	} else if t.c.IsSet("hold-for") {
		return sysexits.New(sysexits.Unavailable, sendmail+" is not pneu's sendmail and cannot hold messages")
	}
	if to := t.c.StringSlice("to"); len(to) > 0 {
		args = append(append(args, "--"), to...)
	} else {
		args = append(args, "-t")
	}
	if t.c.Bool("dry-run") {
		fmt.Fprintf(t.out, "%s\n", safe.Line(sendmail+" "+strings.Join(args, " ")))
		return t.wrote()
	}
	id, err := t.handOver(sendmail, args, r)
	if err != nil && t.c.NArg() > 1 {
		t.fail(path, err)
		return nil
	}
	if err != nil {
		return err
	}
	return t.emitSent(path, id)
}

// handOver runs sendmail over a message and returns what it printed, the id. Its exit code
// is that of the error.
func (t *tool) handOver(sendmail string, args []string, r io.Reader) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.c.Context, sendmail, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, &out, &errs
	if err := cmd.Run(); err != nil {
		why := strings.TrimSpace(errs.String())
		if why == "" {
			why = err.Error()
		}
		code := sysexits.TempFail
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() > 0 {
			code = exit.ExitCode()
		}
		return "", sysexits.New(code, strings.TrimPrefix(why, "sendmail: "))
	}
	if errs.Len() > 0 {
		t.note("%s", strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}
