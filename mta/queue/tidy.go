package queue

import (
	"errors"
	"time"
)

// Tidy removes histories without a message: what a power cut may leave of a
// finished one. It does so once in a period, whoever asks: the folder's own
// time tells when that was.
func (s *Spool) Tidy(period time.Duration) error {
	top := s.opt.Dir + "/" + inLog
	if st, err := s.fs.Stat(top); err == nil && period > 0 && time.Since(st.ModTime) < period {
		return nil
	}
	if err := s.fs.SetTime(top, time.Now()); err != nil && !missing(err) {
		return &stepError{"tidy spool", err}
	}
	dirs, err := s.fs.Names(top)
	if missing(err) {
		return nil
	}
	if err != nil {
		return &stepError{"tidy spool", err}
	}
	var errs []error
	for _, dir := range dirs {
		names, err := s.fs.Names(top + "/" + dir)
		if err != nil {
			continue // a stranger's file
		}
		for _, id := range names {
			st, err := s.fs.Stat(top + "/" + dir + "/" + id)
			if err != nil || !ValidID(id) || time.Since(st.ModTime) < abandoned || s.exists(id) {
				continue
			}
			if err := s.fs.Remove(top + "/" + dir + "/" + id); err != nil && !missing(err) {
				errs = append(errs, &stepError{"tidy spool", err})
			}
		}
	}
	return errors.Join(errs...)
}

// exists reports whether the message is anywhere. In doubt it is.
func (s *Spool) exists(id string) bool {
	for _, place := range []string{inQueue, inHold, inBad, inDrop} {
		if _, err := s.fs.Stat(s.path(place, id)); !missing(err) {
			return true
		}
	}
	return false
}
