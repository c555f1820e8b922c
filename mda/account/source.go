package account

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"pneu/mta/sysexits"
)

// A source is one file, parsed again when it changes.
type source[T any] struct {
	path  string
	what  string // it holds
	parse func(path, text string) (T, error)

	known  bool
	value  T
	seen   os.FileInfo // of the file last read, whether or not it was sound
	silent bool        // that it cannot be read has been said
}

// get returns what the file says. One that was sound once and is not now keeps
// what it said, so that a slip of an editor does not turn mail away.
func (s *source[T]) get(log *slog.Logger) (T, error) {
	fi, err := os.Stat(s.path)
	if err == nil && s.known && same(fi, s.seen) {
		s.silent = false
		return s.value, nil
	}
	var value T
	if err == nil {
		value, err = s.load()
	}
	switch {
	case err == nil:
		s.known, s.value, s.seen, s.silent = true, value, fi, false
	case s.known:
		if fi != nil {
			s.seen = fi
		}
		if !s.silent {
			log.Warn("file not usable, what it said before stays in force", "file", s.path, "err", fileError(s.what, err))
		}
		s.silent = fi == nil
	default:
		return value, sysexits.Wrap(sysexits.Config, fileError(s.what, err))
	}
	return s.value, nil
}

func (s *source[T]) load() (T, error) {
	b, err := os.ReadFile(s.path)
	if err != nil {
		var none T
		return none, err
	}
	return s.parse(s.path, string(b))
}

func same(a, b os.FileInfo) bool {
	return b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// fileError says what to do about a file that cannot be read.
func fileError(what string, err error) error {
	var pe *fs.PathError
	if !errors.As(err, &pe) {
		return err
	}
	remedy := ""
	switch {
	case errors.Is(err, fs.ErrNotExist) && what == "users":
		remedy = " (postmaster user add writes it)"
	case errors.Is(err, fs.ErrNotExist) && what == "aliases":
		remedy = ` (an empty file will do, or take "aliases" out of the configuration)`
	case errors.Is(err, fs.ErrPermission):
		remedy = " (postmaster check says who should be able to)"
	}
	return fmt.Errorf("read %s: %s: %w%s", what, pe.Path, pe.Err, remedy)
}

// at is an error about a place in a file.
func at(path string, line, col int, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %w", path, line, col, fmt.Errorf(format, args...))
}
