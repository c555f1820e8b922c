package maildir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Subscriptions are kept where Dovecot keeps them, in the file subscriptions of
// the tree's root: in version 2 ("V\t2", then a folder a line, its parts escaped
// and parted by tabs) unless a file of version 1 is there, whose lines are names
// with the layout's separator. Names are in modified UTF-7 in both.

const (
	subscriptionFile    = "subscriptions"
	courierSubscribed   = "courierimapsubscribed"
	subscriptionHeader  = "V\t2"
	maxSubscriptionFile = 16 << 20
	subscriptionWait    = 3 * time.Second
)

// Subscriptions returns the names of the folders subscribed to, in the order of
// the file; some may not exist. Without a file of Dovecot's the one of Courier
// counts, until the first change.
func (s *Store) Subscriptions() ([]string, error) {
	names, _, err := s.readSubscriptions()
	return names, err
}

// Subscribe adds a folder to the subscriptions, or removes it.
func (s *Store) Subscribe(name string, on bool) error {
	if err := s.subscribe(name, on); err != nil {
		return fmt.Errorf("subscribe to %q: %w", name, err)
	}
	return nil
}

func (s *Store) subscribe(name string, on bool) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	path := s.root + "/" + subscriptionFile
	mode := fs.FileMode(0o600)
	if st, err := os.Stat(path); err == nil {
		mode = st.Mode().Perm()
	}
	// Dovecot's own way: what is renamed over the file in the end is the lock.
	lock := path + ".lock"
	if !takeDotlock(lock, mode, subscriptionWait) {
		if _, err := os.Lstat(lock); err == nil {
			return ErrServed
		}
		return fs.ErrPermission
	}
	done := false
	defer func() {
		if !done {
			os.Remove(lock)
		}
	}()
	names, v2, err := s.readSubscriptions()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil && slices.Contains(names, name) == on {
		return nil
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == name })
	if on {
		names = append(names, name)
	}
	w, err := os.OpenFile(lock, os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = w.Write(s.subscriptionText(names, v2))
	if err := errors.Join(err, w.Sync(), w.Close()); err != nil {
		return err
	}
	if err := os.Rename(lock, path); err != nil {
		return err
	}
	done = true
	return nil
}

// readSubscriptions also says whether a new file is to be of version 2.
func (s *Store) readSubscriptions() (names []string, v2 bool, err error) {
	text, err := readSmall(s.root+"/"+subscriptionFile, maxSubscriptionFile)
	courier := false
	if errors.Is(err, fs.ErrNotExist) {
		courier = true
		text, err = readSmall(s.root+"/"+courierSubscribed, maxSubscriptionFile)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("subscriptions: %w", err)
	}
	names, v2 = s.parseSubscriptions(text, courier)
	return names, v2 || courier, nil
}

func (s *Store) parseSubscriptions(text []byte, courier bool) (names []string, v2 bool) {
	lines := strings.Split(string(text), "\n")
	if !courier && lines[0] == subscriptionHeader {
		v2 = true
		lines = lines[1:]
	}
	seen := map[string]bool{}
	for _, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		var parts []string
		switch {
		case line == "":
			continue
		case v2:
			for p := range strings.SplitSeq(line, "\t") {
				parts = append(parts, tabUnescape.Replace(p))
			}
		case courier || s.Layout() == Plus:
			parts = strings.Split(line, ".")
		default:
			parts = strings.Split(line, "/")
		}
		if courier && len(parts) > 1 && parts[0] == inbox {
			parts = parts[1:] // Courier has all folders below INBOX
		}
		for i, p := range parts {
			if text, ok := decodeUTF7(p); ok {
				parts[i] = text
			}
		}
		name, err := cleanName(strings.Join(parts, "/"))
		if err != nil || seen[name] {
			continue
		}
		seen[name] = true
		names = append(names, name)
	}
	return names, v2
}

func (s *Store) subscriptionText(names []string, v2 bool) []byte {
	var b bytes.Buffer
	separator, escape := "\t", tabEscape
	switch {
	case v2:
		b.WriteString(subscriptionHeader + "\n\n")
	case s.Layout() == Plus:
		separator, escape = ".", strings.NewReplacer()
	default:
		separator, escape = "/", strings.NewReplacer()
	}
	for _, name := range names {
		parts := strings.Split(name, "/")
		for i, p := range parts {
			parts[i] = escape.Replace(encodeUTF7(p))
		}
		b.WriteString(strings.Join(parts, separator) + "\n")
	}
	return b.Bytes()
}

// Dovecot's escapes: 001 and a letter.
var (
	tabEscape   = strings.NewReplacer("\x01", "\x011", "\t", "\x01t", "\r", "\x01r", "\n", "\x01n", "\x00", "\x010")
	tabUnescape = strings.NewReplacer("\x011", "\x01", "\x01t", "\t", "\x01r", "\r", "\x01n", "\n", "\x010", "\x00")
)

// readSmall reads a plain file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s: not a plain file", path), err)
	}
	return io.ReadAll(io.LimitReader(f, limit))
}
