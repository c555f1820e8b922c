//go:build !linux && !darwin && !freebsd

package main

import "errors"

func diskOf(string) (disk, error) { return disk{}, errors.ErrUnsupported }
