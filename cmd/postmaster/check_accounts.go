package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"pneu/cmd/internal/local"
	"pneu/maildir"
	"pneu/maildir/address"
	"pneu/mda/account"
	"pneu/mda/deliver"
)

// accounts: each has a domain of ours and a Maildir that can be written, each
// alias leads somewhere, and postmaster is there.
func (k *checkup) accounts(opt deliver.Options) {
	db, err := account.Open(local.Accounts(k.file, opt, nil))
	if err != nil {
		k.bad("accounts", err.Error(), exitCode(err))
		return
	}
	list, err := db.List()
	if err != nil {
		k.bad("accounts", err.Error(), exitCode(err))
		return
	}
	if len(list) == 0 {
		k.bad("accounts", "there are none: nobody gets mail here", "postmaster user add ADDRESS")
	}
	good := len(k.list)
	for _, a := range list {
		if _, domain := address.Split(a.Address); !slices.Contains(k.file.Domains, domain) {
			k.warn("account "+a.Address, domain+" is none of our domains: nothing is delivered there", "add it to domains in "+k.file.Path)
		}
		if k.file.Users != "" {
			k.maildir(a)
		}
	}
	if len(k.list) == good {
		k.ok("accounts", "%d", len(list))
	}
	k.aliases(db, opt)
	for _, d := range k.file.Domains {
		if _, err := db.Resolve("postmaster@" + d); err != nil && len(list) > 0 {
			k.bad("postmaster@"+d, err.Error(), "add an alias postmaster (RFC 5321, 4.5.1 wants one)")
		}
	}
}

func (k *checkup) maildir(a account.Account) {
	about := "account " + a.Address
	fi, err := os.Stat(a.Maildir)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the first delivery makes it, if it can
		if up := existing(a.Maildir); a.UID < 0 || a.UID == os.Geteuid() {
			if syscall.Access(up, 2) != nil {
				k.bad(about, a.Maildir+" is missing, and we may not make it in "+up, "make it, owned by who delivers there")
			}
		} else if ownerOf(up) != a.UID {
			k.bad(about, fmt.Sprintf("%s is missing, and user %d may not make it in %s", a.Maildir, a.UID, up), fmt.Sprintf("install -d -o %d -m 700 %s", a.UID, a.Maildir))
		}
		return
	case err != nil:
		k.bad(about, err.Error(), "deliveries wait until it can be reached")
		return
	}
	if _, err := maildir.Open(a.Maildir); err != nil {
		k.bad(about, err.Error(), "correct the path in "+k.file.Users)
		return
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if ok && a.UID >= 0 && int(st.Uid) != a.UID {
		k.bad(about, fmt.Sprintf("%s belongs to user %d, and the account to user %d", a.Maildir, st.Uid, a.UID), fmt.Sprintf("chown -R %d %s", a.UID, a.Maildir))
	} else if os.Geteuid() != 0 && syscall.Access(a.Maildir+"/tmp", 2) != nil && a.UID < 0 {
		k.bad(about, fmt.Sprintf("user %d may not write %s/tmp", os.Geteuid(), a.Maildir), "give it to who delivers there, or name the owner in the uid field")
	}
	if fi.Mode().Perm()&0o007 != 0 {
		k.warn(about, "everybody may look into "+a.Maildir, "chmod o= "+a.Maildir)
	}
}

// existing is the nearest folder above path that there is.
func existing(path string) string {
	for {
		if path = filepath.Dir(path); path == "/" || path == "." {
			return path
		}
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
}

func (k *checkup) aliases(db *account.DB, opt deliver.Options) {
	names, err := db.Aliases()
	if err != nil {
		k.bad("aliases", err.Error(), exitCode(err))
		return
	}
	agent := deliver.New(opt, db, nil, nil)
	good := len(k.list)
	for _, n := range names {
		if strings.HasPrefix(n, "@") {
			n = "any-name" + n
		}
		ends, err := agent.Verify(n)
		if err != nil {
			k.bad("alias "+n, err.Error(), "correct its targets in "+k.file.Aliases)
			continue
		}
		for _, e := range ends {
			switch kind, what, _ := strings.Cut(e, " "); {
			case kind == "command" && !opt.Commands:
				k.bad("alias "+n, "it runs a command, which is not allowed: "+what, "commands = true in [deliver] allows it")
			case kind == "file" && !opt.Files && what != "/dev/null":
				k.bad("alias "+n, "it leads to a file, which is not allowed: "+what, "files = true in [deliver] allows it")
			}
		}
	}
	if len(names) > 0 && len(k.list) == good {
		k.ok("aliases", "%d", len(names))
	}
}
