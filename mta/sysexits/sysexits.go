// Package sysexits says how a program that touches mail exits: the codes of
// sysexits(3), and an error that carries one.
//
// The question every mail error answers is whether to try again. An error of
// unknown kind means yes: its code is [TempFail] and the mail is kept.
package sysexits

import "errors"

// The exit codes of sysexits(3) that pneu's programs use.
const (
	OK          = 0
	Usage       = 64 // the command line is wrong
	Data        = 65 // the input is wrong
	NoInput     = 66 // an input file is missing or unreadable
	NoUser      = 67 // the addressee is unknown
	NoHost      = 68 // the host is unknown
	Unavailable = 69 // a service refuses for good
	Software    = 70 // a bug of ours
	OS          = 71 // the system refuses: fork, pipe
	OSFile      = 72 // a system file is missing or wrong
	CantCreate  = 73 // an output file cannot be created
	IO          = 74 // reading or writing failed
	TempFail    = 75 // try again later
	Protocol    = 76 // the peer does not keep to the protocol
	NoPerm      = 77 // not permitted
	Config      = 78 // the configuration is wrong
)

// An Error says how the process that met it should exit.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Wrap gives err an exit code; a nil err stays nil.
func Wrap(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{code, err}
}

// New returns an error with an exit code and a text.
func New(code int, text string) error { return &Error{code, errors.New(text)} }

// Code returns the exit code for err: OK for nil, that of the first Error in
// its chain, else TempFail.
func Code(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	} else if err != nil {
		return TempFail
	}
	return OK
}
