package account

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"pneu/mta/sasl"
	"pneu/mta/sysexits"
)

// Errors of edits.
var (
	ErrTaken = errors.New("account exists already")
	ErrEntry = errors.New("bad entry")
)

// Add puts an account into the users file, which it makes if there is none.
// Its Maildir may be empty: then the template says where it lies.
func (db *DB) Add(a Account) (Account, error) {
	id := func(n int) string {
		if n < 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	quota := ""
	if a.Quota > 0 {
		quota = strconv.FormatInt(a.Quota, 10)
	}
	fields := []string{a.Address, a.Credentials, id(a.UID), id(a.GID), a.Maildir, quota, ""}
	for _, f := range fields {
		if strings.ContainsAny(f, ":\r\n\x00") {
			return a, sysexits.Wrap(sysexits.Data, fmt.Errorf("%w: %q: neither colons nor line ends can stand in the users file", ErrEntry, f))
		}
	}
	line := strings.Join(fields, ":")
	entry, err := db.parseUser(db.opt.Users, line, 1)
	if err != nil {
		return a, sysexits.Wrap(sysexits.Data, fmt.Errorf("%w: %w", ErrEntry, errors.Unwrap(err)))
	}
	fields[fieldAddress] = entry.Address
	return entry, db.edit(func(lines []string, find func(string) int) ([]string, error) {
		if find(entry.Address) >= 0 {
			return nil, sysexits.Wrap(sysexits.CantCreate, fmt.Errorf("%s: %w (postmaster user passwd changes its password)", entry.Address, ErrTaken))
		}
		return append(lines, strings.Join(fields, ":")), nil
	})
}

// SetPassword gives an account a new password. Its app passwords and other
// credentials stay.
func (db *DB) SetPassword(addr, password string) error {
	return db.change(addr, func(lines []string, i int) ([]string, error) {
		f := strings.Split(lines[i], ":")
		for len(f) < 2 {
			f = append(f, "")
		}
		creds := []string{sasl.Hash(password)}
		for _, word := range strings.Fields(f[1]) {
			if !strings.HasPrefix(word, "{SCRAM-SHA-256}") {
				creds = append(creds, word)
			}
		}
		f[1] = strings.Join(creds, " ")
		lines[i] = strings.Join(f, ":")
		return lines, nil
	})
}

// Remove takes an account out of the users file. Its mail stays where it is.
func (db *DB) Remove(addr string) error {
	return db.change(addr, func(lines []string, i int) ([]string, error) {
		return append(lines[:i], lines[i+1:]...), nil
	})
}

func (db *DB) change(addr string, do func(lines []string, i int) ([]string, error)) error {
	full, err := db.complete(addr)
	if err != nil {
		return sysexits.Wrap(sysexits.NoUser, fmt.Errorf("%s: %w", addr, ErrNoUser))
	}
	return db.edit(func(lines []string, find func(string) int) ([]string, error) {
		i := find(full)
		if i < 0 {
			return nil, sysexits.Wrap(sysexits.NoUser, fmt.Errorf("%s: %w (postmaster user list shows who there is)", full, ErrNoUser))
		}
		return do(lines, i)
	})
}

// edit rewrites the users file: whole or not at all, comments kept, one editor
// at a time, owner and mode as they were.
func (db *DB) edit(do func(lines []string, find func(addr string) int) ([]string, error)) error {
	path := db.opt.Users
	if path == "" {
		return sysexits.New(sysexits.Config, `no users file: set "users" in the configuration; until then the system's users own ~/Maildir`)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	lock, err := lockFile(path)
	if err != nil {
		return sysexits.Wrap(sysexits.CantCreate, fmt.Errorf("lock users: %w", err))
	}
	defer lock.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		return sysexits.Wrap(sysexits.IO, fileError("users", err))
	}
	if _, err := db.parseUsers(path, string(b)); err != nil {
		return sysexits.Wrap(sysexits.Config, err) // nothing is built on a file that is wrong
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(b) == 0 {
		lines = nil
	}
	find := func(addr string) int {
		for i, l := range lines {
			name, _, _ := strings.Cut(l, ":")
			if full, err := db.complete(strings.TrimSpace(name)); err == nil && full == addr && !skip(l) {
				return i
			}
		}
		return -1
	}
	lines, err = do(lines, find)
	if err != nil {
		return err
	}
	text := strings.Join(lines, "\n")
	if text != "" {
		text += "\n"
	}
	return sysexits.Wrap(sysexits.CantCreate, replace(path, lock, text))
}

// lockFile opens path, made if missing, with an exclusive lock that ends with
// Close. Editors replace the file, so it is asked again whether this is still it.
func lockFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			f.Close()
			return nil, err
		}
		mine, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			return f, nil
		}
		f.Close()
		if err2 != nil && !errors.Is(err2, fs.ErrNotExist) {
			return nil, err2
		}
	}
}

// replace writes text as the new content of path.
func replace(path string, old *os.File, text string) (err error) {
	fi, err := old.Stat()
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".users-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err := tmp.Chmod(fi.Mode().Perm()); err != nil {
		return err
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && (int(st.Uid) != os.Geteuid() || int(st.Gid) != os.Getegid()) {
		if err := tmp.Chown(int(st.Uid), int(st.Gid)); err != nil {
			return err // else those who read it now could no longer
		}
	}
	if _, err := tmp.WriteString(text); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
