// Package account knows who has a mailbox here, where it lies, and how its
// owner proves who they are.
//
// Names come from up to three places, asked in this order for each address:
// the aliases file (aliases(5)), the users file, and, when there is no users
// file, the system's passwd file, whose users own ~/Maildir. Files are read
// again when they change; one that became unreadable leaves what was known in
// force and says so in the log.
//
// Case never matters: neither in domains, where RFC 5321, 2.4 says so, nor in
// local parts, where it leaves the choice to us.
package account

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"unicode"

	"pneu/maildir/address"
)

// Errors a caller looks for with errors.Is.
var (
	// ErrNoUser says that nobody here has that address.
	ErrNoUser = errors.New("no such user")
	// ErrNotLocal says that the domain is none of ours.
	ErrNotLocal = errors.New("not a domain of ours")
	// ErrLoop says that aliases point at one another in a circle.
	ErrLoop = errors.New("aliases point at one another")
)

// Options say where accounts are found.
type Options struct {
	// Users is the file of accounts; empty: the system's users.
	Users string
	// Aliases is the file of aliases; empty: none.
	Aliases string
	// Mail is the template of a Maildir's path where the users file gives
	// none: %u user, %d domain, %h home folder. Default: %h/Maildir.
	Mail string
	// Domains are ours; the first completes names without a domain.
	Domains []string
	// Hostname is this machine's; mail for it is mail for the first domain.
	Hostname string
	// Delimiter parts a user from a folder in an address. Default: +.
	Delimiter string
	// FirstUID is the lowest user number of a person; below it only root has
	// a mailbox. Default: 1000.
	FirstUID int
	// Passwd is the system's file of users. Default: /etc/passwd.
	Passwd string
	// Log hears of files that became unreadable. Default: nobody.
	Log *slog.Logger
}

// An Account is one mailbox and its owner.
type Account struct {
	// Address is the full address; "@domain" takes what nobody else does.
	Address string
	// Login is the name to log in with: the address, or a system user's name.
	Login string
	// Maildir is where the mail lies.
	Maildir string
	// Home is the home folder of a system user, which must exist; else empty.
	Home string
	// Credentials are as in the users file; empty: cannot log in.
	Credentials string
	// UID and GID own the Maildir; -1: whoever owns the folder, or runs us.
	UID, GID int
	// Quota is the most bytes to hold; 0: no limit.
	Quota int64
}

// A Target is where mail for an address goes. Any of its parts may be empty,
// but not all.
type Target struct {
	// Address is the address as it was understood, complete and in lower case.
	Address string
	// Account is the mailbox, Folder the folder that a subaddress names.
	Account *Account
	Folder  string
	// Forward lists addresses to send a copy to.
	Forward []string
	// Commands are run with the message on standard input.
	Commands []string
	// Files are appended to.
	Files []string
	// Owner is the sender of what is forwarded, where owner-NAME exists.
	Owner string
	// Via lists the aliases that led here, the first asked for first.
	Via []string
}

// A DB answers for the files named in its options. It may be used by many
// goroutines.
type DB struct {
	opt Options

	mu      sync.Mutex
	users   source[*users]
	aliases source[*aliases]
	passwd  source[*users]
}

// A view is what the files said at one moment.
type view struct {
	users   *users
	aliases *aliases
}

// Open reads the files. A file that is missing or wrong is an error that names
// the place and the remedy, with exit code 78.
func Open(o Options) (*DB, error) {
	if o.Mail == "" {
		o.Mail = "%h/Maildir"
	}
	if o.Delimiter == "" {
		o.Delimiter = "+"
	}
	if o.FirstUID == 0 {
		o.FirstUID = 1000
	}
	if o.Passwd == "" {
		o.Passwd = "/etc/passwd"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.Domains) == 0 && o.Hostname != "" {
		o.Domains = []string{o.Hostname}
	}
	domains := make([]string, len(o.Domains))
	for i, d := range o.Domains {
		domains[i] = strings.ToLower(d)
	}
	o.Domains = domains
	db := &DB{opt: o}
	db.users = source[*users]{path: o.Users, what: "users", parse: db.parseUsers}
	db.aliases = source[*aliases]{path: o.Aliases, what: "aliases", parse: parseAliases}
	db.passwd = source[*users]{path: o.Passwd, what: "system's users", parse: db.parsePasswd}
	if _, err := db.read(); err != nil {
		return nil, err
	}
	return db, nil
}

// read returns what the files say now.
func (db *DB) read() (view, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	v := view{users: &users{}, aliases: &aliases{}}
	var err error
	if db.opt.Users != "" {
		v.users, err = db.users.get(db.opt.Log)
	} else {
		v.users, err = db.passwd.get(db.opt.Log)
	}
	if err == nil && db.opt.Aliases != "" {
		v.aliases, err = db.aliases.get(db.opt.Log)
	}
	return v, err
}

// Local reports whether mail for domain stays here: one of the domains, the
// host's own name, or none at all.
func (db *DB) Local(domain string) bool {
	return db.ours(strings.ToLower(strings.TrimSuffix(domain, "."))) != ""
}

// ours returns the domain under which the accounts of a domain are kept, ""
// if it is not ours. domain is in lower case.
func (db *DB) ours(domain string) string {
	first := ""
	if len(db.opt.Domains) > 0 {
		first = db.opt.Domains[0]
	}
	for _, d := range db.opt.Domains {
		if d == domain {
			return d
		}
	}
	if domain == "" || domain == "localhost" || strings.EqualFold(domain, db.opt.Hostname) {
		return first
	}
	return ""
}

// parse completes an address and parts it: the quotes of the local part taken
// off, the domain in lower case and ours, the first one where it has none.
func (db *DB) parse(addr string) (local, domain string, err error) {
	local, domain = address.Split(addr)
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if n := len(local); n >= 2 && local[0] == '"' && local[n-1] == '"' {
		local = unquote(local[1 : n-1])
	}
	ours := db.ours(domain)
	switch {
	case ours == "":
		return local, domain, ErrNotLocal
	case local == "" || strings.ContainsFunc(local, unicode.IsControl):
		return local, domain, ErrNoUser
	}
	return local, ours, nil
}

// unquote takes the backslashes out of a quoted local part.
func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
