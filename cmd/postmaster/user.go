package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"pneu/cmd/internal/boot"
	"pneu/cmd/internal/local"
	"pneu/maildir"
	"pneu/maildir/safe"
	"pneu/mda/account"
	"pneu/mta/sasl"
	"pneu/mta/sysexits"
)

// accounts opens the accounts of the configuration. With make, a users file
// that is configured and missing is written, empty.
func accounts(c *cli.Context, make bool) (*account.DB, error) {
	f, err := boot.Config(configured(c), "", nil)
	if err != nil {
		return nil, err
	}
	if make && f.Users != "" {
		file, err := os.OpenFile(f.Users, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			file.Close()
		} else if !errors.Is(err, fs.ErrExist) {
			return nil, sysexits.Wrap(sysexits.CantCreate, err)
		}
	}
	opt, err := local.Options(f)
	if err != nil {
		return nil, err
	}
	return account.Open(local.Accounts(f, opt, nil))
}

func addUser(c *cli.Context) error {
	addr, err := one(c)
	if err != nil {
		return err
	}
	db, err := accounts(c, true)
	if err != nil {
		return err
	}
	a := account.Account{Address: addr, Maildir: c.String("maildir"), UID: c.Int("uid"), GID: c.Int("gid")}
	if a.Maildir != "" {
		if a.Maildir, err = filepath.Abs(a.Maildir); err != nil {
			return err
		}
	}
	if q := c.String("quota"); q != "" {
		if a.Quota, err = account.ParseQuota(q); err != nil {
			return boot.Usage(err.Error())
		}
	}
	if _, err := db.Account(addr); err == nil {
		return sysexits.New(sysexits.CantCreate, addr+": account exists already (postmaster user passwd changes its password)")
	}
	if !c.Bool("no-password") {
		word, err := password(c)
		if err != nil {
			return err
		}
		a.Credentials = sasl.Hash(word)
	}
	if a, err = db.Add(a); err != nil {
		return err
	}
	// Readers want a folder to open before the first mail comes. As root it is
	// left to the first delivery, which knows as whom to make it.
	if os.Geteuid() != 0 || ownerOf(a.Maildir) == 0 && a.UID <= 0 {
		if _, err := maildir.Create(a.Maildir); err != nil {
			return sysexits.Wrap(sysexits.CantCreate, fmt.Errorf("%s is added, but: %w", a.Address, err))
		}
	}
	fmt.Fprintf(c.App.Writer, "added %s, mail in %s\n", safe.Line(a.Address), safe.Path(a.Maildir))
	return nil
}

func setPassword(c *cli.Context) error {
	addr, err := one(c)
	if err != nil {
		return err
	}
	db, err := accounts(c, false)
	if err != nil {
		return err
	}
	if _, err := db.Account(addr); err != nil {
		return err
	}
	word, err := password(c)
	if err != nil {
		return err
	}
	return db.SetPassword(addr, word)
}

func removeUsers(c *cli.Context) error {
	if c.NArg() == 0 {
		return boot.Usage("no address")
	}
	db, err := accounts(c, false)
	if err != nil {
		return err
	}
	for _, addr := range c.Args().Slice() {
		a, err := db.Account(addr)
		if err != nil {
			return err
		}
		if err := db.Remove(addr); err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "removed %s; its mail stays in %s\n", safe.Line(a.Address), safe.Path(a.Maildir))
	}
	return nil
}

func listUsers(c *cli.Context) error {
	if c.NArg() > 0 {
		return boot.Usage("list takes no names")
	}
	db, err := accounts(c, false)
	if err != nil {
		return err
	}
	list, err := db.List()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		out := json.NewEncoder(c.App.Writer)
		for _, a := range list {
			if err := out.Encode(map[string]any{"address": a.Address, "maildir": a.Maildir, "quota": a.Quota, "uid": uidOf(a)}); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for _, a := range list {
		quota := "no quota"
		if a.Quota > 0 {
			quota = fmt.Sprintf("%d bytes", a.Quota)
		}
		login := "logs in"
		if a.Credentials == "" {
			login = "no login"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\tuid %d\t%s\n", safe.Line(a.Address), safe.Path(a.Maildir), quota, uidOf(a), login)
	}
	return w.Flush()
}

// uidOf is the user who owns an account's mail.
func uidOf(a account.Account) int {
	if a.UID >= 0 {
		return a.UID
	}
	if os.Geteuid() != 0 {
		return os.Geteuid()
	}
	return ownerOf(a.Maildir)
}

// ownerOf is who owns a file, or the nearest folder above it that there is.
func ownerOf(path string) int {
	for {
		if fi, err := os.Stat(path); err == nil {
			if st, ok := fi.Sys().(*syscall.Stat_t); ok {
				return int(st.Uid)
			}
		}
		if path == "/" || path == "." {
			return 0
		}
		path = filepath.Dir(path)
	}
}

func one(c *cli.Context) (string, error) {
	if c.NArg() != 1 {
		return "", boot.Usage("give one address")
	}
	return c.Args().First(), nil
}

// password asks for one on the terminal, twice, or takes it from standard input.
func password(c *cli.Context) (string, error) {
	if c.Bool("password-stdin") {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if err != nil && err != io.EOF {
			return "", sysexits.Wrap(sysexits.NoInput, err)
		}
		return checked(strings.TrimRight(line, "\r\n"))
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", boot.Usage("no terminal to ask for the password: give --password-stdin")
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(os.Stderr, prompt)
		b, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(os.Stderr)
		return string(b), sysexits.Wrap(sysexits.NoInput, err)
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	again, err := ask("Once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", sysexits.New(sysexits.Data, "the two are not the same; nothing was changed")
	}
	return checked(first)
}

func checked(word string) (string, error) {
	if word == "" {
		return "", sysexits.New(sysexits.Data, "the password is empty; nothing was changed")
	}
	return word, nil
}
