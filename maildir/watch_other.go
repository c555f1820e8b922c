//go:build !linux

package maildir

import (
	"context"
	"errors"
)

func notify(context.Context, []*Folder) (<-chan Event, error) { return nil, errors.ErrUnsupported }
