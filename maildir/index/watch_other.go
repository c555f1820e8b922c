//go:build !linux

package index

import (
	"context"
	"errors"
	"time"

	"pneu/maildir"
)

// A listener is not to be had here: stamps of directories must do.
type listener struct{}

func listen(*maildir.Folder, bool) (*listener, error)         { return nil, errors.ErrUnsupported }
func (l *listener) at(*maildir.Folder) bool                   { return true }
func (l *listener) close()                                    {}
func (l *listener) silent() bool                              { return true }
func (l *listener) leave()                                    {}
func (l *listener) barrier()                                  {}
func (l *listener) drain(touched) (int, bool)                 { return 0, false }
func (l *listener) wait(context.Context, time.Duration) error { return errors.ErrUnsupported }
