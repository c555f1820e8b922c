package account

import (
	"context"

	"pneu/mta/sasl"
)

type source[T any] struct{}
type users struct{}
type aliases struct{}

func (db *DB) read() (any, error)                                    { panic("not yet") }
func (db *DB) Exists(ctx context.Context, addr string) (bool, error) { panic("not yet") }
func (db *DB) Resolve(addr string) (*Target, error)                  { panic("not yet") }
func (db *DB) Account(name string) (*Account, error)                 { panic("not yet") }
func (db *DB) Lookup(user string) (sasl.Credentials, error)          { panic("not yet") }
func (db *DB) List() ([]Account, error)                              { panic("not yet") }
