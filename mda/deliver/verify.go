package deliver

import (
	"fmt"
	"sort"

	"pneu/mda/account"
)

// Verify says where mail for addr would go, a line for each end: the path of a
// Maildir, "|command", a file, or an address elsewhere. Addresses of ours are
// followed to theirs.
func (a *Agent) Verify(addr string) ([]string, error) {
	v := verifier{db: a.db, seen: map[string]bool{}, ends: map[string]bool{}}
	if err := v.visit(addr); err != nil {
		return nil, explain(err)
	}
	var ends []string
	for e := range v.ends {
		ends = append(ends, e)
	}
	sort.Strings(ends)
	return ends, nil
}

type verifier struct {
	db   *account.DB
	seen map[string]bool
	ends map[string]bool
}

func (v *verifier) visit(addr string) error {
	t, err := v.db.Resolve(addr)
	if err != nil {
		return err
	}
	if v.seen[t.Address] {
		return nil
	}
	v.seen[t.Address] = true
	if t.Account != nil {
		where := "maildir " + t.Account.Maildir
		if t.Folder != "" {
			where += " folder " + t.Folder
		}
		v.ends[where] = true
	}
	for _, c := range t.Commands {
		v.ends["command |"+c] = true
	}
	for _, f := range t.Files {
		v.ends["file "+f] = true
	}
	for _, f := range t.Forward {
		if !v.db.Here(f) {
			v.ends["address "+f] = true
		} else if err := v.visit(f); err != nil {
			return fmt.Errorf("by way of %s: %w", t.Address, err)
		}
	}
	return nil
}
