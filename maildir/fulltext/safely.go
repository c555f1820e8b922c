package fulltext

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// safely runs f, which reads mapped files. What the checks above it missed, and
// a file cut short by someone else (SIGBUS), is an error.
func safely(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if r := recover(); r != nil {
			if _, ok := r.(runtime.Error); !ok {
				panic(r)
			}
			err = fmt.Errorf("%w: %v", errDamaged, r)
		}
	}()
	return f()
}
