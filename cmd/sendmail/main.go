// The runtime would read the control groups' files at each start, to choose a
// number of threads that a program with one never needs.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Sendmail takes a message on its standard input into the spool.
//
// It is started once a message, so its life is mostly the start of a process:
// flags are parsed by hand, in the spellings of forty years, and nothing that
// cmd/sendmail links may cost at start. The library of the other programs,
// with TOML and reflection, was measured to take as long again as the message
// itself. As mailq, and for -bp, -q and -bs, it turns into the program whose
// work that is.
package main

import (
	"errors"
	"os"
	"strings"
	"syscall"

	"pneu/mta/sysexits"
)

// version is set by the linker.
var version = "devel"

func main() { os.Exit(run(os.Args)) }

func run(args []string) int {
	syscall.Umask(0) // files are created with the rights they are to have
	name := args[0][strings.LastIndexByte(args[0], '/')+1:]
	o, err := parse(name, args[1:])
	if err == nil {
		err = act(o)
	}
	if err == nil {
		return sysexits.OK
	}
	code := sysexits.Code(err)
	if o == nil || o.onError != errQuiet {
		complain(name, o, err)
	}
	if o != nil && o.onError == errZero && code != sysexits.Usage {
		return sysexits.OK
	}
	return code
}

// complain prints an error, once and in one line.
func complain(name string, o *options, err error) {
	tag := name
	if o != nil && o.tag != "" {
		tag = o.tag
	}
	os.Stderr.WriteString(oneLine(tag+": "+err.Error()) + "\n")
	if errors.Is(err, errUsage) {
		os.Stderr.WriteString(usage)
	}
}

// oneLine keeps a stranger's bytes from the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, s)
}

func act(o *options) error {
	switch o.mode {
	case modeHelp:
		_, err := os.Stdout.WriteString(usage)
		return err
	case modeVersion:
		_, err := os.Stdout.WriteString("pneu sendmail " + version + "\n")
		return err
	case modeAliases:
		return nil // deliver reads the aliases file itself
	case modeQueue:
		return become(o, "qrun", append([]string{"list"}, o.rest...)...)
	case modeRun:
		return become(o, "qrun", o.rest...)
	case modeSMTP:
		return become(o, "smtpd", "--stdio")
	case modeVerify:
		return become(o, "deliver", append([]string{"--verify", "--"}, o.recipients...)...)
	}
	return submitMessage(o)
}
