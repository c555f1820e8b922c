package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An interruption is what a signal asks of a verb: to end between two messages, or while it
// waits for input. Nothing else would end a read: signals cancel a context here, and the
// kernel takes the read up again.
type interruption struct {
	asked      atomic.Bool
	signals    chan os.Signal
	mu         sync.Mutex
	wake, bell *os.File // a pipe that is closed to wake up who waits
}

// lastPatience is how long a second signal is taken for the first: timeout(1) sends two.
const lastPatience = time.Second

// heed has the end of ctx looked at until stop is called. Then signals do again what they do
// to any program, so that a second ends one that is stuck.
func (i *interruption) heed(ctx context.Context) (stop func()) {
	i.signals = make(chan os.Signal, 1)
	signal.Notify(i.signals, os.Interrupt, syscall.SIGTERM)
	quit := context.AfterFunc(ctx, func() {
		i.asked.Store(true)
		i.mu.Lock()
		if i.bell != nil {
			i.bell.Close()
		}
		i.mu.Unlock()
		time.Sleep(lastPatience)
		signal.Reset(os.Interrupt, syscall.SIGTERM)
	})
	return func() { quit() }
}

// code is what a shell says of a program that the signal has ended.
func (i *interruption) code() int {
	signal.Stop(i.signals) // whoever was told first, all have been told then
	select {
	case s := <-i.signals:
		return 128 + int(s.(syscall.Signal))
	default:
		return 128 + int(syscall.SIGINT)
	}
}

// dieOf ends the program by the signal that such a code is for, and not with the code: a shell
// that runs a loop goes on with it if the program that ^C ended only exits.
func dieOf(code int) {
	s := syscall.Signal(code - 128)
	signal.Reset(s)
	if syscall.Kill(os.Getpid(), s) == nil {
		time.Sleep(time.Second) // it may be ignored, as under nohup
	}
}

// waited returns what wakes up a read.
func (i *interruption) waited() (*os.File, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.wake == nil {
		var err error
		if i.wake, i.bell, err = os.Pipe(); err != nil {
			return nil, err
		}
		if i.asked.Load() {
			i.bell.Close()
		}
	}
	return i.wake, nil
}

// interrupted returns the error that ends the verb, if that was asked for.
func (t *tool) interrupted() error {
	if t.interruption.asked.Load() {
		return t.context().Err()
	}
	return nil
}

// cutShort reports whether an error is that of the interruption.
func (t *tool) cutShort(err error) bool {
	return errors.Is(err, context.Canceled) && t.context().Err() != nil
}

// await returns when a read of f would return at once, or with an error when the verb is to end.
func (t *tool) await(f *os.File) error {
	if t.context().Done() == nil || ready(f) {
		return t.interrupted()
	}
	wake, err := t.interruption.waited()
	if err != nil {
		return nil // then it cannot be interrupted
	}
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}, {Fd: int32(wake.Fd()), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
		case fds[1].Revents != 0:
			<-t.context().Done()
			return t.context().Err()
		default:
			return nil
		}
	}
}

// An interruptible is a file that is read until the verb is to end. What was printed is handed
// on before more is waited for.
type interruptible struct {
	t *tool
	f *os.File
}

func (i interruptible) Read(b []byte) (int, error) {
	if !ready(i.f) {
		if err := i.t.out.Flush(); err != nil {
			return 0, err
		}
	}
	if err := i.t.await(i.f); err != nil {
		return 0, err
	}
	return i.f.Read(b)
}

// reading returns r as one that a signal interrupts.
func (t *tool) reading(r io.Reader) io.Reader {
	if f, ok := r.(*os.File); ok {
		return interruptible{t, f}
	}
	return r
}
