package account

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"pneu/maildir/address"
	"pneu/mta/sysexits"
)

// Limits on what one alias may bring about.
const (
	maxDepth   = 32      // aliases that lead to one alias each
	maxTargets = 100_000 // of one alias, its included files counted in
	maxInclude = 8       // files that include files
)

// Exists reports whether mail for addr is taken here. An error means that this
// is not known now.
func (db *DB) Exists(_ context.Context, addr string) (bool, error) {
	v, err := db.read()
	if err != nil {
		return false, err
	}
	local, domain, err := db.parse(addr)
	if err != nil {
		return false, nil
	}
	e, a, _ := db.find(v, local, domain)
	return e != nil || a != nil, nil
}

// Resolve returns where mail for addr goes. Its errors are ErrNotLocal and
// ErrNoUser (exit code 67), ErrLoop, and those of files, to be tried again.
//
// An alias of one address is followed to its end. One of several stays a list
// of addresses to send on to, each of which is then resolved, tried and
// answered for on its own. An alias that names itself means its own mailbox.
func (db *DB) Resolve(addr string) (*Target, error) {
	v, err := db.read()
	if err != nil {
		return nil, err
	}
	local, domain, err := db.parse(addr)
	if err != nil {
		return nil, sysexits.Wrap(sysexits.NoUser, fmt.Errorf("%s: %w", addr, err))
	}
	r := resolver{db: db, view: v, seen: map[string]bool{}}
	r.target.Address = fold(local, db.opt.Delimiter) + "@" + domain
	if err := r.follow(local, domain); err != nil {
		return nil, err
	}
	return &r.target, nil
}

type resolver struct {
	db     *DB
	view   view
	target Target
	seen   map[string]bool
	sent   map[string]bool // what Forward holds
}

func (r *resolver) follow(local, domain string) error {
	key := strings.ToLower(local) + "@" + domain
	r.seen[key] = true
	if len(r.seen) > maxDepth {
		return sysexits.Wrap(sysexits.Unavailable, fmt.Errorf("%s: %w", r.target.Address, ErrLoop))
	}
	e, a, folder := r.db.find(r.view, local, domain)
	if e == nil {
		if a == nil {
			return sysexits.Wrap(sysexits.NoUser, fmt.Errorf("%s: %w", key, ErrNoUser))
		}
		r.target.Account, r.target.Folder = a, folder
		return nil
	}
	// An alias for user@ stands for user+folder@ too, and is met again as such.
	r.seen[e.name] = true
	if !strings.Contains(e.name, "@") {
		r.seen[e.name+"@"+domain] = true
	}
	r.target.Via = append(r.target.Via, e.name)
	if base, _, _ := strings.Cut(e.name, "@"); base != "" && r.view.aliases.find("owner-"+base, domain) != nil {
		r.target.Owner = "owner-" + base + "@" + domain
	}
	targets, err := r.expand(e)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := r.take(t, local, domain, len(targets) == 1); err != nil {
			return err
		}
	}
	return nil
}

// take adds one target of the alias for local at domain.
func (r *resolver) take(t target, local, domain string, alone bool) error {
	switch t.kind {
	case toCommand:
		r.target.Commands = append(r.target.Commands, t.text)
		return nil
	case toFile:
		r.target.Files = append(r.target.Files, t.text)
		return nil
	}
	l, d, err := r.db.parse(t.text)
	if errors.Is(err, ErrNotLocal) {
		user, host := address.Split(t.text)
		r.forward(user + "@" + strings.ToLower(host))
		return nil
	} else if err != nil {
		return sysexits.Wrap(sysexits.Config, at(r.view.aliases.path, t.line, t.col, "%q: %w", t.text, err))
	}
	again := r.seen[strings.ToLower(l)+"@"+d]
	switch {
	case !again && alone && t.kind == toAddress:
		return r.follow(l, d)
	case !again && t.kind == toAddress, r.target.Account != nil:
		r.forward(fold(l, r.db.opt.Delimiter) + "@" + d)
		return nil
	}
	if again && d == domain && strings.EqualFold(l, base(local, r.db.opt.Delimiter)) {
		l = local // the folder of the address stays
	}
	a, folder := r.db.mailbox(r.view, l, d)
	if a == nil {
		if again {
			return sysexits.Wrap(sysexits.Unavailable, fmt.Errorf("%s: %w", r.target.Address, ErrLoop))
		}
		return sysexits.Wrap(sysexits.NoUser, fmt.Errorf("%s: %w", t.text, ErrNoUser))
	}
	r.target.Account, r.target.Folder = a, folder
	return nil
}

// forward adds an address, once however often it is named.
func (r *resolver) forward(addr string) {
	if r.sent[addr] {
		return
	}
	if r.sent == nil {
		r.sent = map[string]bool{}
	}
	r.sent[addr] = true
	r.target.Forward = append(r.target.Forward, addr)
}

// find returns what an address leads to: an alias, or a mailbox and the folder
// in it; all nil if nobody has it.
func (db *DB) find(v view, local, domain string) (*alias, *Account, string) {
	low := strings.ToLower(local)
	if e := v.aliases.find(low, domain); e != nil {
		return e, nil, ""
	}
	if a := v.users.find(low, domain); a != nil && low != "" {
		return nil, a, ""
	}
	if b := base(local, db.opt.Delimiter); b != local {
		if e := v.aliases.find(strings.ToLower(b), domain); e != nil {
			return e, nil, ""
		}
	}
	if a, folder := db.mailbox(v, local, domain); a != nil {
		return nil, a, folder
	}
	if e := v.aliases.find("", domain); e != nil {
		return e, nil, ""
	}
	if a := v.users.find("", domain); a != nil {
		return nil, a, ""
	}
	// RFC 5321, 4.5.1: mail for postmaster is always taken.
	if low == "postmaster" {
		if e := v.aliases.find("root", domain); e != nil {
			return e, nil, ""
		}
		if a := v.users.find("root", domain); a != nil {
			return nil, a, ""
		}
		for i := range v.users.list {
			if a := v.users.list[i]; !strings.HasPrefix(a.Address, "@") {
				return nil, &a, ""
			}
		}
	}
	return nil, nil, ""
}

// mailbox returns the account that an address names and the folder in it,
// whatever the aliases say.
func (db *DB) mailbox(v view, local, domain string) (*Account, string) {
	if a := v.users.find(strings.ToLower(local), domain); a != nil {
		return a, ""
	}
	if b := base(local, db.opt.Delimiter); b != local {
		if a := v.users.find(strings.ToLower(b), domain); a != nil {
			return a, local[len(b)+len(db.opt.Delimiter):]
		}
	}
	return nil, ""
}

// base returns the user of "user+folder".
func base(local, delimiter string) string {
	if i := strings.Index(local, delimiter); i > 0 {
		return local[:i]
	}
	return local
}

// fold puts the user into lower case and leaves the folder as it was written.
func fold(local, delimiter string) string {
	b := base(local, delimiter)
	return strings.ToLower(b) + local[len(b):]
}

// expand returns the targets of an alias with its included files read.
func (r *resolver) expand(e *alias) ([]target, error) {
	var out []target
	var add func(path string, ts []target, depth int) error
	add = func(path string, ts []target, depth int) error {
		for _, t := range ts {
			if len(out) >= maxTargets {
				return sysexits.Wrap(sysexits.Config, at(path, t.line, t.col, "more than %d targets for %q", maxTargets, e.name))
			}
			switch {
			case depth > 0 && (t.kind == toCommand || t.kind == toFile && t.text != "/dev/null"):
				// Whoever may write a list of addresses is not thereby trusted to run programs.
				return sysexits.Wrap(sysexits.Config, at(path, t.line, t.col, "no commands or files in an included file: put it into %s", r.view.aliases.path))
			case t.kind != toInclude:
				out = append(out, t)
				continue
			case depth >= maxInclude:
				return sysexits.Wrap(sysexits.Config, at(path, t.line, t.col, "files include files more than %d deep", maxInclude))
			}
			b, err := os.ReadFile(t.text)
			if err != nil { // perhaps being written: the mail waits
				return sysexits.Wrap(sysexits.TempFail, at(path, t.line, t.col, "include: %w", err))
			}
			ts, err := parseInclude(t.text, string(b))
			if err != nil {
				return sysexits.Wrap(sysexits.TempFail, err)
			}
			if err := add(t.text, ts, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(r.view.aliases.path, e.targets, 0); err != nil {
		return nil, err
	}
	return out, nil
}

// parseInclude reads an included file: targets, one or more a line.
func parseInclude(path, text string) ([]target, error) {
	var all []target
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		if skip(line) {
			continue
		}
		ts, err := parseTargets(path, logical{strings.TrimRight(line, "\r"), []mark{{0, n}}}, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, ts...)
	}
	return all, nil
}

// Here reports whether the domain of addr is one of ours, whoever may or may
// not have a mailbox there.
func (db *DB) Here(addr string) bool {
	_, _, err := db.parse(addr)
	return !errors.Is(err, ErrNotLocal)
}
