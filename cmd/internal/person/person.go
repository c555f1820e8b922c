// Package person says who is at the terminal: under which addresses they write, in whose
// Maildir they read, how they sign.
package person

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"pneu/cmd/internal/conf"
	"pneu/maildir/address"
	"pneu/maildir/message"
	"pneu/mda/account"
)

// maxSignature is more than anybody signs with; a longer file is no signature.
const maxSignature = 4096

// Addresses are those of the person, the one to write as first: from, which may be empty,
// $EMAIL, and the login. One without a domain gets the first of the configuration.
func Addresses(from string, f *conf.File) []message.Addr {
	u, err := user.Current()
	login, name := "", ""
	if err == nil {
		login = u.Username
		name, _, _ = strings.Cut(u.Name, ",") // GECOS
	}
	var out []message.Addr
	add := func(s string) {
		for _, a := range address.ParseList(s) {
			if _, domain := address.Split(a.Addr); domain == "" && len(f.Domains) > 0 {
				a.Addr += "@" + f.Domains[0]
			}
			n := message.DecodeWords(a.Name)
			if n == "" && s == login {
				n = name
			}
			for _, o := range out {
				if strings.EqualFold(o.Addr, a.Addr) {
					return
				}
			}
			out = append(out, message.Addr{Name: n, Addr: a.Addr})
		}
	}
	add(from)
	add(os.Getenv("EMAIL"))
	add(login)
	return out
}

// Accounts opens the files of accounts; nil where a person may not read them, or there
// are none.
func Accounts(f *conf.File) *account.DB {
	if f.Path == "" {
		return nil
	}
	db, err := account.Open(account.Options{Users: f.Users, Mail: f.Mail, Domains: f.Domains, Hostname: f.Hostname})
	if err != nil {
		return nil
	}
	return db
}

// Owner is the address of the account whose mail lies in root; "" if there is none.
func Owner(db *account.DB, root string) string {
	if db == nil {
		return ""
	}
	all, err := db.List()
	if err != nil {
		return ""
	}
	for _, a := range all {
		if filepath.Clean(a.Maildir) == filepath.Clean(root) {
			return a.Address
		}
	}
	return ""
}

// Signature is the content of ~/.signature, without the line that sets it off.
func Signature() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	b, err := os.ReadFile(filepath.Join(home, ".signature"))
	if err != nil || len(b) > maxSignature {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(string(b), "-- \n"))
}
