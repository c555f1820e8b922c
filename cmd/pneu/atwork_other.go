//go:build !linux

package main

import (
	"errors"
	"io"
)

// atWork would have it known that somebody is at a batch.
func atWork(string) (io.Closer, error) { return nil, errors.ErrUnsupported }

// isAtWork would report whether somebody is.
func isAtWork(string) bool { return false }
