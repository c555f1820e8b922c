package index

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pneu/maildir"
)

// Keywords have up to 26 letters in the names of a folder; which letter stands
// for which keyword is in dovecot-keywords, ours and Dovecot's alike, so that
// keywords survive the loss of the index and are the same in both. It is changed
// only under dovecot-uidlist.lock, and only by giving a free letter a meaning: a
// letter once given stands in names.
//
// Keywords beyond 26, and those of a folder where that file cannot be written,
// are in the journal alone. $Forwarded is the flag P as well, whatever letter it
// has.

const (
	keywordFile = "dovecot-keywords"
	letterCount = 26
	forwarded   = "$Forwarded"
)

// keywordLetters is the meaning of a to z in a folder; empty for none.
type keywordLetters [letterCount]string

// parseKeywordLetters reads dovecot-keywords: a number and a keyword a line. A
// letter or keyword that occurs twice means what it meant first.
func parseKeywordLetters(b []byte) (l keywordLetters) {
	for line := range bytes.Lines(b) {
		line = bytes.TrimRight(line, "\r\n")
		number, word, ok := strings.Cut(string(line), " ")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 || n >= letterCount || word == "" || l[n] != "" || l.letter(word) != 0 {
			continue
		}
		l[n] = word
	}
	return l
}

func (l *keywordLetters) bytes() []byte {
	var b []byte
	for i, word := range l {
		if word != "" {
			b = fmt.Appendf(b, "%d %s\n", i, word)
		}
	}
	return b
}

// letter returns the letter of a keyword, 0 if it has none. Keywords are equal
// without regard to case (RFC 9051, 2.3.2).
func (l *keywordLetters) letter(word string) byte {
	for i, w := range l {
		if w != "" && strings.EqualFold(w, word) {
			return 'a' + byte(i)
		}
	}
	return 0
}

// keyword returns what a letter means, "" if that is not known.
func (l *keywordLetters) keyword(letter byte) string {
	if letter < 'a' || letter > 'z' {
		return ""
	}
	return l[letter-'a']
}

// fileMark tells one version of a small file from another.
type fileMark struct {
	time, size int64
	inode      uint64
}

func markOf(st fs.FileInfo) fileMark {
	m := fileMark{st.ModTime().UnixNano(), st.Size(), 0}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		m.inode = uint64(sys.Ino)
	}
	return m
}

// maxKeywordFile bounds what is read of dovecot-keywords.
const maxKeywordFile = 64 << 10

// loadKeywordLetters reads the file of a folder, if it changed since was.
func loadKeywordLetters(dir string, was fileMark) (l keywordLetters, mark fileMark, changed bool, err error) {
	path := filepath.Join(dir, keywordFile)
	st, err := os.Lstat(path)
	if err != nil || !st.Mode().IsRegular() {
		return l, fileMark{}, was != fileMark{}, nil
	}
	if mark = markOf(st); mark == was {
		return l, mark, false, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return l, was, false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeywordFile))
	if err != nil {
		return l, was, false, err
	}
	return parseKeywordLetters(b), mark, true, nil
}

// keywordWait is how long a change of dovecot-keywords waits for Dovecot.
const keywordWait = 500 * time.Millisecond

// giveLetters gives the words letters, as far as there are any left, and returns
// the map that then holds. Letters of taken stand in names and mean something to
// someone. If Dovecot does not let go of its lock, or the folder may not be
// written, the words stay without.
func giveLetters(f *maildir.Folder, words []string, taken uint32) (keywordLetters, error) {
	l, _, _, err := loadKeywordLetters(f.Path(), fileMark{})
	if err != nil || l.missing(words) == "" {
		return l, err
	}
	unlock, err := f.LockDovecot(keywordWait)
	if err != nil {
		return l, err
	}
	defer unlock()
	// What others added until the lock was ours.
	if l, _, _, err = loadKeywordLetters(f.Path(), fileMark{}); err != nil {
		return l, err
	}
	given := l
	for i := range given {
		word := given.missing(words)
		if word == "" {
			break
		}
		if given[i] == "" && taken>>i&1 == 0 {
			given[i] = word
		}
	}
	if given == l {
		return l, nil
	}
	if err := replaceFile(filepath.Join(f.Path(), keywordFile), given.bytes()); err != nil {
		return l, err
	}
	return given, nil
}

// missing returns the first of words that has no letter.
func (l *keywordLetters) missing(words []string) string {
	for _, w := range words {
		if l.letter(w) == 0 {
			return w
		}
	}
	return ""
}

// replaceFile writes a small file of Dovecot's as Dovecot does: into a file named
// .lock that must not exist yet, of the old one's mode, renamed over it. Its time
// grows by a second at least: by that a running Dovecot knows that it has to read
// it again before it gives letters itself.
func replaceFile(path string, content []byte) error {
	mode, was := fs.FileMode(0o600), time.Time{}
	if st, err := os.Stat(path); err == nil {
		mode, was = st.Mode().Perm(), st.ModTime()
	}
	temp := path + ".lock"
	if st, err := os.Lstat(temp); err == nil && time.Since(st.ModTime()) > time.Minute {
		os.Remove(temp) // of a process that died: whoever holds the list's lock works fast
	}
	w, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	adopt(diskFile{w}, filepath.Dir(path))
	w.Chmod(mode) // whatever the umask
	_, err = w.Write(content)
	if st, serr := w.Stat(); err == nil && serr == nil && st.ModTime().Unix() <= was.Unix() {
		next := time.Unix(was.Unix()+1, 0)
		err = os.Chtimes(temp, next, next)
	}
	if err == nil {
		err = w.Sync()
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}

// checkKeyword refuses what is no atom (RFC 9051, 9, flag-keyword): it could not
// be written in any file or shown to any client.
func checkKeyword(word string) error {
	bad := word == "" || len(word) > 250
	for i := 0; i < len(word) && !bad; i++ {
		c := word[i]
		bad = c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0
	}
	if bad {
		return fmt.Errorf("keyword %q: %w", word, maildir.ErrName)
	}
	return nil
}
