package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
	"pneu/maildir/journal"
)

func flagVerb() *cli.Command {
	return &cli.Command{
		Name: "flag", Usage: "add and remove flags", ArgsUsage: "[+FLAGS] [-FLAGS] [MESSAGE...]",
		Flags: outputFlags(dryFlag(),
			&cli.StringSliceFlag{Name: "add", Usage: "add `FLAGS`; +FLAGS for short"},
			&cli.StringSliceFlag{Name: "remove", Usage: "remove `FLAGS`; -FLAGS for short"},
			&cli.StringSliceFlag{Name: "keyword", Usage: "add the keyword `NAME`; +$NAME for short if it begins with $"},
			&cli.StringSliceFlag{Name: "no-keyword", Usage: "remove the keyword `NAME`; -$NAME for short"},
		),
		Action: verb(changeFlags),
	}
}

// A flagging is what to add to messages or to remove from them.
type flagging struct {
	letters  maildir.Flags
	keywords []string
}

func (f flagging) empty() bool { return f.letters == "" && len(f.keywords) == 0 }

// String writes it as it is typed.
func (f flagging) String() string {
	return strings.Join(append(some(string(f.letters)), f.keywords...), ",")
}

// systemFlags are the letters of flags that IMAP writes with names.
var systemFlags = map[string]maildir.Flags{
	`\seen`: "S", `\answered`: "R", `\flagged`: "F", `\deleted`: "T", `\draft`: "D", "$forwarded": "P",
}

// parseFlags reads values such as FS, $Junk and \Seen, several with commas between, and
// the names of keywords without a sign.
func parseFlags(values, names []string) (flagging, error) {
	var f flagging
	var letters string
	for _, v := range strings.Split(strings.Join(values, ","), ",") {
		v = strings.TrimSpace(v)
		switch sys, ok := systemFlags[strings.ToLower(v)]; {
		case ok:
			letters += string(sys)
		case strings.HasPrefix(v, "$"):
			names = append(names, v)
		case strings.HasPrefix(v, `\`):
			return f, boot.Usage(fmt.Sprintf(`there is no flag %q: there are \Seen, \Answered, \Flagged, \Deleted and \Draft`, v))
		case strings.Trim(strings.ToLower(v), "abcdefghijklmnopqrstuvwxyz") != "":
			return f, boot.Usage("flags are letters: D F P R S T, and a to z for keywords; or $Name")
		default:
			letters += v
		}
	}
	for _, n := range names {
		if !keywordName(n) {
			return f, boot.Usage(fmt.Sprintf("%q cannot be a keyword", n))
		}
		if !slices.ContainsFunc(f.keywords, func(k string) bool { return strings.EqualFold(k, n) }) {
			f.keywords = append(f.keywords, n)
		}
	}
	f.letters = maildir.MakeFlags(letters)
	return f, nil
}

// keywordName reports whether s is an atom (RFC 3501, 9), as flag-keyword is.
func keywordName(s string) bool {
	return s != "" && s != "$" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r)
	})
}

func changeFlags(t *tool) error {
	add, err := parseFlags(t.c.StringSlice("add"), t.c.StringSlice("keyword"))
	if err != nil {
		return err
	}
	remove, err := parseFlags(t.c.StringSlice("remove"), t.c.StringSlice("no-keyword"))
	if err != nil {
		return err
	}
	if add.empty() && remove.empty() {
		return boot.Usage("say what to change, such as +S or -F")
	}
	what := "flag"
	if !add.empty() {
		what += " +" + add.String()
	}
	if !remove.empty() {
		what += " -" + remove.String()
	}
	c := &journal.Change{Add: add.letters, Remove: remove.letters, AddKeywords: add.keywords, RemoveKeywords: remove.keywords}
	return t.changeMany(what, t.c.Args().Slice(), func(b *journal.Batch, m *msg) (deed, error) {
		if b == nil {
			t.wouldDo(m, what)
		}
		return deed{op: "flags", flags: c}, nil
	})
}

// became notes where the message is after a change.
func (m *msg) became(f *maildir.Folder, e maildir.Entry) {
	m.f, m.e, m.path, m.keywords, m.v = f, e, f.File(e), nil, nil
}

var errPlain = errors.New("lies in no Maildir")

// change runs f over the messages as one action in the journal, which undo reverses as a
// whole; with -n the batch is nil. f returns the name of the operation. The new paths
// are printed.
func (t *tool) change(what string, args []string, f func(*journal.Batch, *msg) (string, error)) error {
	var b *journal.Batch
	if !t.c.Bool("dry-run") {
		j, done, err := t.journal()
		if err != nil {
			return err
		}
		defer done()
		b = j.Begin("cli", what)
	}
	err := t.each(args, current, func(m *msg) error {
		if m.f == nil {
			t.fail(m.path, errPlain)
			return nil
		}
		was := m.path
		op, err := f(b, m)
		for try := 0; try < 3 && errors.Is(err, maildir.ErrGone); try++ {
			// Another program moved it between two looks: it may be found where it is now.
			now, ferr := t.find(was)
			if ferr != nil || now.f == nil {
				break
			}
			m = now
			op, err = f(b, m)
		}
		if err != nil {
			var stop fatal
			if errors.As(err, &stop) {
				return stop.error
			}
			if t.cutShort(err) {
				return err
			}
			t.fail(was, err)
			return nil
		}
		if op == "" {
			return nil
		}
		return t.emit(m, op)
	})
	if b != nil {
		if cerr := b.Commit(); err == nil {
			err = cerr
		}
	}
	return err
}

// fatal is an error that ends the verb, not only its work on one message.
type fatal struct{ error }

// wouldDo tells a person what -n did not do; programs read it in "op".
func (t *tool) wouldDo(m *msg, what string) {
	if t.form == formPath {
		t.note("would %s %s", what, m.path)
	}
}
